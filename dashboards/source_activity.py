"""What each source brought lately, read from ops.db: last run, the first reading of all, changes seen and usual."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from pipelines import status
from pipelines.ops import runs
from pipelines.ops.database import Ops
from pipelines.practice import Practice

#: Days of the same weekday that say what is usual: at least, at most (DOMAIN 5.3).
USUAL_DAYS: Final = (4, 8)

#: Runs older than this say nothing about today: eight same weekdays, and a few that were closed.
LOOK_BACK: Final = dt.timedelta(weeks=13)

#: Changes by local day.
ByDay = dict[dt.date, int]


@dataclass(frozen=True, slots=True)
class Activity:
    """A source's newest reading and its changes.

    `first_records`: what the source's very first reading brought, if that was today; all of it was new, so it is no
    part of `changes_today`. `usual`: what 8 in 10 of the last same weekdays lay between, of days with opening hours.
    `statements_today`, `busy_seconds_today`: what our questions meant for its server.
    """

    last_run_at: dt.datetime | None
    last_seconds: float | None
    first_records: int | None
    changes_today: int
    usual: tuple[float, float] | None
    open_today: bool
    statements_today: int
    busy_seconds_today: float


@dataclass(frozen=True, slots=True)
class _Calendar:
    """The practice's days: its zone, the day it is, and which days have opening hours."""

    zone: ZoneInfo
    today: dt.date
    is_open: Callable[[dt.date], bool]


def activities(practice: Practice, o: Ops, now: dt.datetime) -> dict[str, Activity]:
    """The activity of each source by its name; counts of changes are by local day of the run."""
    calendar = _Calendar(practice.zone, now.astimezone(practice.zone).date(), status.opening(practice, o).is_open)
    day = pl.col("started_at").dt.convert_time_zone(str(practice.zone)).dt.date()
    news = runs.news_since(o, now - LOOK_BACK).group_by("source", day=day).agg(pl.col("changes").sum())
    midnight = dt.datetime.combine(calendar.today, dt.time(), practice.zone).astimezone(dt.UTC)
    loads = runs.load_since(o, midnight)
    found = {}
    for source in practice.source_names():
        by_day = dict(news.filter(source=source).select("day", "changes").sort("day").iter_rows())
        found[source] = _activity(o, source, by_day, calendar, loads.get(source, (0, 0.0)))
    return found


def _activity(o: Ops, source: str, by_day: ByDay, calendar: _Calendar, load: tuple[int, float]) -> Activity:
    last = next(iter(runs.last_runs(o, 1, source=source)), None)
    read = next((one for one in last.sources if one.source == source), None) if last else None
    first = runs.first_reading(o, source)
    began_today = first is not None and first[0].astimezone(calendar.zone).date() == calendar.today
    records = first[1] if first is not None and began_today else None
    return Activity(
        last_run_at=(last.finished_at or last.started_at) if last else None,
        last_seconds=read.seconds if read else None,
        first_records=records,
        changes_today=max(by_day.get(calendar.today, 0) - (records or 0), 0),
        usual=usual_range(by_day, calendar.today, calendar.is_open),
        open_today=calendar.is_open(calendar.today),
        statements_today=load[0],
        busy_seconds_today=load[1],
    )


def usual_range(
    by_day: ByDay, today: dt.date, is_open: Callable[[dt.date], bool] = lambda _: True
) -> tuple[float, float] | None:
    """Changes a day between which 8 in 10 of the last same weekdays lay; None while too few are known.

    The first day of all is left out: then everything was new. Days on which the practice is closed say nothing, and
    on one of them nothing is usual.
    """
    days = [day for day in sorted(by_day)[1:] if day < today and day.weekday() == today.weekday() and is_open(day)]
    same = [by_day[day] for day in days][-USUAL_DAYS[1] :]
    if not is_open(today) or len(same) < USUAL_DAYS[0]:
        return None
    low, high = (pl.Series(same).quantile(share, "linear") for share in (0.1, 0.9))
    return (low, high) if low is not None and high is not None else None
