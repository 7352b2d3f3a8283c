"""What the values of a column look like: a day of birth, a telephone number, minutes, one of a few codes.

Values are looked at in the process and forgotten. What leaves this module is a `Shape`: names of looks and counts.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from connectors.presentable import FEW

#: A look holds when this share of the filled values has it.
SHARE = 0.9

_LOOKS: dict[str, re.Pattern[str]] = {
    "date8": re.compile(r"(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "date_german": re.compile(r"\d\d\.\d\d\.\d{4}"),
    "moment": re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?(?:\d\d)?)?"),
    "moment_german": re.compile(r"\d\d\.\d\d\.\d{4} \d\d:\d\d(?::\d\d)?"),
    "clock": re.compile(r"[0-2]?\d:[0-5]\d(?::\d\d(?:\.\d+)?)?"),
    "hhmm": re.compile(r"(?:[01]?\d|2[0-4])[0-5]\d"),
    "phone": re.compile(r"(?=(?:\D*\d){6})[+0(][\d /()\-.+]{5,24}"),
    "mobile": re.compile(r"(?:\+49 ?\(?0?\)?|0049 ?|0)1[567][\d /()\-.]{6,}"),
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "postcode": re.compile(r"\d{5}"),
    "kvnr": re.compile(r"[A-Z]\d{9}"),
    "lanr": re.compile(r"\d{9}"),
    "flag": re.compile(r"[01]|-1|[jJnNyYtTfF]|ja|nein|true|false|True|False"),
    "letter": re.compile(r"[A-Za-z]"),
    "whole": re.compile(r"-?\d+"),
    "word": re.compile(r"[^\W\d_][^\d@]{1,60}"),
    "kuerzel": re.compile(r"[A-Za-zÄÖÜäöüß]{1,4}"),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A column's values in a sample: how many rows, how many filled, how many different, and what they look like."""

    rows: int
    filled: int
    distinct: int
    looks: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        """Nothing in it, so nothing speaks for or against it."""
        return self.filled == 0


def shape(values: Sequence[object]) -> Shape:
    """The shape of a column's values."""
    texts = [text for text in map(as_text, values) if text]
    if not texts:
        return Shape(len(values), 0, 0)
    looks = {name for name, pattern in _LOOKS.items() if _share(texts, pattern) >= SHARE}
    different = len(set(texts))
    if different <= FEW and (different <= len(texts) // 2 or len(texts) < 40):
        looks.add("few")
    if different == len(texts):
        looks.add("unique")
    return Shape(len(values), len(texts), different, frozenset(looks | _by_range(texts, looks)))


def as_text(value: object) -> str:
    """A driver's value as the text that a person would see; empty for what stands for nothing."""
    if value is None or isinstance(value, bytes | bytearray | memoryview):
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, float | Decimal) and value == int(value):
        return str(int(value))
    text = str(value).strip()
    return "" if re.fullmatch(r"0000-00-00.*|0001-01-01.*|0+", text) and len(text) > 4 else text


def _share(texts: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(1 for text in texts if pattern.fullmatch(text)) / len(texts)


def _by_range(texts: Sequence[str], looks: set[str]) -> set[str]:
    """What only the spread of the values tells."""
    found: set[str] = set()
    if "whole" in looks:
        found |= _numbers([int(text) for text in texts if re.fullmatch(r"-?\d{1,15}", text)])
    years = _years(texts, looks)
    if years:
        ordered = sorted(years)
        middle, spread = ordered[len(ordered) // 2], ordered[-1] - ordered[0]
        if spread >= 15 and middle < 2015:
            found.add("births")
        if middle >= 2015 and spread <= 15:
            found.add("lately")
    if looks & {"moment", "moment_german"} and any(" 00:00" not in text and ":" in text for text in texts):
        found.add("time_of_day")
    return found


def _numbers(values: Sequence[int]) -> set[str]:
    if not values:
        return set()
    low, high = min(values), max(values)
    round_ones = sum(1 for value in values if value % 5 == 0) / len(values)
    found = set()
    if low >= 0 and high <= 1440 and high >= 300 and round_ones >= SHARE:
        found.add("minutes_of_day")
    if low >= 0 and high <= 480 and round_ones >= SHARE and high >= 5:
        found.add("duration")
    if low >= 300 and high <= 30_000 and all(value % 300 == 0 for value in values):
        found.add("seconds")
    if low >= 1 and high <= 7:
        found.add("weekday")
    if low >= 0 and high <= 6:
        found.add("weekday_from_0")
    if low > 600_000_000_000 and high < 5_000_000_000_000:
        found.add("epoch_ms")
    if low > 600_000_000 and high < 5_000_000_000:
        found.add("epoch_s")
    return found


def _years(texts: Sequence[str], looks: set[str]) -> list[int]:
    if looks & {"date8", "date", "moment"}:
        return [int(text[:4]) for text in texts if text[:4].isdigit()]
    if looks & {"date_german", "moment_german"}:
        return [int(text[6:10]) for text in texts if text[6:10].isdigit()]
    return []
