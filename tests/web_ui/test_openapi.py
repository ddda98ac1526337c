"""The description is held against the server by schemathesis: no request that it allows is answered otherwise than it says."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from tests.web_ui.serving import Served
from web_ui.openapi import PARAMETER
from web_ui.routes import ROUTES

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
PLAIN = [(route.method, PARAMETER.sub(r"{\1}", route.path)) for route in ROUTES if not route.stream]


@pytest.fixture(scope="module")
def described(server: Served) -> Any:
    return schemathesis.openapi.from_url(f"{server.url}api/openapi.json")


@pytest.mark.parametrize(("method", "path"), PLAIN)
def test_the_server_does_what_its_description_says(described: Any, method: str, path: str) -> None:
    operation = described[path][method]

    @given(case=operation.as_strategy())
    @settings(max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def holds(case: schemathesis.Case) -> None:
        if "wait" in case.query:
            case.query["wait"] = 0
        case.call_and_validate(checks=CHECKS, timeout=30)

    holds()
