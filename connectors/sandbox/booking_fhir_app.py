"""The played booking platform's FHIR interface, after ISiK Terminplanung 4.0.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.booking import fhir
from connectors.sandbox import booking_fhir
from connectors.sandbox.booking_interface import Interface, json_body, moment, resource_of, stated_version
from connectors.sandbox.booking_store import OFFERED_FROM, Condition, Declined, Stored, text

_COMPARISONS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "eq": "="}
#: What each search takes beside _COMMON; any other parameter is an error, as a strict server has it.
_PARAMETERS = {
    "schedule": {"active"},
    "healthcare_service": {"active"},
    "slot": {"schedule", "start", "status"},
    "appointment": {"date", "status", "actor"},
}
_COMMON = {"_id", "_lastUpdated", "_count", "_summary", "_include", "identifier", "_cursor"}
_SCHEDULE_ACTORS = (("practitioner_id", "practitioner"), ("room_id", "location"), ("location_id", "location"))


class FhirInterface(Interface):
    """The endpoints below /fhir."""

    def routes(self) -> list[Route]:
        """Paths and methods."""
        return [
            Route("/fhir/metadata", self._metadata),
            Route("/fhir/Appointment/$book", self._book, methods=["POST"]),
            Route("/fhir/Patient", self._new_patient, methods=["POST"]),
            Route("/fhir/{kind}", self._search),
            Route("/fhir/{kind}/{key}", self._read),
            Route("/fhir/Appointment/{key}", self._patch, methods=["PATCH"]),
            Route("/fhir/Patient/{key}", self._put, methods=["PUT"]),
        ]

    async def _metadata(self, request: Request) -> Response:  # noqa: ARG002
        stamped = {"name": "_lastUpdated", "type": "date"}
        kinds = [
            {"type": kind, "interaction": [{"code": "read"}, {"code": "search-type"}], "searchParam": [stamped]}
            for kind in booking_fhir.KINDS
        ]
        body = {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "kind": "instance",
            "fhirVersion": "4.0.1",
            "format": ["application/fhir+json"],
            "instantiates": [
                "https://gematik.de/fhir/isik/CapabilityStatement/ISiKCapabilityStatementTerminplanungServer"
            ],
            "rest": [{"mode": "server", "resource": kinds}],
        }
        return _fhir(body)

    async def _search(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        resource = resource_of(booking_fhir.KINDS, kind)
        unknown = set(request.query_params) - _COMMON - _PARAMETERS.get(resource, set())
        if unknown:
            raise Declined(400, "not-supported")
        conditions = self._conditions(request, resource)
        bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
        if request.query_params.get("_summary") == "count":
            return _fhir({**bundle, "total": self.store.count(resource, conditions)})
        found, cursor = self.page(request, resource, conditions, "_count", "_cursor")
        base = f"{request.url.scheme}://{request.url.netloc}"
        if cursor is not None:
            query = [(name, value) for name, value in request.query_params.multi_items() if name != "_cursor"]
            url = f"{base}{request.url.path}?{urlencode([*query, ('_cursor', cursor)])}"
            bundle["link"] = [{"relation": "next", "url": url}]
        included = self._included(found, request.query_params.getlist("_include"))
        entries = [(stored, "match") for stored in found] + [(stored, "include") for stored in included]
        bundle["entry"] = [
            {
                "fullUrl": f"{base}/fhir/{booking_fhir.TYPES[stored.resource]}/{stored.id}",
                "resource": booking_fhir.resource(stored),
                "search": {"mode": mode},
            }
            for stored, mode in entries
        ]
        return _fhir(bundle)

    def _conditions(self, request: Request, resource: str) -> list[Condition]:
        query = request.query_params
        conditions: list[Condition] = []
        if "_id" in query:
            conditions.append(("id", "in", query["_id"].split(",")))
        if "status" in query:
            conditions.append(("status", "in", query["status"].split(",")))
        if "identifier" in query:
            conditions.append(("change_key", "=", query["identifier"].partition("|")[2]))
        if "actor" in query:
            conditions.append(("patient_id", "=", query["actor"].removeprefix("Patient/")))
        for name, column in (("_lastUpdated", "updated_at"), ("date", "start"), ("start", "start")):
            conditions += [_comparison(column, value) for value in query.getlist(name)]
        if resource == "slot":
            conditions += self._slot_conditions(query)
        return conditions

    def _slot_conditions(self, query: Mapping[str, str]) -> list[Condition]:
        """`status` and `start` only with `schedule`; without `start` from now on; no past offer that nobody took."""
        if "schedule" not in query:
            if {"status", "start"} & set(query):
                raise Declined(400, "required")
            return []
        conditions: list[Condition] = [("schedule_id", "=", query["schedule"].removeprefix("Schedule/"))]
        if "start" not in query:
            conditions.append(("start", ">=", text(self.clock())))
        conditions.append((OFFERED_FROM, ">=", text(self.clock())))
        return conditions

    def _included(self, found: list[Stored], wanted: list[str]) -> list[Stored]:
        """What `_include` brings along, each once."""
        keys: dict[str, dict[str, None]] = {}
        for stored in found:
            if "Appointment:slot" in wanted and stored.resource == "appointment":
                keys.setdefault("slot", {}).update(dict.fromkeys(stored.body.get("slots", ())))
            if "Schedule:actor" in wanted and stored.resource == "schedule":
                for field, resource in _SCHEDULE_ACTORS:
                    if field in stored.body:
                        keys.setdefault(resource, {})[stored.body[field]] = None
        return [stored for resource, of in keys.items() for stored in self.store.get_all(resource, list(of))]

    async def _read(self, request: Request) -> Response:
        resource = resource_of(booking_fhir.KINDS, request.path_params["kind"])
        stored = self.store.get(resource, request.path_params["key"])
        if stored is None:
            raise Declined(404, "not-found")
        return _fhir_one(stored)

    async def _book(self, request: Request) -> Response:
        values, key, cancels = booking_fhir.booking_request(await json_body(request))
        values = self._with_schedule(values)
        known = values.pop("id", None)
        if known is not None and self.store.get("appointment", known) is not None:
            stored = self.rules.move(known, values, self.clock())
        else:
            stored = self.rules.book(values, self.clock(), key=key, cancels=cancels)
        self.log(request, "appointment", stored.id, 201, key)
        return _fhir_one(stored, 201 if stored.body["status"] == "booked" else 202)

    def _with_schedule(self, values: dict[str, Any]) -> dict[str, Any]:
        """Without a schedule, the slots tell it."""
        slots = values.pop("slots")
        if "schedule_id" in values or not slots:
            return values
        slot = self.store.get("slot", slots[0] or "")
        return {**values, "schedule_id": slot.body["schedule_id"]} if slot is not None else values

    async def _patch(self, request: Request) -> Response:
        values = booking_fhir.patch_request(await json_body(request))
        key = request.path_params["key"]
        stored = self.rules.set_status(key, values, self.clock(), version=stated_version(request))
        self.log(request, "appointment", key, 200, None)
        return _fhir_one(stored)

    async def _new_patient(self, request: Request) -> Response:
        values, key = booking_fhir.patient_request(await json_body(request))
        condition = request.headers.get("if-none-exist", "").partition("|")[2]
        given = {name: value for name, value in values.items() if value is not None}
        stored, new = self.rules.create_patient(given, self.clock(), key=condition or key)
        self.log(request, "patient", stored.id, 201 if new else 200, key)
        return _fhir_one(stored, 201 if new else 200)

    async def _put(self, request: Request) -> Response:
        values, _ = booking_fhir.patient_request(await json_body(request))
        key = request.path_params["key"]
        stored = self.rules.change_patient(key, values, self.clock(), version=stated_version(request))
        self.log(request, "patient", key, 200, None)
        return _fhir_one(stored)


def _comparison(column: str, value: str) -> Condition:
    operator = _COMPARISONS.get(value[:2])
    return (column, operator or "=", moment(value[2:] if operator else value))


def _fhir(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(body, status, headers, media_type=fhir.CONTENT_TYPE)


def _fhir_one(stored: Stored, status: int = 200) -> Response:
    return _fhir(booking_fhir.resource(stored), status, {"ETag": f'W/"{stored.version}"'})
