"""Workflows to keep, and how hypothesis looks for counterexamples here."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "store",
    deadline=None,  # no clock decides about a test
    max_examples=60,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("store")
