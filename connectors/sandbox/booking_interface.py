"""What both web interfaces of the played booking platform share: pages, the log, and requests read with care."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from starlette.requests import Request

from connectors.booking import instants
from connectors.sandbox.booking_rules import Rules
from connectors.sandbox.booking_store import Condition, Declined, Store, Stored, text

Clock = Callable[[], dt.datetime]

_MOST_PER_PAGE = 5_000


class Interface:
    """One flavour's endpoints, over one store and its rules."""

    def __init__(self, store: Store, rules: Rules, clock: Clock) -> None:
        self.store = store
        self.rules = rules
        self.clock = clock

    def log(self, request: Request, resource: str, key: str | None, status: int, change: str | None) -> None:
        """Note what was written through the interface, or was not."""
        self.store.note(self.clock(), "api", request.method, resource, key=key, status=status, change=change)

    def page(
        self, request: Request, resource: str, conditions: Iterable[Condition], size: str, cursor: str
    ) -> tuple[list[Stored], str | None]:
        """One page, and where the next one begins. A row keeps its place: pages are cut by id, not by number."""
        query = request.query_params
        limit = min(int(query.get(size, "100")), _MOST_PER_PAGE)
        after = base64.urlsafe_b64decode(query[cursor]).decode() if cursor in query else ""
        found = self.store.search(resource, conditions, after=after, limit=limit + 1)
        if len(found) <= limit:
            return found, None
        return found[:limit], base64.urlsafe_b64encode(found[limit - 1].id.encode()).decode()


def moment(stated: str) -> str:
    """An instant of a request as the store writes it. Raises Declined."""
    try:
        return text(instants.instant(stated))
    except ValueError as error:
        raise Declined(400, "value") from error


def resource_of(known: Mapping[str, str], name: str) -> str:
    """The record type that a path names. Raises Declined."""
    if name not in known:
        raise Declined(404, "not-supported")
    return known[name]


async def json_body(request: Request) -> Any:
    """The request's JSON. Raises Declined."""
    try:
        return json.loads(await request.body())
    except ValueError as error:
        raise Declined(400, "structure") from error


def stated_version(request: Request) -> int | None:
    """The version in If-Match."""
    stated = request.headers.get("if-match", "").removeprefix("W/").strip('"')
    return int(stated) if stated.isdecimal() else None
