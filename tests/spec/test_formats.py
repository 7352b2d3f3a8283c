"""What German readers see: a table of values and how the pages write them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from dashboards import formats

MONDAY = dt.date(2026, 11, 23)


def wall(year: int, month: int, day: int, hour: int, minute: int) -> dt.datetime:
    """Wall time, as the marts carry it: without a zone."""
    return dt.datetime(year, month, day, hour, minute)  # noqa: DTZ001


TABLE: list[tuple[Callable[..., str], tuple[object, ...], str]] = [
    (formats.number, (1234.5, 1), "1.234,5"),
    (formats.number, (1234567,), "1.234.567"),
    (formats.number, (-0.04, 1), "0,0"),
    (formats.number, (-1234.56, 2), "−1.234,56"),
    (formats.number, (None,), "–"),
    (formats.percent, (0.123,), "12,3 %"),
    (formats.percent, (0,), "0,0 %"),
    (formats.percent, (1,), "100,0 %"),
    (formats.percent, (0.8344, 0), "83 %"),
    (formats.percent, (None,), "–"),
    (formats.points, (0.021,), "+2,1 Prozentpunkte"),
    (formats.points, (-0.034,), "−3,4 Prozentpunkte"),
    (formats.points, (0.0001,), "±0,0 Prozentpunkte"),
    (formats.points, (None,), "–"),
    (formats.duration, (690,), "11 Std. 30 Min."),
    (formats.duration, (480,), "8 Std."),
    (formats.duration, (45,), "45 Min."),
    (formats.duration, (0,), "0 Min."),
    (formats.duration, (-90,), "−1 Std. 30 Min."),
    (formats.duration, (5999,), "99 Std. 59 Min."),
    (formats.duration, (73_830,), "1.230 Std."),
    (formats.duration, (None,), "–"),
    (formats.date, (MONDAY,), "23.11.2026"),
    (formats.date, (None,), "–"),
    (formats.weekday_date, (MONDAY,), "Mo 23.11.2026"),
    (formats.weekday_date, (dt.date(2026, 11, 29),), "So 29.11.2026"),
    (formats.dates, (dt.date(2026, 10, 26), dt.date(2026, 11, 22)), "26.10.–22.11.2026"),
    (formats.dates, (dt.date(2025, 12, 29), dt.date(2026, 1, 4)), "29.12.2025–04.01.2026"),
    (formats.dates, (MONDAY, MONDAY), "23.11.2026"),
    (formats.weekday, (1,), "Mo"),
    (formats.weekday, (7,), "So"),
    (formats.week, (48,), "KW 48"),
    (formats.clock, (wall(2026, 11, 23, 9, 5),), "09:05"),
    (formats.clock, (dt.time(18),), "18:00"),
    (formats.stamp, (wall(2026, 11, 23, 10, 40), MONDAY), "10:40"),
    (formats.stamp, (wall(2026, 11, 22, 10, 40), MONDAY), "So 22.11. 10:40"),
    (formats.stamp, (wall(2025, 11, 23, 10, 40), MONDAY), "So 23.11.2025 10:40"),
    (formats.stamp, (None, MONDAY), "–"),
    (formats.moment, (wall(2026, 11, 23, 10, 40), MONDAY), "um 10:40"),
    (formats.moment, (wall(2026, 11, 24, 18, 5), MONDAY), "am Di 24.11. um 18:05"),
    (formats.moment, (None, MONDAY), "–"),
    (formats.date_clock, (wall(2026, 11, 3, 9, 5),), "03.11.2026 09:05"),
    (formats.date_clock, (None,), "–"),
    (formats.span, (38, 61), "38–61"),
    (formats.span, (4, 4), "4"),
    (formats.span, (None, 4), "–"),
    (formats.counted, (1, "Termin", "Termine"), "1 Termin"),
    (formats.counted, (1412, "Termin", "Termine"), "1.412 Termine"),
]


@pytest.mark.parametrize(("write", "given", "text"), TABLE, ids=[f"{f.__name__}{given}" for f, given, _ in TABLE])
def test_german_text(write: Callable[..., str], given: tuple[object, ...], text: str) -> None:
    assert write(*given).replace(formats.NBSP, " ") == text


def test_the_sign_never_stands_alone_on_a_line() -> None:
    assert formats.percent(0.5) == "50,0\u00a0%"
    assert formats.week(1) == "KW\u00a01"


def test_the_week_begins_on_monday() -> None:
    assert f"{formats.WEEKDAYS[0]}–{formats.WEEKDAYS[-1]}" == "Mo–So"
