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


DECODERS: dict[str, Decoder] = {"hhmm": hhmm, "minutes_of_day": minutes_of_day}
