"""Station 1: what the sources say lands in raw, as one segment per run with news.

Each record type of each source is read, compared with what stands, and what differs becomes rows: new and changed ones
as they are now, gone ones with their last known values. The watermark lies in the same segment; a watermark alone is
no news, so it may lag behind and a few rows are read again. A source that fails delays nobody else; a reading that is
not whole changes nothing; a reading that would remove too much waits for a person.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from connectors import errors as foreign
from connectors import records
from connectors.source import Batch, ReadRequest, Source, Window
from pipelines import comparison, files
from pipelines.comparison import Difference, Reading
from pipelines.errors import RunRefused, SecretMissing, SettingsError
from pipelines.ops import breaker, findings, runs
from pipelines.ops.database import Ops
from pipelines.practice import Practice
from pipelines.standing import Standing

#: `changes`: as cheaply as each record type allows; `full`: everything, compared row by row.
Extent = Literal["changes", "full"]
State = Literal["ok", "away", "refused", "bad-answer", "stopped"]
Progress = Callable[[str, str, int], None]

#: No cursor of a practice system can be trusted with these: a window of them is read whole each time.
WINDOWED = frozenset({"appointment", "slot", "absence"})

#: Kind of the finding about a record type that waits for a person; its key is `<source>/<record type>`.
STOPPED = "removals-stopped"

_ACCEPT = "look at the source; if it is right, run once with --accept-removals"
_WAIT = "it is tried again by itself"


@dataclass(frozen=True, slots=True)
class SourceRead:
    """What one source said in a run.

    `read` are rows that it delivered, `rejected` those of them set aside, `unmapped` codes without a mapping, `late`
    rows that only the full comparison found, because the usual reading had missed them. `cause` begins with a code
    (`source-away: ...`); it and `remedy` are set unless `state` is `ok`.
    """

    source: str
    state: State = "ok"
    read: int = 0
    new: int = 0
    changed: int = 0
    removed: int = 0
    rejected: int = 0
    unmapped: int = 0
    seconds: float = 0.0
    cause: str | None = None
    remedy: str | None = None
    late: int = 0


@dataclass(frozen=True, slots=True)
class Landed:
    """What a run landed; `segment` is None when there was no news."""

    run: int
    segment: str | None
    sources: tuple[SourceRead, ...]


@dataclass(frozen=True, slots=True)
class _Terms:
    """What holds for the whole run."""

    run: int
    read_at: dt.datetime
    extent: Extent
    window: Window
    removal_share: float
    accept_removals: bool


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What went wrong at a source; `cause` begins with a code."""

    state: State
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True)
class _Gathered:
    """One source's part of a run: what stands of it, and what it said so far.

    `tables` are rows for raw, `counts` go by the fields of `SourceRead`, `taken` are record types that were compared
    and kept, `stopped` those that wait for a person, with the cause.
    """

    terms: _Terms
    standing: Standing
    tables: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    watermarks: list[pl.DataFrame] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    taken: list[str] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)
    troubles: list[_Trouble] = field(default_factory=list)


def land(
    practice: Practice,
    ops: Ops,
    run: int,
    *,
    scope: Extent = "changes",
    only: str | None = None,
    accept_removals: bool = False,
    progress: Progress | None = None,
) -> Landed:
    """Read the sources of a practice and add what is new to raw.

    :param run: a number higher than that of any run before.
    :param only: read this source alone.
    :param accept_removals: a person looked at what would be removed and says that it is right.
    :param progress: called with source, record type and rows of each batch.
    :raises RunRefused: this run or a later one has landed.
    :raises SettingsError: no source has the name in `only`.
    :raises Busy, DiskFull, BrokenFile, WrongKey: the practice's own files; trouble at a source is in the result.
    """
    names = _names(practice, only)
    with files.lock(practice, "raw"):
        manifest = files.read_manifest(practice)
        if manifest is not None and run <= manifest.run:
            raise RunRefused(f"{practice.id}: run {run} comes after run {manifest.run}, which has landed")
        terms = _terms(practice, run, scope, accept_removals)
        gathered: list[_Gathered] = []
        reads: list[SourceRead] = []
        with files.naming_broken(practice, manifest), files.raw_connection(practice, manifest) as con:
            for name in names:
                started = time.monotonic()
                gathered.append(_ask(practice, ops, Standing(con, name), terms, progress))
                reads.append(_summary(gathered[-1], time.monotonic() - started))
        segment = _write(practice, terms, gathered)
    for one, read in zip(gathered, reads, strict=True):
        runs.record_source(ops, run, read, practice.now())
        _note_stops(ops, one, practice.now())
    return Landed(run, segment, tuple(reads))


def _note_stops(ops: Ops, gathered: _Gathered, now: dt.datetime) -> None:
    """A finding per record type that waits for a person; it is settled by the first reading that may count."""
    name = gathered.standing.source
    standing = {finding.key for finding in findings.open_findings(ops, kind=STOPPED, source=name)}
    for resource, cause in gathered.stopped.items():
        detail = {"cause": cause, "remedy": _ACCEPT}
        findings.open_finding(ops, STOPPED, f"{name}/{resource}", now, severity="error", source=name, detail=detail)
    for resource in gathered.taken:
        if f"{name}/{resource}" in standing:
            findings.resolve(ops, STOPPED, f"{name}/{resource}", now)


def _names(practice: Practice, only: str | None) -> tuple[str, ...]:
    names = practice.source_names()
    if only is not None and only not in names:
        raise SettingsError([f"{practice.id}: no source {only!r}, expected one of {', '.join(names)}"])
    return names if only is None else (only,)


def _terms(practice: Practice, run: int, extent: Extent, accept_removals: bool) -> _Terms:
    share = practice.settings.rules.removal_share
    return _Terms(run, practice.now(), extent, usual_window(practice), share, accept_removals)


def usual_window(practice: Practice) -> Window:
    """What is read whole at each run: local days from `window_back_days` ago to `window_ahead_months` ahead."""
    rules, today = practice.settings.rules, practice.today()
    first = today - dt.timedelta(days=rules.window_back_days)
    years, month = divmod(today.month - 1 + rules.window_ahead_months, 12)
    last = dt.date(today.year + years, month + 1, 1) + dt.timedelta(days=today.day - 1)
    start, end = (dt.datetime.combine(day, dt.time(), practice.zone).astimezone(dt.UTC) for day in (first, last))
    return Window(start, end)


def _ask(practice: Practice, ops: Ops, standing: Standing, terms: _Terms, progress: Progress | None) -> _Gathered:
    """Everything that one source says. What it said before it failed counts, record type by record type."""
    name = standing.source
    gathered = _Gathered(terms, standing)
    if not breaker.may_try(ops, name, terms.read_at):
        gathered.troubles.append(_Trouble("away", "breaker-open: it failed too often and is left alone a while", _WAIT))
        return gathered
    try:
        with practice.open_source(name) as source:
            for resource in source.resources:
                with _tolerating_bad_answers(gathered, resource):
                    _take(gathered, *_read(source, resource, gathered, progress))
    except (foreign.ConnectorError, SecretMissing) as error:
        gathered.troubles.append(_trouble(error))
        if isinstance(error, foreign.SourceAway | foreign.SourceBusy | foreign.SourceRefused):
            breaker.failed(ops, name, practice.now(), needs_person=isinstance(error, foreign.SourceRefused))
    else:
        breaker.succeeded(ops, name, practice.now())
    return gathered


@contextlib.contextmanager
def _tolerating_bad_answers(gathered: _Gathered, resource: str) -> Iterator[None]:
    """One record type that makes no sense says nothing about the others; a link that is down does."""
    try:
        yield
    except (foreign.BadAnswer, foreign.SchemaMismatch) as error:
        gathered.troubles.append(_trouble(error, resource))


#: Error (the most special first) -> state, code, remedy.
_TROUBLES: tuple[tuple[type[Exception], State, str, str], ...] = (
    (foreign.SourceStalled, "away", "source-stalled", f"{_WAIT}; if it stays, look at the network"),
    (foreign.SourceAway, "away", "source-away", f"{_WAIT}; if it stays, look whether it is switched on"),
    (foreign.SourceBusy, "away", "source-busy", _WAIT),
    (foreign.SourceRefused, "refused", "access-refused", "check user, password and rights, then reset the link"),
    (foreign.SchemaMismatch, "bad-answer", "schema-mismatch", "its version needs a profile of its own"),
    (foreign.BadAnswer, "bad-answer", "bad-answer", "tell whoever looks after it; nothing of it was taken over"),
    (foreign.DriverMissing, "refused", "driver-missing", "install what the message names"),
    (foreign.ProfileError, "refused", "settings-wrong", "repair practice.toml or the profile"),
    (SecretMissing, "refused", "secret-missing", "set it with `praxistakt secret set`"),
    (foreign.ConnectorError, "bad-answer", "connector-error", "tell whoever looks after it"),
)


def _trouble(error: Exception, resource: str | None = None) -> _Trouble:
    _, state, code, remedy = next(row for row in _TROUBLES if isinstance(error, row[0]))
    return _Trouble(state, f"{code}: {error}" if resource is None else f"{code}: {resource}: {error}", remedy)


def _read(
    source: Source, resource: str, gathered: _Gathered, progress: Progress | None
) -> tuple[Reading, Reading | None]:
    """The reading that counts and, beside a full one, what the source's cursor alone would have shown.

    The first reading of a record type is always full.
    """
    terms, known = gathered.terms, resource in gathered.standing.positions
    window = terms.window if resource in WINDOWED else None
    usual = ReadRequest(resource, "window" if window else "changes", gathered.standing.positions.get(resource), window)
    full = ReadRequest(resource, "full")
    if terms.extent == "changes" and known:
        return _reading(source, usual, progress), None
    if window is not None or usual.since is None:
        return _reading(source, full, progress), None
    cursor = _reading(source, usual, progress)
    if cursor.scope == "full":
        return cursor, None
    return _reading(source, full, progress), cursor


def _reading(source: Source, request: ReadRequest, progress: Progress | None) -> Reading:
    def told() -> Iterator[Batch]:
        for batch in source.read(request):
            if progress is not None:
                progress(source.name, request.resource, batch.read)
            yield batch

    return comparison.fold(request.resource, told())


def _take(gathered: _Gathered, reading: Reading, cursor: Reading | None) -> None:
    """Compare one reading with what stands and keep what it changes; nothing of it if it would remove too much."""
    if reading.silent:
        gathered.taken.append(reading.resource)
        _keep_position(gathered, reading)
        return
    difference = comparison.compare(reading, gathered.standing.rows(reading))
    counts = gathered.counts
    counts["read"] += reading.read
    counts["rejected"] += reading.rejected.height
    counts["unmapped"] += reading.unmapped.height
    reason = _reason_to_stop(gathered, reading, difference)
    if reason is not None:
        code, _, text = reason.partition(": ")
        gathered.stopped[reading.resource] = f"{code}: {reading.resource}: {text}"
        gathered.troubles.append(_Trouble("stopped", gathered.stopped[reading.resource], _ACCEPT))
        return
    gathered.taken.append(reading.resource)
    counts["new"] += difference.new.height
    counts["changed"] += difference.changed.height
    counts["removed"] += difference.gone.height
    counts["late"] += _late(gathered, reading, difference, cursor)
    _keep(gathered, reading, difference)
    _keep_position(gathered, reading)


def _reason_to_stop(gathered: _Gathered, reading: Reading, difference: Difference) -> str | None:
    terms, standing = gathered.terms, gathered.standing
    if terms.accept_removals or difference.gone.is_empty():
        return None
    in_table = standing.live(reading.resource)
    in_scope = standing.live(reading.resource, reading.window) if reading.scope == "window" else in_table
    return comparison.reason_to_stop(difference, in_scope=in_scope, in_table=in_table, share=terms.removal_share)


def _late(gathered: _Gathered, reading: Reading, difference: Difference, cursor: Reading | None) -> int:
    """Rows that the usual reading would have missed: outside its window, or not shown by its cursor."""
    if gathered.terms.extent != "full" or reading.resource not in gathered.standing.positions:
        return 0
    moved = pl.concat([difference.new, difference.changed])
    if reading.resource in WINDOWED:
        return moved.filter(~comparison.in_window(gathered.terms.window)).height
    return 0 if cursor is None else moved.join(cursor.frame, on="source_id", how="anti").height


def _keep(gathered: _Gathered, reading: Reading, difference: Difference) -> None:
    terms, standing, resource = gathered.terms, gathered.standing, reading.resource
    news = {
        resource: difference.rows(),
        "rejected": comparison.rejected_news(reading, standing.rejected(resource)),
        "unmapped": comparison.unmapped_news(reading, standing.unmapped(resource)),
    }
    for table, frame in news.items():
        if frame.height:
            gathered.tables[table].append(_with_origin(frame, table, standing.source, terms))


def _with_origin(frame: pl.DataFrame, table: str, source: str, terms: _Terms) -> pl.DataFrame:
    """Rows with where and when they were read, in the columns of their table."""
    read_at = pl.lit(terms.read_at, pl.Datetime("us", "UTC"))
    origin = frame.with_columns(source=pl.lit(source), run=pl.lit(terms.run, pl.Int64), read_at=read_at)
    return origin.select(files.TABLES[table].names())


def _keep_position(gathered: _Gathered, reading: Reading) -> None:
    """A record type without a cursor has a row too: it says that the first, full reading is done."""
    known = reading.resource in gathered.standing.positions
    if known and reading.position in {None, gathered.standing.positions[reading.resource]}:
        return
    row = (gathered.standing.source, reading.resource, gathered.terms.run, reading.position)
    gathered.watermarks.append(pl.DataFrame([row], schema=files.TABLES["watermark"], orient="row"))


def _summary(gathered: _Gathered, seconds: float) -> SourceRead:
    """The gravest trouble names the state; the causes of all are told."""
    gravity: tuple[State, ...] = ("refused", "away", "stopped", "bad-answer")
    troubles = sorted(gathered.troubles, key=lambda trouble: gravity.index(trouble.state))
    counts = gathered.counts
    return SourceRead(
        source=gathered.standing.source,
        state=troubles[0].state if troubles else "ok",
        read=counts["read"],
        new=counts["new"],
        changed=counts["changed"],
        removed=counts["removed"],
        rejected=counts["rejected"],
        unmapped=counts["unmapped"],
        seconds=seconds,
        cause="; ".join(trouble.cause for trouble in troubles) or None,
        remedy=troubles[0].remedy if troubles else None,
        late=counts["late"],
    )


def _write(practice: Practice, terms: _Terms, gathered: list[_Gathered]) -> str | None:
    """One segment with the rows of all sources, if there are any; the watermarks go with them."""
    tables: dict[str, list[pl.DataFrame]] = defaultdict(list)
    for one in gathered:
        for table, frames in one.tables.items():
            tables[table] += frames
    if not tables:
        return None
    tables["watermark"] = [frame for one in gathered for frame in one.watermarks]
    run = (terms.run, terms.read_at, records.SCHEMA_VERSION)
    tables["run"] = [pl.DataFrame([run], schema=files.TABLES["run"], orient="row")]
    whole = {table: pl.concat(frames) for table, frames in tables.items() if frames}
    return files.write_segment(practice, terms.run, whole).segments[-1].name
