"""Answers the gate's own addresses: sign-in, one-time link, sign-out, and the script that watches the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

import anyio
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope

from dashboards import doors, sign_in_forms
from dashboards.doorkeeper import Doorkeeper, House
from dashboards.doors import Door
from dashboards.passage import session_token
from dashboards.sign_in_forms import Refusal

#: argon2id takes 64 MiB a time: two at once, a short queue, and then a friendly no.
AT_ONCE: Final = 2
WAITING: Final = 8
FORM_BYTES: Final = 8192


class SignIn:
    """The only part of the gate that hears passwords. `forget` is told each token that ends here."""

    def __init__(self, house: House, doorkeeper: Doorkeeper, forget: Callable[[str], None]) -> None:
        self._house = house
        self._doorkeeper = doorkeeper
        self._forget = forget
        self._at_work = anyio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def answer(self, found: Door, scope: Scope, receive: Receive) -> Response:
        """The answer to a request whose host, Origin and method are in order."""
        if found is Door.WATCH_SCRIPT:
            return Response(sign_in_forms.WATCH_SCRIPT, media_type="text/javascript")
        if scope["method"] != "POST":
            return self._shown(found, dict(parse_qsl(scope["query_string"].decode("latin-1"))))
        form = await _form(scope, receive)
        return Response("Anfrage zu groß", 413) if form is None else await self._posted(found, scope, form)

    def _shown(self, found: Door, given: Mapping[str, str]) -> Response:
        if found is Door.SIGN_OUT:
            return _html(sign_in_forms.sign_out_page(self._house.name))
        if found is Door.LINK:
            return _html(sign_in_forms.link_page(self._house.name, given.get("schluessel", "")))
        refusal = Refusal.EXPIRED if "beendet" in given else None
        wanted = doors.wanted_page(given.get("weiter", "/"))
        return _html(sign_in_forms.form_page(self._house.name, refusal, wanted))

    async def _posted(self, found: Door, scope: Scope, form: Mapping[str, str]) -> Response:
        if found is Door.SIGN_OUT:
            return await self._sign_out(scope)
        outcome = await self._queued(self._attempt(found, scope, form))
        wanted = doors.wanted_page(form.get("weiter", "/"))
        if isinstance(outcome, Refusal):
            status = 429 if outcome is Refusal.BUSY else 401
            return _html(sign_in_forms.form_page(self._house.name, outcome, wanted), status)
        await self._end_session(scope)
        response = RedirectResponse(wanted, 303)
        # no expiry: it ends with the browser, or by the limits of the session
        response.set_cookie(self._house.cookie, outcome, httponly=True, samesite="strict", secure=self._house.secure)
        return response

    def _attempt(self, found: Door, scope: Scope, form: Mapping[str, str]) -> Callable[[], str | Refusal]:
        if found is Door.LINK:
            return lambda: self._doorkeeper.redeem(form.get("schluessel", ""))
        address = scope["client"][0] if scope.get("client") else "unknown"
        return lambda: self._doorkeeper.sign_in(form.get("name", ""), form.get("passwort", ""), address)

    async def _queued(self, attempt: Callable[[], str | Refusal]) -> str | Refusal:
        if self._waiting >= WAITING:
            return Refusal.BUSY
        self._waiting += 1
        try:
            async with self._at_work:
                return await anyio.to_thread.run_sync(attempt)
        finally:
            self._waiting -= 1

    async def _sign_out(self, scope: Scope) -> Response:
        await self._end_session(scope)
        response = RedirectResponse(doors.SIGN_IN, 303)
        response.delete_cookie(self._house.cookie, httponly=True, samesite="strict", secure=self._house.secure)
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    async def _end_session(self, scope: Scope) -> None:
        token = session_token(scope, self._house.cookie)
        if token is not None:
            await anyio.to_thread.run_sync(self._doorkeeper.sign_out, token)
            self._forget(token)


def _html(page: bytes, status: int = 200) -> Response:
    return Response(page, status, media_type="text/html")


async def _form(scope: Scope, receive: Receive) -> Mapping[str, str] | None:
    """The fields of a small urlencoded form; None when it is larger than any form of ours."""
    if int(Headers(scope=scope).get("content-length", "0") or "0") > FORM_BYTES:
        return None
    body = bytearray()
    while True:
        message = await receive()
        body.extend(message.get("body", b""))
        if len(body) > FORM_BYTES:
            return None
        if not message.get("more_body"):
            return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
