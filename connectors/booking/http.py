"""The only place that opens an internet connection.

    with Http("https://booking.example/fhir", auth=auth) as http:
        answer = http.get("Appointment", {"date": "ge2026-01-01"})
        for page in http.pages("Patient", {"_count": "500"}, next_link): ...

What a foreign server may do to us is bounded here, once: a total deadline per request, a cap on bytes, no compressed
answers (1.8 kB of nested gzip became 1 GiB), no redirects, `next` links only below the base address, TLS always
verified, no proxy but a configured one. What it says becomes an `Answer` or one of `connectors.errors`; messages name
host, status and cause, never an address with search values and never a body.
"""

from __future__ import annotations

import datetime as dt
import gc
import json
import math
import random
import re
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

import httpcore
import httpx

from connectors.booking.instants import http_instant
from connectors.booking.links import Trail
from connectors.booking.wire import Clock, Deadline, DeadlineTransport
from connectors.errors import BadAnswer, ConnectorError, SourceAway, SourceBusy, SourceRefused, SourceStalled

Json = dict[str, Any]

_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much; seconds and bytes. `lost_seconds` may go by with failed tries and pauses in a reading."""

    request_seconds: float = 60.0
    answer_bytes: int = 8 * 1024 * 1024
    retries: int = 6
    backoff_base: float = 1.0
    backoff_cap: float = 300.0
    longest_pause: float = 900.0
    lost_seconds: float = math.inf


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time and chance, so that a test can hold them: wall clock (aware), monotonic seconds, sleep, random in [0, 1)."""

    now: Callable[[], dt.datetime]
    monotonic: Clock = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `body` is the JSON object, or None when an accepted error status brought none."""

    status: int
    headers: Mapping[str, str]
    body: Json | None

    @property
    def date(self) -> dt.datetime | None:
        """The server's clock when it answered (header `Date`, whole seconds)."""
        return _instant(self.headers.get("date", ""))

    @property
    def json(self) -> Json:
        """The body, where there must be one."""
        if self.body is None:
            raise BadAnswer(f"status {self.status} without a JSON object, expected one")
        return self.body


@dataclass(slots=True)
class _Patience:
    """How often one reading may still try again, and how long to wait before it does."""

    limits: Limits
    clocks: Clocks
    used: int = field(default=0)
    lost: float = field(default=0.0)

    def wait(self, error: ConnectorError, tried: float) -> None:
        """Sleep before the next try, or raise the error when there is none left or the pause would be too long.

        :param tried: seconds that the failed try took.
        """
        asked = error.retry_after if isinstance(error, SourceBusy) else None
        ceiling = min(self.limits.backoff_cap, self.limits.backoff_base * 2**self.used)
        pause = asked if asked is not None else self.clocks.random() * ceiling
        left = min(self.limits.longest_pause, self.limits.lost_seconds - self.lost - tried)
        if self.used >= self.limits.retries or pause > left:
            raise error
        self.used += 1
        self.lost += tried + pause
        self.clocks.sleep(pause)


class Http:
    """A client of one base address. `auth` signs every request; `ca_file` names a private CA in PEM."""

    def __init__(
        self,
        base_url: str,
        *,
        clocks: Clocks,
        auth: httpx.Auth | None = None,
        limits: Limits | None = None,
        accept: str = "application/json",
        ca_file: str | None = None,
        proxy: str | None = None,
    ) -> None:
        self.base = httpx.URL(base_url.rstrip("/"))
        self._clocks = clocks
        self._limits = limits or Limits()
        self._shared: _Patience | None = None
        self._deadline = Deadline(clocks.monotonic)
        # Reading the trusted authorities takes a tenth of a second: only where TLS is spoken.
        context = ssl.create_default_context(cafile=ca_file) if self.base.scheme == "https" else None
        self._client = httpx.Client(
            transport=DeadlineTransport(self._deadline, context, proxy),
            auth=auth,
            trust_env=False,
            headers={"Accept": accept, "Accept-Encoding": "identity", "User-Agent": "praxistakt"},
        )

    @contextmanager
    def hurried(self, request_seconds: float, lost_seconds: float) -> Iterator[None]:
        """Within this block a request takes at most so long, and failed tries and pauses cost at most so much."""
        usual = self._limits
        self._limits = replace(
            usual,
            request_seconds=min(usual.request_seconds, request_seconds),
            lost_seconds=min(usual.lost_seconds, lost_seconds),
        )
        self._shared = _Patience(self._limits, self._clocks)
        try:
            yield
        finally:
            self._limits, self._shared = usual, None

    def _patience(self) -> _Patience:
        return self._shared or _Patience(self._limits, self._clocks)

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, accept: Collection[int] = (200,)) -> Answer:
        """Read one resource; tries again on what may pass. Statuses outside `accept` are raised as errors."""
        return self._patient_get(self._url(path, params), accept, self._patience())

    def pages(
        self, path: str, params: Mapping[str, Any], next_link: Callable[[Json], object | None]
    ) -> Iterator[Answer]:
        """All pages of a search; `next_link` finds the link to the next one in a body, or None at the end."""
        patience = self._patience()
        url = self._url(path, params)
        trail = Trail(self.base, url)
        while True:
            answer = self._patient_get(url, (200,), patience)
            yield answer
            link = next_link(answer.json)
            if link is None:
                return
            url = trail.follow(link)

    def send(
        self,
        method: str,
        path: str,
        content: Json,
        *,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (200, 201),
        content_type: str = "application/json",
    ) -> Answer:
        """Write, once: after an unclear end nobody knows what happened, so trying again is the caller's decision."""
        request = self._client.build_request(
            method,
            self._url(path, None),
            content=json.dumps(content, ensure_ascii=False).encode(),
            headers={"Content-Type": content_type, **(headers or {})},
        )
        return self._once(request, accept)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _url(self, path: str, params: Mapping[str, Any] | None) -> httpx.URL:
        if {"", ".", ".."} & set(path.split("/")):
            raise BadAnswer(f"{self.base.host}: an id that would lead to another address, expected a plain one")
        url = httpx.URL(f"{self.base}/{path}")
        return url.copy_merge_params(params) if params else url

    def _patient_get(self, url: httpx.URL, accept: Collection[int], patience: _Patience) -> Answer:
        while True:
            began = self._clocks.monotonic()
            try:
                return self._once(self._client.build_request("GET", url), accept)
            except (SourceAway, SourceBusy) as error:
                patience.wait(error, self._clocks.monotonic() - began)

    def _once(self, request: httpx.Request, accept: Collection[int]) -> Answer:
        """One request under one deadline."""
        self._deadline.start(self._limits.request_seconds)
        response: httpx.Response | None = None
        try:
            response = self._client.send(request, stream=True)
            if response.status_code not in accept:
                raise self._status_error(response)
            body = self._body(response)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise self._link_error(error, answered=response is not None) from error
        finally:
            if response is not None:
                response.close()
        return Answer(response.status_code, response.headers, self._json(request, response, body))

    def _body(self, response: httpx.Response) -> bytes:
        coding = response.headers.get("content-encoding", "").strip().lower()
        if coding not in ("", "identity"):
            raise BadAnswer(f"{self.base.host}: a compressed answer, expected identity encoding as asked for")
        body = bytearray()
        for part in response.iter_raw():
            body += part
            if len(body) > self._limits.answer_bytes:
                raise BadAnswer(f"{self.base.host}: an answer of more than {self._limits.answer_bytes:,} bytes")
            self._deadline.left()
        return bytes(body)

    def _json(self, request: httpx.Request, response: httpx.Response, body: bytes) -> Json | None:
        """A reading needs an object; a write may be confirmed, and anything refused, without one."""
        try:
            return parse(body)
        except BadAnswer as error:
            refused, silent = response.status_code >= 400, request.method != "GET" and not body
            if refused or silent:
                return None
            raise BadAnswer(f"{self.base.host}: {error}") from error

    def _link_error(self, error: Exception, *, answered: bool) -> ConnectorError:
        host = self.base.host
        if isinstance(error, httpcore.ConnectTimeout):
            return SourceAway(f"{host}: no connection within {self._limits.request_seconds:g} s")
        if isinstance(error, httpcore.TimeoutException):
            return SourceStalled(f"{host}: no complete answer within {self._limits.request_seconds:g} s")
        if answered and isinstance(error, httpcore.RemoteProtocolError):
            return BadAnswer(f"{host}: the answer broke off before its end")
        if isinstance(error, httpcore.ProtocolError) and "disconnected" not in str(error):
            return BadAnswer(f"{host}: the answer is not HTTP/1.1")
        if isinstance(error.__context__, ssl.SSLCertVerificationError):
            return SourceRefused(f"{host}: its certificate cannot be verified; name the private CA in ca_file")
        return SourceAway(f"{host}: no connection ({type(error).__name__})")

    def _status_error(self, response: httpx.Response) -> ConnectorError:
        status, host = response.status_code, self.base.host
        if status in (401, 403):
            return SourceRefused(f"{host}: status {status}; check access id, secret, rights and this machine's clock")
        if status in (429, 503):
            return SourceBusy(f"{host}: status {status}; it asks for a pause", self._retry_after(response))
        if status in (502, 504):
            return SourceAway(f"{host}: status {status}; the system behind the gateway does not answer")
        if 300 <= status < 400:
            return BadAnswer(f"{host}: status {status}; redirects are not followed")
        return BadAnswer(f"{host}: status {status}, expected 200")

    def _retry_after(self, response: httpx.Response) -> float | None:
        stated = response.headers.get("retry-after", "").strip()
        if stated.isdecimal():
            return float(stated[:9])
        until = _instant(stated)
        return None if until is None else max(0.0, (until - self._clocks.now()).total_seconds())


def parse(body: bytes) -> Json:
    """A JSON object from bytes; half a surrogate pair becomes `?`. Raises BadAnswer for anything else, however deep."""
    try:
        with _collector_paused():
            value = json.loads(body, parse_constant=_refuse_constant)
        if _LONE_SURROGATE.search(body):
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise BadAnswer("the answer is no valid JSON") from error
    if not isinstance(value, dict):
        raise BadAnswer(f"the answer is a JSON {type(value).__name__}, expected an object")
    return value


@contextmanager
def _collector_paused() -> Iterator[None]:
    """JSON has no cycles: looking for some while a page is built takes twice as long as building it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _instant(text: str) -> dt.datetime | None:
    try:
        return http_instant(text)
    except ValueError:
        return None
