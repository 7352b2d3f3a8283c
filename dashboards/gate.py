"""The sign-in gate: an ASGI middleware that sees every request and every websocket before Streamlit does.

Host, address, method and Origin are judged first, then the session. What a client says about who it is gets dropped;
what the gate found out takes its place. A websocket is watched for as long as it is open.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import anyio
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards import doors
from dashboards.doorkeeper import Doorkeeper, House
from dashboards.doors import Door
from dashboards.passage import session_token, with_german_shell, with_security_headers, with_viewer
from dashboards.sign_in import SignIn
from dashboards.viewer import Viewer
from dashboards.watched_socket import SESSION_ENDED, WatchedSocket

#: A dead session is noticed within the sum of both, so a websocket closes within 2 s.
LOOK_SECONDS: Final = 1.0
REMEMBER_SECONDS: Final = 0.7

_OWN_DOORS: Final = frozenset({Door.SIGN_IN, Door.SIGN_OUT, Door.LINK, Door.WATCH_SCRIPT})


class Gate:
    """ASGI middleware. `orchestration` is Dagster's interface, served below /dagster to those who may, if given.

    `ticks` is a monotonic clock in seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        house: House,
        doorkeeper: Doorkeeper,
        orchestration: ASGIApp | None = None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._house = house
        self._orchestration = orchestration
        self._sessions = _Sessions(doorkeeper, ticks)
        self._sign_in = SignIn(house, doorkeeper, self._sessions.forget)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass what may pass."""
        if scope["type"] == "http":
            await self._answered(scope, receive, with_security_headers(send, scope["path"], secure=self._house.secure))
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Also the answer to an error of ours carries the headers; the error itself goes on to the log."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._request(scope, receive, noting)
        except Exception:
            if not begun:
                await Response("Fehler in Praxistakt", 500)(scope, receive, send)
            raise

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = doors.door(scope["path"])
        refusal = self._refusal(found, scope["method"], Headers(scope=scope))
        if refusal is not None:
            await refusal(scope, receive, send)
        elif found is Door.HEALTH:
            await self._app(with_viewer(scope, self._house.cookie, None), receive, send)
        elif found in _OWN_DOORS:
            response = await self._sign_in.answer(found, scope, receive)
            await response(scope, receive, send)
        else:
            await self._inside(found, scope, receive, send)

    def _refusal(self, found: Door, method: str, headers: Headers) -> Response | None:
        """Why a request is turned away whoever sent it; None if it is not."""
        host = headers.get("host")
        if found in {Door.NONE, Door.SOCKET} or not doors.is_known_host(host, self._house.hosts):
            return Response("Nicht gefunden", 404)
        if method not in doors.METHODS[found]:
            return Response("Nicht erlaubt", 405)
        origin = headers.get("origin")
        # reading needs no Origin (browsers send none when they open a page), changing does
        if origin != self._house.origin(host) and not (origin is None and method in {"GET", "HEAD", "OPTIONS"}):
            return Response("Fremde Herkunft", 403)
        return None

    async def _inside(self, found: Door, scope: Scope, receive: Receive, send: Send) -> None:
        """Everything that needs a session."""
        viewer = await self._sessions.look_up(session_token(scope, self._house.cookie), active=found is Door.PAGE)
        if viewer is None:
            await _turned_away(found, scope)(scope, receive, send)
        elif found is Door.SESSION:
            await Response(status_code=204)(scope, receive, send)
        elif found is Door.DAGSTER:
            target = self._for_orchestrators(viewer) or Response("Nicht gefunden", 404)
            await target(with_viewer(scope, self._house.cookie, viewer), receive, send)
        elif found is Door.PAGE:
            inner = with_viewer(scope, self._house.cookie, viewer, plain=True)
            await self._app(inner, receive, with_german_shell(send))
        else:
            await self._app(with_viewer(scope, self._house.cookie, viewer), receive, send)

    def _for_orchestrators(self, viewer: Viewer) -> ASGIApp | None:
        return self._orchestration if viewer.may("orchestration") else None

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        token = session_token(scope, self._house.cookie)
        host = headers.get("host")
        known = doors.is_known_host(host, self._house.hosts) and headers.get("origin") == self._house.origin(host)
        viewer = await self._sessions.look_up(token, active=True) if known else None
        target = self._socket_target(scope["path"], viewer)
        if target is None or viewer is None:
            await receive()  # websocket.connect; a close before accept reaches the client as HTTP 403
            await send({"type": "websocket.close", "code": SESSION_ENDED})
            return

        async def alive(active: bool) -> bool:
            return await self._sessions.look_up(token, active=active) is not None

        watched = WatchedSocket(receive, send, alive, LOOK_SECONDS)
        await target(with_viewer(scope, self._house.cookie, viewer), watched.receive, watched.send)

    def _socket_target(self, path: str, viewer: Viewer | None) -> ASGIApp | None:
        found = doors.door(path)
        if viewer is None or found not in {Door.SOCKET, Door.DAGSTER}:
            return None
        return self._app if found is Door.SOCKET else self._for_orchestrators(viewer)


class _Sessions:
    """Looks sessions up in a thread and remembers a live one for less than a second: one page load asks 40 times."""

    def __init__(self, doorkeeper: Doorkeeper, ticks: Callable[[], float]) -> None:
        self._doorkeeper = doorkeeper
        self._ticks = ticks
        self._known: dict[str, tuple[float, Viewer]] = {}

    async def look_up(self, token: str | None, *, active: bool) -> Viewer | None:
        if token is None:
            return None
        since, known = self._known.get(token, (float("-inf"), None))
        if known is not None and not active and self._ticks() - since < REMEMBER_SECONDS:
            return known
        viewer = await anyio.to_thread.run_sync(lambda: self._doorkeeper.look_up(token, active=active))
        self.forget(token)
        if viewer is not None:
            self._known[token] = (self._ticks(), viewer)
        return viewer

    def forget(self, token: str) -> None:
        self._known.pop(token, None)


def _turned_away(found: Door, scope: Scope) -> Response:
    """Pages lead to the form and back again; everything else just says no."""
    if found is not Door.PAGE:
        return Response("Nicht angemeldet", 401)
    query = scope["query_string"].decode("latin-1")
    wanted = doors.wanted_page(f"{scope['path']}?{query}" if query else scope["path"])
    return RedirectResponse(doors.SIGN_IN if wanted == "/" else f"{doors.SIGN_IN}?weiter={quote(wanted)}", 303)
