"""Decides what a server can be told when it starts, and where in its state folder everything lies."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from graph_engine.folders import Folders
from web_ui import templates

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8288
MAX_BODY_BYTES = 64 * 2**20
MAX_CONNECTIONS = 1024
MAX_REQUESTS = 256
MAX_STREAMS = 512
KEPT_JOBS, KEPT_THUMBNAILS = 10_000, 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``token``: what a caller must show; None: nothing. ``devices``: where to compute; empty: found out.

    ``warm_up``: whether workers import what nodes need before the first job.
    ``keep_jobs``: how many ended jobs are remembered; ``keep_thumbnails``: how many small pictures, of some 10 kB each.
    ``webhook_origins``: the origins that may be told of a job's end; ``hosts``: further names under which the server is reached.
    """

    state: Path
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    token: str | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    models: Sequence[Path] = ()
    packs: Sequence[Path] = ()
    devices: Sequence[str] = ()
    dtype: str = "auto"
    hosts: frozenset[str] = field(default_factory=frozenset)
    webhook_origins: frozenset[str] = field(default_factory=frozenset)
    warm_up: bool = True
    keep_jobs: int = KEPT_JOBS
    keep_thumbnails: int = KEPT_THUMBNAILS

    @property
    def scheme(self) -> str:
        return "https" if self.tls_certificate is not None else "http"

    @property
    def jobs(self) -> Path:
        return self.state / "jobs.sqlite"

    @property
    def results(self) -> Path:
        return self.state / "results.sqlite"

    @property
    def workflows(self) -> Path:
        return self.state / "workflows"

    @property
    def revisions(self) -> Path:
        return self.state / "revisions"

    @property
    def outputs(self) -> Path:
        return self.state / "outputs"

    @property
    def inputs(self) -> Path:
        return self.state / "inputs"

    @property
    def thumbnails(self) -> Path:
        return self.state / "thumbnails"

    @property
    def cache(self) -> Path:
        return self.state / "cache"

    @property
    def folders(self) -> Folders:
        """What runs may read: models, uploads, and the pictures of the examples."""
        return Folders(models=tuple(self.models), inputs=(self.inputs, templates.inputs()))


def new_token() -> str:
    return secrets.token_urlsafe(24)


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine can reach a server that listens on ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
