"""The played booking platform's plain JSON interface, as `connectors.booking.json_api` describes it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors import records
from connectors.booking import json_api
from connectors.sandbox.booking_interface import Interface, json_body, moment, resource_of, stated_version
from connectors.sandbox.booking_store import Condition, Declined, Stored

_BY_PATH = {path: resource for resource, path in json_api.PATHS.items()}


class JsonInterface(Interface):
    """The endpoints below /api/v1."""

    def routes(self) -> list[Route]:
        """Paths and methods."""
        return [
            Route("/api/v1/status", self._status),
            Route("/api/v1/{path}", self._list),
            Route("/api/v1/{path}", self._create, methods=["POST"]),
            Route("/api/v1/{path}/count", self._count),
            Route("/api/v1/{path}/{key}", self._one),
            Route("/api/v1/{path}/{key}", self._patch, methods=["PATCH"]),
        ]

    async def _status(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse({"name": "played booking platform", "version": "1"})

    async def _list(self, request: Request) -> Response:
        resource = resource_of(_BY_PATH, request.path_params["path"])
        found, cursor = self.page(request, resource, _conditions(request), "limit", "cursor")
        following = None
        if cursor is not None:
            query = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
            following = f"{request.url.path}?{urlencode([*query, ('cursor', cursor)])}"
        return JSONResponse({"items": [_item(stored) for stored in found], "next": following})

    async def _count(self, request: Request) -> Response:
        resource = resource_of(_BY_PATH, request.path_params["path"])
        return JSONResponse({"count": self.store.count(resource, _conditions(request))})

    async def _one(self, request: Request) -> Response:
        stored = self.store.get(resource_of(_BY_PATH, request.path_params["path"]), request.path_params["key"])
        if stored is None:
            raise Declined(404, "not-found")
        return JSONResponse(_item(stored))

    async def _create(self, request: Request) -> Response:
        resource = resource_of(_BY_PATH, request.path_params["path"])
        values = _values(resource, await json_body(request))
        key, now = values.pop("change_key", None), self.clock()
        made = self.store.search(resource, [("change_key", "=", key)]) if key else []
        if made:
            stored, status = made[0], 200
        elif resource == "patient":
            stored, status = self.rules.create_patient(values, now, key=key)[0], 201
        else:
            stored, status = self.rules.book(values, now, key=key), 201
        self.log(request, resource, stored.id, status, key)
        return JSONResponse(_item(stored), status if stored.body.get("status") != "pending" else 202)

    async def _patch(self, request: Request) -> Response:
        resource = resource_of(_BY_PATH, request.path_params["path"])
        values = _values(resource, await json_body(request))
        key, change, version = request.path_params["key"], values.pop("change_key", None), stated_version(request)
        if resource == "patient":
            stored = self.rules.change_patient(key, values, self.clock(), version=version)
        elif {"start", "end", "schedule_id"} & set(values):
            stored = self.rules.move(key, values, self.clock(), version=version)
        else:
            stored = self.rules.set_status(key, values, self.clock(), version=version)
        self.log(request, resource, key, 200, change)
        return JSONResponse(_item(stored))


def _conditions(request: Request) -> list[Condition]:
    query = request.query_params
    conditions: list[Condition] = []
    for name, column, operator in (
        ("updated_since", "updated_at", ">="),
        ("start_from", "start", ">="),
        ("start_until", "start", "<"),
    ):
        if name in query:
            conditions.append((column, operator, moment(query[name])))
    if "change_key" in query:
        conditions.append(("change_key", "=", query["change_key"]))
    return conditions


def _item(stored: Stored) -> dict[str, Any]:
    body = {name: value for name, value in stored.body.items() if name != "slots"}
    return {
        "id": stored.id,
        "version": stored.version,
        "updated_at": stored.updated_at,
        "change_key": stored.change_key,
        **body,
    }


def _values(resource: str, body: Any) -> dict[str, Any]:
    if resource not in ("patient", "appointment"):
        raise Declined(405, "not-supported")
    allowed = {*records.columns(resource), "change_key"} - {"source_id", "created_at", "changed_at"}
    if not isinstance(body, dict) or set(body) - allowed:
        raise Declined(400, "structure")
    moments = {name: moment(body[name]) for name in ("start", "end") if body.get(name)}
    return {**body, **moments}
