"""Which address is which door. What is not listed here is 404 for everybody, whatever Streamlit adds one day."""

from __future__ import annotations

import enum
import re
from collections.abc import Collection

SIGN_IN = "/anmelden"
SIGN_OUT = "/abmelden"
LINK = "/einmal"
SESSION = "/sitzung"
WATCH_SCRIPT = "/sitzung.js"
DAGSTER = "/dagster"
SOCKET = "/_stcore/stream"

_HOST = re.compile(r"(?P<name>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")

#: Addresses of the pages, as `app.py` names them.
PAGES = frozenset({"/", "/auslastung", "/verbindungen"})


class Door(enum.Enum):
    """What lies behind an address, and so who may pass."""

    NONE = "nothing, for nobody"
    HEALTH = "answers without a session"
    SIGN_IN = "the form"
    SIGN_OUT = "ends the session"
    LINK = "redeems a one-time link"
    SESSION = "tells a page whether its session still lives"
    WATCH_SCRIPT = "the script that asks for it"
    PAGE = "a page"
    ASSET = "a file of a page"
    UPLOAD = "takes files"
    SOCKET = "the websocket of a page"
    DAGSTER = "the pipeline's own interface"


_EXACT = {
    "/_stcore/health": Door.HEALTH,
    "/_stcore/host-config": Door.ASSET,
    "/favicon.png": Door.ASSET,
    "/manifest.json": Door.ASSET,
    SIGN_IN: Door.SIGN_IN,
    SIGN_OUT: Door.SIGN_OUT,
    LINK: Door.LINK,
    SESSION: Door.SESSION,
    WATCH_SCRIPT: Door.WATCH_SCRIPT,
    SOCKET: Door.SOCKET,
    **dict.fromkeys(PAGES, Door.PAGE),
}
_BELOW = {
    "/static/": Door.ASSET,
    "/media/": Door.ASSET,
    "/component/": Door.ASSET,
    "/_stcore/bidi-components/": Door.ASSET,
    "/_stcore/upload_file/": Door.UPLOAD,
    f"{DAGSTER}/": Door.DAGSTER,
}

METHODS = {
    Door.HEALTH: {"GET", "HEAD"},
    Door.SIGN_IN: {"GET", "HEAD", "POST"},
    Door.SIGN_OUT: {"GET", "HEAD", "POST"},
    Door.LINK: {"GET", "HEAD", "POST"},
    Door.SESSION: {"GET", "HEAD"},
    Door.WATCH_SCRIPT: {"GET", "HEAD"},
    Door.PAGE: {"GET", "HEAD"},
    Door.ASSET: {"GET", "HEAD"},
    Door.UPLOAD: {"PUT", "DELETE", "OPTIONS"},
    Door.DAGSTER: {"GET", "HEAD", "POST", "OPTIONS"},
}


def door(path: str) -> Door:
    """The door behind a decoded path; NONE for unknown ones and for any that could be read in two ways."""
    if "//" in path or "\\" in path or "/../" in f"{path}/" or any(ord(sign) < 32 for sign in path):
        return Door.NONE
    if path in _EXACT:
        return _EXACT[path]
    if path == DAGSTER:
        return Door.DAGSTER
    return next((found for start, found in _BELOW.items() if path.startswith(start)), Door.NONE)


def is_known_host(host: str | None, known: Collection[str]) -> bool:
    """Whether a Host header (`name`, `name:port`, `[v6]:port`) names this machine as `known` does."""
    matched = _HOST.fullmatch(host or "")
    return matched is not None and matched["name"].strip("[]").lower() in known


def wanted_page(text: str) -> str:
    """Where to go after the sign-in: the given page with its filters if it is one of ours, else the start page."""
    path, _, query = text.partition("?")
    if path not in PAGES or "\r" in query or "\n" in query or not query.isascii():
        return "/"
    return f"{path}?{query}" if query else path
