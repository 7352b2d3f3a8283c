"""Runs: a number each, what was read from each source, how it ended. The manifest decides which runs happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipelines.ops import requests
from pipelines.ops.bulk import read_frame
from pipelines.ops.database import Ops
from pipelines.ops.errors import Refused
from pipelines.ops.models import SyncRun, SyncRunSource
from pipelines.ops.models.operation import RunState

INSTANT = pl.Datetime("us", "UTC")
COUNTS = ("read", "new", "changed", "removed", "rejected", "unmapped", "late")
SYNC_RUNS = pl.Schema(
    {
        "run": pl.Int64(),
        "source": pl.String(),
        "kind": pl.String(),
        "started_at": INSTANT,
        "finished_at": INSTANT,
        "state": pl.String(),
        **dict.fromkeys(COUNTS, pl.Int64()),
        "seconds": pl.Float64(),
        "cause": pl.String(),
    }
)
NEWS = pl.Schema({"source": pl.String(), "started_at": INSTANT, "changes": pl.Int64()})


@dataclass(frozen=True, slots=True)
class SourceRun:
    """What one run read from one source; `read` to `late` are counts of rows."""

    source: str
    state: str
    read: int
    new: int
    changed: int
    removed: int
    rejected: int
    unmapped: int
    late: int
    seconds: float
    cause: str | None
    remedy: str | None
    statements: int = 0
    busy_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """One run; `finished_at` is None while it is under way."""

    run: int
    kind: str
    state: str
    started_at: dt.datetime
    finished_at: dt.datetime | None
    segment: str | None
    sources: tuple[SourceRun, ...]


def start_run(o: Ops, kind: str, now: dt.datetime, *, after: int = 0) -> int:
    """Begin a run and get its number, higher than any before.

    :param kind: what it does: `changes`, `full`, `snapshot`, ...
    :param after: the manifest's run: a restored ops.db may be older than the segments beside it.
    """
    with o.transaction() as session:
        begun = SyncRun(kind=kind, state="running", started_at=now)
        session.add(begun)
        session.flush()
        if begun.run <= after:
            session.delete(begun)
            session.flush()
            begun = SyncRun(run=after + 1, kind=kind, state="running", started_at=now)
            session.add(begun)
            session.flush()
        return begun.run


def record_source(o: Ops, run: int, read: Any, now: dt.datetime | None = None) -> None:
    """What the run read from one source; recorded again, the later one counts (a retried step).

    :param read: anything with the attributes of `SourceRun`.
    """
    with o.transaction() as session:
        started = _running(session, run).started_at
        values = {name: getattr(read, name) for name in SourceRun.__slots__}
        session.merge(SyncRunSource(run=run, recorded_at=now or started, **values))


def finish_run(o: Ops, run: int, state: RunState, now: dt.datetime, segment: str | None = None) -> None:
    """End a run after its segment is in the manifest (or there was no news), and the requests that it served.

    :raises Refused: there is no such run, or it ended already.
    """
    with o.transaction() as session:
        _end(_running(session, run), state, now, segment)
        requests.settle(session, run, "failed" if state == "failed" else "done", now)


def _running(session: Session, run: int) -> SyncRun:
    found = session.get(SyncRun, run)
    if found is None or found.state != "running":
        state = "not there" if found is None else found.state
        raise Refused(f"sync_run: run {run} is {state}, expected running")
    return found


def _end(run: SyncRun, state: str, now: dt.datetime, segment: str | None) -> None:
    run.state, run.segment, run.finished_at = state, segment, now


def abandon_unfinished(o: Ops, manifest_run: int, now: dt.datetime) -> tuple[int, ...]:
    """At start-up, under the raw lock: the runs that no process will finish; their numbers, in order.

    The manifest decides: the run that it names as its newest happened and is closed as `ok`; any other is
    `abandoned`, and the requests that it had taken wait again.
    """
    with o.transaction() as session:
        open_runs = session.scalars(select(SyncRun).where(SyncRun.state == "running").order_by(SyncRun.run)).all()
        for run in open_runs:
            happened = run.run == manifest_run
            _end(run, "ok" if happened else "abandoned", now, run.segment)
            if happened:
                requests.settle(session, run.run, "done", now)
            else:
                requests.release(session, run.run)
        return tuple(run.run for run in open_runs)


def last_runs(o: Ops, limit: int = 20, *, source: str | None = None, kind: str | None = None) -> tuple[Run, ...]:
    """The newest runs, newest first; those of a kind, and those that asked a source, where one is given."""
    query = select(SyncRun).order_by(SyncRun.run.desc()).limit(limit)
    if kind is not None:
        query = query.where(SyncRun.kind == kind)
    if source is not None:
        # a join, not IN: SQLite then walks from the newest run and stops, where a list would be read whole
        query = query.join(SyncRunSource, SyncRunSource.run == SyncRun.run).where(SyncRunSource.source == source)
    with o.reading() as session:
        found = session.scalars(query).all()
        sources = _sources(session, [run.run for run in found])
        return tuple(_plain(run, sources.get(run.run, ())) for run in found)


def _sources(session: Session, runs: list[int]) -> dict[int, tuple[SourceRun, ...]]:
    query = select(SyncRunSource).where(SyncRunSource.run.in_(runs)).order_by(SyncRunSource.source)
    by_run: dict[int, tuple[SourceRun, ...]] = {}
    for row in session.scalars(query):
        one = SourceRun(**{name: getattr(row, name) for name in SourceRun.__slots__})
        by_run[row.run] = (*by_run.get(row.run, ()), one)
    return by_run


def _plain(run: SyncRun, sources: tuple[SourceRun, ...]) -> Run:
    return Run(run.run, run.kind, run.state, run.started_at, run.finished_at, run.segment, sources)


def last_success(o: Ops, sources: Iterable[str]) -> dict[str, dt.datetime]:
    """When each of these sources was last read without trouble, where one ever was.

    That is the start of the run, so that data age is never flattered.
    """
    newest = (
        select(SyncRun.started_at)
        .join(SyncRunSource, SyncRunSource.run == SyncRun.run)
        .where(SyncRunSource.state == "ok", SyncRun.state.in_(("ok", "attention")))
        .order_by(SyncRun.run.desc())
        .limit(1)
    )
    with o.reading() as session:
        found = {name: session.scalars(newest.where(SyncRunSource.source == name)).first() for name in sources}
    return {name: at for name, at in found.items() if at is not None}


def news_since(o: Ops, since: dt.datetime) -> pl.DataFrame:
    """What each run since then found new, changed or removed: (source, started_at, changes), in the order of runs."""
    changes = SyncRunSource.new + SyncRunSource.changed + SyncRunSource.removed
    query = (
        select(SyncRunSource.source, SyncRun.started_at, changes.label("changes"))
        .join(SyncRun, SyncRunSource.run == SyncRun.run)
        .where(SyncRun.started_at >= since, SyncRun.state != "abandoned")
        .order_by(SyncRun.run, SyncRunSource.source)
    )
    with o.reading() as session:
        return read_frame(session, query, NEWS)


def first_reading(o: Ops, source: str) -> tuple[dt.datetime, int] | None:
    """Start of the first run that brought anything from a source, and how many records; None if none did yet."""
    first = (
        select(SyncRun.started_at, SyncRunSource.new)
        .join(SyncRunSource, SyncRunSource.run == SyncRun.run)
        .where(SyncRunSource.source == source, SyncRunSource.new > 0, SyncRun.state != "abandoned")
        .order_by(SyncRun.run)
        .limit(1)
    )
    with o.reading() as session:
        found = session.execute(first).first()
    return None if found is None else (found[0], found[1])


def load_since(o: Ops, since: dt.datetime) -> dict[str, tuple[int, float]]:
    """By source: statements to its server in runs that began since then, and seconds that it was busy with them."""
    query = (
        select(SyncRunSource.source, func.sum(SyncRunSource.statements), func.sum(SyncRunSource.busy_seconds))
        .join(SyncRun, SyncRunSource.run == SyncRun.run)
        .where(SyncRun.started_at >= since)
        .group_by(SyncRunSource.source)
    )
    with o.reading() as session:
        return {source: (statements, seconds) for source, statements, seconds in session.execute(query)}


def sync_runs_until(session: Session, run: int | None) -> pl.DataFrame:
    """What a build shows of runs up to this one: `SYNC_RUNS`, ordered by run and source.

    `finished_at` is when the source had been read. The run's own end is left out: it comes after its build, and a later
    build of the same run must see the same. Abandoned runs did not happen.
    """
    recorded = SyncRunSource.recorded_at.label("finished_at")
    counts = (getattr(SyncRunSource, name) for name in (*COUNTS, "seconds", "cause"))
    query = (
        select(
            SyncRun.run, SyncRunSource.source, SyncRun.kind, SyncRun.started_at, recorded, SyncRunSource.state, *counts
        )
        .join(SyncRunSource, SyncRunSource.run == SyncRun.run)
        .where(SyncRun.state != "abandoned")
        .order_by(SyncRun.run, SyncRunSource.source)
    )
    return read_frame(session, query if run is None else query.where(SyncRun.run <= run), SYNC_RUNS)


def unfinished(o: Ops) -> tuple[Run, ...]:
    """Runs that began and did not end, oldest first: one is normal, an old one needs a remedy."""
    with o.reading() as session:
        found = session.scalars(select(SyncRun).where(SyncRun.state == "running").order_by(SyncRun.run))
        return tuple(_plain(run, ()) for run in found)
