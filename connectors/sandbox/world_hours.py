"""When a made-up practice is open: weekly hours, holidays, closures, extra hours, absences, blocks.

Time inside the generator is counted in whole minutes since 1970 UTC; local wall time becomes UTC here, once.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import numpy as np
import polars as pl

from connectors.sandbox.names import Ints
from connectors.sandbox.world_plan import SITES, Calendar, WorldPlan, calendars

ZONE = "Europe/Berlin"
UTC_INSTANT = pl.Datetime("us", "UTC")


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of the practice's time.

    `hours` and `absences` are close to the records (calendar numbers instead of ids; local times, instants as
    minutes); `closures` stand in practice.toml. `illness` is the part of the absences that nobody knew beforehand.
    `sessions` (calendar, day, start, end) is when patients can be booked: hours less holidays, closures, planned
    absences and blocks. `block_appointments` are blocks that the practice enters as appointments.
    """

    calendars: list[Calendar]
    hours: pl.DataFrame
    absences: pl.DataFrame
    closures: list[dict[str, Any]]
    holidays: pl.DataFrame
    sessions: pl.DataFrame
    block_appointments: pl.DataFrame

    @property
    def illness(self) -> pl.DataFrame:
        """Absences that came as a surprise: calendar, start, end, known (minutes)."""
        return self.absences.filter("illness")


def instants(days: pl.Series, times: pl.Series) -> Ints:
    """Minutes since 1970 UTC of local days and times; a time that the clocks skip is read as the end of the gap."""
    local = pl.DataFrame({"day": days, "time": times}).select(pl.col("day").dt.combine(pl.col("time"))).to_series()
    exact = local.dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null")
    later = (local + dt.timedelta(hours=1)).dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null")
    filled = exact.fill_null(later)
    return (filled.dt.epoch("s") // 60).to_numpy()


def instant(day: dt.date, time: dt.time = dt.time()) -> int:
    """`instants` of one."""
    return int(dt.datetime.combine(day, time, tzinfo=ZoneInfo(ZONE)).timestamp()) // 60


def to_utc(minutes: str) -> pl.Expr:
    """A column of minutes as instants."""
    return (pl.col(minutes).cast(pl.Int64) * 60_000_000).cast(UTC_INSTANT)


def opening(plan: WorldPlan, rng: np.random.Generator) -> Opening:
    """All of the practice's time from `plan.first_day` to `plan.last_day`."""
    lines = calendars(plan)
    days = _days(plan, lines)
    closures = _closures(plan)
    hours = pl.concat([_weekly(plan, lines), _extra(plan, lines)])
    absences = pl.concat([_leave(plan, lines, rng), _illness(plan, lines, rng), _meetings(plan, lines), _outing(plan)])
    blocks = _block_appointments(plan, lines)
    open_time = _open_time(hours, days, closures)
    in_hours = blocks.join(open_time.select("calendar", "day").unique(), on=["calendar", "day"], how="semi")
    kept = _clear_of(in_hours, _expanded(absences.filter(kind="absence"), lines))
    # Who is ill does no paper work: that time was open until then, and no block of it stands in the calendar.
    cuts = pl.concat([_expanded(absences.filter(~pl.col("illness")), lines), kept.select("calendar", "start", "end")])
    return Opening(
        lines, hours, absences, closures, days.filter("holiday").select("calendar", "day").unique(),
        subtract(open_time, cuts), kept,
    )  # fmt: skip


def _holidays(state: str, years: Sequence[int], categories: tuple[str, ...]) -> list[dt.date]:
    return list(holidays.country_holidays("DE", subdiv=state, years=years, categories=categories))


def _days(plan: WorldPlan, lines: list[Calendar]) -> pl.DataFrame:
    """Every calendar and local day, with whether it is a holiday at the calendar's site."""
    years = range(plan.first_day.year, plan.last_day.year + 1)
    free = [
        {"calendar": line.index, "day": day, "holiday": True}
        for line in lines
        for day in _holidays(SITES[line.site].state, years, SITES[line.site].categories)
    ]
    frame = pl.DataFrame({"calendar": [line.index for line in lines]}).join(
        pl.DataFrame({"day": pl.date_range(plan.first_day, plan.last_day, eager=True)}), how="cross"
    )
    known = pl.DataFrame(free, schema={"calendar": pl.Int64, "day": pl.Date, "holiday": pl.Boolean})
    return frame.join(known, on=["calendar", "day"], how="left", maintain_order="left").with_columns(
        pl.col("holiday").fill_null(value=False)
    )


def _closures(plan: WorldPlan) -> list[dict[str, Any]]:
    """Closed between the years, as practice.toml says it: first and last day, both closed."""
    return [
        {"start": dt.date(year, 12, 24), "end": dt.date(year + 1, 1, 1), "name": "Betriebsruhe zum Jahreswechsel"}
        for year in range(plan.first_day.year - 1, plan.last_day.year + 1)
    ]


HOURS_SCHEMA = pl.Schema(
    {
        "calendar": pl.Int64(), "kind": pl.String(), "weekday": pl.Int64(), "date": pl.Date(),
        "start_time": pl.Time(), "end_time": pl.Time(), "valid_from": pl.Date(), "valid_to": pl.Date(),
        "week_interval": pl.Int64(),
    }
)  # fmt: skip


def _weekly(plan: WorldPlan, lines: list[Calendar]) -> pl.DataFrame:
    """Weekly hours; the first version ends on the day before the second begins."""
    change = plan.template_change
    begin = plan.first_day - dt.timedelta(days=plan.first_day.weekday())
    valid = {1: (begin, change - dt.timedelta(days=1)), 2: (change, None)}
    rows = [
        (line.index, "regular", day, None, dt.time.fromisoformat(part.start), dt.time.fromisoformat(part.end),
         *((begin, None) if part.versions == (1, 2) else valid[part.versions[0]]), part.interval)
        for line in lines for part in line.hours for day in part.weekdays
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=HOURS_SCHEMA, orient="row")


def _extra(plan: WorldPlan, lines: list[Calendar]) -> pl.DataFrame:
    """Extra hours on one day: vaccination Saturdays in autumn, and the night duty when the clocks change."""
    persons = [line for line in lines if line.kind == "person"]
    rows = [
        (line.index, "extra", None, day, start, end, None, None, None)
        for year in range(plan.first_day.year, plan.last_day.year + 1)
        for line in persons[::3]
        for day, start, end in _extra_days(year, first=line.index == 0)
        if plan.first_day <= day <= plan.last_day
    ]
    return pl.DataFrame(rows, schema=HOURS_SCHEMA, orient="row")


def _extra_days(year: int, *, first: bool) -> list[tuple[dt.date, dt.time, dt.time]]:
    saturday = dt.date(year, 10, 8)
    saturday += dt.timedelta(days=(5 - saturday.weekday()) % 7)
    vaccination = [(saturday + dt.timedelta(weeks=w), dt.time(9), dt.time(13)) for w in (0, 5)]
    night = [(last_sunday(year, month), dt.time(1), dt.time(4)) for month in (3, 10)]
    return vaccination + (night if first else [])


def last_sunday(year: int, month: int) -> dt.date:
    """The day on which the clocks change in March and October."""
    last = dt.date(year, month, 31)
    return last - dt.timedelta(days=(last.weekday() + 1) % 7)


ABSENCE_SCHEMA = pl.Schema(
    {
        "calendar": pl.Int64(), "kind": pl.String(), "start": pl.Int64(), "end": pl.Int64(),
        "substitute": pl.Int64(), "illness": pl.Boolean(), "known": pl.Int64(),
    }
)  # fmt: skip


def _whole_days(
    line: Calendar, first: dt.date, days: int, substitute: int | None, *, illness: bool = False
) -> tuple[Any, ...]:
    start, end = instant(first), instant(first + dt.timedelta(days=days))
    known = start + 7 * 60 if illness else start - 90 * 1440
    return (line.index, "absence", start, end, substitute, illness, known)


def _others(line: Calendar, lines: list[Calendar]) -> int | None:
    """Who stands in: the next practitioner of the same site, else of the practice."""
    persons = [other for other in lines if other.kind == "person" and other is not line]
    near = [other.index for other in persons if other.site == line.site]
    return near[0] if near else (persons[0].index if persons else None)


def _leave(plan: WorldPlan, lines: list[Calendar], rng: np.random.Generator) -> pl.DataFrame:
    """Two weeks in summer, one in spring, a day or two of training; colleagues take turns."""
    rows = []
    for line in (x for x in lines if x.kind == "person"):
        for year in range(plan.first_day.year, plan.last_day.year + 1):
            turn = (line.index + year) % 4
            summer = dt.date.fromisocalendar(year, 29 + 2 * turn, 1)
            spring = dt.date.fromisocalendar(year, 7 + 2 * turn, 1)
            training = dt.date.fromisocalendar(year, int(rng.integers(37, 48)), int(rng.integers(1, 6)))
            stand_in = _others(line, lines)
            rows += [
                _whole_days(line, summer, 12, stand_in),
                _whole_days(line, spring, 5, stand_in),
                _whole_days(line, training, 1, None),
            ]
    return pl.DataFrame(rows, schema=ABSENCE_SCHEMA, orient="row")


def _illness(plan: WorldPlan, lines: list[Calendar], rng: np.random.Generator) -> pl.DataFrame:
    """One to four days, about one and a half times a year per person, all of them in the past."""
    span = (plan.today - plan.first_day).days - 5
    rows = []
    for line in (x for x in lines if x.kind == "person"):
        for _ in range(int(rng.poisson(1.5 * plan.years)) if span > 0 else 0):
            first = plan.first_day + dt.timedelta(days=int(rng.integers(0, span)))
            rows.append(_whole_days(line, first, int(rng.integers(1, 5)), _others(line, lines), illness=True))
    return pl.DataFrame(rows, schema=ABSENCE_SCHEMA, orient="row")


def _weekdays(plan: WorldPlan, weekday: int) -> list[dt.date]:
    """Every such ISO weekday of the plan's span."""
    first = plan.first_day + dt.timedelta(days=(weekday - plan.first_day.isoweekday()) % 7)
    return [first + dt.timedelta(weeks=w) for w in range(((plan.last_day - first).days) // 7 + 1)]


def _meetings(plan: WorldPlan, lines: list[Calendar]) -> pl.DataFrame:
    """The team meeting: Wednesday from 11:15 to 11:45, blocked for all persons."""
    persons = [line.index for line in lines if line.kind == "person"]
    rows = [
        (i, "block", instant(day, dt.time(11, 15)), instant(day, dt.time(11, 45)), None, False, instant(plan.first_day))
        for day in _weekdays(plan, 3) for i in persons
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=ABSENCE_SCHEMA, orient="row")


def _outing(plan: WorldPlan) -> pl.DataFrame:
    """One day a year the whole practice is closed: an absence without a calendar."""
    days = [dt.date.fromisocalendar(year, 26, 3) for year in range(plan.first_day.year, plan.last_day.year + 1)]
    rows = [
        (None, "closure", instant(d), instant(d + dt.timedelta(days=1)), None, False, instant(d) - 200 * 1440)
        for d in days if plan.first_day <= d <= plan.last_day
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=ABSENCE_SCHEMA, orient="row")


def _block_appointments(plan: WorldPlan, lines: list[Calendar]) -> pl.DataFrame:
    """Paper work that every second person whose calendar the PVS leads enters as an appointment: Thursday 11:30."""
    days = pl.Series(_weekdays(plan, 4), dtype=pl.Date)
    starts = instants(days, pl.Series([dt.time(11, 30)]).new_from_index(0, len(days)))
    who = [line.index for line in lines if line.kind == "person" and line.leads == "pvs"][1::2]
    part = pl.DataFrame({"day": days, "start": starts, "end": starts + 30})
    return pl.DataFrame({"calendar": who}, schema={"calendar": pl.Int64}).join(part, how="cross")


def _open_time(hours: pl.DataFrame, days: pl.DataFrame, closures: list[dict[str, Any]]) -> pl.DataFrame:
    """Sessions before absences: regular hours outside holidays and closures, and the extra hours."""
    closed = pl.any_horizontal(pl.col("day").is_between(c["start"], c["end"]) for c in closures)
    regular = (
        days.with_columns(weekday=pl.col("day").dt.weekday().cast(pl.Int64))
        .join(hours.filter(kind="regular"), on=["calendar", "weekday"], maintain_order="left")
        .filter(
            ~pl.col("holiday") & ~closed,
            pl.col("day") >= pl.col("valid_from"),
            pl.col("valid_to").is_null() | (pl.col("day") <= pl.col("valid_to")),
            (pl.col("day") - pl.col("valid_from").dt.truncate("1w")).dt.total_days() // 7 % pl.col("week_interval")
            == 0,
        )
    )
    extra = hours.filter(kind="extra").with_columns(day="date")
    names = ["calendar", "day", "start_time", "end_time"]
    both = pl.concat([regular.select(names), extra.select(names)])
    return both.select(
        "calendar", "day",
        start=pl.Series(instants(both["day"], both["start_time"])),
        end=pl.Series(instants(both["day"], both["end_time"])),
    ).sort("calendar", "start")  # fmt: skip


def _expanded(absences: pl.DataFrame, lines: list[Calendar]) -> pl.DataFrame:
    """calendar, start, end; an absence without a calendar counts for each."""
    everyone = pl.DataFrame({"calendar": [line.index for line in lines]})
    general = everyone.join(absences.filter(pl.col("calendar").is_null()).select("start", "end"), how="cross")
    return pl.concat([absences.drop_nulls("calendar").select("calendar", "start", "end"), general])


def _clear_of(frame: pl.DataFrame, cuts: pl.DataFrame) -> pl.DataFrame:
    """Rows of `frame` that no cut of the same calendar touches."""
    touched = frame.join_where(
        cuts.rename({"calendar": "c", "start": "cut", "end": "until"}),
        pl.col("calendar") == pl.col("c"), pl.col("start") < pl.col("until"), pl.col("end") > pl.col("cut"),
    )  # fmt: skip
    return frame.join(touched, on=["calendar", "start"], how="anti", maintain_order="left")


def subtract(sessions: pl.DataFrame, cuts: pl.DataFrame) -> pl.DataFrame:
    """The sessions (calendar, day, start, end) without the minutes of the cuts (calendar, start, end), in order."""
    by_calendar = {
        key[0]: _merged(part.sort("start").select("start", "end").rows()) for key, part in cuts.group_by("calendar")
    }
    pieces = []
    for calendar, day, start, end in sessions.iter_rows():
        closed = by_calendar.get(calendar, [])
        at, i = start, bisect_right(closed, start, key=lambda cut: cut[1])
        while i < len(closed) and closed[i][0] < end:
            if closed[i][0] > at:
                pieces.append((calendar, day, at, closed[i][0]))
            at, i = closed[i][1], i + 1
        if at < end:
            pieces.append((calendar, day, at, end))
    return pl.DataFrame(pieces, schema=sessions.schema, orient="row").sort("calendar", "start")


def _merged(cuts: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted intervals with overlapping and touching ones joined."""
    out: list[tuple[int, int]] = []
    for start, end in cuts:
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out
