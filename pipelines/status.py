"""What is on record about a practice's sync, gathered for whoever looks: the command line and the pages.

Reads ops.db and the manifest, asks no source. What it means is decided in `pipelines.health`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from pipelines import files, health
from pipelines.health import PracticeHealth, SourceFacts, Stuck
from pipelines.ops import breaker, findings, requests, runs, service
from pipelines.ops.database import Ops
from pipelines.practice import Practice
from pipelines.settings import WEEKDAYS

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
    beat = service.last_beat(o)
    manifest = files.read_manifest(practice)
    return PracticeStatus(
        practice=practice.id,
        name=practice.settings.name,
        at=now,
        health=_health(practice, o, now, beat, stuck_elsewhere),
        last_beat=beat,
        runs=runs.last_runs(o, limit=5),
        waiting_requests=len(requests.open_requests(o, now)),
        findings=findings.open_findings(o),
        raw_run=manifest.run if manifest else None,
        raw_bytes=manifest.bytes if manifest else 0,
        published=files.current(practice),
    )


def _health(
    practice: Practice, o: Ops, now: dt.datetime, beat: dt.datetime | None, stuck_elsewhere: Iterable[Stuck]
) -> PracticeHealth:
    alive = health.service_alive(beat, now, practice.settings.schedule.poll_seconds)
    hours = opening_hours(practice)
    sources = [
        health.source_health(facts, now=now, hours=hours, zone=practice.zone, service_alive=alive)
        for facts in source_facts(practice, o)
    ]
    begun = ((practice.id, str(run.run), run.kind, run.started_at) for run in runs.unfinished(o))
    return health.practice_health(sources, service_alive=alive, stuck=(*health.stuck(begun, now), *stuck_elsewhere))


def opening_hours(practice: Practice) -> health.OpeningHours:
    """When any location of the practice is open, by ISO weekday."""
    locations = practice.settings.locations.values()
    return {
        weekday: health.merged(
            (span.start, span.end) for location in locations for span in location.opening_hours.get(day, ())
        )
        for weekday, day in enumerate(WEEKDAYS, start=1)
    }


def source_facts(practice: Practice, o: Ops) -> list[SourceFacts]:
    """What is known of each source, in the order of practice.toml."""
    read_at = runs.last_success(o)
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
