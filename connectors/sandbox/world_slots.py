"""Filling the sessions of a made-up practice: who is booked when, for what, and when it was booked.

All appointments that there will ever be are made at once, with the minute at which each was booked. What is not booked
yet at the time of looking is cut off later, so the future is as full as a booking curve leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from connectors.sandbox.names import Flags, Ints
from connectors.sandbox.world_hours import Opening, instants
from connectors.sandbox.world_plan import ACUTE, BLOOD, FIRST_TALK, SERVICES, SHORT, THERAPY, Calendar

#: Columns of a slot: calendar, day, start, end (minutes), service (position in SERVICES), series (0 = none), kind.
#: kind: regular | series | overlay (on top of another, intended) | outside (after the session).
SLOT = ("calendar", "day", "start", "end", "service", "series", "kind")
_GAP = 10
_MINUTES = np.array([service.minutes for service in SERVICES])


def slots(opened: Opening, rng: np.random.Generator) -> pl.DataFrame:
    """All slots, sorted by calendar and start: packed sessions, weekly series, overlays, outside hours."""
    series_time, rest = _series_time(opened)
    packed = pl.concat([_packed(line, rest.filter(calendar=line.index), rng) for line in opened.calendars])
    everything = [packed, _series(series_time, rng), _overlays(packed, rng), _outside(opened, rng)]
    return pl.concat(everything).sort("calendar", "start", "kind", maintain_order=True)


def _series_time(opened: Opening) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sessions of the therapy calendars' Tuesday and Thursday afternoons, and all others."""
    therapy = [line.index for line in opened.calendars if line.therapy]
    is_series = (
        pl.col("calendar").is_in(therapy)
        & pl.col("day").dt.weekday().is_in([2, 4])
        & (
            pl.from_epoch(pl.col("start") * 60, "s")
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone("Europe/Berlin")
            .dt.hour()
            >= 12
        )
    )
    return opened.sessions.filter(is_series), opened.sessions.filter(~is_series)


def _packed(line: Calendar, sessions: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Services one after another from the start of each session, with gaps, as long as the next one fits."""
    lanes = [_packed_lane(line, sessions, rng) for _ in range(line.capacity)] if any(line.mix) else []
    return pl.concat([_empty(), *lanes])


def _packed_lane(line: Calendar, sessions: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    chances = np.cumsum([*line.mix, 1 - sum(line.mix)])
    minutes = np.append(_MINUTES, _GAP)
    start, length = sessions["start"].to_numpy(), (sessions["end"] - sessions["start"]).to_numpy()
    most = int(length.max(initial=0)) // int(minutes.min()) + 1
    item = np.minimum(np.searchsorted(chances, rng.random((len(start), most)), side="right"), len(SERVICES))
    ends = np.cumsum(minutes[item], axis=1)
    session, place = np.nonzero((ends <= length[:, None]) & (item < len(SERVICES)))
    service, end = item[session, place], (start[:, None] + ends)[session, place]
    return _frame(
        line.index, sessions["day"].gather(session), end - _MINUTES[service], end, service=service, kind="regular"
    )


def _frame(
    calendar: int | Ints, day: pl.Series, start: Ints, end: Ints, *, service: int | Ints, kind: str
) -> pl.DataFrame:
    """A frame of slots from columns, some of them one value for all."""
    n = len(day)
    columns = {"calendar": calendar, "start": start, "end": end, "service": service, "series": 0}
    full = {name: np.broadcast_to(value, n).astype(np.int64) for name, value in columns.items()}
    return pl.DataFrame({**full, "day": day, "kind": pl.Series([kind]).new_from_index(0, n)}).select(SLOT)


def _empty() -> pl.DataFrame:
    nothing = np.zeros(0, dtype=np.int64)
    return _frame(0, pl.Series([], dtype=pl.Date), nothing, nothing, service=0, kind="regular")


def _series(sessions: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Weekly series of 6 to 10 appointments: one patient keeps weekday and time of day until the series is over."""
    length = SERVICES[THERAPY].minutes
    count = ((sessions["end"] - sessions["start"]) // length).to_numpy()
    row = np.repeat(np.arange(sessions.height), count)
    place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    start = sessions["start"].to_numpy()[row] + place * length
    frame = _frame(
        sessions["calendar"].to_numpy()[row],
        sessions["day"].gather(row),
        start,
        start + length,
        service=THERAPY,
        kind="series",
    )
    frame = frame.with_columns(weekday=pl.col("day").dt.weekday(), place=pl.Series(place)).sort(
        "calendar", "weekday", "place", "start"
    )
    column = pl.struct("calendar", "weekday", "place").rle_id()
    week = pl.int_range(pl.len()).over(column)
    size = 6 + column.cast(pl.Int64) % 5
    numbered = frame.with_columns(column=column.cast(pl.Int64), part=week // (size + 1), last=week % (size + 1) == size)
    numbered = numbered.filter(~pl.col("last"), pl.Series(rng.random(frame.height)) > 0.02)
    return numbered.with_columns(series=(pl.col("column") * 1000 + pl.col("part") + 1)).select(SLOT)


def _overlays(packed: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Acute patients squeezed in on top of others, as their type allows: 1.2 % of the slots."""
    under = packed.filter(pl.col("service") != BLOOD, pl.col("service") != ACUTE)
    under = under.filter(pl.Series(rng.random(under.height) < 0.012))
    start = under["start"].to_numpy()
    return _frame(
        under["calendar"].to_numpy(),
        under["day"],
        start,
        start + SERVICES[ACUTE].minutes,
        service=ACUTE,
        kind="overlay",
    )


def _outside(opened: Opening, rng: np.random.Generator) -> pl.DataFrame:
    """Patients taken after the end of the day's last session, in one of twelve."""
    persons = [line.index for line in opened.calendars if line.kind == "person"]
    last = opened.sessions.filter(
        pl.col("calendar").is_in(persons), pl.col("start") == pl.col("start").max().over("calendar", "day")
    )
    last = last.filter(pl.Series(rng.random(last.height) < 0.08))
    start = last["end"].to_numpy()
    return _frame(last["calendar"].to_numpy(), last["day"], start, start + 10, service=SHORT, kind="outside")


@dataclass(frozen=True, slots=True)
class Pool:
    """What the generator must know of each patient, by row of the people frame; minutes since 1970 UTC."""

    home: Ints
    entry: Ints
    weight: Ints
    gone: Ints
    online: Flags


def lead_days(frame: pl.DataFrame, rng: np.random.Generator) -> Ints:
    """Days from booking to appointment; a series is booked as a whole before its first appointment."""
    n, service = frame.height, frame["service"].to_numpy()
    same_day = np.array([s.same_day for s in SERVICES])[service]
    median = np.array([s.lead for s in SERVICES])[service]
    days = np.ceil(rng.lognormal(np.log(median), 0.75, n)).astype(np.int64)
    lead = np.where((rng.random(n) < same_day) | (frame["kind"] == "overlay").to_numpy(), 0, np.minimum(days, 180))
    series = pl.col("series") > 0
    since = (pl.col("day") - pl.col("day").min().over("series")).dt.total_days()
    whole = pl.when(series).then(pl.col("lead").first().over("series") + since).otherwise("lead")
    together: Ints = frame.with_columns(lead=pl.Series(lead)).select(lead=whole)["lead"].to_numpy()
    return together


def created(frame: pl.DataFrame, lead: Ints, online: Flags, rng: np.random.Generator) -> Ints:
    """The minute of booking, always before the start: online at any waking hour, else while the practice is open."""
    n, start = frame.height, frame["start"].to_numpy()
    day = frame["day"] - pl.Series(lead * 86_400_000).cast(pl.Duration("ms")).cast(pl.Duration("us"))
    weekend = np.maximum(day.dt.weekday().to_numpy().astype(np.int64) - 5, 0)
    day = day - pl.Series(np.where(online | (lead == 0), 0, weekend) * 86_400_000).cast(pl.Duration("ms"))
    clock = np.where(online, rng.triangular(6 * 60, 19 * 60, 23.5 * 60, n), rng.triangular(8 * 60, 9 * 60, 18 * 60, n))
    clock = np.where(frame["series"].to_numpy() > 0, 11 * 60, clock).astype(np.int64)
    time = pl.Series(clock * 60_000_000_000).cast(pl.Time)
    exact = instants(day.cast(pl.Date), time)
    short = start - rng.integers(15, 150, n)
    return np.where((lead == 0) | (exact >= start), short, exact)


def patients(frame: pl.DataFrame, booked: Ints, pool: Pool, lines: list[Calendar], rng: np.random.Generator) -> Ints:
    """A patient (row of the pool) for each slot, -1 where none was found: known by then, alive, once a day.

    First talks go to the new patients of the calendar in the order of booking, who are known from then on: their
    `pool.entry` is set here. A series keeps its patient.
    """
    persons = len([line for line in lines if line.kind == "person"])
    chosen = _newcomers(frame, booked, pool, persons)
    newcomer = chosen >= 0
    draws = {line.index: _Draw.of(pool, line.index if line.kind == "person" else None) for line in lines}
    calendar, series = frame["calendar"].to_numpy(), frame["series"].to_numpy()
    todo = ~newcomer
    for _ in range(12):
        for index, draw in draws.items():
            rows = np.flatnonzero(todo & (calendar == index))
            chosen[rows] = draw.draw(booked[rows], rng)
        chosen = _one_per_series(chosen, series)
        todo = _unfit(frame, chosen, pool) & ~newcomer
        if not todo.any():
            break
        todo = todo | np.isin(series, np.unique(series[todo & (series > 0)]))
    return np.where(_unfit(frame, chosen, pool), -1, chosen)


def _newcomers(frame: pl.DataFrame, booked: Ints, pool: Pool, persons: int) -> Ints:
    """New patients (entry not yet known: -1) on the first talks; those left over count as known for long."""
    chosen = np.full(frame.height, -1, dtype=np.int64)
    first_talk, calendar = frame["service"].to_numpy() == FIRST_TALK, frame["calendar"].to_numpy()
    for index in range(persons):
        rows = np.flatnonzero(first_talk & (calendar == index))
        rows = rows[np.argsort(booked[rows], kind="stable")]
        new = np.flatnonzero((pool.entry == -1) & (pool.home == index))[: len(rows)]
        alive = pool.gone[new] > frame["start"].to_numpy()[rows[: len(new)]]
        rows, new = rows[: len(new)][alive], new[alive]
        chosen[rows], pool.entry[new] = new, booked[rows]
    pool.entry[pool.entry == -1] = 0
    return chosen


@dataclass(frozen=True, slots=True)
class _Draw:
    """Patients of one calendar by entry, with the running sum of their weights."""

    rows: Ints
    entry: Ints
    cumulative: Ints

    @classmethod
    def of(cls, pool: Pool, home: int | None) -> _Draw:
        rows = np.arange(len(pool.home)) if home is None else np.flatnonzero(pool.home == home)
        rows = rows[np.argsort(pool.entry[rows], kind="stable")]
        return cls(rows, pool.entry[rows], np.cumsum(pool.weight[rows]))

    def draw(self, booked: Ints, rng: np.random.Generator) -> Ints:
        """One patient for each minute of booking, of those who were known at that minute."""
        known = np.searchsorted(self.entry, booked, side="left")
        total = np.where(known > 0, self.cumulative[np.maximum(known - 1, 0)], 1)
        place = np.searchsorted(self.cumulative, (rng.random(len(booked)) * total).astype(np.int64), side="right")
        found: Ints = np.where(known > 0, self.rows[np.minimum(place, len(self.rows) - 1)], -1)
        return found


def _one_per_series(chosen: Ints, series: Ints) -> Ints:
    """The first slot's patient for all slots of a series."""
    rows = np.flatnonzero(series > 0)
    _, first, back = np.unique(series[rows], return_index=True, return_inverse=True)
    out = chosen.copy()
    out[rows] = chosen[rows][first][back]
    return out


def _unfit(frame: pl.DataFrame, chosen: Ints, pool: Pool) -> Flags:
    """Slots without a patient, after the patient's death, or with the patient's second appointment of the day."""
    dead = pool.gone[chosen] <= frame["start"].to_numpy()
    repeated = ~pl.DataFrame({"day": frame["day"], "patient": chosen}).is_unique().to_numpy()
    later = (
        ~pl.DataFrame({"day": frame["day"], "patient": chosen})
        .select(pl.struct("day", "patient").is_first_distinct())
        .to_series()
        .to_numpy()
    )
    unfit: Flags = (chosen < 0) | dead | (repeated & later)
    return unfit
