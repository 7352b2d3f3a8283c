"""The stations in their order: land, register, count open slots, build. One run of one practice.

The command line and the tests call `run`; Dagster calls `begin`, each station and `finish` as its steps. A run that
was cut short leaves a number that no manifest names; the next one clears it away and does its work again.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from connectors import registry
from pipelines import failures, files, publish, slot_snapshot
from pipelines.errors import PipelineError
from pipelines.land import Landed, land
from pipelines.matching.register import Registered, register
from pipelines.ops import findings, holidays, requests, runs
from pipelines.ops import settings as recorded
from pipelines.ops.database import Ops
from pipelines.practice import Practice
from pipelines.publish import Built
from pipelines.slot_snapshot import Taken

Scope = Literal["changes", "full"]
State = Literal["ok", "attention", "failed"]

#: A practice that moves in brings about a decade of appointments.
HISTORY_YEARS = 10

#: Segments that a full comparison leaves as they are.
NIGHTLY_SEGMENTS = 4

#: Called with station, part of it and rows so far, for a progress bar.
Progress = Callable[[str, str, int], None]


class AllAway(PipelineError):
    """No source answered, so there is nothing to do but to try again later."""

    def __init__(self, landed: Landed) -> None:
        causes = "; ".join(f"{read.source}: {read.cause or read.state}" for read in landed.sources)
        super().__init__(f"no source answered ({causes})")


@dataclass(frozen=True, slots=True)
class Begun:
    """A sync run under way: its number, the runs that were cut short before it, and what had to be repaired."""

    run: int
    abandoned: tuple[int, ...]
    recovered: files.Recovered


@dataclass(frozen=True, slots=True)
class RunResult:
    """What one run did, in counts. Stations after the landing are None when no source answered."""

    practice: str
    run: int
    scope: Scope
    state: State
    abandoned: tuple[int, ...]
    recovered: files.Recovered
    landed: Landed
    registered: Registered | None
    snapshot: Taken | None
    built: Built | None
    seconds: float


def run(
    practice: Practice,
    o: Ops,
    *,
    scope: Scope = "changes",
    only: str | None = None,
    accept_removals: bool = False,
    progress: Progress | None = None,
) -> RunResult:
    """All stations once. A source that fails is told in the result; what is wrong with the practice itself raises.

    :param only: read this source alone.
    :param accept_removals: that a large share of rows is gone is what a person expects.
    :raises Busy: another process is at work on this practice.
    """
    started = time.monotonic()
    with files.lock(practice, "raw"):
        begun = begin(practice, o, scope)
        try:
            landed = land(
                practice, o, begun.run, scope=scope, only=only, accept_removals=accept_removals, progress=progress
            )
            done = _after_landing(practice, o, landed, progress) if not all_away(landed) else (None, None, None)
            state = finish(practice, o, begun.run, done[2])
        except BaseException as error:
            fail(practice, o, begun.run, error)
            raise
    return RunResult(
        practice=practice.id,
        run=begun.run,
        scope=scope,
        state=state,
        abandoned=begun.abandoned,
        recovered=begun.recovered,
        landed=landed,
        registered=done[0],
        snapshot=done[1],
        built=done[2],
        seconds=time.monotonic() - started,
    )


def _after_landing(
    practice: Practice, o: Ops, landed: Landed, progress: Progress | None
) -> tuple[Registered, Taken | None, Built]:
    if landed.segment is None and publish.is_current(practice, o):
        # every build comes after registering and counting, so nothing is left for them to do
        return Registered(new={}), None, publish.build(practice, o)
    registered = register(practice, o)
    taken = slot_snapshot.take(practice, o, landed.run)
    return registered, taken, publish.build(practice, o, progress=progress)


def begin(practice: Practice, o: Ops, scope: Scope) -> Begun:
    """Clear away what was cut short, start a run, put on record what the build will need, take waiting requests.

    :raises Busy: another process is at work on this practice.
    :raises BrokenFile: raw has no complete state any more.
    """
    try:
        return _begin(practice, o, scope)
    except PipelineError as error:
        failures.note(o, error, practice.now())
        raise


def _begin(practice: Practice, o: Ops, scope: Scope) -> Begun:
    now = practice.now()
    with files.lock(practice, "raw"):
        recovered = files.recover(practice, thorough=failures.broke_a_file(o))
        manifest = files.read_manifest(practice)
        newest = manifest.run if manifest else 0
        abandoned = runs.abandon_unfinished(o, newest, now)
        number = runs.start_run(o, scope, now, after=newest)
    remember(practice, o, now)
    requests.claim(o, number)
    _report(o, recovered, now)
    return Begun(number, abandoned, recovered)


def _report(o: Ops, recovered: files.Recovered, now: dt.datetime) -> None:
    """What was repaired stands as a finding until a run finds nothing to repair."""
    if recovered.problems:
        detail = {"problems": list(recovered.problems)}
        findings.open_finding(o, "recovery", "files", now, severity="error", detail=detail)
    else:
        findings.resolve(o, "recovery", "files", now)


def remember(practice: Practice, o: Ops, now: dt.datetime) -> None:
    """Put settings, code maps and holidays on record where they differ, so that this build can be repeated later."""
    settings = practice.settings
    recorded.record(o, recorded.PRACTICE, settings.model_dump(mode="json"), "run", now)
    for name, table in settings.source_tables.items():
        recorded.record_code_map(o, name, registry.code_map(name, table), "run", now)
    for state in sorted({location.state for location in settings.locations.values()}):
        holidays.ensure(o, state, _years(practice), now)


def _years(practice: Practice) -> Iterable[int]:
    """Years that a calendar may hold: some of history, and as far ahead as is read."""
    this = practice.today().year
    return range(this - HISTORY_YEARS, this + practice.settings.rules.window_ahead_months // 12 + 2)


def all_away(landed: Landed) -> bool:
    """Whether nothing at all was heard, and another try may help."""
    states = {read.state for read in landed.sources}
    return landed.segment is None and "away" in states and states <= {"away", "refused"}


def totals(landed: Landed) -> dict[str, int]:
    """Counts over all sources of a landing."""
    return {name: sum(getattr(read, name) for read in landed.sources) for name in runs.COUNTS}


def finish(practice: Practice, o: Ops, run: int, built: Built | None) -> State:
    """End a run by what is on record of its sources and what its build said; the requests that it served end too.

    Segments that have become many, or a full comparison at night, are compacted while nothing else writes.
    """
    manifest = files.read_manifest(practice)
    segments = [segment.name for segment in manifest.segments if segment.run == run] if manifest else []
    begun = next(found for found in runs.last_runs(o) if found.run == run)
    state = _state(begun.sources, built)
    runs.finish_run(o, run, state, practice.now(), segments[0] if segments else None)
    failures.settle(o, practice.now())
    beyond = NIGHTLY_SEGMENTS if begun.kind == "full" else files.COMPACT_BEYOND
    if manifest and files.needs_compaction(manifest, beyond):
        files.compact(practice, manifest.run)
    return state


def _state(sources: Iterable[runs.SourceRun], built: Built | None) -> State:
    """`attention`: figures are there, and somebody should look at a source, at rows set aside or at a check."""
    if built is None:
        return "failed"
    troubled = any(read.state != "ok" or read.rejected for read in sources)
    broken = any(check.rows and check.severity == "error" for check in built.checks)
    return "attention" if troubled or broken else "ok"


def fail(practice: Practice, o: Ops, run: int, error: BaseException) -> None:
    """End a run as failed, if it has not ended, and put on record why; what it landed stays."""
    if is_under_way(o, run):
        runs.finish_run(o, run, "failed", practice.now())
        failures.note(o, error, practice.now())


def is_under_way(o: Ops, run: int) -> bool:
    """Whether this run began and did not end: another process may have cleared it away meanwhile."""
    return any(found.run == run for found in runs.unfinished(o))


def new_rows(practice: Practice, landed: Landed) -> dict[str, int]:
    """Rows that this landing brought, by table of raw."""
    manifest = files.read_manifest(practice)
    segments = manifest.segments if manifest else ()
    return next((dict(segment.tables) for segment in segments if segment.name == landed.segment), {})
