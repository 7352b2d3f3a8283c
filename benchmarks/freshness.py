"""How long a change in the practice software takes to be seen in the published figures, and what it writes to disk.

The service runs as it does in a practice: Dagster's daemon, its code server and a process per run, over the demo's
practice with its booking platform. Somebody works in the practice software meanwhile; each change is looked for in
the figures that the page "Auslastung" reads, and the next one does not wait for it.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from demo_practice import arguments, demo_practice
from measure import Goal, Round, Written, percentile, report

from connectors.sandbox.pvs import PvsDesk
from connectors.sandbox.world import World
from dashboards.queries import QUERIES
from pipelines import publish
from pipelines import run as stations
from pipelines.defs.daemon import running
from pipelines.ops import runs, service
from pipelines.ops.database import Ops, open_ops
from pipelines.ops.runs import Run
from pipelines.practice import Practice, utc_now

SEEN_WITHIN_S, OWN_WORK_S, BYTES_A_DAY = 60.0, 5.0, 4e9
CHANGES_A_DAY = 200

#: How often the published pointer is looked at, and how long after the last change.
LOOK_S, PATIENCE_S = 0.25, 300.0

#: calendar_key and local day.
Place = tuple[str, dt.date]


@dataclass
class Change:
    """One thing that the reception does on one day of one calendar, and when; nothing else touches that day."""

    kind: str
    place: Place
    appointment: Mapping[str, Any]
    due: float
    made: float | None = None
    made_at: dt.datetime | None = None
    before: tuple[int, ...] | None = None
    seen: float | None = None
    run: int | None = None


def plan(world: World, zone: ZoneInfo, count: int, every: float) -> list[Change]:
    """Bookings, cancellations and moves in turn, each on a calendar and day of its own; one in each span of `every`."""
    dice = random.Random(1)
    taken: set[Place] = set()
    changes: list[Change] = []
    kinds = ("book", "cancel", "move")
    for appointment in _ahead(world, dice):
        if len(changes) == count:
            return changes
        kind = kinds[len(changes) % len(kinds)]
        place = (appointment["calendar_key"], appointment["start"].astimezone(zone).date())
        touched = {place, (place[0], place[1] + dt.timedelta(days=7))}
        if taken & touched:
            continue
        taken |= touched
        changes.append(Change(kind, place, appointment, (len(changes) + dice.random()) * every))
    raise ValueError(f"{len(changes)} days with an appointment ahead, expected {count}; take fewer --changes")


def _ahead(world: World, dice: random.Random) -> Iterator[dict[str, Any]]:
    """Booked appointments of the next months, of persons whose calendar the practice software leads, in any order."""
    keys = {
        one["schedules"]["pvs"]: one["key"]
        for one in world.calendars
        if one["kind"] == "person" and one["leads"] == "pvs"
    }
    start = pl.col("start")
    rows = (
        world.pvs["appointment"]
        .filter(pl.col("status") == "booked", pl.col("schedule_id").is_in(list(keys)))
        .filter(start > world.now + dt.timedelta(days=2), start < world.now + dt.timedelta(days=150))
        .sort("source_id")
        .to_dicts()
    )
    dice.shuffle(rows)
    return ({**row, "calendar_key": keys[row["schedule_id"]]} for row in rows)


def make(desk: PvsDesk, change: Change) -> None:
    """Do it in the practice software."""
    one = change.appointment
    if change.kind == "cancel":
        desk.cancel(one["source_id"])
    elif change.kind == "move":
        week = dt.timedelta(days=7)
        desk.move(one["source_id"], one["start"] + week, one["end"] + week)
    else:
        named = ("schedule_id", "patient_id", "practitioner_id", "healthcare_service_id")
        length = one["end"] - one["start"]
        desk.book(start=one["end"], end=one["end"] + length, **{name: one[name] for name in named})
    change.made, change.made_at = time.monotonic(), utc_now()


def figures_of(reader: publish.Reader) -> dict[Place, tuple[int, ...]]:
    """What the page reads: the minutes of each calendar and day."""
    days = reader.frame("marts", QUERIES["capacity_day"].sql)
    minutes = [name for name in days.columns if name.endswith("_min")]
    return {(key, day): tuple(rest) for key, day, *rest in days.select("calendar_key", "service_date", *minutes).rows()}


def watch(practice: Practice, desk: PvsDesk, changes: list[Change], written: Written) -> int:
    """Make the changes when they are due and note when each is seen; how many generations came."""
    begun = time.monotonic()
    name, figures, generations = "", dict[Place, tuple[int, ...]](), -1
    while any(change.seen is None for change in changes):
        if time.monotonic() - begun > changes[-1].due + PATIENCE_S:
            break
        reader = publish.reader(practice)
        if reader.generation.name != name:
            name, figures, generations = reader.generation.name, figures_of(reader), generations + 1
            _note(changes, figures, reader.generation.run)
        for change in changes:
            if change.made is None and time.monotonic() - begun >= change.due:
                change.before = figures.get(change.place)
                make(desk, change)
        written.look()
        time.sleep(LOOK_S)
    return generations


def _note(changes: list[Change], figures: Mapping[Place, tuple[int, ...]], run: int) -> None:
    for change in changes:
        if change.made is not None and change.seen is None and figures.get(change.place) != change.before:
            change.seen, change.run = time.monotonic(), run


def _alive(o: Ops, since: dt.datetime) -> None:
    """Wait for the first sign of life of the service."""
    end = time.monotonic() + PATIENCE_S
    while (beat := service.last_beat(o)) is None or beat < since:
        if time.monotonic() > end:
            raise RuntimeError(f"the service gave no sign of life within {PATIENCE_S:.0f} s")
        time.sleep(LOOK_S)


def observe(
    practice: Practice, world: World, pvs: Path, count: int, every: float
) -> tuple[list[Change], list[Run], dict[str, Any]]:
    """The changes with the times at which they were seen, the runs that brought them, and what was written."""
    with open_ops(practice, keep_connection=True) as o:
        first = stations.run(practice, o, scope="full")
        since = utc_now()
        with running(practice.folder.parent):
            _alive(o, since)
            written = Written((practice.raw_folder, practice.published_folder))
            written.look()
            before = written.total
            changes = plan(world, practice.zone, count, every)
            generations = watch(practice, PvsDesk(pvs, utc_now), changes, written)
        found = [one for one in runs.last_runs(o, limit=10 * count) if one.run > first.run]
    return changes, found, {"generations": generations, "bytes": written.total - before}


def _shares(changes: list[Change], found: list[Run]) -> dict[str, list[float]]:
    """Of the changes that were seen: waiting until the run that brought it began, and from there until it was seen."""
    begun = {run.run: run.started_at for run in found}
    waits = [
        (begun[change.run] - change.made_at).total_seconds()
        for change in changes
        if change.run in begun and change.made_at is not None
    ]
    return {"wait": waits or [0.0]}


def main() -> None:
    """Run the service for some minutes, say what came out."""
    parser = arguments("A change in the practice software until it is seen.")
    parser.add_argument("--changes", type=int, default=50)
    parser.add_argument("--every", type=float, default=15.0, help="seconds between two changes, at a random phase")
    given = parser.parse_args()
    with demo_practice(given) as (practice, world, pvs):
        changes, found, disk = observe(practice, world, pvs, given.changes, given.every)
    seen = [change.seen - change.made for change in changes if change.seen is not None and change.made is not None]
    news = [run for run in found if run.segment and run.finished_at]
    own = [(run.finished_at - run.started_at).total_seconds() for run in news if run.finished_at]
    a_day = disk["bytes"] / max(disk["generations"], 1) * CHANGES_A_DAY
    waits = _shares(changes, found)["wait"]
    goals = [
        Goal("change until seen, p95, s", percentile(seen or [float("inf")], 0.95), SEEN_WITHIN_S),
        Goal("own work of a run with news, p95, s", percentile(own or [float("inf")], 0.95), OWN_WORK_S),
        Goal(f"written a day at {CHANGES_A_DAY} changes, a run each, GB", a_day / 1e9, BYTES_A_DAY / 1e9),
        Goal("changes that were not seen", len(changes) - len(seen), 0),
    ]
    rows = {
        "change until seen": [Round(one, 0, None) for one in seen],
        "of it until a run begins": [Round(one, 0, None) for one in waits],
        "own work of a run with news": [Round(one, 0, None) for one in own],
    }
    report(
        "freshness",
        {name: measured for name, measured in rows.items() if measured},
        goals,
        changes=len(changes),
        generations=disk["generations"],
        runs=len(found),
        runs_with_news=len(news),
        states=sorted({run.state for run in found}),
        mb_per_generation=round(disk["bytes"] / max(disk["generations"], 1) / 1e6, 2),
        own_work_s=[round(one, 1) for one in sorted(own)],
    )


if __name__ == "__main__":
    main()
