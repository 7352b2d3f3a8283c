"""What a message looks like once it has passed the gate, in both directions.

Inwards: no claim of the client about who it is, no session cookie, the trusted headers instead. Outwards: the security
headers on every answer, nothing of a page in a cache, and Streamlit's page shell in German.
"""

from __future__ import annotations

import re
from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Scope, Send

from dashboards import doors
from dashboards.viewer import TRUSTED_HEADERS, Viewer

CSP: Final = (
    "default-src 'self'; img-src 'self' data: blob:; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # not "no-referrer": with it browsers send "Origin: null" along with our own forms
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
#: A page shell must come whole and unpacked, because it is changed on the way out.
_NOT_FOR_PAGES: Final = {b"accept-encoding", b"if-none-match", b"if-modified-since", b"range"}
_CLAIMS: Final = frozenset(name.lower().encode() for name in TRUSTED_HEADERS)


def session_token(scope: Scope, cookie: str) -> str | None:
    """The session token of a request or handshake, None if it brought none."""
    morsel = _cookies(scope).get(cookie)
    return morsel.value if morsel and morsel.value else None


def with_viewer(scope: Scope, cookie: str, viewer: Viewer | None, *, plain: bool = False) -> Scope:
    """A copy of the scope that says who `viewer` is; `plain` asks for an answer that can be edited."""
    dropped = _CLAIMS | {b"cookie"} | (_NOT_FOR_PAGES if plain else set())
    kept = [(name, value) for name, value in scope["headers"] if name.lower() not in dropped]
    others = "; ".join(f"{name}={morsel.coded_value}" for name, morsel in _cookies(scope).items() if name != cookie)
    if others:
        kept.append((b"cookie", others.encode("latin-1")))
    return {**scope, "headers": kept + (viewer.headers() if viewer else [])}


def _cookies(scope: Scope) -> SimpleCookie:
    try:
        return SimpleCookie(Headers(scope=scope).get("cookie", ""))
    except CookieError:  # a broken cookie header is one without cookies: no session, so the form
        return SimpleCookie()


def with_security_headers(send: Send, path: str, *, secure: bool) -> Send:
    """`send` that puts the security headers on each answer and keeps everything but static files out of caches."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers", [])))
            headers.update(SECURITY_HEADERS)
            if secure:
                headers["Strict-Transport-Security"] = "max-age=31536000"
            if not path.startswith(("/static/", doors.WATCH_SCRIPT)) or message["status"] != 200:
                headers["Cache-Control"] = "no-store"
            message = {**message, "headers": headers.raw}
        await send(message)

    return sending


def with_german_shell(send: Send) -> Send:
    """`send` for Streamlit's index.html: German for screen readers, no hint at closed doors, our session watch."""
    start: Message | None = None
    body = bytearray()

    async def sending(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        body.extend(message.get("body", b""))
        if message.get("more_body") or start is None:
            return
        page = _german(bytes(body))
        headers = MutableHeaders(
            raw=[(k, v) for k, v in start["headers"] if k.lower() not in {b"etag", b"last-modified"}]
        )
        if body:  # the answer to HEAD has none and keeps its length
            headers["Content-Length"] = str(len(page))
        await send({**start, "headers": headers.raw})
        await send({"type": "http.response.body", "body": page})

    return sending


def _german(page: bytes) -> bytes:
    page = page.replace(b'<html lang="en">', b'<html lang="de">', 1)
    page = re.sub(rb'<link rel="service-desc"[^>]*>', b"", page)
    without_script = "<noscript><p>Praxistakt braucht JavaScript: Bitte im Browser einschalten.</p></noscript>"
    page = re.sub(rb"<noscript>.*?</noscript>", without_script.encode(), page, count=1, flags=re.DOTALL)
    return page.replace(b"</head>", f'<script src="{doors.WATCH_SCRIPT}" defer></script></head>'.encode(), 1)
