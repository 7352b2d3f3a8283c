"""One vendor column to one typed column, and which of its rows could not be read.

Drivers disagree about the same database (text, numbers, `datetime`s, `Decimal`s, padded char), so every reader takes
whatever polars type arrives. A value that cannot be read becomes null and is reported; what vendors write for "no
date" (zero dates, the year 1) is simply null. Two columns of a million rows take about a second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from connectors import walltime
from connectors.mapping import FieldType

#: What vendors write when there is no date: zeros, or the first year there is.
NO_DATE = r"^(?:[0.\-/: T]+|0000-.*|0001-01-01.*|01\.01\.0001.*)$"

DATE_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y%m%d")
TIME_FORMATS = ("%H:%M", "%H:%M:%S", "%H:%M:%S%.f")
DATETIME_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")

#: A moment that says how far its clock is from UTC, as `2026-03-02 09:00:00+00`; a day's own hyphens are none.
_ZONED = r"\d\d:\d\d(?:\.\d+)? ?(?:Z|[+\-]\d\d(?::?\d\d)?)$"

#: The day of a moment that is written as text, before its time.
_DAY_BEFORE_TIME = r"^(\d{4}-\d\d-\d\d)[ T]\d\d:.*$"

_DAY = 24 * 60 * 60 * 1_000_000

TRUE = ("1", "t", "true", "y", "yes", "j", "ja", "wahr")
FALSE = ("0", "f", "false", "n", "no", "nein", "falsch")


#: What each way of writing is read as.
DTYPES: dict[FieldType, pl.DataType] = {
    "text": pl.String(),
    "id": pl.String(),
    "int": pl.Int64(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "time": pl.Time(),
    "local": pl.Datetime("us", "UTC"),
    "utc": pl.Datetime("us", "UTC"),
    "epoch_ms": pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """Rows of a column that broke one rule. `lost`: their value is null now; else it was kept, with a decision."""

    rule: str
    expected: str
    rows: pl.Series
    lost: bool = True


@dataclass(frozen=True, slots=True)
class Cast:
    """A typed column and the doubts about it."""

    values: pl.Series
    doubts: tuple[Doubt, ...] = ()


def as_text(column: pl.Series) -> pl.Series:
    """Text without padding; empty is null. A whole number that a driver made a float loses its `.0`."""
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        empty = text == ""
        return text.set(empty, None) if empty.any() else text
    if column.dtype.is_float() or column.dtype.is_decimal():
        whole = column.cast(pl.Int64, strict=False)
        return whole.cast(pl.String).zip_with((whole == column).fill_null(value=False), column.cast(pl.String))
    if column.dtype == pl.Binary:
        return column.bin.encode("hex")
    return column.dt.to_string("polars") if column.dtype == pl.Duration else column.cast(pl.String)


def cast(column: pl.Series, kind: FieldType, *, formats: tuple[str, ...] = (), timezone: str = "UTC") -> Cast:
    """Read a column as `kind`; wall times are those of `timezone`."""
    if column.null_count() == len(column):
        return Cast(pl.Series(column.name, [None], dtype=DTYPES[kind]).new_from_index(0, len(column)))
    if kind in ("text", "id"):
        return Cast(as_text(column))
    if kind in ("local", "utc"):
        return _instants(column, formats, timezone if kind == "local" else "UTC")
    values = {"int": _int, "bool": _bool, "epoch_ms": _epoch_ms, "date": _date, "time": _time}[kind](column, formats)
    return Cast(values, _unreadable(column, values, _WANTED[kind], formats))


_WANTED = {
    "int": "a whole number",
    "bool": "yes or no",
    "date": "a day",
    "time": "a time of day before 24:00",
    "epoch_ms": "milliseconds since 1970",
}


def _unreadable(
    column: pl.Series, values: pl.Series, wanted: str, formats: tuple[str, ...], *, rule: str = "unreadable"
) -> tuple[Doubt, ...]:
    if values.null_count() == column.null_count():
        return ()
    text = as_text(column)
    rows = values.is_null() & text.is_not_null() & ~text.str.contains(NO_DATE).fill_null(value=False)
    if not rows.any():
        return ()
    return (Doubt(rule, wanted + (f" as {' or '.join(formats)}" if formats else ""), rows),)


def _int(column: pl.Series, _: tuple[str, ...]) -> pl.Series:
    if column.dtype.is_integer():
        return column.cast(pl.Int64, strict=False)
    return as_text(column).str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)


def _bool(column: pl.Series, _: tuple[str, ...]) -> pl.Series:
    if column.dtype == pl.Boolean:
        return column
    words = dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)
    return as_text(column).str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Boolean)


def _epoch_ms(column: pl.Series, _: tuple[str, ...]) -> pl.Series:
    milliseconds = _int(column, ())
    return (
        milliseconds.set(milliseconds == 0, None)
        .cast(pl.Datetime("ms"))
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone("UTC")
    )


def _date(column: pl.Series, formats: tuple[str, ...]) -> pl.Series:
    if column.dtype == pl.Date:
        return _without_year_one(column)
    if column.dtype == pl.Datetime:
        return _without_year_one(column.dt.date())
    text = _dated(column)
    if not formats:
        text = text.str.replace(_DAY_BEFORE_TIME, "$1")
    return _parsed(text, formats or DATE_FORMATS, lambda text, form: text.str.to_date(form, strict=False), pl.Date)


def _time(column: pl.Series, formats: tuple[str, ...]) -> pl.Series:
    if column.dtype == pl.Time:
        return column
    if column.dtype == pl.Datetime:
        return column.dt.time()
    if column.dtype == pl.Duration:
        microseconds = column.dt.total_microseconds()
        return (microseconds.set(~microseconds.is_between(0, _DAY - 1), None) * 1000).cast(pl.Time)
    text = as_text(column)
    if not formats:
        text = text.str.replace(r"^\d{4}-\d\d-\d\d[ T]", "")
    return _parsed(text, formats or TIME_FORMATS, lambda text, form: text.str.to_time(form, strict=False), pl.Time)


def _instants(column: pl.Series, formats: tuple[str, ...], timezone: str) -> Cast:
    """Instants: wall times are resolved in `timezone`, a column with a zone of its own is only turned to UTC."""
    parsed = moments(column, formats)
    doubts = _unreadable(column, parsed, "a date and a time", formats)
    if isinstance(parsed.dtype, pl.Datetime) and parsed.dtype.time_zone:
        return Cast(parsed.dt.convert_time_zone("UTC"), doubts)
    resolved = walltime.to_utc(parsed, timezone)
    for rule, rows, lost in (("no-such-hour", resolved.missing, True), ("hour-comes-twice", resolved.ambiguous, False)):
        if rows.any():
            doubts += (Doubt(rule, f"a wall time that {timezone} has once", rows, lost),)
    return Cast(resolved.instants, doubts)


def moments(column: pl.Series, formats: tuple[str, ...]) -> pl.Series:
    """Naive datetimes, or aware ones where the driver or the text has a zone."""
    if isinstance(column.dtype, pl.Date | pl.Datetime):
        zone = column.dtype.time_zone if isinstance(column.dtype, pl.Datetime) else None
        return _without_year_one(column.cast(pl.Datetime("us", zone)))
    if column.dtype == pl.String and not formats:
        usual = column.str.to_datetime(DATETIME_FORMATS[0], strict=False, time_unit="us")
        if usual.null_count() == column.null_count():  # as most databases write it: nothing else need be looked for
            return _without_year_one(usual)
    text = _dated(column)
    if not formats and text.str.contains(_ZONED).any():
        whole = text.str.replace(r" ?([+\-]\d\d)(?::?(\d\d))?$", "$1:$2").str.replace(r":$", ":00")
        return whole.str.to_datetime("%+", strict=False, time_zone="UTC", time_unit="us")
    return _parsed(
        text,
        formats or DATETIME_FORMATS,
        lambda values, form: values.str.to_datetime(form, strict=False, time_unit="us"),
        pl.Datetime("us"),
    )


def _dated(column: pl.Series) -> pl.Series:
    text = as_text(column)
    return text.set(text.str.contains(NO_DATE), None)


def _without_year_one(column: pl.Series) -> pl.Series:
    return column.set(column.dt.year() <= 1, None)


def _parsed(
    text: pl.Series,
    formats: tuple[str, ...],
    parse: Callable[[pl.Series, str], pl.Series],
    dtype: pl.DataType | type[pl.DataType],
) -> pl.Series:
    """The first format that fits, per value; a format is only tried while something is unread."""
    values = pl.Series(text.name, [None], dtype=dtype).new_from_index(0, len(text))
    for form in formats:
        if values.null_count() == text.null_count():
            break
        values = values.zip_with(values.is_not_null(), parse(text, form))
    return values
