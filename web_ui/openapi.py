"""Decides how the API is described: OpenAPI 3.1 from the table of routes and the models that the handlers use, and a page of it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from web_ui import schema
from web_ui.problems import MEDIA_TYPE
from web_ui.routing import JSON, NoBody, NoQuery, Route

REASONS = {
    400: "The request cannot be read.",
    401: "A token is needed.",
    403: "The request comes from another site.",
    404: "There is no such thing.",
    408: "The body came too slowly.",
    409: "Not possible as it stands.",
    410: "Events after that cursor are no longer kept.",
    412: "Something else was stored meanwhile.",
    413: "Too large.",
    415: "Another content type is needed.",
    421: "The server is not known by that name.",
    422: "It does not fit, or the workflow has problems.",
    428: "If-Match or If-None-Match is needed.",
    429: "Too many jobs wait.",
    503: "Not ready, or too busy.",
    507: "It could not be stored.",
}
ALWAYS = (400, 421, 403, 422, 503)
DEFINITIONS = "#/components/schemas/{model}"
PARAMETER = re.compile(r"\{(\w+)(?::[^}]*)?\}")


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """The description of all routes."""
    models = _models(routes)
    references, definitions = models_json_schema([(model, "validation") for model in models], ref_template=DEFINITIONS)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = PARAMETER.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(
            route, {model: references[model, "validation"] for model in models}
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Latent Loom",
            "version": version,
            "description": "Run workflows, watch them, keep what they make. Errors are problem details (RFC 9457).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "loom_session"},
            },
        },
        "security": [{"token": []}, {"session": []}, {}],
    }


def _models(routes: Iterable[Route]) -> list[type[BaseModel]]:
    found: dict[type[BaseModel], None] = {schema.ProblemDetails: None}
    for route in routes:
        for model in (route.body, route.reply, None if route.query is NoQuery else route.query):
            if model is not None and model is not NoBody:
                found[model] = None
    return list(found)


def _operation(route: Route, references: dict[type[BaseModel], Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "Done."}
    if route.reply is not None:
        answer["content"] = {JSON: {"schema": references[route.reply]}}
    elif route.status != 204:
        kinds = {kind: {"schema": {"type": "object"} if kind == JSON else {"type": "string"}} for kind in route.gives}
        answer["content"] = kinds
    problem = {MEDIA_TYPE: {"schema": references[schema.ProblemDetails]}}
    codes = {*ALWAYS, *route.errors, *(() if route.open else (401,)), *((415, 408, 413) if route.changes else ())}
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "tags": [route.tag],
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)],
        "responses": {
            str(route.status): answer,
            **{str(code): {"description": REASONS[code], "content": problem} for code in sorted(codes)},
        },
    }
    if route.status == 201:
        operation["responses"]["200"] = {**answer, "description": "It was asked for before."}
    if route.description:
        operation["description"] = route.description
    if route.body is not None:
        shape = {"type": "object", "additionalProperties": False} if route.body is NoBody else references[route.body]
        operation["requestBody"] = {"required": route.body is not NoBody, "content": {JSON: {"schema": shape}}}
    elif route.takes:
        body = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in route.takes}
        operation["requestBody"] = {"required": True, "content": body}
    if route.open:
        operation["security"] = []
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    names = PARAMETER.findall(route.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    described = route.query.model_json_schema(ref_template=DEFINITIONS)
    found = []
    for name, shape in described.get("properties", {}).items():
        facts = {key: value for key, value in shape.items() if key not in ("title", "description")}
        parameter = {"name": name, "in": "query", "required": name in described.get("required", ()), "schema": facts}
        found.append({**parameter, "description": shape["description"]} if "description" in shape else parameter)
    return found


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "required": False, "description": about, "schema": {"type": "string"}}
        for name, about in route.headers.items()
    ]


def page(routes: Sequence[Route], version: str) -> str:
    """The description as people read it: plain HTML without any script."""
    tags = dict.fromkeys(route.tag for route in routes)
    parts = [f"<p>Version {html.escape(version)}. The same as data: <a href='/api/openapi.json'>openapi.json</a>.</p>"]
    for tag in tags:
        parts.append(f"<h2 id='{html.escape(tag)}'>{html.escape(tag.capitalize())}</h2>")
        parts += [_entry(route) for route in routes if route.tag == tag]
    links = " · ".join(f"<a href='#{html.escape(tag)}'>{html.escape(tag)}</a>" for tag in tags)
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        "<title>Latent Loom API</title><link rel='stylesheet' href='/api/docs.css'></head><body><main><h1>Latent Loom API</h1>"
        f"<nav>{links}</nav>{''.join(parts)}</main></body></html>"
    )


def _entry(route: Route) -> str:
    path = html.escape(PARAMETER.sub(r"{\1}", route.path))
    rows = [("query", one["name"], one.get("description", "")) for one in _query_parameters(route)]
    rows += [("header", name, about) for name, about in route.headers.items()]
    if route.body is not None and route.body is not NoBody:
        rows.append(("body", route.body.__name__, _about(route.body)))
    if route.takes:
        rows.append(("body", ", ".join(route.takes), "raw bytes"))
    if route.reply is not None:
        rows.append((f"reply {route.status}", route.reply.__name__, _about(route.reply)))
    cells = "".join(
        f"<tr><td>{html.escape(kind)}</td><td><code>{html.escape(name)}</code></td><td>{html.escape(about)}</td></tr>"
        for kind, name, about in rows
    )
    about = html.escape(f"{route.summary} {route.description}".strip())
    return f"<section><h3><b>{route.method}</b> <code>{path}</code></h3><p>{about}</p><table>{cells}</table></section>"


def _about(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]


STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 60rem; margin: auto; padding: 1.5rem; }
nav { margin: 1rem 0 2rem; }
h3 { font-size: 1rem; font-weight: 500; margin: 1.75rem 0 0.25rem; }
h3 b { display: inline-block; min-width: 4.5rem; }
p { margin: 0.25rem 0; }
table { border-collapse: collapse; margin: 0.25rem 0 0; }
td { padding: 0.15rem 1rem 0.15rem 0; vertical-align: top; }
td:first-child { opacity: 0.65; white-space: nowrap; }
"""
