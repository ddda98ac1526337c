"""Decides what is said of the server itself: whether it lives, who is signed in, how it is used, how it does."""

from __future__ import annotations

from aiohttp import web

from web_ui import openapi, schema
from web_ui.problems import RequestError
from web_ui.routing import Call, NoBody, NoQuery, Reply, Routes
from web_ui.security import COOKIE
from web_ui.sentences import say
from web_ui.server import Server

routes = Routes("about")


@routes.add("GET", "/api/health", reply=schema.Health, open=True)
async def health(server: Server, _call: Call[NoQuery, NoBody]) -> schema.Health:
    """Say that the server lives."""
    return schema.Health(version=server.version)


@routes.add("GET", "/api/ready", reply=schema.Ready, open=True)
async def ready(server: Server, _call: Call[NoQuery, NoBody]) -> Reply:
    """Say whether jobs would start now; if not, with status 503 and why."""
    found = server.readiness()
    return Reply(found, 200 if found.ready else 503)


@routes.add("GET", "/api/session", reply=schema.Session, open=True)
async def read_session(server: Server, call: Call[NoQuery, NoBody]) -> schema.Session:
    """Say whether the caller is signed in, and whether that is needed."""
    return schema.Session(authenticated=server.guard.authenticated(call.request), required=server.settings.token is not None)


@routes.add("POST", "/api/session", body=schema.SessionRequest, open=True, errors=(401,))
async def sign_in(server: Server, call: Call[NoQuery, schema.SessionRequest]) -> web.Response:
    """Sign a browser in: the token is exchanged for a cookie that no script can read."""
    if server.settings.token is not None and not server.guard.is_token(call.body.token):
        raise RequestError(401, "Not the token", say("wrong_token"), say("token_stands"))
    answer = web.json_response({"authenticated": True, "required": server.settings.token is not None})
    if server.settings.token is not None:
        server.guard.sign_in(answer)
    return answer


@routes.add("DELETE", "/api/session", body=NoBody, status=204, open=True)
async def sign_out(_server: Server, _call: Call[NoQuery, NoBody]) -> web.Response:
    """Sign a browser out."""
    answer = web.Response(status=204)
    answer.del_cookie(COOKIE)
    return answer


@routes.add("GET", "/api/openapi.json", open=True)
async def read_openapi(server: Server, _call: Call[NoQuery, NoBody]) -> web.Response:
    """Describe this API in OpenAPI 3.1."""
    from web_ui.routes import ROUTES

    return web.json_response(openapi.document(ROUTES, server.version))


@routes.add("GET", "/api/docs", gives=("text/html",), open=True)
async def read_docs(server: Server, _call: Call[NoQuery, NoBody]) -> web.Response:
    """Describe this API on a page."""
    from web_ui.routes import ROUTES

    return web.Response(text=openapi.page(ROUTES, server.version), content_type="text/html")


@routes.add("GET", "/api/docs.css", gives=("text/css",), open=True)
async def read_docs_style(_server: Server, _call: Call[NoQuery, NoBody]) -> web.Response:
    """Give the style of that page."""
    return web.Response(text=openapi.STYLE, content_type="text/css")


@routes.add("GET", "/metrics", gives=("text/plain",))
async def read_metrics(server: Server, _call: Call[NoQuery, NoBody]) -> web.Response:
    """Give figures for Prometheus."""
    text = await server.in_thread(server.metrics.text)
    return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
