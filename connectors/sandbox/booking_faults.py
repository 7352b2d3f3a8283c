"""What a foreign server may do to a client, one after the other and on request."""

from __future__ import annotations

import asyncio
import functools
import gzip
import json
import threading
from collections import deque
from collections.abc import Callable
from typing import Literal, get_args

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FaultKind = Literal[
    "status", "invalid-json", "deep-json", "half-page", "drip", "stall", "lost-answer", "redirect", "foreign-next",
    "bomb", "huge",
]  # fmt: skip

#: Seconds between two looks at whether the server stops, and between two bytes of a dripping answer.
_TICK = 0.02
_NOWHERE = "http://elsewhere.example/fhir/Patient"


#: A request that meets nothing.
_GOOD: tuple[FaultKind, int, dict[str, str]] = ("status", 0, {})


class Faults:
    """A queue: each request takes one fault and suffers it, until none is left."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[FaultKind, int, dict[str, str]]] = deque()
        self.stopping = threading.Event()

    def add(
        self,
        kind: FaultKind,
        *,
        times: int = 1,
        status: int = 500,
        headers: dict[str, str] | None = None,
        skip: int = 0,
    ) -> None:
        """After `skip` good requests, `times` meet this fault; `status` and `headers` are those of kind `status`."""
        if kind not in get_args(FaultKind):
            raise ValueError(f"fault {kind!r}, expected one of {', '.join(get_args(FaultKind))}")
        self._waiting.extend([_GOOD] * skip)
        self._waiting.extend([(kind, status, headers or {})] * times)

    def clear(self) -> None:
        """Forget what is left."""
        self._waiting.clear()

    async def handle(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or make it suffer."""
        kind, status, headers = self._waiting.popleft() if self._waiting else _GOOD
        if kind == "status" and not status:
            await app(scope, receive, send)
        elif kind == "lost-answer":
            await app(scope, receive, _swallow)
            await self._stall(receive)
        elif kind == "stall":
            await self._stall(receive)
        elif kind in ("drip", "half-page"):
            await self._partly(send, drip=kind == "drip")
        else:
            await _answer(kind, status, headers)(scope, receive, send)

    async def _stall(self, receive: Receive) -> None:
        """Say nothing until the client has gone or the server stops."""
        gone = asyncio.ensure_future(_disconnected(receive))
        while not (gone.done() or self.stopping.is_set()):
            await asyncio.sleep(_TICK)
        gone.cancel()

    async def _partly(self, send: Send, *, drip: bool) -> None:
        """Promise more than comes: byte by byte, or half and no more."""
        body = json.dumps({"resourceType": "Bundle", "items": [], "filler": "x" * 10_000}).encode()
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if not drip:
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            return
        for place in range(len(body)):
            if self.stopping.is_set():
                return
            await send({"type": "http.response.body", "body": body[place : place + 1], "more_body": True})
            await asyncio.sleep(_TICK)


async def _swallow(message: Message) -> None:
    """Where an answer goes that never arrives."""


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@functools.cache
def _bomb() -> bytes:
    """Some kilobytes that unfold twice, to 50 MB."""
    return gzip.compress(gzip.compress(b"\0" * 50_000_000, compresslevel=1))


def _answer(kind: FaultKind, status: int, headers: dict[str, str]) -> Response:
    if kind == "status":
        return Response(b"{}", status, {"content-type": "application/json", **headers})
    if kind == "redirect":
        return Response(b"", 302, {"location": _NOWHERE})
    if kind == "bomb":
        return Response(_bomb(), 200, {"content-type": "application/json", "content-encoding": "gzip, gzip"})
    page = {"resourceType": "Bundle", "type": "searchset", "items": [], "next": _NOWHERE}
    bodies: dict[str, Callable[[], bytes]] = {
        "invalid-json": lambda: b'{"resourceType": "Bundle", "entry": [',
        "deep-json": lambda: b'{"entry":' * 100_000,
        "huge": lambda: b'{"filler": "' + b"x" * 20_000_000 + b'"}',
        "foreign-next": lambda: json.dumps({**page, "link": [{"relation": "next", "url": _NOWHERE}]}).encode(),
    }
    return Response(bodies[kind](), 200, {"content-type": "application/json"})
