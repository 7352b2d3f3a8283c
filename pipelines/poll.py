"""The question that is asked every half minute: does this practice need a run, and why?

Cheap by design: facts from ops.db and the manifest first; a source is asked only if nothing else is due, if its
breaker lets us, and outside quiet hours. Nothing is landed here.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from connectors.errors import ConnectorError, SourceRefused
from connectors.source import Watermark
from pipelines import files, health
from pipelines.errors import PipelineError
from pipelines.health import Due, DueFacts
from pipelines.ops import breaker, numbers, requests, runs, service
from pipelines.ops.database import Ops, open_ops
from pipelines.practice import Practice, utc_now
from pipelines.status import HEARD


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
    landed = _landed(practice)
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
    # all of them are asked, also after the first with news: each has a breaker and an age of its own
    news = [has_news(practice, o, name, landed.watermarks.get(name, {}), now) for name in practice.source_names()]
    return Due("changes", "news") if any(news) else None


@dataclass(frozen=True, slots=True)
class _Landed:
    """What raw says: how far each source was read, and the day of the newest snapshot of open slots."""

    watermarks: dict[str, dict[str, str]]
    snapshot_on: dt.date | None


def _landed(practice: Practice) -> _Landed:
    manifest = files.read_manifest(practice)
    watermarks: dict[str, dict[str, str]] = {}
    with contextlib.closing(files.raw_connection(practice, manifest)) as con, files.naming_broken(practice, manifest):
        for source, resource, position in con.execute(_WATERMARKS).fetchall():
            watermarks.setdefault(source, {})[resource] = position
        newest = con.execute("SELECT max(snapshot_date) FROM raw.slot_snapshot").fetchone()
    return _Landed(watermarks, newest[0] if newest else None)


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


def has_news(practice: Practice, o: Ops, name: str, since: Watermark, now: dt.datetime) -> bool:
    """Whether a source has something that was not read yet; False while its breaker keeps us away."""
    if not breaker.may_try(o, name, now):
        return False
    try:
        with practice.open_source(name) as source:
            news = source.has_news(since)
    except ConnectorError as error:
        breaker.failed(o, name, now, needs_person=isinstance(error, SourceRefused))
        return False
    breaker.succeeded(o, name, now)
    if not news:
        service.beat(o, now, f"{HEARD}{name}")
    return news
