"""Decides how events are heard so that none is missed: a stream of server-sent events, taken up again after the last one heard.

Read as the HTML standard says (9.2.6, "Interpreting an event stream"), as far as our server uses it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from graph_engine.client.records import Event, Progress
from graph_engine.client.wire import ServerError, Unreachable, Wire

SILENCE_S = 45.0
"""The server says something every 15 s at least; one that is silent for longer is gone."""
PATIENCE_S = 60.0
RETRY_S = 1.0


class Message(NamedTuple):
    kind: str
    data: str
    id: str


def listen(wire: Wire, after: int | None, job: str | None, patience_s: float = PATIENCE_S) -> Iterator[Event | Progress]:
    """Events after a cursor (None: from now on) and the progress in between, for ever.

    Raises ServerError, with status 410 for a cursor so old that events would be missing; Unreachable at once if the first connection
    fails, or when one that broke cannot be made again for ``patience_s``.
    """
    lost_at: float | None = None
    connected = False
    while True:
        try:
            query = {"after": after, "job": job}
            headers = {"Accept": "text/event-stream"}
            with wire.open("GET", "/api/events/stream", query=query, headers=headers, timeout_s=SILENCE_S) as answer:
                for message in messages(answer):
                    connected, lost_at = True, None
                    if message.id.isdecimal():
                        after = int(message.id)
                    if message.kind == "progress":
                        yield Progress(**json.loads(message.data))
                    elif message.kind != "cursor":
                        yield Event(**json.loads(message.data))
        except (Unreachable, ServerError) as error:
            final = isinstance(error, ServerError) and error.status < 500  # it is there, and will not say anything else later
            if final or not connected or (lost_at is not None and time.monotonic() - lost_at > patience_s):
                raise
        if lost_at is None:
            lost_at = time.monotonic()
        time.sleep(RETRY_S)


def messages(lines: Iterable[bytes]) -> Iterator[Message]:
    """The messages of a stream; one that was cut off is left out."""
    kind, data, id = "message", list[str](), ""
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not line:
            if data:
                yield Message(kind, "\n".join(data), id)
            kind, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                kind = value
            case "data":
                data.append(value)
            case "id":
                id = value
