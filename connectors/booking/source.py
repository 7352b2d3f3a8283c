"""Booking platforms as a `Source`: what to read, what moved since, and the careful way to write.

problems = source.problems("booking", table)          # all at once, [] when the settings are well
with open_source("booking", table, secret=..., timezone="Europe/Berlin", now=utc_now) as booking: ...
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import httpx
import polars as pl

from connectors import phones, records
from connectors.booking import fhir, frames, isik, json_api, settings, writable
from connectors.booking.apiauth import APIAuth, BearerAuth
from connectors.booking.http import Clocks, Http, Limits
from connectors.booking.isik_client import IsikPlatform
from connectors.booking.json_api import JsonPlatform
from connectors.booking.platform import Found, Outcome, Page, Platform
from connectors.booking.polling import Position, Progress
from connectors.booking.settings import ApiAuthSettings, BearerSettings, BookingSettings
from connectors.errors import BadAnswer, ProfileError
from connectors.source import Asked, Batch, Change, Finding, ReadRequest, Receipt, Scope, Watermark, Window

#: How far ahead offers are read when nobody says how far.
OFFERS_AHEAD = dt.timedelta(days=731)
_BATCH_ROWS = 2_000

#: Of the patience for one request, the part that failed tries and pauses may cost.
_LOST = 0.25
#: Seconds for a request of a poll.
_POLL_SECONDS = 10.0

KINDS = ("isik", "booking-json")

problems = settings.problems


def open_source(
    name: str,
    table: Mapping[str, Any],
    *,
    secret: Callable[[str], str],
    timezone: str,  # noqa: ARG001 (both flavours send instants with their offset)
    now: Callable[[], dt.datetime],
    clocks: Clocks | None = None,
) -> BookingSource:
    """The platform that `[sources.<name>]` describes. Raises ProfileError with all problems; asks nothing of it yet."""
    found = problems(name, table)
    if found:
        raise ProfileError(found)
    configured = BookingSettings.model_validate(dict(table))
    http = Http(
        configured.base_url,
        clocks=clocks or Clocks(now=now),
        auth=_auth(configured, secret, now),
        limits=Limits(request_seconds=configured.request_seconds, answer_bytes=configured.answer_bytes),
        accept=fhir.CONTENT_TYPE if configured.kind == "isik" else "application/json",
        ca_file=configured.ca_file,
        proxy=configured.proxy,
    )
    flavour: type[IsikPlatform | JsonPlatform] = IsikPlatform if configured.kind == "isik" else JsonPlatform
    platform: Platform = flavour(http, configured, now)
    return BookingSource(name, platform, overlap=dt.timedelta(seconds=configured.overlap_seconds), now=now)


def code_map(table: Mapping[str, Any]) -> pl.DataFrame:
    """The code maps in force for a valid table: resource, field, code, value, ordered."""
    configured = BookingSettings.model_validate(dict(table))
    known = isik.CODES if configured.kind == "isik" else json_api.CODES
    rows = [
        (resource, field, code, value)
        for resource, fields in configured.code_maps(known).items()
        for field, codes in fields.items()
        for code, value in codes.items()
    ]
    return pl.DataFrame(
        rows, schema=dict.fromkeys(("resource", "field", "code", "value"), pl.String), orient="row"
    ).sort("resource", "field", "code")


def _auth(
    configured: BookingSettings, secret: Callable[[str], str], now: Callable[[], dt.datetime]
) -> httpx.Auth | None:
    auth = configured.auth
    if isinstance(auth, ApiAuthSettings):
        return APIAuth(auth.access_id, secret(auth.secret), auth.dialect(), now)
    if isinstance(auth, BearerSettings):
        return BearerAuth(secret(auth.secret))
    return None


class BookingSource:
    """A booking platform of one practice; implements `connectors.source.Source`."""

    def __init__(self, name: str, platform: Platform, *, overlap: dt.timedelta, now: Callable[[], dt.datetime]) -> None:
        self.name = name
        self.resources = platform.resources
        self._platform = platform
        self._overlap = overlap
        self._now = now

    def read(self, request: ReadRequest) -> Iterator[Batch]:
        """Batches of one record type; wider than asked for where the platform cannot answer as asked.

        A window is read whole and, if there is a position, what was touched since then anywhere: a row that moved out
        of the window is a change, not a removal. A row that two batches hold was touched meanwhile: the later counts.
        """
        with self._waited_for(request.patience):
            yield from self._read(request)

    def _waited_for(self, patience: float | None) -> AbstractContextManager[None]:
        return nullcontext() if patience is None else self._platform.hurried(patience, _LOST * patience)

    def _read(self, request: ReadRequest) -> Iterator[Batch]:
        resource = request.resource
        scope, window = self._answerable(request)
        progress: Progress | None = None
        for page, last in _chunks(self._walks(request, scope, window)):
            if progress is None:
                progress = Progress((page.server_time or self._now()) - self._overlap)
            for source_id, stamped in page.stamps:
                progress.saw(source_id, stamped)
            position = progress.position() if last and self._all_seen(request, scope) else None
            yield self._batch(resource, _latest(page), scope, window, position, last=last)

    def _answerable(self, request: ReadRequest) -> tuple[Scope, Window | None]:
        """The scope that can be answered, and the window of it."""
        resource, platform = request.resource, self._platform
        if request.scope == "changes" and request.since and self._by_change(resource):
            return "changes", None
        if resource in platform.only_window:
            now = self._now()
            window = request.window or Window(now, now + OFFERS_AHEAD)
            # A past offer that nobody booked may no longer be told: its absence says nothing.
            return "window", Window(max(window.start, now), max(window.end, now))
        if resource in platform.by_window and request.window is not None and request.scope != "full":
            return "window", request.window
        return "full", None

    def _walks(self, request: ReadRequest, scope: Scope, window: Window | None) -> Iterator[Page]:
        if scope != "changes":
            yield from self._platform.pages(request.resource, None, window)
        if scope != "full" and request.since and self._by_change(request.resource):
            yield from self._platform.pages(request.resource, Position.parse(request.since).mark, None)

    def _by_change(self, resource: str) -> bool:
        return resource in self._platform.by_change and self._platform.stamped()

    def _all_seen(self, request: ReadRequest, scope: Scope) -> bool:
        """Whether the reading saw all that an idle poll will ask about; a window alone does not."""
        polled = request.resource in self._platform.polled and self._platform.stamped()
        return polled and (scope != "window" or request.since is not None)

    def _batch(
        self, resource: str, page: Page, scope: Scope, window: Window | None, position: Position | None, *, last: bool
    ) -> Batch:
        parsed = frames.parse(resource, page.rows, page.payloads, self._platform.codes(resource))
        return Batch(
            resource,
            parsed.frame,
            scope,
            window=window,
            position=None if position is None else str(position),
            rejected=parsed.rejected,
            issues=parsed.issues,
            unmapped=parsed.unmapped,
            read=len(page.rows),
            last=last,
        )

    def has_news(self, since: Watermark) -> bool:
        """Whether anything was touched since; mostly by counts alone. True when the platform keeps no stamps."""
        polled, platform = self._platform.polled, self._platform
        never_read = [resource for resource in polled if resource in platform.by_change and resource not in since]
        if never_read:
            return True
        with platform.hurried(_POLL_SECONDS, 0.0):
            if not platform.stamped():
                return True
            return any(self._moved(of, Position.parse(since[of])) for of in polled if of in since)

    def _moved(self, resource: str, position: Position) -> bool:
        if self._platform.count(resource, position.mark) != position.rows:
            return True
        if not position.rows:
            return False
        # The same number of rows, but one of them may have been touched again.
        seen = Progress(position.mark)
        for page in self._platform.pages(resource, position.mark, None):
            for source_id, stamped in page.stamps:
                seen.saw(source_id, stamped)
        return seen.position() != position

    def write(self, change: Change) -> Receipt:
        """Carry one change: only if its base still stands, and not again if it arrived before under its key."""
        if change.kind == "cancel":
            change = replace(change, values={"status": "cancelled", **change.values})
        reason = writable.refusal(change)
        if reason is not None:
            return Receipt("refused", change.source_id, reason=reason)
        if change.kind in ("create", "move"):
            earlier = self._platform.find_change(change.resource, change.key)
            if earlier is not None:
                return self._receipt("already", change, earlier)
        if change.kind == "create":
            return self._sent(change, None)
        current = self._platform.find(change.resource, change.source_id or "")
        return self._receipt("conflict", change, None, "gone") if current is None else self._on_base(change, current)

    def _on_base(self, change: Change, current: Found) -> Receipt:
        standing = self._record(change.resource, current)
        if _holds(standing, change.values):
            return self._receipt("already", change, current)
        if not _holds(standing, change.base):
            return self._receipt("conflict", change, current, "the base no longer holds")
        return self._sent(change, current)

    def _sent(self, change: Change, current: Found | None) -> Receipt:
        sent = self._platform.send(change, current)
        source_id = sent.source_id or change.source_id
        after = self._platform.find(change.resource, source_id) if source_id and sent.outcome != "refused" else None
        receipt = self._receipt(sent.outcome, change, after, sent.reason)
        if receipt.outcome == "written" and change.kind != "create" and not _holds(receipt.found, change.values):
            return Receipt("pending", receipt.source_id, receipt.version, receipt.found, "not yet visible as written")
        return receipt

    def _receipt(self, outcome: Outcome, change: Change, found: Found | None, reason: str | None = None) -> Receipt:
        if found is None:
            return Receipt(outcome, change.source_id, reason=reason)
        record = self._record(change.resource, found)
        told = {field: record.get(field) for field in {**change.base, **change.values}}
        return Receipt(outcome, str(found.row["source_id"]), found.version, told, reason)

    def look(self, resource: str, source_id: str) -> Mapping[str, object] | None:
        """The record as it stands there now, by field name, or None if it is gone."""
        found = self._platform.find(resource, source_id)
        return None if found is None else self._record(resource, found)

    def _record(self, resource: str, found: Found) -> Mapping[str, object]:
        parsed = frames.parse(resource, [found.row], [found.payload], self._platform.codes(resource))
        if parsed.frame.is_empty():
            broken = parsed.rejected.row(0, named=True)
            raise BadAnswer(f"{self.name}: a {resource} with {broken['field']} {broken['rule']}")
        return {name: parsed.frame[name][0] for name in records.columns(resource)}

    def journal(self) -> tuple[Asked, ...]:
        """Nothing: no server of the practice's is asked."""
        return ()

    def check(self) -> list[Finding]:
        """Connection, rights, version, clock."""
        return self._platform.check()

    def close(self) -> None:
        """Give the link back."""
        self._platform.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _holds(standing: Mapping[str, object], expected: Mapping[str, object]) -> bool:
    return all(
        _comparable(field, standing.get(field)) == _comparable(field, value) for field, value in expected.items()
    )


def _comparable(field: str, value: object) -> object:
    """A platform may write a telephone number in its own way; it stands there all the same."""
    return phones.to_e164(value) or value if field in ("phone", "mobile") and isinstance(value, str) else value


def _latest(page: Page) -> Page:
    """Each row once, as it came last: paging over a list that moves may deliver one twice."""
    newest = {row.get("source_id") or object(): index for index, row in enumerate(page.rows)}
    keep = sorted(newest.values())
    return Page([page.rows[i] for i in keep], [page.payloads[i] for i in keep], page.stamps, page.server_time)


def _chunks(pages: Iterable[Page]) -> Iterator[tuple[Page, bool]]:
    """Pages joined to some two thousand rows each; the last one is marked, also when there are none."""
    gathered = Page([], [], [])
    for page in pages:
        if len(gathered.rows) >= _BATCH_ROWS:
            yield gathered, False
            gathered = Page([], [], [], gathered.server_time)
        gathered = Page(
            gathered.rows + page.rows,
            gathered.payloads + page.payloads,
            gathered.stamps + page.stamps,
            gathered.server_time or page.server_time,
        )
    yield gathered, True
