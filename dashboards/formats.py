"""German numbers, dates and times as text. The only place that writes them; the server's locale plays no part.

A missing value (None) is always a dash: a rate without a denominator is not 0 %.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

DASH: Final = "–"
#: Between a number and its sign, so that no line breaks there (DIN 5008).
NBSP: Final = "\N{NO-BREAK SPACE}"
WEEKDAYS: Final = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
#: From here on minutes no longer matter beside the hours.
_WHOLE_HOURS_FROM: Final = 100 * 60


def number(value: float | None, digits: int = 0) -> str:
    """1234.5 -> "1.234,5" with one digit; rounded half to even like Python; no minus before a zero."""
    if value is None:
        return DASH
    rounded = round(value, digits) + 0.0
    english = f"{rounded:,.{digits}f}"
    return english.replace(",", "_").replace(".", ",").replace("_", ".").replace("-", "−")


def percent(share: float | None, digits: int = 1) -> str:
    """0.123 -> "12,3 %"."""
    return DASH if share is None else f"{number(share * 100, digits)}{NBSP}%"


def points(difference: float | None) -> str:
    """A difference of two shares: 0.021 -> "+2,1 Prozentpunkte"."""
    if difference is None:
        return DASH
    text = number(difference * 100, 1)
    sign = "" if text.startswith("−") else "±" if text == "0,0" else "+"
    return f"{sign}{text} Prozentpunkte"


def duration(minutes: float | None) -> str:
    """690 -> "11 Std. 30 Min."; from 100 hours on whole hours: 73_800 -> "1.230 Std."."""
    if minutes is None:
        return DASH
    sign, whole = ("−" if minutes < 0 else ""), round(abs(minutes))
    if whole >= _WHOLE_HOURS_FROM:
        return f"{sign}{number(whole / 60)}{NBSP}Std."
    hours, rest = divmod(whole, 60)
    parts = [f"{hours}{NBSP}Std."] if hours else []
    return sign + " ".join([*parts, f"{rest}{NBSP}Min."] if rest or not hours else parts)


def date(day: dt.date | None) -> str:
    """23.11.2026."""
    return DASH if day is None else f"{day:%d.%m.%Y}"


def weekday_date(day: dt.date | None) -> str:
    """Mo 23.11.2026."""
    return DASH if day is None else f"{weekday(day.isoweekday())} {date(day)}"


def dates(first: dt.date, last: dt.date) -> str:
    """A span of days, both inclusive: "26.10.–22.11.2026", with both years where they differ."""
    if first == last:
        return date(first)
    return f"{date(first)}–{date(last)}" if first.year != last.year else f"{first:%d.%m.}–{date(last)}"


def weekday(iso_weekday: int) -> str:
    """1 -> "Mo", 7 -> "So"."""
    return WEEKDAYS[iso_weekday - 1]


def week(iso_week: int) -> str:
    """48 -> "KW 48"."""
    return f"KW{NBSP}{iso_week}"


def clock(local: dt.datetime | dt.time | None) -> str:
    """Wall time on 24 hours: 09:05."""
    return DASH if local is None else f"{local:%H:%M}"


def stamp(local: dt.datetime | None, today: dt.date) -> str:
    """Wall time of today as "10:40", of another day as "Di 24.11. 18:05", of another year as "Mo 24.11.2025 18:05"."""
    if local is None:
        return DASH
    return clock(local) if local.date() == today else f"{_day(local, today)} {clock(local)}"


def moment(local: dt.datetime | None, today: dt.date) -> str:
    """The same within a sentence: "um 10:40", "am Di 24.11. um 18:05"."""
    if local is None:
        return DASH
    at = f"um {clock(local)}"
    return at if local.date() == today else f"am {_day(local, today)} {at}"


def date_clock(local: dt.datetime | None) -> str:
    """Wall time in a column: 23.11.2026 10:40."""
    return DASH if local is None else f"{date(local.date())} {clock(local)}"


def _day(local: dt.datetime, today: dt.date) -> str:
    day = f"{local:%d.%m.}" if local.year == today.year else date(local.date())
    return f"{weekday(local.isoweekday())} {day}"


def span(low: float | None, high: float | None) -> str:
    """38, 61 -> "38–61"; one number where both are the same."""
    if low is None or high is None:
        return DASH
    return number(low) if round(low) == round(high) else f"{number(low)}–{number(high)}"


def counted(rows: int, one: str, many: str) -> str:
    """1 -> "1 Termin", 412 -> "412 Termine"."""
    return f"{number(rows)} {one if rows == 1 else many}"
