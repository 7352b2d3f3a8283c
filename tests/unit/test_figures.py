"""When the plan's hours became others, as a table of weeks; made-up calendars, minutes of one day a week."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from dashboards import figures
from dashboards.figures import HoursChange, Period

FIRST = dt.date(2026, 1, 5)
ALWAYS = Period(FIRST, FIRST + dt.timedelta(weeks=60))


def monday(week: int) -> dt.date:
    return FIRST + dt.timedelta(weeks=week)


def plan(weeks: list[int], calendar: str = "c1", source: str = "source") -> pl.DataFrame:
    """A calendar with these regular minutes by week, on Wednesdays."""
    days = [monday(week) + dt.timedelta(days=2) for week in range(len(weeks))]
    return pl.DataFrame({"service_date": days, "template_min": weeks}).with_columns(
        calendar_key=pl.lit(calendar), hours_source=pl.lit(source)
    )


@pytest.mark.parametrize(
    ("weeks", "changes"),
    [
        ([480] * 8, []),
        ([480] * 4 + [400] * 4, [HoursChange(monday(4), 480, 400)]),
        ([0] * 3 + [480] * 4, [HoursChange(monday(3), 0, 480)]),  # somebody new
        ([480] * 4 + [0] * 4, [HoursChange(monday(4), 480, 0)]),
        ([480, 300] * 5, []),  # every second week
        ([480, 300] * 3 + [200, 100] * 3, [HoursChange(monday(6), 390, 150)]),
        ([480] * 4 + [440] + [400] * 4, [HoursChange(monday(4), 480, 400)]),  # in the middle of a week
        ([480] * 4 + [300] + [480] * 4, []),  # one odd week
        ([480] * 4 + [400] * 4 + [480] * 4, [HoursChange(monday(4), 480, 400), HoursChange(monday(8), 400, 480)]),
        ([], []),
    ],
)
def test_when_regular_hours_changed(weeks: list[int], changes: list[HoursChange]) -> None:
    schema = {"service_date": pl.Date, "template_min": pl.Int64}
    assert figures.hours_changes(plan(weeks).cast(schema), ALWAYS) == changes


def test_a_change_is_told_in_minutes_of_all_calendars() -> None:
    both = pl.concat([plan([480] * 4 + [400] * 4), plan([100] * 8, "c2")])
    assert figures.hours_changes(both, ALWAYS) == [HoursChange(monday(4), 580, 500)]


def test_estimated_hours_are_no_plan() -> None:
    assert figures.hours_changes(plan([480] * 4 + [400] * 4, source="estimated"), ALWAYS) == []


def test_only_changes_within_the_period_count() -> None:
    hours = plan([480] * 4 + [400] * 4)
    assert figures.hours_changes(hours, Period(monday(5), monday(7))) == []
    assert figures.hours_changes(hours, Period(monday(4), monday(4))) != []
