"""Decides how an error leaves the server: one envelope for all (RFC 9457), with a status, what is wrong, and what to do next."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from graph_engine.database import DatabaseError
from graph_engine.errors import FormatError, LoomError, WorkflowError
from graph_engine.folders import OutsideFolderError
from graph_engine.jobs.store import JobStateError, KeyReusedError, QueueFullError, UnknownJobError
from graph_engine.sentences import message, said
from web_ui import describe
from web_ui.schema import ProblemDetails
from web_ui.store.errors import AlreadyThere, BadName, BadPicture, Broken, NotThere, NotWritten, Stale, StoreError, TooLarge

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
MOST_SHOWN = 20
STORE_STATUSES: Mapping[type[StoreError], tuple[int, str]] = {
    NotThere: (404, "Not there"),
    AlreadyThere: (409, "Already there"),
    Stale: (412, "Something else was stored meanwhile"),
    BadName: (400, "Not a name"),
    Broken: (422, "It cannot be read"),
    BadPicture: (422, "Not a picture"),
    TooLarge: (413, "Too large"),
    NotWritten: (507, "It could not be stored"),
}
STATUSES: Mapping[type[LoomError], tuple[int, str]] = {
    UnknownJobError: (404, "No such job"),
    JobStateError: (409, "Not in this state"),
    KeyReusedError: (422, "Idempotency-Key used before"),
    QueueFullError: (429, "The queue is full"),
    DatabaseError: (507, "It could not be stored"),
    OutsideFolderError: (400, "Not a name inside the folder"),
    FormatError: (422, "No workflow"),
}
"""What errors of the engine mean over HTTP. What is not listed is a fault of ours."""


class RequestError(LoomError):
    """What is asked for cannot be done; ``status`` and ``title`` as in HTTP."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        action: str = "",
        *,
        etag: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.action, self.etag = status, title, detail, action, etag
        self.headers = dict(headers or {})


def described(error: BaseException) -> tuple[ProblemDetails, Mapping[str, str]]:
    """The envelope for any error, and headers that belong to it."""
    match error:
        case RequestError():
            found = ProblemDetails(title=error.title, status=error.status, etag=error.etag, **_told(error.detail, error.action))
            return found, error.headers
        case WorkflowError():
            entries = [describe.problem(one) for one in error.problems]
            count = len(entries)
            detail = f"{count} problem{'s keep' if count > 1 else ' keeps'} the workflow from running."
            problems = ProblemDetails(
                title="The workflow cannot run", status=422, detail=detail, action="See the problems.", problems=entries
            )
            return problems, {}
        case ValidationError():
            return _invalid(error), {}
        case web.HTTPException():
            detail = error.text or error.reason
            kept = {name: value for name, value in error.headers.items() if name.lower() in ("allow", "location")}
            return ProblemDetails(title=error.reason, status=error.status, detail=detail), kept
        case StoreError():
            status, title = next(
                (found for kind, found in STORE_STATUSES.items() if isinstance(error, kind)), (500, "Not possible")
            )
            etag = error.etag if isinstance(error, Stale) else None
            return ProblemDetails(title=title, status=status, etag=etag, **_told(error.cause, error.action)), {}
        case LoomError():
            status, title = next((found for kind, found in STATUSES.items() if isinstance(error, kind)), (400, "Not possible"))
            return ProblemDetails(title=title, status=status, **_told(message(error))), {}
    number = secrets.token_hex(4)
    log.error("fault %s", number, exc_info=error)
    detail = f"This is a fault of Latent Loom; the server's log has it under {number}."
    return ProblemDetails(title="Unexpected fault", status=500, detail=detail, action="Report it."), {}


def response(error: BaseException) -> web.Response:
    problem, headers = described(error)
    return web.Response(text=problem.model_dump_json(), status=problem.status, content_type=MEDIA_TYPE, headers=headers)


def _told(detail: str, action: str = "") -> dict[str, Any]:
    return {"detail": detail, "action": action, "said": said({"detail": detail, "action": action})}


def _invalid(error: ValidationError) -> ProblemDetails:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"{'.'.join(map(str, item['loc'])) or 'the body'}: {item['msg']}" for item in found[:MOST_SHOWN]]
    return ProblemDetails(
        title="The request does not fit the description",
        status=422,
        detail="; ".join(lines),
        action="See /api/docs for what is expected.",
    )
