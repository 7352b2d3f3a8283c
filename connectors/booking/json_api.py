"""The plain JSON flavour: a REST interface whose items carry the names of our records.

    GET   /patients?limit=500[&cursor=..][&updated_since=..]           -> {"items": [..], "next": "/api/v1/patients?.."}
    GET   /appointments?start_from=..&start_until=..                   (appointments and slots: a window of starts)
    GET   /appointments/count?updated_since=..                        -> {"count": 3}
    GET   /appointments/{id}                                           -> one item, or 404
    GET   /appointments?change_key=..                                  (what an earlier change of ours made)
    POST  /appointments   {"change_key": "..", <fields>}               -> 201 the item; 200 it was there; 409 taken
    PATCH /appointments/{id}   If-Match: "<version>"   {<fields>}      -> 200 the item; 409, 412 somebody was faster
    GET   /status                                                      -> {"name": .., "version": "1"}

An item has `id`, `version`, `updated_at` and the record's fields under their own names; instants carry an offset.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any
from urllib.parse import quote

from connectors import records
from connectors.booking import fhir
from connectors.booking.frames import CodeMap
from connectors.booking.health import ask, clock_finding, finding
from connectors.booking.http import Answer, Http, Json
from connectors.booking.instants import stamp
from connectors.booking.platform import LOST_RACE, NEVER, Found, Outcome, Page, Sent
from connectors.booking.settings import BookingSettings
from connectors.errors import BadAnswer
from connectors.source import Change, Finding, Window

PATHS = {
    "practitioner": "practitioners",
    "location": "locations",
    "healthcare_service": "services",
    "schedule": "schedules",
    "patient": "patients",
    "slot": "slots",
    "appointment": "appointments",
}

#: The platform speaks our codes.
CODES = {
    resource: {field: {code: code for code in codes} for field, codes in records.codes(resource).items()}
    for resource in PATHS
}


class JsonPlatform:
    """A JSON booking platform; implements `connectors.booking.platform.Platform`."""

    resources: tuple[str, ...] = tuple(PATHS)
    by_change = frozenset(PATHS)
    polled: tuple[str, ...] = tuple(resource for resource in PATHS if resource != "slot")
    by_window = frozenset({"slot", "appointment"})
    only_window: frozenset[str] = frozenset()

    def __init__(self, http: Http, settings: BookingSettings, now: Callable[[], dt.datetime]) -> None:
        self._http = http
        self._settings = settings
        self._now = now
        self._codes = settings.code_maps(CODES)

    def hurried(self, request_seconds: float, lost_seconds: float) -> AbstractContextManager[None]:
        """See `Http.hurried`."""
        return self._http.hurried(request_seconds, lost_seconds)

    def codes(self, resource: str) -> CodeMap:
        """The platform's codes and ours."""
        return self._codes.get(resource, {})

    def stamped(self) -> bool:
        """`updated_since` is part of the interface."""
        return self._settings.last_updated != "no"

    def pages(self, resource: str, since: dt.datetime | None, window: Window | None) -> Iterator[Page]:
        """All items, page by page along the cursor."""
        params = {"limit": str(self._settings.page_size)}
        if since is not None:
            params["updated_since"] = stamp(since)
        if window is not None:
            params |= {"start_from": stamp(window.start), "start_until": stamp(window.end)}
        for answer in self._http.pages(PATHS[resource], params, lambda body: body.get("next")):
            yield _page(answer)

    def count(self, resource: str, since: dt.datetime) -> int | None:
        """How many items were touched from an instant on."""
        counted = self._http.get(f"{PATHS[resource]}/count", {"updated_since": stamp(since)}).json.get("count")
        return counted if isinstance(counted, int) else None

    def find(self, resource: str, source_id: str) -> Found | None:
        """One item by its id."""
        answer = self._http.get(f"{PATHS[resource]}/{quote(source_id, safe='')}", accept=(200, 404, 410))
        return _found(answer.json) if answer.status == 200 else None

    def find_change(self, resource: str, key: str) -> Found | None:
        """By the key that we sent along."""
        items = _items(self._http.get(PATHS[resource], {"change_key": key}).json)
        return next((_found(item) for item in items if item.get("change_key") == key), None)

    def send(self, change: Change, current: Found | None) -> Sent:
        """POST what is new, PATCH what is there."""
        path, values = PATHS[change.resource], {field: _plain(value) for field, value in change.values.items()}
        if current is None:
            return _sent(self._send("POST", path, {**values, "change_key": change.key}, {}), None)
        if_match = {"If-Match": f'"{current.version}"'} if current.version else {}
        one = f"{path}/{quote(change.source_id or '', safe='')}"
        return _sent(self._send("PATCH", one, {**values, "change_key": change.key}, if_match), change.source_id)

    def _send(self, method: str, path: str, body: Json, headers: Mapping[str, str]) -> Answer:
        return self._http.send(method, path, body, headers=headers, accept=(200, 201, 202, *LOST_RACE, *NEVER))

    def check(self) -> list[Finding]:
        """Connection and version from `/status`, the clock from its answer, the rights by one reading each."""
        connection = ask("connection", "address, network and access in practice.toml", self._greet)
        if connection[0].level == "error":
            return connection
        rights = [
            ask(f"read {of}", f"ask the platform for the right to read {PATHS[of]}", partial(self._may, of))
            for of in ("schedule", "appointment", "patient")
        ]
        return [*connection, *itertools.chain(*rights)]

    def _greet(self) -> list[Finding]:
        answer = self._http.get("status")
        version = answer.json.get("version")
        return [
            finding("connection", "ok", "the platform answers"),
            finding("version", "ok" if version == "1" else "error", f"version {version}, expected 1"),
            clock_finding(answer.date, self._now()),
        ]

    def _may(self, resource: str) -> list[Finding]:
        _items(self._http.get(PATHS[resource], {"limit": "1"}).json)
        return [finding(f"read {resource}", "ok", "may be read")]

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()


def _page(answer: Answer) -> Page:
    items = _items(answer.json)
    return Page(
        [_row(item) for item in items],
        list(items),
        [(fhir.text(item, "id"), fhir.text(item, "updated_at")) for item in items],
        answer.date,
    )


def _items(body: Json) -> list[Mapping[str, Any]]:
    if not isinstance(body.get("items"), list):
        raise BadAnswer("a list was asked for, and the answer has no items")
    return fhir.objects(body, "items")


def _row(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**item, "source_id": fhir.text(item, "id"), "changed_at": item.get("updated_at")}


def _found(item: Mapping[str, Any]) -> Found:
    version = item.get("version")
    return Found(_row(item), item, None if version is None else str(version))


def _sent(answer: Answer, source_id: str | None) -> Sent:
    body = answer.body or {}
    if answer.status in LOST_RACE or answer.status in NEVER:
        outcome: Outcome = "conflict" if answer.status in LOST_RACE else "refused"
        return Sent(outcome, source_id, f"status {answer.status}: {fhir.text(body, 'error') or 'no reason given'}")
    found = fhir.text(body, "id") or source_id
    if source_id is None and answer.status == 200:
        return Sent("already", found)
    return Sent("pending" if answer.status == 202 else "written", found)


def _plain(value: object) -> object:
    if isinstance(value, dt.datetime):
        return stamp(value)
    return value.isoformat() if isinstance(value, dt.date) else value
