"""What is on record about a practice's sync, gathered for whoever looks: the command line and the pages.

Reads ops.db and the manifest, asks no source. What it means is decided in `pipelines.health`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines import failures, files, health
from pipelines.health import Opening, PracticeHealth, SourceFacts, Stuck
from pipelines.ops import breaker, findings, frames, holidays, numbers, requests, runs, service
from pipelines.ops.database import Ops
from pipelines.practice import Practice
from pipelines.settings import WEEKDAYS, Settings

#: Under this name and the source's, the service notes when a source last answered (also: that it has nothing new).
HEARD = "source:"


@dataclass(frozen=True, slots=True)
class PracticeStatus:
    """Lights and ages, the newest runs, what is published, and what a person should look at. Ids and counts only."""

    practice: str
    name: str
    at: dt.datetime
    health: PracticeHealth
    last_beat: dt.datetime | None
    runs: tuple[runs.Run, ...]
    waiting_requests: int
    findings: tuple[findings.Finding, ...]
    raw_run: int | None
    raw_bytes: int
    published: files.Generation | None


def status(practice: Practice, o: Ops, *, stuck_elsewhere: Iterable[Stuck] = ()) -> PracticeStatus:
    """How a practice does now.

    :param stuck_elsewhere: runs that an orchestrator counts as started and that take too long.
    """
    now = practice.now()
    manifest = files.read_manifest(practice)
    return PracticeStatus(
        practice=practice.id,
        name=practice.settings.name,
        at=now,
        health=practice_health(practice, o, stuck_elsewhere=stuck_elsewhere),
        last_beat=service.last_beat(o),
        runs=runs.last_runs(o, limit=5),
        waiting_requests=len(requests.open_requests(o, now)),
        findings=findings.open_findings(o),
        raw_run=manifest.run if manifest else None,
        raw_bytes=manifest.bytes if manifest else 0,
        published=files.current(practice),
    )


def practice_health(practice: Practice, o: Ops, *, stuck_elsewhere: Iterable[Stuck] = ()) -> PracticeHealth:
    """The lights and ages alone: what a page asks for again and again.

    :param stuck_elsewhere: runs that an orchestrator counts as started and that take too long.
    """
    now = practice.now()
    alive = health.service_alive(service.last_beat(o), now, practice.settings.schedule.poll_seconds)
    times = opening(practice, o)
    sources = [
        health.source_health(facts, now=now, opening=times, zone=practice.zone, service_alive=alive)
        for facts in source_facts(practice, o)
    ]
    begun = ((practice.id, str(run.run), run.kind, run.started_at) for run in runs.unfinished(o))
    stuck = (*health.stuck(begun, now), *stuck_elsewhere)
    return health.practice_health(sources, service_alive=alive, stuck=stuck, failure=failures.standing(o))


#: The newest opening of each practice by its folder, with what it came from: pages ask every few seconds.
_openings: dict[Path, tuple[int, Settings, Opening]] = {}


def opening(practice: Practice, o: Ops) -> Opening:
    """When the locations of the practice are open: hours and closures as set, holidays as on record."""
    with o.reading() as session:
        number = numbers.current(session)
        known = _openings.get(practice.folder)
        if known is not None and known[0] == number and known[1] is practice.settings:
            return known[2]
        recorded = holidays.holidays_at(session, number)
    found = _opening(practice.settings, recorded)
    _openings[practice.folder] = (number, practice.settings, found)
    return found


def _opening(settings: Settings, recorded: pl.DataFrame) -> Opening:
    locations = settings.locations
    plain = {key: location.model_dump(mode="json") for key, location in locations.items()}
    public = frames.resolve_holidays(recorded, plain).filter(pl.col("kind") == "public")
    return Opening(
        hours={
            key: {
                weekday: [(span.start, span.end) for span in location.opening_hours.get(day, ())]
                for weekday, day in enumerate(WEEKDAYS, start=1)
            }
            for key, location in locations.items()
        },
        closed=health.closed_days(
            locations,
            public.select("location_key", "date").iter_rows(),
            ((closure.location, closure.start, closure.end) for closure in settings.closures),
        ),
    )


def source_facts(practice: Practice, o: Ops) -> list[SourceFacts]:
    """What is known of each source, in the order of practice.toml."""
    read_at = runs.last_success(o, practice.source_names())
    links = {link.source: link for link in breaker.states(o)}
    return [_facts(practice, o, name, read_at.get(name), links.get(name)) for name in practice.source_names()]


def _facts(
    practice: Practice, o: Ops, name: str, read_at: dt.datetime | None, link: breaker.Breaker | None
) -> SourceFacts:
    newest = next(iter(runs.last_runs(o, 1, source=name)), None)
    read = next((one for one in newest.sources if one.source == name), None) if newest else None
    polled_at = service.last_beat(o, f"{HEARD}{name}")
    back = newest is not None and polled_at is not None and polled_at > newest.started_at
    return SourceFacts(
        source=name,
        title=practice.settings.sources[name].title,
        state="ok" if back and read and read.state == "away" else read.state if read else None,
        heard_at=max(filter(None, (read_at, polled_at)), default=None),
        cause=read.cause if read else None,
        remedy=read.remedy if read else None,
        breaker=link.state if link else "closed",
        retry_at=link.next_try_at if link else None,
        needs_person=link.needs_person if link else False,
        rejected=read.rejected if read else 0,
        unmapped=read.unmapped if read else 0,
    )
