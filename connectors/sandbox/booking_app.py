"""The played booking platform's door and house: every request is signed, then meets its fault, then its endpoint."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.booking import apiauth
from connectors.booking.instants import http_date
from connectors.sandbox import booking_fhir
from connectors.sandbox.booking_faults import Faults
from connectors.sandbox.booking_fhir_app import FhirInterface
from connectors.sandbox.booking_interface import Clock
from connectors.sandbox.booking_json_app import JsonInterface
from connectors.sandbox.booking_rules import Rules
from connectors.sandbox.booking_store import Declined, Store


def application(store: Store, rules: Rules, clock: Clock) -> Starlette:
    """Both interfaces; a refusal becomes an OperationOutcome with the plain flavour's error code beside it."""
    interface = FhirInterface(store, rules, clock)

    async def declined(request: Request, error: Exception) -> Response:
        status, code = (error.status, error.code) if isinstance(error, Declined) else (500, "exception")
        if request.method != "GET":
            resource = "patient" if "/patient" in request.url.path.lower() else "appointment"
            interface.log(request, resource, request.path_params.get("key"), status, None)
        return JSONResponse({**booking_fhir.outcome(code), "error": code}, status)

    routes = [*interface.routes(), *JsonInterface(store, rules, clock).routes()]
    return Starlette(routes=routes, exception_handlers={Declined: declined})


class Door:
    """In front of everything: the signature, then the faults, and the server's own clock on each answer."""

    def __init__(
        self, app: ASGIApp, faults: Faults, secrets: Mapping[str, str], dialect: apiauth.Dialect, clock: Clock
    ) -> None:
        self._app = app
        self._faults = faults
        self._secrets = secrets
        self._dialect = dialect
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        request = Request(scope, receive)
        body = await request.body()
        if not self._signed(request, body):
            refusal = {**booking_fhir.outcome("login"), "error": "login"}
            await JSONResponse(refusal, 401)(scope, receive, self._dated(send))
            return
        await self._faults.handle(self._app, scope, _once(body, receive), self._dated(send))

    def _signed(self, request: Request, body: bytes) -> bool:
        query = request.scope["query_string"].decode("ascii")
        path = request.scope["raw_path"].decode("ascii")
        return apiauth.verify(
            self._dialect,
            self._secrets.get,
            method=request.method,
            uri=f"{path}?{query}" if query else path,
            headers=request.headers,
            body=body,
            now=self._clock(),
        )

    def _dated(self, send: Send) -> Send:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = (b"date", http_date(self._clock()).encode())
                message = {**message, "headers": [*message["headers"], date]}
            await send(message)

        return dated


def _once(body: bytes, receive: Receive) -> Receive:
    """The body that was read for the signature, again."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
