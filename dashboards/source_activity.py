"""What each source brought lately, read from ops.db: last run, changes seen and usual."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.ops import runs
from pipelines.ops.database import Ops
from pipelines.practice import Practice

#: Days of the same weekday that say what is usual: at least, at most (DOMAIN 5.3).
USUAL_DAYS: Final = (4, 8)


@dataclass(frozen=True, slots=True)
class Activity:
    """A source's newest reading and its changes; `usual`: what 8 in 10 of the last same weekdays lay between."""

    last_run_at: dt.datetime | None
    last_seconds: float | None
    changes_today: int
    usual: tuple[float, float] | None


def activities(practice: Practice, o: Ops, now: dt.datetime) -> dict[str, Activity]:
    """The activity of each source by its name; counts of changes are by local day of the run."""
    with o.reading() as session:
        seen = runs.sync_runs_until(session, None)
    today = now.astimezone(practice.zone).date()
    local = pl.col("started_at").dt.convert_time_zone(str(practice.zone)).dt.date()
    seen = seen.with_columns(day=local, changes=pl.col("new") + pl.col("changed") + pl.col("removed"))
    return {source: _activity(seen.filter(pl.col("source") == source), today) for source in practice.source_names()}


def _activity(seen: pl.DataFrame, today: dt.date) -> Activity:
    by_day = dict(seen.group_by("day").agg(pl.col("changes").sum()).sort("day").iter_rows())
    last = seen.row(-1, named=True) if seen.height else None
    return Activity(
        last_run_at=last["finished_at"] if last else None,
        last_seconds=last["seconds"] if last else None,
        changes_today=by_day.get(today, 0),
        usual=usual_range(by_day, today),
    )


def usual_range(by_day: dict[dt.date, int], today: dt.date) -> tuple[float, float] | None:
    """Changes a day between which 8 in 10 of the last same weekdays lay; None while too few are known.

    The first day of all is left out: then everything was new.
    """
    days = sorted(by_day)[1:]
    same = [by_day[day] for day in days if day < today and day.weekday() == today.weekday()][-USUAL_DAYS[1] :]
    if len(same) < USUAL_DAYS[0]:
        return None
    low, high = (pl.Series(same).quantile(share, "linear") for share in (0.1, 0.9))
    return (low, high) if low is not None and high is not None else None
