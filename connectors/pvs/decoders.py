"""Named decoders that make several rows of one: recurring events, packed working hours.

An expander gets the vendor's rows with its packed columns beside the mapped fields, and returns rows without them. What
it makes of a row is keyed `<key>/<part>`; a row that is none of its business stays as it is. One whose packed text has
no sense keeps its key and loses its times, so that it is set aside and told, and the others go on.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

KEY = "source_id"

#: Columns that an expander itself fills, where the profile maps the field as `unpacked`.
WEEKLY = {"weekday": pl.Int64(), "start_time": pl.Time(), "end_time": pl.Time()}


@dataclass(frozen=True, slots=True)
class Expander:
    """`packed`: the columns that it needs; `fills`: fields it gives; `expand(rows, until)` ends series at a day."""

    packed: tuple[str, ...]
    fills: tuple[str, ...]
    expand: Callable[[pl.DataFrame, dt.date], pl.DataFrame]


# Weekly hours in one text


def working_plan(rows: pl.DataFrame, _: dt.date) -> pl.DataFrame:
    """Easy!Appointments: JSON by weekday with `start`, `end` and `breaks`; a day without work is null."""
    return _weekly(rows, "plan", _planned)


def _planned(text: str) -> Iterator[tuple[int, dt.time, dt.time]]:
    plan = json.loads(text)
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    for weekday, day in enumerate(days, start=1):
        hours = plan.get(day)
        if hours:
            pauses = sorted((_clock(pause["start"]), _clock(pause["end"])) for pause in hours.get("breaks") or [])
            for start, end in _between(_clock(hours["start"]), _clock(hours["end"]), pauses):
                yield weekday, start, end


#: Elexis counts its week from Sunday and calls the days so.
_DAYS = {"So": 7, "Mo": 1, "Di": 2, "Mi": 3, "Do": 4, "Fr": 5, "Sa": 6}
_CLOSED = "0000-0800\n1800-2359"


def day_limits(rows: pl.DataFrame, _: dt.date) -> pl.DataFrame:
    """Elexis: the ranges of each weekday that are closed, as a packed table; what lies between is open."""
    return _weekly(rows, "limits", _open)


def _open(text: str) -> Iterator[tuple[int, dt.time, dt.time]]:
    """`FS1~#<AMo=A0000-0800\\n1800-2359~#<A...`; a day that is not named has the vendor's own limits."""
    named = dict(part.split("=A", 1) for part in text.split("~#<A") if "=A" in part)
    for day, weekday in sorted(_DAYS.items(), key=lambda item: item[1]):
        lines = re.split(r"[\r\n]+", (named.get(day) or _CLOSED).strip())
        closed = sorted((_clock(line[:4]), _clock(line.replace("-", "")[4:8])) for line in lines)
        for start, end in _between(dt.time(), dt.time(23, 59), closed):
            yield weekday, start, end


def _between(start: dt.time, end: dt.time, closed: list[tuple[dt.time, dt.time]]) -> Iterator[tuple[dt.time, dt.time]]:
    """What is left of a day when its sorted closed ranges are taken out."""
    for first, last in closed:
        if start < first:
            yield start, min(first, end)
        start = max(start, last)
    if start < end:
        yield start, end


def _clock(text: str) -> dt.time:
    """`0800` or `08:00`; the end of a day is its last minute, as vendors write it."""
    digits = text.replace(":", "")[:4]
    return dt.time(23, 59) if digits == "2400" else dt.time(int(digits[:2]), int(digits[2:]))


def _weekly(
    rows: pl.DataFrame, packed: str, unpack: Callable[[str], Iterator[tuple[int, dt.time, dt.time]]]
) -> pl.DataFrame:
    made = [
        (key, f"{key}/{weekday}/{start:%H%M}" if start else key, weekday, start, end)
        for key, text in zip(_keys(rows), rows[packed].cast(pl.String), strict=True)
        if text
        for weekday, start, end in _sense(unpack, text)
    ]
    schema = {KEY: pl.String(), "made": pl.String(), **WEEKLY}
    hours = pl.DataFrame(made, schema=schema, orient="row")
    kept = rows.drop(packed, *(name for name in WEEKLY if name in rows.columns)).with_columns(_keys(rows))
    return (
        hours.join(kept, on=KEY, how="left", maintain_order="left").with_columns(pl.col("made").alias(KEY)).drop("made")
    )


def _sense(
    unpack: Callable[[str], Iterator[tuple[int, dt.time, dt.time]]], text: str
) -> Sequence[tuple[int | None, dt.time | None, dt.time | None]]:
    try:
        return list(unpack(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return [(None, None, None)]


# Lists in one text


def listed(rows: pl.DataFrame, _: dt.date) -> pl.DataFrame:
    """Elexis: a row per name of a comma list, without the first `skipped`.

    The same list stands in several rows, each with another setting: `setting` is `agenda/bereich/<name>/type`, and what
    stands there (`CONTACT/<key>`) is whose calendar it is.
    """
    owners = {
        str(setting).removeprefix("agenda/bereich/").removesuffix("/type"): str(value).removeprefix("CONTACT/")
        for setting, value in zip(rows["setting"], rows["stands"], strict=True)
        if str(value).startswith("CONTACT/")
    }
    names = [
        name.strip()
        for text, skipped in rows.select("names", "skipped").unique(maintain_order=True).rows()
        for name in str(text or "").split(",")[int(skipped) :]
        if name.strip()
    ]
    made = [(name, name, owners.get(name)) for name in sorted(set(names))]
    return pl.DataFrame(made, schema=dict.fromkeys((KEY, "name", "practitioner_id"), pl.String), orient="row")


# Recurring events


def recurrence(rows: pl.DataFrame, until: dt.date) -> pl.DataFrame:
    """OpenEMR: one row per series, its rule as serialized PHP; one row per day of it, without the days left out.

    `start` and `end` move with the day; a series without an end ends with `until`. The key of a day is `<key>/<day>`.
    """
    rows = rows.with_columns(_keys(rows))
    single = rows.filter(_kind(rows) == 0)
    series = rows.filter(_kind(rows) != 0)
    days = [(row[KEY], day) for row in series.iter_rows(named=True) for day in _series(row, until)]
    found = pl.DataFrame(days, schema={KEY: pl.String(), "day": pl.Date()}, orient="row")
    moved = found.join(series, on=KEY, how="left", maintain_order="left")
    moved = moved.with_columns((pl.col("day") - _day(moved["first_day"])).alias("shift"))
    named = pl.concat_str(KEY, pl.lit("/"), pl.col("day").dt.strftime("%Y%m%d"))
    clock = [name for name in ("start_time", "end_time") if name in rows.columns]
    moved = moved.with_columns(
        pl.coalesce(named, KEY).alias(KEY),
        pl.col("day").alias("first_day"),
        *(pl.when(pl.col("day").is_not_null()).then(name).alias(name) for name in clock),
    )
    whole = pl.concat([_on_clock(single).with_columns(_day(single["first_day"])), _shifted(moved).select(rows.columns)])
    return _dated(whole).drop("recurrtype", "recurrspec", "last_day", "first_day").sort(KEY)


def _kind(rows: pl.DataFrame) -> pl.Series:
    return rows["recurrtype"].cast(pl.Int64, strict=False).fill_null(0)


def _on_clock(rows: pl.DataFrame) -> pl.DataFrame:
    """`start` and `end` as datetimes, whatever the driver made of them."""
    return rows.with_columns(_moment(rows[name]) for name in ("start", "end") if name in rows.columns)


def _shifted(rows: pl.DataFrame) -> pl.DataFrame:
    clock = _on_clock(rows)
    moved = [pl.col(name) + pl.col("shift") for name in ("start", "end") if name in rows.columns]
    return clock.with_columns(moved).drop("shift", "day")


def _dated(rows: pl.DataFrame) -> pl.DataFrame:
    """The day of an event is also its `date`, for records that have one and no `start`."""
    return rows if "start" in rows.columns else rows.with_columns(pl.col("first_day").alias("date"))


def _moment(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        return column.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
    return column.cast(pl.Datetime("us"))


def _day(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        return column.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    return column.cast(pl.Date)


def _series(row: dict[str, object], until: dt.date) -> Sequence[dt.date | None]:
    """The days of one series, in order; one that is none, if its rule makes no sense."""
    try:
        spec = _php(str(row["recurrspec"]))
        first, last = _as_day(row["first_day"]), _as_day(row["last_day"])
        if first is None:
            return [None]
        excepted = set(spec.get("exdate", "").split(","))
        end = min(last or until, until)
        days = itertools.takewhile(lambda day: day <= end, _rule(int(str(row["recurrtype"])), spec, first))
        return [day for day in days if day.strftime("%Y%m%d") not in excepted]
    except (ValueError, KeyError):
        return [None]


def _as_day(value: object) -> dt.date | None:
    """A day as a driver gives it; zeros are none."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    text = str(value or "")[:10]
    return None if text.startswith("0000") or not text else dt.date.fromisoformat(text)


def _php(text: str) -> dict[str, str]:
    """The texts of a flat PHP array: `a:2:{s:4:"freq";s:1:"1";...}`."""
    found = re.findall(r's:\d+:"([^"]*)";(?:s:\d+:"([^"]*)"|i:(-?\d+))', text)
    return {name: quoted or number for name, quoted, number in found}


#: event_repeat_freq_type of OpenEMR.
_DAY, _WEEK, _MONTH, _YEAR, _WORKDAY, _WEEKDAYS = 0, 1, 2, 3, 4, 6


def _rule(kind: int, spec: dict[str, str], first: dt.date) -> Iterator[dt.date]:
    """Days without an end: 1 and 3 every so many units or on given weekdays, 2 on the nth weekday of a month."""
    if kind == 2:
        return _nth_weekday(first, *(int(spec[f"event_repeat_on_{part}"]) for part in ("num", "day", "freq")))
    unit = int(spec["event_repeat_freq_type"])
    if unit == _WEEKDAYS or kind == 3:
        weekdays = {int(day) for day in spec["event_repeat_freq"].split(",")}
        if not weekdays <= set(range(1, 8)):
            raise ValueError(weekdays)
        return (day for day in _every_day(first) if day.isoweekday() % 7 + 1 in weekdays)
    step = max(int(spec["event_repeat_freq"]), 1)
    if unit == _WORKDAY:
        return itertools.islice((day for day in _every_day(first) if day.isoweekday() < 6), 0, None, step)
    if unit in (_DAY, _WEEK):
        return (first + dt.timedelta(days=number * step * (7 if unit == _WEEK else 1)) for number in itertools.count())
    if unit not in (_MONTH, _YEAR):
        raise ValueError(unit)
    return _every_month(first, step * (12 if unit == _YEAR else 1))


def _every_day(first: dt.date) -> Iterator[dt.date]:
    return (first + dt.timedelta(days=number) for number in itertools.count())


def _every_month(first: dt.date, step: int) -> Iterator[dt.date]:
    """The same day of later months, as PHP's mktime counts: the 31st of a month of 30 is the 1st of the next."""
    for number in itertools.count(0, step):
        years, month = divmod(first.month - 1 + number, 12)
        yield dt.date(first.year + years, month + 1, 1) + dt.timedelta(days=first.day - 1)


def _nth_weekday(first: dt.date, nth: int, weekday: int, step: int) -> Iterator[dt.date]:
    """`nth` 5 is the last one of the month; `weekday` 0 is Sunday."""
    for number in itertools.count(0, max(step, 1)):
        years, month = divmod(first.month - 1 + number, 12)
        start = dt.date(first.year + years, month + 1, 1)
        following = start + dt.timedelta(days=(weekday - start.isoweekday()) % 7)
        days = [following + dt.timedelta(weeks=week) for week in range(5)]
        inside = [day for day in days if day.month == start.month]
        day = inside[-1] if nth >= len(inside) else inside[nth - 1]
        if day >= first:
            yield day


def _keys(rows: pl.DataFrame) -> pl.Series:
    return rows[KEY].cast(pl.String).str.strip_chars()


EXPANDERS: dict[str, Expander] = {
    "day_limits": Expander(("limits",), tuple(WEEKLY), day_limits),
    "listed": Expander(("names", "skipped", "setting", "stands"), ("name", "practitioner_id"), listed),
    "recurrence": Expander(("recurrtype", "recurrspec", "first_day", "last_day"), ("date",), recurrence),
    "working_plan": Expander(("plan",), tuple(WEEKLY), working_plan),
}
