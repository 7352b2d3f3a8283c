"""The figures of the page "Auslastung": sums over days, divided once. Frames in, small frozen things out.

A ratio is a sum over a sum, never a mean of ratios (DOMAIN 1.3); a denominator of 0 gives None, which pages show as a
dash. People and rooms are never added up: the caller passes the days of one kind.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import polars as pl

#: Below this many appointments a rate says nothing; it is greyed.
FEW: Final = 20
#: Above this share of unknown outcomes, figures about who came are greyed.
UNKNOWN_LIMIT: Final = 0.10
FREE_DAYS: Final = 14

MINUTES: Final = (
    "template_min",
    "holiday_min",
    "closure_min",
    "extra_min",
    "absence_min",
    "block_min",
    "bookable_min",
    "attended_min",
    "ahead_min",
    "no_show_min",
    "unknown_min",
    "late_cancelled_min",
    "other_cancelled_min",
    "never_booked_min",
    "booked_min",
    "used_min",
    "outside_min",
    "double_booked_min",
    "double_booked_intended_min",
    "usable_min",
    "free_min",
)


@dataclass(frozen=True, slots=True)
class Period:
    """Local days, both inclusive."""

    first: dt.date
    last: dt.date

    def year_before(self) -> Period | None:
        """The same ISO weeks and weekdays of the year before; None where a week 53 has no partner."""
        first, last = (day.isocalendar() for day in (self.first, self.last))
        if 53 in (first.week, last.week):
            return None
        # not 52 weeks back: after a year of 53 weeks that is another week
        return Period(*(dt.date.fromisocalendar(day.year - 1, day.week, day.weekday) for day in (first, last)))

    def of(self, frame: pl.DataFrame, column: str = "service_date") -> pl.DataFrame:
        """The rows of `frame` within the period."""
        return frame.filter(pl.col(column).is_between(self.first, self.last))


@dataclass(frozen=True, slots=True)
class Minutes:
    """Place-minutes of a set of days, by the names of fact_capacity_day."""

    by_name: dict[str, int]

    def __getitem__(self, name: str) -> int:
        return self.by_name[name]

    def share(self, *names: str) -> float | None:
        """These minutes of the bookable ones, between 0 and 1; None where nothing was bookable."""
        bookable = self.by_name["bookable_min"]
        return sum(self.by_name[name] for name in names) / bookable if bookable else None


def minutes(days: pl.DataFrame) -> Minutes:
    """Sums over rows of fact_capacity_day."""
    sums = days.select(pl.col(name).sum().cast(pl.Int64) for name in MINUTES).row(0, named=True)
    return Minutes({name: int(sums[name] or 0) for name in MINUTES})


@dataclass(frozen=True, slots=True)
class Counts:
    """Appointments of a period by what became of them."""

    by_outcome: dict[str, int]

    def __getitem__(self, outcome: str) -> int:
        return self.by_outcome.get(outcome, 0)

    @property
    def booked(self) -> int:
        """Appointments that held time."""
        return sum(self[outcome] for outcome in ("attended", "booked", "no_show", "unknown"))

    @property
    def cancelled(self) -> int:
        """Cancelled by either side."""
        return self["cancelled_patient"] + self["cancelled_practice"]

    @property
    def unknown_share(self) -> float | None:
        """Of the appointments whose time has come, those of which nobody recorded whether the patient came."""
        over = self["attended"] + self["no_show"] + self["unknown"]
        return self["unknown"] / over if over else None

    @property
    def too_few(self) -> bool:
        """Whether rates over these appointments would mislead."""
        return self.booked < FEW

    @property
    def too_unknown(self) -> bool:
        """Whether figures about who came would mislead."""
        return (self.unknown_share or 0) > UNKNOWN_LIMIT


def counts(appointments: pl.DataFrame) -> Counts:
    """Sums over rows (outcome, rows) of the day's appointments."""
    sums = appointments.group_by("outcome").agg(pl.col("rows").sum())
    return Counts(dict(sums.sort("outcome").iter_rows()))


def is_estimated(days: pl.DataFrame) -> bool:
    """Whether opening hours of some calendar were derived from its appointments."""
    return bool((days["hours_source"] == "estimated").any())


def free_ahead(days: pl.DataFrame, today: dt.date) -> Minutes:
    """Sums over the next FREE_DAYS days from today on."""
    return minutes(Period(today, today + dt.timedelta(days=FREE_DAYS - 1)).of(days))


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of the waterfall, in place-minutes: a total, or what is taken from (or added to) the one before."""

    name: str
    kind: str  # total | plan | lost | open | result
    start: int
    end: int

    @property
    def size(self) -> int:
        """Signed minutes; a total counts from zero."""
        return self.end - self.start


def waterfall(found: Minutes) -> list[Step]:
    """From the opening hours to the time in which the patient was there; steps of 0 minutes that say nothing are out.

    The parts are added up as they stand, not made to fit: what does not meet the result shows in the picture.
    """
    steps = [Step("template_min", "total", 0, found["template_min"])]
    plan = [("holiday_min", -1), ("closure_min", -1), ("extra_min", 1), ("absence_min", -1), ("block_min", -1)]
    _stack(steps, [(name, "plan", sign * found[name]) for name, sign in plan])
    steps.append(Step("bookable_min", "total", 0, found["bookable_min"]))
    empty = [("never_booked_min", "open"), ("other_cancelled_min", "open"), ("late_cancelled_min", "lost")]
    held = [("no_show_min", "lost"), ("unknown_min", "open"), ("ahead_min", "open")]
    _stack(steps, [(name, kind, -found[name]) for name, kind in empty + held])
    steps.append(Step("used_min", "result", 0, found["used_min"]))
    return steps


def _stack(steps: list[Step], parts: list[tuple[str, str, int]]) -> None:
    at = steps[-1].end
    for name, kind, size in parts:
        if size:
            steps.append(Step(name, kind, at, at + size))
            at += size


def by_week(days: pl.DataFrame) -> pl.DataFrame:
    """(iso_year, iso_week, monday, booked, used), a row a week, ordered; shares are null where nothing was bookable."""
    date = pl.col("service_date")
    weeks = days.group_by(monday=date.dt.truncate("1w")).agg(pl.col("bookable_min", "booked_min", "used_min").sum())
    thursday = pl.col("monday").dt.offset_by("3d")  # the day that decides a week's year (ISO 8601)
    return weeks.sort("monday").select(
        iso_year=thursday.dt.iso_year(),
        iso_week=thursday.dt.week(),
        monday="monday",
        booked=_share("booked_min"),
        used=_share("used_min"),
    )


def with_year_before(weeks: pl.DataFrame) -> pl.DataFrame:
    """`by_week` with `before`: the booked share of the same ISO week a year earlier; null for a week 53."""
    before = weeks.select(iso_year=pl.col("iso_year") + 1, iso_week="iso_week", before="booked")
    return weeks.join(before, on=["iso_year", "iso_week"], how="left", maintain_order="left")


@dataclass(frozen=True, slots=True)
class HoursChange:
    """From this Monday on the plan's weekly hours are others: place-minutes of a week before and after."""

    monday: dt.date
    before_min: int
    after_min: int


def hours_changes(days: pl.DataFrame, within: Period) -> list[HoursChange]:
    """Weeks of a period from which on the regular hours of a calendar are others, over all calendars of `days`.

    Hours that alternate from week to week are no change: both weeks from the Monday on must differ from both before.
    Estimated hours follow the appointments and say nothing about a plan.
    """
    weeks = (
        days.filter(pl.col("hours_source") != "estimated")
        .group_by("calendar_key", monday=pl.col("service_date").dt.truncate("1w"))
        .agg(now=pl.col("template_min").sum())
        .sort("calendar_key", "monday")
        .with_columns(pl.col("now").shift(by).over("calendar_key").alias(f"{by:+}") for by in (2, 1, -1, -2))
    )
    differs = pl.all_horizontal(pl.col(one) != pl.col(other) for one in ("now", "-1") for other in ("+1", "+2"))
    changes = weeks.with_columns(changes=differs.fill_null(value=False))
    # a change in the middle of a week shows in two weeks; the first one counts
    first = pl.col("changes") & ~pl.col("changes").shift(1, fill_value=False).over("calendar_key")
    mondays = set(changes.filter(first & pl.col("monday").is_between(within.first, within.last))["monday"])
    sums = weeks.group_by("monday").agg(
        before=((pl.col("+1") + pl.col("+2")) // 2).sum(), after=((pl.col("-1") + pl.col("-2")) // 2).sum()
    )
    return [HoursChange(*row) for row in sums.sort("monday").iter_rows() if row[0] in mondays]


def by_hour(hours: pl.DataFrame) -> pl.DataFrame:
    """(weekday, hour, bookable_min, booked, used): hours of the week that have capacity, ordered."""
    sums = hours.group_by("weekday", "hour").agg(pl.col("bookable_min", "booked_min", "used_min").sum())
    shares = {"booked": _share("booked_min"), "used": _share("used_min")}
    return sums.sort("weekday", "hour").select("weekday", "hour", "bookable_min", **shares)


def by_group(days: pl.DataFrame, group: str) -> pl.DataFrame:
    """Minutes summed by `group`, with booked, used and lost shares; ordered by the group's key."""
    sums = days.group_by(group).agg(*(pl.col(name).sum() for name in MINUTES), days=pl.col("service_date").n_unique())
    return sums.sort(group).with_columns(
        booked=_share("booked_min"),
        used=_share("used_min"),
        lost_min=pl.col("no_show_min") + pl.col("late_cancelled_min"),
    )


def _share(name: str) -> pl.Expr:
    return pl.when(pl.col("bookable_min") > 0).then(pl.col(name) / pl.col("bookable_min"))
