"""Asking a FHIR server that follows ISiK Terminplanung, within what its CapabilityStatement must offer.

- Appointments are searched with their slots (`_include=Appointment:slot`), which name the schedule.
- Slots are only searched with `schedule` and `start` together.
- `_lastUpdated` is no duty of such a server: it is used when `/metadata` lists it (or the settings say so).
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cached_property, partial
from typing import Any
from urllib.parse import quote

from connectors.booking import fhir, isik, isik_requests
from connectors.booking.directory import Directory
from connectors.booking.fhir import Json
from connectors.booking.frames import CodeMap
from connectors.booking.health import Level, ask, clock_finding, finding
from connectors.booking.http import Answer, Http
from connectors.booking.instants import stamp
from connectors.booking.platform import CHANGE_KEY_SYSTEM, LOST_RACE, NEVER, Found, Page, Sent
from connectors.booking.settings import BookingSettings
from connectors.booking.writable import BOOKING
from connectors.source import Change, Finding, Window

FHIR_TYPE = {
    "practitioner": "Practitioner",
    "location": "Location",
    "healthcare_service": "HealthcareService",
    "schedule": "Schedule",
    "patient": "Patient",
    "slot": "Slot",
    "appointment": "Appointment",
}
_INCLUDE = {"Appointment": "Appointment:slot", "Schedule": "Schedule:actor"}


class IsikPlatform:
    """A FHIR booking platform; implements `connectors.booking.platform.Platform`."""

    resources: tuple[str, ...] = tuple(FHIR_TYPE)
    by_change = frozenset({"patient", "appointment"})
    polled: tuple[str, ...] = ("appointment", "patient", "schedule", "healthcare_service")
    by_window = frozenset({"slot", "appointment"})
    only_window = frozenset({"slot"})

    def __init__(self, http: Http, settings: BookingSettings, now: Callable[[], dt.datetime]) -> None:
        self._http = http
        self._now = now
        self._settings = settings
        self._codes = settings.code_maps(isik.CODES)
        self._extensions = {
            resource: {**isik.EXTENSIONS.get(resource, {}), **settings.extensions.get(resource, {})}
            for resource in self.resources
        }

    def hurried(self, request_seconds: float, lost_seconds: float) -> AbstractContextManager[None]:
        """See `Http.hurried`."""
        return self._http.hurried(request_seconds, lost_seconds)

    def codes(self, resource: str) -> CodeMap:
        """The platform's codes and ours."""
        return self._codes.get(resource, {})

    def stamped(self) -> bool:
        """Whether `_lastUpdated` can be searched."""
        if self._settings.last_updated != "auto":
            return self._settings.last_updated == "yes"
        return self._lists_last_updated

    @cached_property
    def _lists_last_updated(self) -> bool:
        rest = fhir.first(self._http.get("metadata").json, "rest")
        described = [rest, *(r for r in fhir.objects(rest, "resource") if r.get("type") == "Appointment")]
        return any(p.get("name") == "_lastUpdated" for part in described for p in fhir.objects(part, "searchParam"))

    @cached_property
    def _directory(self) -> Directory:
        return self._read_directory()[0]

    def _read_directory(self) -> tuple[Directory, dt.datetime | None]:
        """All schedules with their actors, and all services; and the server's clock before the first."""
        schedules: list[Json] = []
        actors: dict[tuple[str, str], Json] = {}
        began: dt.datetime | None = None
        for answer, found in self._search("Schedule", {}):
            began = began or answer.date
            schedules += found.matches
            actors.update(found.included)
        services = [service for _, found in self._search("HealthcareService", {}) for service in found.matches]
        return Directory.of(schedules, actors, services), began

    def _search(self, kind: str, params: Mapping[str, Any]) -> Iterator[tuple[Answer, fhir.Bundle]]:
        asked = {**params, "_count": str(self._settings.page_size)}
        if kind in _INCLUDE:
            asked["_include"] = _INCLUDE[kind]
        for answer in self._http.pages(kind, asked, fhir.next_link):
            yield answer, fhir.bundle(answer.json, kind)

    def pages(self, resource: str, since: dt.datetime | None, window: Window | None) -> Iterator[Page]:
        """All rows of a record type; `since` and `window` narrow patients and appointments, `window` slots."""
        if resource in ("practitioner", "location", "schedule", "healthcare_service"):
            yield self._directory_page(resource)
            return
        reader = isik.Reader(self._extensions, self._directory)
        for params in self._queries(resource, since, window):
            for answer, found in self._search(FHIR_TYPE[resource], params):
                yield self._page(resource, reader, found, answer.date)

    def _queries(self, resource: str, since: dt.datetime | None, window: Window | None) -> list[dict[str, Any]]:
        between = [f"ge{stamp(window.start)}", f"lt{stamp(window.end)}"] if window else []
        if resource == "slot":
            return [{"schedule": f"Schedule/{key}", "start": between} for key in sorted(self._directory.schedules)]
        query: dict[str, Any] = {}
        if since is not None:
            query["_lastUpdated"] = f"ge{stamp(since)}"
        if window is not None and resource == "appointment":
            query["date"] = between
        return [query]

    def _page(self, resource: str, reader: isik.Reader, found: fhir.Bundle, date: dt.datetime | None) -> Page:
        slots = {key: slot for (kind, key), slot in found.included.items() if kind == "Slot"}
        return Page(
            [reader.row(resource, match, slots) for match in found.matches],
            list(found.matches),
            [(fhir.text(match, "id"), fhir.last_updated(match)) for match in found.matches],
            date,
        )

    def _directory_page(self, resource: str) -> Page:
        directory, began = self._read_directory()
        known: dict[str, list[Json]] = {
            "schedule": list(directory.schedules.values()),
            "healthcare_service": list(directory.services.values()),
        }
        matches = known.get(resource) or directory.of_kind(FHIR_TYPE[resource])
        return self._page(resource, isik.Reader(self._extensions, directory), fhir.Bundle(matches, {}, None), began)

    def count(self, resource: str, since: dt.datetime) -> int | None:
        """`_summary=count` of what was touched from an instant on."""
        kind = FHIR_TYPE[resource]
        params = {"_lastUpdated": f"ge{stamp(since)}", "_summary": "count"}
        return fhir.bundle(self._http.get(kind, params).json, kind).total

    def find(self, resource: str, source_id: str) -> Found | None:
        """By `_id`, so that an appointment comes with its slots."""
        return self._first(resource, {"_id": source_id}, lambda found: found.get("id") == source_id)

    def find_change(self, resource: str, key: str) -> Found | None:
        """By our identifier; a server that does not know the parameter answers with others, which do not bear it."""
        params = {"identifier": f"{CHANGE_KEY_SYSTEM}|{key}"}
        return self._first(resource, params, lambda found: _bears(found, key))

    def _first(self, resource: str, params: Mapping[str, Any], wanted: Callable[[Json], bool]) -> Found | None:
        """From the first page of a search: both searches have one hit at most."""
        kind = FHIR_TYPE[resource]
        include = {"_include": _INCLUDE[kind]} if kind in _INCLUDE else {}
        found = fhir.bundle(self._http.get(kind, {**params, **include}).json, kind)
        match = next((match for match in found.matches if wanted(match)), None)
        if match is None:
            return None
        page = self._page(
            resource,
            isik.Reader(self._extensions, self._directory),
            fhir.Bundle([match], found.included, None),
            None,
        )
        return Found(page.rows[0], match, fhir.version(match))

    def send(self, change: Change, current: Found | None) -> Sent:
        """`$book` for create and move, PATCH for an appointment's status, create and update of patients."""
        if change.resource == "patient":
            return self._send_patient(change, current)
        if change.kind in ("create", "move"):
            return self._book(change, current)
        patch = isik_requests.status_patch(change, None if current is None else current.payload)
        answer = self._send("PATCH", _path("Appointment", change), patch, _if_match(current))
        return _sent(answer, change.source_id)

    def _book(self, change: Change, current: Found | None) -> Sent:
        standing: Mapping[str, object] = {} if current is None else self._standing(current)
        wanted = {**standing, **change.values}
        schedule = self._directory.schedules.get(str(wanted.get("schedule_id")))
        if schedule is None:
            return Sent("refused", None, "schedule_id is none of the platform's schedules")
        service = self._directory.services.get(str(wanted.get("healthcare_service_id")), {})
        old = None if current is None else change.source_id
        body = isik_requests.booking(wanted, change.key, schedule, service, cancelled=old)
        return _booked(self._send("POST", "Appointment/$book", body, {}))

    def _standing(self, current: Found) -> Mapping[str, object]:
        return {field: current.row.get(field) for field in BOOKING}

    def _send_patient(self, change: Change, current: Found | None) -> Sent:
        if current is None:
            condition = {"If-None-Exist": f"identifier={CHANGE_KEY_SYSTEM}|{change.key}"}
            body = isik_requests.new_patient(change.values, change.key)
            answer = self._send("POST", "Patient", body, condition)
            existed = answer.status == 200
            sent = _sent(answer, fhir.text(answer.body or {}, "id"))
            return Sent("already", sent.source_id) if existed else sent
        body = isik_requests.changed_patient(current.payload, change.values)
        answer = self._send("PUT", _path("Patient", change), body, _if_match(current))
        return _sent(answer, change.source_id)

    def _send(self, method: str, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        accept = (200, 201, 202, 204, *LOST_RACE, *NEVER)
        return self._http.send(
            method, path, body, headers={**headers, "Prefer": "return=representation"}, accept=accept,
            content_type=fhir.CONTENT_TYPE,
        )  # fmt: skip

    def check(self) -> list[Finding]:
        """Connection and version from `/metadata`, the clock from its answer, the rights by one search each."""
        connection = ask("connection", "address, network and access in practice.toml", self._greet)
        if connection[0].level == "error":
            return connection
        rights = [
            ask(f"read {kind}", f"ask the platform for the right to search {kind}", partial(self._may, kind))
            for kind in ("Schedule", "Appointment", "Patient")
        ]
        return [*connection, *itertools.chain(*rights), *ask("changes", "see above", self._polling)]

    def _greet(self) -> list[Finding]:
        answer = self._http.get("metadata")
        version = fhir.text(answer.json, "fhirVersion")
        level: Level = "ok" if version is not None and version.startswith("4.0") else "error"
        return [
            finding("connection", "ok", "the platform answers"),
            finding("version", level, f"FHIR {version or 'of no stated version'}, expected 4.0"),
            clock_finding(answer.date, self._now()),
        ]

    def _may(self, kind: str) -> list[Finding]:
        fhir.bundle(self._http.get(kind, {"_count": "1"}).json, kind)
        return [finding(f"read {kind}", "ok", "may be searched")]

    def _polling(self) -> list[Finding]:
        if self.stamped():
            return [finding("changes", "ok", "can be searched by the time of the last change")]
        return [finding("changes", "warn", "no search by _lastUpdated: every reading takes the whole window")]

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()


def _bears(found: Json, key: str) -> bool:
    return any(
        identifier.get("system") == CHANGE_KEY_SYSTEM and identifier.get("value") == key
        for identifier in fhir.objects(found, "identifier")
    )


def _path(kind: str, change: Change) -> str:
    return f"{kind}/{quote(change.source_id or '', safe='')}"


def _if_match(current: Found | None) -> dict[str, str]:
    return {"If-Match": f'W/"{current.version}"'} if current is not None and current.version else {}


def _sent(answer: Answer, source_id: str | None) -> Sent:
    if answer.status in LOST_RACE:
        return Sent("conflict", source_id, f"status {answer.status}: {fhir.outcome(answer.body)}")
    if answer.status in NEVER:
        return Sent("refused", source_id, f"status {answer.status}: {fhir.outcome(answer.body)}")
    return Sent("pending" if answer.status == 202 else "written", source_id)


def _booked(answer: Answer) -> Sent:
    """The standard's texts disagree about 201 and 202 for `pending`, so the appointment's own status decides."""
    refused = _sent(answer, None)
    if refused.outcome in ("conflict", "refused"):
        return refused
    appointment = isik_requests.booked_appointment(answer.body or {})
    status = isik.CODES["appointment"]["status"].get(fhir.text(appointment, "status") or "")
    if status in ("cancelled", "entered-in-error"):
        return Sent("conflict", fhir.text(appointment, "id"), f"answered as {status}")
    return Sent("written" if status == "booked" else "pending", fhir.text(appointment, "id"))
