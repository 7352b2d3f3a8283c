"""Wall time of a practice to instants, and back.

A German wall clock is not a line: on the last Sunday of March the hour from two to three does not exist, on the last
Sunday of October it comes twice. Both are resolved once, here, when a row is read: a time that comes twice is taken as
the earlier instant, one that does not exist becomes null; who calls is told which rows those were.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl


@dataclass(frozen=True, slots=True)
class Instants:
    """Instants for a column of wall times; `ambiguous` and `missing` mark the rows that needed a decision."""

    instants: pl.Series
    ambiguous: pl.Series
    missing: pl.Series


def to_utc(wall: pl.Series, zone: str) -> Instants:
    """Naive wall times of `zone` to instants: the earlier of two, null where the time does not exist."""
    wall = wall.cast(pl.Datetime("us"))
    earliest = _resolve(wall, zone, "earliest")
    return Instants(
        instants=earliest,
        ambiguous=earliest.ne(_resolve(wall, zone, "latest")).fill_null(value=False),
        missing=earliest.is_null() & wall.is_not_null(),
    )


def _resolve(wall: pl.Series, zone: str, ambiguous: Literal["earliest", "latest"]) -> pl.Series:
    aware = wall.dt.replace_time_zone(zone, ambiguous=ambiguous, non_existent="null")
    return aware.dt.convert_time_zone("UTC")


def to_wall(instant: dt.datetime, zone: str) -> dt.datetime:
    """The naive wall time that a clock in `zone` shows at `instant`, which must be aware."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def exists(wall: dt.datetime, zone: str) -> bool:
    """Whether a clock in `zone` ever shows this naive time."""
    return to_wall(wall.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC), zone) == wall
