"""Station 1: what the sources say lands in raw, as one segment per run with news.

The sources are read side by side. Each record type is compared with what stands, and what differs becomes rows: new
and changed ones as they are now, gone ones with their last known values. The watermark lies in the same segment; a
watermark alone is no news, so it may lag behind and a few rows are read again. A source that fails delays nobody else,
one that stands still only until it is left alone; a reading that is not whole changes nothing; a reading that would
remove too much waits for a person.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import polars as pl

from connectors import records
from connectors.errors import BadAnswer
from connectors.source import Window
from pipelines import comparison, files, troubles
from pipelines.comparison import Difference, Reading
from pipelines.errors import RunRefused, SettingsError
from pipelines.ops import breaker, findings, positions, runs
from pipelines.ops.database import Ops
from pipelines.practice import Practice
from pipelines.reading import FULL, WINDOWED, Answered, Delivered, Extent, Load, Said, Senseless, Task, asking
from pipelines.side_by_side import Heard, Limits, listening
from pipelines.standing import Standing
from pipelines.troubles import State, Trouble

Progress = Callable[[str, str, int], None]

#: Kind of the finding about a record type that waits for a person; its key is `<source>/<record type>`.
STOPPED = "removals-stopped"

_ACCEPT = "look at the source; if it is right, run once with --accept-removals"


@dataclass(frozen=True, slots=True)
class SourceRead:
    """What one source said in a run.

    `read` are rows that it delivered, `rejected` those of them set aside, `unmapped` codes without a mapping, `late`
    rows that only the full comparison found, because the usual reading had missed them. `cause` begins with a code
    (`source-away: ...`); it and `remedy` are set unless `state` is `ok`. The source's server was asked `statements` and
    was busy with them for `busy_seconds`.
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
    statements: int = 0
    busy_seconds: float = 0.0


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
    limits: Limits
    removal_share: float
    accept_removals: bool


@dataclass(slots=True)
class _Gathered:
    """One source's part of a run: what stands of it, and what it said so far.

    `tables` are rows for raw, `counts` go by the fields of `SourceRead`, `taken` are record types that were compared
    and kept, `stopped` those that wait for a person, with the cause; `seen` is how far each of both was read.
    """

    terms: _Terms
    standing: Standing
    tables: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    watermarks: list[pl.DataFrame] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    taken: list[str] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    seconds: float = 0.0
    load: Load = field(default_factory=Load)


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
    :param progress: called with source, record type and rows of each batch, always in the caller's thread.
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
        with files.naming_broken(practice, manifest), files.raw_connection(practice, manifest) as con:
            gathered = [_Gathered(terms, Standing(con, name)) for name in names]
            _gather(practice, ops, gathered, progress)
        segment = _write(practice, terms, gathered)
    reads = [_summary(one) for one in gathered]
    for one, read in zip(gathered, reads, strict=True):
        runs.record_source(ops, run, read, practice.now())
        _note_stops(ops, one, practice.now())
    _note_positions(ops, run, gathered, manifest.run if manifest else 0, landed=segment is not None)
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


def _note_positions(ops: Ops, run: int, gathered: Sequence[_Gathered], before: int, *, landed: bool) -> None:
    """How far was read without a watermark in raw: all of it if there was no news, else what waits for a person."""
    seen = {
        one.standing.source: {
            resource: position for resource, position in one.seen.items() if not landed or resource in one.stopped
        }
        for one in gathered
    }
    positions.note(ops, run, run if landed else before, seen)


def _names(practice: Practice, only: str | None) -> tuple[str, ...]:
    names = practice.source_names()
    if only is not None and only not in names:
        raise SettingsError([f"{practice.id}: no source {only!r}, expected one of {', '.join(names)}"])
    return names if only is None else (only,)


def _terms(practice: Practice, run: int, extent: Extent, accept_removals: bool) -> _Terms:
    share, schedule = practice.settings.rules.removal_share, practice.settings.schedule
    limits = FULL if extent == "full" else Limits(schedule.silent_seconds, schedule.source_seconds)
    return _Terms(run, practice.now(), extent, usual_window(practice), limits, share, accept_removals)


def usual_window(practice: Practice) -> Window:
    """What is read whole at each run: local days from `window_back_days` ago to `window_ahead_months` ahead."""
    rules, today = practice.settings.rules, practice.today()
    first = today - dt.timedelta(days=rules.window_back_days)
    years, month = divmod(today.month - 1 + rules.window_ahead_months, 12)
    last = dt.date(today.year + years, month + 1, 1) + dt.timedelta(days=today.day - 1)
    start, end = (dt.datetime.combine(day, dt.time(), practice.zone).astimezone(dt.UTC) for day in (first, last))
    return Window(start, end)


def _gather(practice: Practice, ops: Ops, gathered: Sequence[_Gathered], progress: Progress | None) -> None:
    """Ask all sources that may be asked, and take what they say as it comes.

    What a source said before it failed or was left alone counts, record type by record type.
    """
    by_name = {one.standing.source: one for one in gathered if _may_ask(ops, one)}
    asked = {name: asking(practice, name, _task(one)) for name, one in by_name.items()}
    with listening(asked, gathered[0].terms.limits) as heard:
        for said in heard:
            one = by_name[said.name]
            if said.item is None:
                _end(practice, ops, one, said)
            else:
                _hear(one, said.item, progress)


def _may_ask(ops: Ops, gathered: _Gathered) -> bool:
    name = gathered.standing.source
    if breaker.may_try(ops, name, gathered.terms.read_at):
        return True
    link = next(link for link in breaker.states(ops) if link.source == name)
    gathered.troubles.append(troubles.left_alone(None if link.needs_person else link.next_try_at))
    return False


def _task(gathered: _Gathered) -> Task:
    terms = gathered.terms
    return Task(terms.extent, terms.window, gathered.standing.positions, terms.limits)


def _hear(gathered: _Gathered, said: Said, progress: Progress | None) -> None:
    match said:
        case Delivered(resource, rows):
            if progress is not None:
                progress(gathered.standing.source, resource, rows)
        case Load():
            gathered.load = said
        case Senseless(resource, error):
            gathered.troubles.append(troubles.trouble(error, resource))
        case Answered(reading, cursor):
            try:
                _take(gathered, reading, cursor)
            except BadAnswer as error:
                gathered.troubles.append(troubles.trouble(error, reading.resource))


def _end(practice: Practice, ops: Ops, gathered: _Gathered, end: Heard[Said]) -> None:
    """How it ended, for the run's record and for the link's breaker. What is no trouble of a source's own is raised."""
    gathered.seconds, error = end.seconds, end.error
    if error is None:
        breaker.succeeded(ops, end.name, practice.now())
        return
    if not isinstance(error, troubles.FOREIGN):
        raise error
    gathered.troubles.append(troubles.trouble(error))
    troubles.note_failure(ops, end.name, error, practice.now())


def _take(gathered: _Gathered, reading: Reading, cursor: Reading | None) -> None:
    """Compare one reading with what stands and keep what it changes; nothing of it if it would remove too much."""
    if reading.position is not None:
        gathered.seen[reading.resource] = reading.position
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
        stop = Trouble("stopped", code, text, _ACCEPT, reading.resource)
        gathered.stopped[reading.resource] = str(troubles.cause([stop]))
        gathered.troubles.append(stop)
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


def _summary(gathered: _Gathered) -> SourceRead:
    """The gravest trouble names the state; the causes of all are told."""
    found = troubles.gravest(gathered.troubles)
    counts = gathered.counts
    return SourceRead(
        source=gathered.standing.source,
        state=found[0].state if found else "ok",
        read=counts["read"],
        new=counts["new"],
        changed=counts["changed"],
        removed=counts["removed"],
        rejected=counts["rejected"],
        unmapped=counts["unmapped"],
        seconds=gathered.seconds,
        cause=troubles.cause(found),
        remedy=found[0].remedy if found else None,
        late=counts["late"],
        statements=gathered.load.statements,
        busy_seconds=gathered.load.seconds,
    )


def _write(practice: Practice, terms: _Terms, gathered: Sequence[_Gathered]) -> str | None:
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
