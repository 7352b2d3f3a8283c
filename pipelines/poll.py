"""The question that is asked every half minute: does this practice need a run, and why?

Cheap by design: facts from ops.db and the manifest first; a source is asked only if nothing else is due, if its
breaker lets us, and outside quiet hours. The sources of a practice are asked side by side, so that one that does not
answer delays no other's news. Nothing is landed here.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from connectors.errors import ConnectorError
from connectors.source import Watermark
from pipelines import failures, files, health, troubles
from pipelines.errors import BrokenFile, FileMissing, PipelineError
from pipelines.health import Due, DueFacts
from pipelines.ops import breaker, numbers, positions, requests, runs, service
from pipelines.ops.database import Ops, open_ops
from pipelines.practice import Practice, utc_now
from pipelines.side_by_side import Heard, Limits, Speaker, listening
from pipelines.status import HEARD

#: A poll comes again in half a minute, and the service has other practices to look at.
LIMITS = Limits(silent=15.0, total=15.0)

#: Where an answer could only lead to a reading like the newest one, a source is asked after this pause.
REST = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visit to one practice gave: a run that is due, or nothing, or why it could not be looked at.

    `looked_at` is when it was last asked whether it needs a run; a visit between two polls is a sign of life only.
    """

    practice: str
    looked_at: dt.datetime
    due: Due | None = None
    problem: str | None = None


def visit(name: str, last_look: dt.datetime | None, *, clock: Callable[[], dt.datetime] = utc_now) -> Visit:
    """Give a sign of life to one practice and, if `poll_seconds` have passed, look whether it needs a run.

    A practice that cannot be opened (settings, keys, files) is reported, so that the others still get their turn.
    """
    now = clock()
    try:
        practice = Practice.open(name, clock=clock)
        with open_ops(practice) as o:
            service.beat(o, now)
            if last_look is not None and now - last_look < _pause(practice):
                return Visit(name, last_look)
            return Visit(name, now, due=look(practice, o))
    except (PipelineError, ConnectorError) as error:
        return Visit(name, now, problem=f"{type(error).__name__}: {error}")


def _pause(practice: Practice) -> dt.timedelta:
    """A tick that comes a little early must not be lost to a whole further pause."""
    return dt.timedelta(seconds=practice.settings.schedule.poll_seconds * 0.9)


def look(practice: Practice, o: Ops) -> Due | None:
    """The run that this practice needs now; None if there is nothing to do."""
    now, schedule = practice.now(), practice.settings.schedule
    try:
        landed = _landed(practice)
    except (BrokenFile, FileMissing) as error:
        if failures.is_due_again(o, now):
            failures.note(o, error, now)
            return Due("changes", "repair")
        raise
    found = health.due(
        _due_facts(practice, o, now, landed.snapshot_on),
        now=now,
        zone=practice.zone,
        full_at=schedule.full_at,
        snapshot_at=schedule.snapshot_at,
        quiet=schedule.quiet_hours,
    )
    if found is not None or health.is_quiet(now, schedule.quiet_hours, practice.zone):
        return found
    return Due("changes", "news") if _news(practice, o, landed, now) else None


@dataclass(frozen=True, slots=True)
class _Landed:
    """What raw says: its run, how far each source was read, and the day of the newest snapshot of open slots."""

    run: int
    watermarks: dict[str, dict[str, str]]
    snapshot_on: dt.date | None


def _landed(practice: Practice) -> _Landed:
    manifest = files.read_manifest(practice)
    watermarks: dict[str, dict[str, str]] = {}
    with contextlib.closing(files.raw_connection(practice, manifest)) as con, files.naming_broken(practice, manifest):
        for source, resource, position in con.execute(_WATERMARKS).fetchall():
            watermarks.setdefault(source, {})[resource] = position
        newest = con.execute("SELECT max(snapshot_date) FROM raw.slot_snapshot").fetchone()
    return _Landed(manifest.run if manifest else 0, watermarks, newest[0] if newest else None)


_WATERMARKS = """
SELECT source, resource, position FROM raw.watermark
QUALIFY row_number() OVER (PARTITION BY source, resource ORDER BY run DESC) = 1 AND position IS NOT NULL
ORDER BY source, resource
"""


def _due_facts(practice: Practice, o: Ops, now: dt.datetime, snapshot_on: dt.date | None) -> DueFacts:
    """What is on record about the practice's full comparisons, requests, decisions and build."""
    built = files.current(practice)
    full = runs.last_runs(o, limit=20, kind="full")
    return DueFacts(
        full_ok_at=next((run.started_at for run in full if run.state in {"ok", "attention"}), None),
        full_tried_at=full[0].started_at if full else None,
        snapshot_on=snapshot_on,
        requests=len(requests.open_requests(o, now)),
        ops_number=numbers.number(o),
        built=None if built is None else (built.ops_number, built.today),
    )


def _news(practice: Practice, o: Ops, landed: _Landed, now: dt.datetime) -> bool:
    """Whether any source has something that was not read yet.

    All of them are asked, also after the first with news: each has a breaker and an age of its own.
    """
    seen = positions.of_state(o, landed.run)
    since = {name: {**landed.watermarks.get(name, {}), **seen.get(name, {})} for name in practice.source_names()}
    asked = {
        name: _asking(practice, name, known)
        for name, known in since.items()
        if not _rests(o, name, known, now) and breaker.may_try(o, name, now)
    }
    with listening(asked, LIMITS) as heard:
        news = [_heard(o, said, now) for said in heard]
    return any(news)


def _asking(practice: Practice, name: str, since: Watermark) -> Callable[[Speaker[bool]], None]:
    def ask(speaker: Speaker[bool]) -> None:
        with practice.open_source(name) as source:
            news = source.has_news(since)
        speaker.tell(news)

    return ask


def _rests(o: Ops, name: str, since: Watermark, now: dt.datetime) -> bool:
    """Whether a source was read a short while ago and made no sense, or gave no position to ask from.

    Its watermark does not move then, so it would have news at every poll.
    """
    for run in runs.last_runs(o, 1, source=name):
        state = next(read.state for read in run.sources if read.source == name)
        in_vain = state == "bad-answer" or (state == "ok" and not since)
        return in_vain and run.started_at <= now < run.started_at + REST
    return False


def _heard(o: Ops, said: Heard[bool], now: dt.datetime) -> bool:
    """Put on record what a source said, or that it did not; True if it has news."""
    if said.error is not None:
        if not isinstance(said.error, troubles.FOREIGN):
            raise said.error
        troubles.note_failure(o, said.name, said.error, now, nonsense_counts=True)
    elif said.item is False:
        breaker.succeeded(o, said.name, now)
        service.beat(o, now, f"{HEARD}{said.name}")
    elif said.item:
        # It may have said so without a look at its link: the reading that follows will tell.
        breaker.hand_on(o, said.name, now)
    return bool(said.item)
