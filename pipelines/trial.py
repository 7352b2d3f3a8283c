"""Try a source's mapping: read everything, land nothing, say what is odd. Counts only, never a value of a patient.

What `map test` shows. It speaks of any source, whatever its kind: it knows the port and the records, no database.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl

from connectors import records
from connectors.errors import ConnectorError
from connectors.presentable import presentable
from connectors.source import Finding, ReadRequest, Source
from pipelines.practice import Practice

#: Below this share of odd rows nobody needs to look.
FEW = 0.01

#: Hours in which nearly all appointments of a practice lie, as local wall time.
DAY = (6, 22)

#: Field -> the record that its values are keys of.
_REFERS = {
    "patient_id": "patient",
    "practitioner_id": "practitioner",
    "schedule_id": "schedule",
    "healthcare_service_id": "healthcare_service",
    "room_id": "location",
    "location_id": "location",
    "appointment_id": "appointment",
}

#: Where a record's time is, for its span.
_TIMES = ("start", "service_date", "arrived_at", "started_at", "due_date", "date")

Level = Literal["ok", "warn", "error"]


@dataclass(frozen=True, slots=True)
class RecordTrial:
    """What one record type is like through the profile. Shares are 0 to 1; `orphans` are rows by referring field.

    `empty` are the shares of rows without a value in fields that others have filled, `silent` the fields without any
    value at all (not mapped, or mapped to a column where nothing is).

    `unmapped` has the codes that may be shown with their rows; `held_back` counts values that look like no codes.
    """

    resource: str
    read: int = 0
    kept: int = 0
    removed: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    issues: Mapping[str, int] = field(default_factory=dict)
    first: dt.date | None = None
    last: dt.date | None = None
    empty: Mapping[str, float] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    unmapped: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    held_back: Mapping[str, int] = field(default_factory=dict)
    orphans: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Plausibility:
    """What appointments look like as a whole; `hint` says what a person should look at first."""

    per_week: float
    minutes: float
    without_length: float
    outside_day: float
    at_weekends: float
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A whole mapping: the link, each record, the appointments; `level` is the worst of all."""

    source: str
    findings: list[Finding]
    records: list[RecordTrial]
    plausibility: Plausibility | None
    level: Level
    remarks: list[str]


def attempt(practice: Practice, name: str) -> Trial:
    """Read a source of a practice through its profile and judge what comes. Lands nothing and writes nothing.

    Raises ConnectorError only where the source cannot even be opened.
    """
    with practice.open_source(name) as source:
        findings = source.check()
        if any(one.level == "error" and not one.check.startswith("tables of") for one in findings):
            return Trial(name, findings, [], None, "error", [])
        kept = {resource: _read(source, resource) for resource in source.resources}
    keys = {resource: one.keys for resource, one in kept.items()}
    trials = [_judge(resource, one, keys, practice.zone) for resource, one in kept.items()]
    appointments = kept.get("appointment")
    plausible = None if appointments is None else _plausibility(appointments.slim, practice.zone)
    remarks = [remark for trial in trials for remark in _remarks(trial)]
    if plausible is not None and plausible.hint is not None:
        remarks.append(plausible.hint)
    return Trial(name, findings, trials, plausible, _level(findings, trials, remarks), remarks)


@dataclass(slots=True)
class _Kept:
    """What is remembered of a record's batches: counts, keys and the few columns that are judged together."""

    read: int = 0
    rows: int = 0
    removed: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    issues: Counter[str] = field(default_factory=Counter)
    filled: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    frames: list[pl.DataFrame] = field(default_factory=list)
    error: str | None = None

    @property
    def slim(self) -> pl.DataFrame:
        """Keys, references and times of all rows."""
        return pl.concat(self.frames) if self.frames else pl.DataFrame()

    @property
    def keys(self) -> pl.Series:
        """All source_ids."""
        return self.slim["source_id"] if self.frames else pl.Series([], dtype=pl.String)


def _read(source: Source, resource: str) -> _Kept:
    kept = _Kept()
    slim = [name for name in records.columns(resource) if name in ("source_id", "end", *_REFERS, *_TIMES)]
    try:
        for batch in source.read(ReadRequest(resource, "full")):
            kept.read += batch.read
            kept.rows += batch.frame.height
            kept.removed += len(batch.removed)
            kept.rejected.update(_by_rule(batch.rejected))
            kept.issues.update(_by_rule(batch.issues))
            kept.filled.update(
                {name: batch.frame.height - batch.frame[name].null_count() for name in batch.frame.columns}
            )
            kept.unmapped.update(
                {(row[0], row[1]): row[2] for row in batch.unmapped["field", "code", "rows"].iter_rows()}
            )
            kept.frames.append(batch.frame.select(slim))
    except ConnectorError as error:
        kept.error = " ".join(str(error).split())
    return kept


def _by_rule(rows: pl.DataFrame) -> dict[str, int]:
    """`field: rule` with the number of rows; the found values stay where they are."""
    counted = rows.group_by("field", "rule").len().sort("len", descending=True)
    return {f"{field}: {rule}": count for field, rule, count in counted.iter_rows()}


def _judge(resource: str, kept: _Kept, keys: Mapping[str, pl.Series], zone: ZoneInfo) -> RecordTrial:
    first, last = _span(kept.slim, zone)
    shown, held_back = _codes(kept.unmapped)
    return RecordTrial(
        resource,
        read=kept.read,
        kept=kept.rows,
        removed=kept.removed,
        rejected=dict(kept.rejected),
        issues=dict(kept.issues),
        first=first,
        last=last,
        empty=_empty(resource, kept),
        silent=tuple(name for name in records.columns(resource) if kept.rows and not kept.filled[name]),
        unmapped=shown,
        held_back=held_back,
        orphans=_orphans(resource, kept.slim, keys),
        error=kept.error,
    )


def _span(slim: pl.DataFrame, zone: ZoneInfo) -> tuple[dt.date | None, dt.date | None]:
    for name in _TIMES:
        if name in slim.columns and slim[name].null_count() < slim.height and slim[name].dtype.is_temporal():
            times = slim[name].drop_nulls()
            if isinstance(times.dtype, pl.Datetime):
                times = times.dt.convert_time_zone(str(zone)).dt.date()
            days: list[dt.date] = times.to_list()
            return min(days), max(days)
    return None, None


def _empty(resource: str, kept: _Kept) -> dict[str, float]:
    """The share of rows without a value, of fields that some rows have filled and others not."""
    if not kept.rows:
        return {}
    return {
        name: round(1 - kept.filled[name] / kept.rows, 4)
        for name in records.columns(resource)
        if name != "source_id" and 0 < kept.filled[name] < kept.rows
    }


def _codes(unmapped: Mapping[tuple[str, str], int]) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
    """Unknown codes by field, as far as they may be shown, and the number of those that may not."""
    shown: dict[str, dict[str, int]] = {}
    held_back: dict[str, int] = {}
    for name in dict.fromkeys(name for name, _ in unmapped):
        codes, hidden = presentable([(code, rows) for (of, code), rows in unmapped.items() if of == name])
        if codes:
            shown[name] = dict(codes)
        if hidden:
            held_back[name] = hidden
    return shown, held_back


def _orphans(resource: str, slim: pl.DataFrame, keys: Mapping[str, pl.Series]) -> dict[str, int]:
    """Rows whose reference leads nowhere, by field; only where the source also tells the other record."""
    found: dict[str, int] = {}
    for name, target in _REFERS.items():
        if name not in slim.columns or target not in keys or target == resource:
            continue
        there = slim[name].drop_nulls()
        lost = there.len() - there.is_in(keys[target].implode()).sum()
        if lost:
            found[name] = int(lost)
    return found


def _plausibility(slim: pl.DataFrame, zone: ZoneInfo) -> Plausibility | None:
    """What a person at the desk would notice at once, from starts and ends."""
    if slim.is_empty():
        return None
    start = slim["start"].dt.convert_time_zone(str(zone))
    minutes = (slim["end"] - slim["start"]).dt.total_minutes()
    hours = start.dt.hour()
    found = Plausibility(
        per_week=_median(start.dt.truncate("1w").value_counts()["count"]),
        minutes=_median(minutes.filter(minutes > 0)),
        without_length=_share(minutes <= 0),
        outside_day=_share((hours < DAY[0]) | (hours >= DAY[1])),
        at_weekends=_share(start.dt.weekday() >= 6),
    )
    return replace(found, hint=_hint(found, at_midnight=_share(hours == 0)))


def _share(rows: pl.Series) -> float:
    return round(int(rows.sum()) / rows.len(), 4)


def _median(values: pl.Series) -> float:
    middle = values.median()
    return round(middle, 1) if isinstance(middle, float) else 0.0


def _hint(found: Plausibility, at_midnight: float) -> str | None:
    if at_midnight > 0.9:
        return "nearly all appointments start at midnight: the time of day stands in another column than `start`"
    if found.outside_day > 0.05:
        return (
            f"{found.outside_day:.0%} of the appointments start outside {DAY[0]}-{DAY[1]} h: see `timezone` in the"
            ' profile ("UTC" if the software keeps UTC), or the type of `start`'
        )
    if found.without_length > 0.2:
        return f"{found.without_length:.0%} of the appointments have no length: see `end` in the profile"
    return None


def _remarks(trial: RecordTrial) -> Iterator[str]:
    """What somebody should look at, one line each."""
    if trial.error:
        yield f"{trial.resource}: {trial.error}"
        return
    if trial.read == 0:
        yield f"{trial.resource}: no rows"
    for name, codes in trial.unmapped.items():
        listed = ", ".join(f"{code!r} ({rows})" for code, rows in codes.items())
        yield f"{trial.resource}.{name}: codes that the map lacks: {listed}"
    for name, count in trial.held_back.items():
        yield f"{trial.resource}.{name}: {count} value(s) that look like no codes: is it the right column?"
    for what, count in trial.rejected.items():
        yield f"{trial.resource}: {count} row(s) set aside, {what}"
    for name, count in trial.orphans.items():
        if count > FEW * trial.kept:
            yield f"{trial.resource}.{name}: {count} of {trial.kept} rows refer to a {_REFERS[name]} that is not there"


def _level(findings: list[Finding], trials: list[RecordTrial], remarks: list[str]) -> Level:
    if any(one.level == "error" for one in findings) or any(trial.error for trial in trials):
        return "error"
    return "warn" if remarks or any(one.level == "warn" for one in findings) else "ok"
