"""Decides which routes there are: one module a theme, each with a table of its own."""

from __future__ import annotations

from collections.abc import Sequence

from web_ui.routes import about, events, files, nodes, queue, results, runs, workflows
from web_ui.routing import Route

ROUTES: Sequence[Route] = [
    route for module in (about, nodes, workflows, runs, queue, events, results, files) for route in module.routes.table
]
