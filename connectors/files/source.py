"""A list of appointments as a `Source`: what a practice can export without anybody's help.

The list is the truth for the days that it covers and says nothing about others: appointments come as a window, what
is derived from them (calendars, practitioners, types) only adds. Lists cannot be written to.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

import polars as pl

from connectors import records
from connectors.casts import as_text, moments
from connectors.errors import BadAnswer, ConnectorError, ProfileError, SourceAway
from connectors.files.profile import ListProfile, ListRecord
from connectors.files.tables import Reading, plain, read_table
from connectors.intake import KEY, Intake, take_in
from connectors.source import Asked, Batch, Change, Finding, ReadRequest, Receipt, Watermark, Window

#: How the computed end of a row is written, beside the formats of the profile.
_END = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody gave to a page: its name and its bytes, in memory only."""

    name: str
    content: bytes


class ListSource:
    """Reads one exported list, where it lies (`Path`) or from memory (`Upload`).

    `headers` adds names that this practice's columns have, by our name. `timezone` is the practice's.
    """

    def __init__(
        self,
        name: str,
        profile: ListProfile,
        place: Path | Upload,
        *,
        timezone: str,
        headers: Mapping[str, str] | None = None,
        reading: Reading | None = None,
    ) -> None:
        self.name = name
        self.resources = tuple(profile.tables)
        self._profile = profile
        self._place = place
        self._timezone = timezone
        own = headers or {}
        self._headers = {
            ours: (*theirs, *((own[ours],) if ours in own else ())) for ours, theirs in profile.headers.items()
        }
        self._reading = reading
        self._read: tuple[str, pl.DataFrame] | None = None

    def read(self, request: ReadRequest) -> Iterator[Batch]:
        """One batch: all rows, as the window that they cover; nothing if the file is the one read before."""
        if request.resource not in self._profile.tables:
            raise ProfileError([f"{self._profile.profile}: found no [{request.resource}], expected {self.resources}"])
        content = self._content()
        position = hashlib.sha256(content).hexdigest()
        if request.scope == "changes" and request.since == position:
            empty = pl.DataFrame(schema=records.schema(request.resource))
            yield Batch(request.resource, empty, "changes", position=position)
            return
        record = self._profile.tables[request.resource]
        taken = self._taken(request.resource, record, self._table(position, content))
        window = covered(taken.frame, self._timezone) if "start" in taken.frame.columns else None
        yield Batch(
            request.resource,
            taken.frame,
            "window" if window is not None else "changes",
            window=window,
            position=position,
            rejected=taken.rejected,
            issues=taken.issues,
            unmapped=taken.unmapped,
            read=taken.read,
        )

    def has_news(self, since: Watermark) -> bool:
        """Whether the file's content is another one."""
        position = hashlib.sha256(self._content()).hexdigest()
        return any(since.get(resource) != position for resource in self.resources)

    def look(self, resource: str, source_id: str) -> Mapping[str, object] | None:
        """The record as the list has it now."""
        frames = [batch.frame for batch in self.read(ReadRequest(resource, "full"))]
        found = pl.concat(frames).filter(pl.col(KEY) == source_id).select(list(records.columns(resource)))
        return found.row(0, named=True) if found.height else None

    def write(self, change: Change) -> Receipt:
        """A list is a copy: a correction belongs into the system that it was exported from."""
        return Receipt("refused", change.source_id, reason="a list cannot be written to")

    def journal(self) -> tuple[Asked, ...]:
        """Nothing: no server of the practice's is asked."""
        return ()

    def check(self) -> list[Finding]:
        """Whether the file is there, and which of its columns are known."""
        try:
            content = self._content()
            table = self._table(hashlib.sha256(content).hexdigest(), content)
        except ConnectorError as error:
            return [Finding("list", "error", str(error), "export the list again, or see path in practice.toml")]
        missing = [ours for ours in self._headers if table[ours].null_count() == table.height]
        findings = [Finding("list", "ok", f"{table.height} rows")]
        if missing:
            findings.append(Finding("columns", "warn", f"empty or not there: {', '.join(missing)}"))
        return findings

    def close(self) -> None:
        """Forget the rows."""
        self._read = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _content(self) -> bytes:
        if isinstance(self._place, Upload):
            return self._place.content
        try:
            return self._place.read_bytes()
        except OSError as error:
            raise SourceAway(f"{self._place} cannot be read ({error.strerror}), expected an exported list") from error

    def _table(self, position: str, content: bytes) -> pl.DataFrame:
        """The list under our names of its columns; kept for the next record of the same reading."""
        if self._read is None or self._read[0] != position:
            self._read = (position, self._named(content))
        return self._read[1]

    def _named(self, content: bytes) -> pl.DataFrame:
        theirs = [header for headers in self._headers.values() for header in headers]
        table = read_table(self._place.name, content, theirs, self._reading)
        there = {plain(column): column for column in reversed(table.columns)}
        found = {
            ours: next((there[plain(header)] for header in headers if plain(header) in there), None)
            for ours, headers in self._headers.items()
        }
        lacking = [
            f"{ours} ({', '.join(self._headers[ours])})" for ours in self._profile.required if found[ours] is None
        ]
        if lacking:
            raise BadAnswer(f"{self._place.name}: found no column {'; '.join(lacking)}; name it under headers")
        empty = pl.lit(None, pl.String)
        return table.select((pl.col(name) if name else empty).alias(ours) for ours, name in found.items())

    def _taken(self, resource: str, record: ListRecord, table: pl.DataFrame) -> Intake:
        vendor = vendor_rows(record, table)
        fields = dict(record.columns)
        if record.minutes is not None:
            fields["end"] = fields["end"].model_copy(update={"formats": (*fields["end"].formats, _END)})
        return take_in(resource, vendor, fields, timezone=self._timezone)


def vendor_rows(record: ListRecord, table: pl.DataFrame) -> pl.DataFrame:
    """The profile's expressions over the list: `source_id` and the mapped fields, in the order of the keys."""
    picked = table if record.where is None else table.filter(_expr(record.where))
    fields = {name: _expr(field.expr) for name, field in record.columns.items() if field.expr is not None}
    rows = picked.select(_expr(record.key).cast(pl.String).alias(KEY), **fields)
    if record.minutes is not None:
        end = _end(record, rows, picked.select(_expr(record.minutes)).to_series())
        rows = rows.with_columns(end.alias("end"))
    if record.distinct:
        return rows.drop_nulls(KEY).unique(KEY, keep="first", maintain_order=True).sort(KEY)
    again = pl.int_range(pl.len()).over(KEY) + 1
    numbered = pl.when(again > 1).then(pl.format("{} #{}", KEY, again)).otherwise(KEY)
    return rows.with_columns(numbered.alias(KEY)).sort(KEY, nulls_last=True)


def _expr(text: str) -> pl.Expr:
    return pl.sql_expr(text)


def _end(record: ListRecord, rows: pl.DataFrame, durations: pl.Series) -> pl.Series:
    """The end as the list has it, else start and duration, by the clock on the wall."""
    ends, starts = as_text(rows["end"]), moments(rows["start"], record.columns["start"].formats)
    computed = (starts + pl.Series(minutes(durations) * 60_000_000).cast(pl.Duration("us"))).dt.strftime(_END)
    return ends.zip_with(ends.is_not_null(), computed)


def minutes(durations: pl.Series) -> pl.Series:
    """`30`, `30 min`, `0:30` or `00:30:00` to whole minutes."""
    text = as_text(durations)
    clock = text.str.extract_groups(r"^(\d+):(\d\d)").struct.unnest()
    hours, rest = (clock[name].cast(pl.Int64) for name in clock.columns)
    plain_minutes = text.str.extract(r"(?i)^(\d+)\s*(?:m|min|minuten)?\.?$").cast(pl.Int64)
    return (hours * 60 + rest).zip_with(hours.is_not_null(), plain_minutes)


def covered(frame: pl.DataFrame, zone: str) -> Window | None:
    """The whole local days from the first to the last start, or None without any row."""
    if frame.is_empty():
        return None
    local = frame["start"].dt.convert_time_zone(zone).dt.date().to_list()
    first, last = min(local), max(local)
    return Window(_midnight(first, zone), _midnight(last + dt.timedelta(days=1), zone))


def _midnight(day: dt.date, zone: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)
