"""What becomes of the bookings of a made-up practice: cancelled, moved, refilled, kept, forgotten."""

from __future__ import annotations

import numpy as np
import polars as pl

from connectors import records
from connectors.sandbox.names import Flags, Ints
from connectors.sandbox.world_hours import Opening, instant
from connectors.sandbox.world_plan import SERVICES, WorldPlan
from connectors.sandbox.world_slots import Pool, created, lead_days, patients, slots

#: Notice of a cancellation in hours, from (incl.) to, with the share of each bucket.
_NOTICE = ((0.1, 2.0, 0.11), (2.0, 24.0, 0.34), (24.0, 48.0, 0.14), (48.0, 168.0, 0.24), (168.0, 900.0, 0.17))
_CANCELLED, _BY_PRACTICE = 0.135, 0.012
_NONE = pl.lit(-1, dtype=pl.Int64)

#: Chance of not coming by days of lead: np.interp over these points, before the patient's own factor.
_LEAD, _NO_SHOW = (0.0, 1.0, 3.0, 10.0, 30.0, 90.0), (0.013, 0.032, 0.045, 0.058, 0.075, 0.10)


def bookings(plan: WorldPlan, opened: Opening, pool: Pool, rng: np.random.Generator) -> pl.DataFrame:
    """All appointments as of `plan.today` at `plan.at`, one row each, ordered by booking.

    Columns: calendar, day, start, end, service, series, kind, patient (row of the pool), created, lead, online, desk,
    cancelled, cancelled_by, changed, status, replaces (row number `id` of the row that this one follows), and `id`
    from 1. Minutes since 1970 UTC, -1 for none; status is one of records.APPOINTMENT_STATUS.
    """
    now = instant(plan.today, plan.at)
    frame = _booked(opened, pool, rng)
    frame = frame.with_columns(_cancellations(frame, opened, rng))
    frame = (
        frame.filter(~pl.col("impossible")).drop("impossible").with_columns(row=pl.int_range(pl.len()), follows=_NONE)
    )
    mistaken = _mistaken(frame, rng)
    frame, moved, lent = _moved(frame, rng)
    refilled = _refilled(frame.filter(~pl.col("row").is_in(lent)), pool, rng)
    everything = pl.concat([frame, moved, refilled, mistaken]).filter(pl.col("created") <= now)
    return _numbered(_with_status(everything, now, len(pool.home), rng).vstack(_blocks(opened, now)))


def _booked(opened: Opening, pool: Pool, rng: np.random.Generator) -> pl.DataFrame:
    """Slots with patient, channel and minute of booking."""
    frame = slots(opened, rng)
    lead = lead_days(frame, rng)
    roughly = created(frame, lead, np.ones(frame.height, dtype=np.bool_), rng)
    patient = patients(frame, roughly, pool, opened.calendars, rng)
    bookable = np.array([service.online for service in SERVICES])[frame["service"].to_numpy()]
    platform = [line.index for line in opened.calendars if line.leads == "platform"]
    chance = np.where(frame["calendar"].is_in(platform).to_numpy(), 0.8, 0.56)
    regular = (frame["kind"] == "regular").to_numpy()
    online = bookable & regular & pool.online[patient] & (rng.random(frame.height) < chance)
    return frame.with_columns(
        patient=pl.Series(patient),
        lead=pl.Series(lead),
        online=pl.Series(online),
        desk=pl.Series(rng.random(frame.height) < 0.3),
        created=pl.Series(created(frame, lead, online, rng)),
        moved=_NONE,
    ).filter(pl.col("patient") >= 0)


def _cancellations(frame: pl.DataFrame, opened: Opening, rng: np.random.Generator) -> list[pl.Series]:
    """cancelled, cancelled_by, and `impossible`: booked into an illness that was already known."""
    n, start, made = frame.height, frame["start"].to_numpy(), frame["created"].to_numpy()
    bounds = np.array(_NOTICE)
    bucket = rng.choice(len(bounds), n, p=bounds[:, 2] / bounds[:, 2].sum())
    hours = rng.uniform(bounds[bucket, 0], bounds[bucket, 1])
    cancelled = start - np.maximum((hours * 60).astype(np.int64), 1)
    chance = rng.random(n)
    happens = (chance < _CANCELLED + _BY_PRACTICE) & (cancelled > made + 5)
    cancelled = np.where(happens, cancelled, -1)
    after = (chance > 0.999) & (frame["lead"].to_numpy() > 0)
    cancelled = np.where(after, start + 15, cancelled)
    by_practice = happens & (chance >= _CANCELLED)
    known = _illness_known(frame, opened)
    ill = (known >= 0) & (made < known) & ((cancelled < 0) | (cancelled > known))
    return [
        pl.Series("cancelled", np.where(ill, np.minimum(np.maximum(known, made + 1), start - 5), cancelled)),
        pl.Series("cancelled_by", np.where(by_practice | ill, "practice", "patient").astype(object), dtype=pl.String),
        pl.Series("impossible", (known >= 0) & (made >= known)),
    ]


def _illness_known(frame: pl.DataFrame, opened: Opening) -> Ints:
    """For each slot the minute at which the illness that it falls into was known, -1 for none."""
    known = np.full(frame.height, -1, dtype=np.int64)
    calendar, start, end = (frame[name].to_numpy() for name in ("calendar", "start", "end"))
    for line, first, last, since in opened.illness.select("calendar", "start", "end", "known").rows():
        known[(calendar == line) & (start < last) & (end > first)] = since
    return known


def _refilled(frame: pl.DataFrame, pool: Pool, rng: np.random.Generator) -> pl.DataFrame:
    """Earlier bookings of slots that were cancelled and then given to the patient who has them now."""
    free = frame.filter(kind="regular")
    free = free.filter(pl.Series(rng.random(free.height) < 0.045))
    n, made = free.height, free["created"].to_numpy()
    cancelled = made - rng.integers(2, 1440, n)
    known = np.flatnonzero(pool.entry == 0)
    other = known[rng.integers(0, len(known), n)] if len(known) else free["patient"].to_numpy()
    earlier = free.with_columns(
        patient=pl.Series(other),
        cancelled=pl.Series(cancelled),
        created=pl.Series(cancelled - rng.integers(60, 30 * 1440, n)),
        cancelled_by=pl.lit("patient"),
        online=pl.Series(free["online"].to_numpy() & pool.online[other]),
        row=_NONE,
        follows=_NONE,
        moved=_NONE,
    )
    alive = pool.gone[other] > free["start"].to_numpy()
    return earlier.filter(pl.Series(alive & (other != free["patient"].to_numpy())))


def _mistaken(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Rows entered twice by mistake and struck out: 0.1 %."""
    chosen = frame.filter(~pl.col("online") & (pl.col("kind") == "regular"))
    return chosen.filter(pl.Series(rng.random(chosen.height) < 0.001)).with_columns(
        kind=pl.lit("mistake"), cancelled=_NONE, row=_NONE
    )


def _moved(frame: pl.DataFrame, rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame, list[int]]:
    """Moves: some rows keep their key (`moved` is when), some follow an old row that ended as rescheduled.

    Returns the rows with `moved` and `follows` set, the old rows, and the rows whose time these had before. An old row
    stands at the time of another slot of the same calendar and service that was given away only after the move.
    """
    movable = ((frame["kind"] == "regular") & (frame["lead"] >= 2)).to_numpy()
    chance = rng.random(frame.height)
    made, start = frame["created"].to_numpy(), frame["start"].to_numpy()
    moment = made + ((start - made) * rng.uniform(0.1, 0.8, frame.height)).astype(np.int64)
    same_key = movable & (chance < 0.03) & (frame["cancelled"].to_numpy() < 0)
    frame = frame.with_columns(moved=pl.Series(np.where(same_key, moment, -1)))
    new = np.flatnonzero(movable & (chance > 0.93))
    donor = _donors(frame, new, movable, rng)
    fits = donor >= 0
    new, donor = new[fits], donor[fits]
    old = frame[new.tolist()].with_columns(
        frame[donor.tolist()].select("day", "start", "end"),
        created=pl.Series(made[new] - rng.integers(1440, 45 * 1440, len(new))),
        cancelled=pl.Series(made[new]),
        kind=pl.lit("rescheduled"),
        row=pl.Series(-2 - np.arange(len(new))),
    )
    follows = np.full(frame.height, -1, dtype=np.int64)
    follows[new] = -2 - np.arange(len(new))
    return frame.with_columns(follows=pl.Series(follows)), old, donor.tolist()


def _donors(frame: pl.DataFrame, new: Ints, movable: Flags, rng: np.random.Generator) -> Ints:
    """For each moved row another one near it whose time was free until the move; -1 where a few tries found none."""
    calendar, service, start, made = (frame[c].to_numpy() for c in ("calendar", "service", "start", "created"))
    found = np.full(len(new), -1, dtype=np.int64)
    for _ in range(12):
        other = np.clip(new + rng.integers(-250, 250, len(new)), 0, frame.height - 1)
        fits = (
            movable[other] & (calendar[other] == calendar[new]) & (service[other] == service[new])
            & (made[other] > made[new]) & (start[other] > made[new] + 60) & (other != new)
        )  # fmt: skip
        found = np.where((found < 0) & fits, other, found)
    _, first = np.unique(found, return_index=True)
    once = np.full(len(new), -1, dtype=np.int64)
    once[first] = found[first]
    return once


def _with_status(frame: pl.DataFrame, now: int, people: int, rng: np.random.Generator) -> pl.DataFrame:
    """Statuses at `now`: what is cancelled later still stands, what began has an outcome or none."""
    n = frame.height
    lead = frame["lead"].to_numpy()
    habit = rng.gamma(1.2, 1 / 1.2, people)
    stays_away = rng.random(n) < np.interp(lead, _LEAD, _NO_SHOW) * habit[frame["patient"].to_numpy()]
    forgotten, waiting = rng.random(n) < 0.016, rng.random(n) < 0.01
    gone = (pl.col("cancelled") >= 0) & (pl.col("cancelled") <= now)
    status = (
        pl.when(kind="mistake").then(pl.lit("entered-in-error"))
        .when(gone & (pl.col("kind") == "rescheduled")).then(pl.lit("rescheduled"))
        .when(gone).then(pl.lit("cancelled"))
        .when(pl.col("start") > now).then(pl.lit("booked"))
        .when(pl.Series(forgotten)).then(pl.lit("booked"))
        .when(pl.Series(stays_away)).then(pl.lit("noshow"))
        .when(pl.Series(waiting)).then(pl.lit("arrived"))
        .otherwise(pl.lit("fulfilled"))
    )  # fmt: skip
    frame = frame.with_columns(status=status, cancelled=pl.when(gone).then("cancelled").otherwise(_NONE))
    settled = pl.when(pl.col("status").is_in(["fulfilled", "noshow", "arrived"])).then(pl.col("end") + 20)
    return frame.with_columns(
        cancelled_by=pl.when(pl.col("status") == "cancelled").then("cancelled_by"),
        changed=pl.max_horizontal(
            "created", "cancelled", pl.when(pl.col("moved") <= now).then("moved"), settled.clip(upper_bound=now)
        ),
    )


def _blocks(opened: Opening, now: int) -> pl.DataFrame:
    """Blocks as appointments without a patient, entered eight weeks ahead."""
    return (
        opened.block_appointments.with_columns(created=pl.col("start") - 56 * 1440, lead=pl.lit(56, dtype=pl.Int64))
        .filter(pl.col("created") <= now)
        .select(
            "calendar", "day", "start", "end", _NONE.alias("service"), pl.lit(0, dtype=pl.Int64).alias("series"),
            pl.lit("block").alias("kind"), _NONE.alias("patient"), "lead", pl.lit(value=False).alias("online"),
            pl.lit(value=True).alias("desk"), "created", _NONE.alias("moved"), _NONE.alias("cancelled"),
            pl.lit(None, dtype=pl.String).alias("cancelled_by"), _NONE.alias("row"), _NONE.alias("follows"),
            pl.lit("block").alias("status"), pl.col("created").alias("changed"),
        )
    )  # fmt: skip


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Ids in the order of booking; `replaces` names the id of the row that this one follows, where that exists."""
    frame = frame.sort("created", "calendar", "start", "patient").with_columns(id=pl.int_range(1, pl.len() + 1))
    old = frame.filter(pl.col("row") < -1).select(follows="row", replaces="id")
    linked = frame.join(old, on="follows", how="left", maintain_order="left").drop("row", "follows")
    unknown = set(linked["status"]) - set(records.APPOINTMENT_STATUS)
    if unknown:
        raise ValueError(f"statuses {sorted(unknown)}, expected those of records.APPOINTMENT_STATUS")
    return linked
