"""Named decoders: what a profile may ask for where no SQL expression unpacks a vendor's value.

A decoder takes the column as the driver gave it and returns a column that `connectors.casts` can read. What it cannot
unpack becomes the text that stood there, so that it is reported and not lost.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

Decoder = Callable[[pl.Series], pl.Series]


def minutes_of_day(column: pl.Series) -> pl.Series:
    """Minutes since midnight, as many agendas keep a time (`480`), to `08:00`."""
    text = column.cast(pl.String).str.strip_chars()
    minutes = text.cast(pl.Int64, strict=False)
    clock = (minutes // 60).cast(pl.String).str.zfill(2) + ":" + (minutes % 60).cast(pl.String).str.zfill(2)
    return clock.zip_with(clock.is_not_null(), text).alias(column.name)


def hhmm(column: pl.Series) -> pl.Series:
    """A time without its colon (`0800`, or the number 800) to `08:00`."""
    text = column.cast(pl.String).str.strip_chars()
    return text.str.zfill(4).str.replace(r"^(\d\d)(\d\d)$", "${1}:${2}").alias(column.name)


def day_and_minutes(column: pl.Series) -> pl.Series:
    """A day and minutes after its midnight, added up (`20260303 480 30`), to `2026-03-03 08:30:00`."""
    text = column.cast(pl.String).str.strip_chars()
    day = text.str.slice(0, 8).str.to_datetime("%Y%m%d", strict=False, time_unit="us")
    given = text.str.slice(8).str.extract_all(r"\S+")
    minutes = given.list.eval(pl.element().cast(pl.Int64, strict=False))
    whole = minutes.list.eval(pl.element().is_not_null()).list.all() & (given.list.len() > 0)
    added = day + minutes.list.sum().cast(pl.Duration("ms")) * 60_000
    moment = added.set(~whole, None).dt.strftime("%Y-%m-%d %H:%M:%S")
    return moment.zip_with(moment.is_not_null(), text).alias(column.name)


def epoch_minutes(column: pl.Series) -> pl.Series:
    """Minutes since 1970 to milliseconds; for fields of type `epoch_ms`."""
    text = column.cast(pl.String).str.strip_chars()
    milliseconds = (text.cast(pl.Int64, strict=False) * 60_000).cast(pl.String)
    return milliseconds.zip_with(milliseconds.is_not_null(), text).alias(column.name)


def arrival_in_history(column: pl.Series) -> pl.Series:
    """Elexis: when `eingetroffen` was noted first in `<minutes since 1970>;<status>` lines, in milliseconds."""
    found = column.cast(pl.String).str.extract(r"(?:^|[\r\n])\s*(\d+);\s*eingetroffen", 1)
    return epoch_minutes(found).alias(column.name)


DECODERS: dict[str, Decoder] = {
    "arrival_in_history": arrival_in_history,
    "day_and_minutes": day_and_minutes,
    "epoch_minutes": epoch_minutes,
    "hhmm": hhmm,
    "minutes_of_day": minutes_of_day,
}
