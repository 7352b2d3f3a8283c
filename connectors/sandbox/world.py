"""A made-up practice: its patients, calendars, appointments, as its PVS and its booking platform hold them.

`make_world` makes one life of the practice and shows it as of `plan.today`, at `plan.at`: what is booked later is not
there yet, what is cancelled later still stands. Calendars that the PVS leads are whole in the PVS, and on the platform
with what was booked online; a calendar that the platform leads has its appointments there and its visits in the PVS.
Everything depends on the plan alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from connectors.sandbox.damage import platform_view
from connectors.sandbox.frames import NO_CODES, PVS_CODES, conform
from connectors.sandbox.people import People, make_people, second_view_of
from connectors.sandbox.world_booking import bookings
from connectors.sandbox.world_care import billed_services, consents, guardians, recalls, visit_records, visits
from connectors.sandbox.world_disagreements import TRUTH_SCHEMA, Sides, disagree, household_stand_in, scene_of
from connectors.sandbox.world_hours import Opening, instant, opening, to_utc
from connectors.sandbox.world_plan import WorldPlan
from connectors.sandbox.world_slots import Pool
from connectors.sandbox.world_views import Names, appointment_records, master_frames, offered_slots, practice_tables

__all__ = ["World", "WorldPlan", "make_bulk", "make_world"]

Frames = dict[str, pl.DataFrame]
_NEVER = 2**40


@dataclass(frozen=True, slots=True)
class World:
    """Two systems of one practice, and what is true.

    `pvs` and `booking`: record type -> frame in records.schema of it. `truth`: disagreements, one row each
    (world_disagreements.TRUTH_SCHEMA). `pairs` (pvs_id, booking_id): appointments that are the same one. `persons`
    (source, patient_id, person, household): who is who. `calendars`, `locations`, `closures`: for practice.toml.
    """

    plan: WorldPlan
    now: dt.datetime
    pvs: Frames
    booking: Frames
    truth: pl.DataFrame
    pairs: pl.DataFrame
    persons: pl.DataFrame
    calendars: list[dict[str, Any]]
    locations: dict[str, dict[str, Any]]
    closures: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Life:
    """What happened, before anybody looks at it through a system."""

    plan: WorldPlan
    now: int
    opened: Opening
    people: People
    pool: Pool
    book: pl.DataFrame
    seen: pl.DataFrame

    @property
    def moment(self) -> dt.datetime:
        """`now` as an instant."""
        return dt.datetime.fromtimestamp(self.now * 60, tz=dt.UTC)

    @property
    def pvs_led(self) -> list[int]:
        """Numbers of the calendars that the PVS leads."""
        return [line.index for line in self.opened.calendars if line.leads == "pvs"]

    @property
    def persons(self) -> list[int]:
        """Numbers of the calendars of persons."""
        return [line.index for line in self.opened.calendars if line.kind == "person"]


def make_world(plan: WorldPlan) -> World:
    """The practice of the plan. Raises ValueError if it is too small for the disagreements that it shall have."""
    life = _life(plan)
    sides, accounts, account_truth = _sides(life)
    truth, second = pl.DataFrame(schema=TRUTH_SCHEMA), list[tuple[str, str, int]]()
    if plan.disagreements:
        rng = np.random.default_rng([plan.seed, 20])
        scene = scene_of(
            sides, life.opened.sessions, life.book,
            stand_in=_stand_in(life), now=life.now, k=plan.disagreements, rng=rng,
        )  # fmt: skip
        sides, truth, second = disagree(sides, scene, plan.disagreements)
    patients, persons = _pvs_patients(life, second)
    calendars, locations = practice_tables(plan, life.opened)
    return World(
        plan, life.moment, _pvs_frames(life, sides.pvs, patients), _booking_frames(life, sides, accounts), truth,
        sides.pairs, pl.concat([persons, account_truth]), calendars, locations, life.opened.closures,
    )  # fmt: skip


def _life(plan: WorldPlan) -> _Life:
    """People, hours, appointments and visits."""
    rng = np.random.default_rng([plan.seed, 10])
    now = instant(plan.today, plan.at)
    opened = opening(plan, rng)
    people = make_people(plan.patients, plan.seed, "clean", today=plan.today)
    pool = _pool(people, plan, rng)
    book = bookings(plan, opened, pool, rng)
    seen = visits(book, now, rng)
    known = _known_since(people, book, now)
    persons = [line.index for line in opened.calendars if line.kind == "person"]
    seen = seen.with_columns(practitioner=pl.when(pl.col("calendar").is_in(persons)).then(pl.col("calendar") + 1))
    return _Life(plan, now, opened, known, pool, book, seen)


def _pool(people: People, plan: WorldPlan, rng: np.random.Generator) -> Pool:
    """Patients with a home calendar each; a third comes new during the plan's years; records merged away never come."""
    frame, n = people.frame, people.frame.height
    born = frame["birth_date"].dt.year().fill_null(1980).cast(pl.Int64).to_numpy()
    age = plan.today.year - born
    usable = (frame["replaced_by"].is_null() & (frame["active"] | frame["deceased"])).to_numpy()
    died = (frame["deceased_on"].dt.epoch("s") // 60).fill_null(_NEVER).to_numpy()
    weight = np.where(usable, rng.gamma(1.1, 1.0, n) * (0.4 + age / 60) * 1000 + 1, 0).astype(np.int64)
    return Pool(
        home=rng.integers(0, plan.practitioners, n),
        entry=np.where(usable & (rng.random(n) < 0.33) & (died == _NEVER), -1, 0),
        weight=weight,
        gone=died,
        online=rng.random(n) < np.interp(age, [15, 50, 65, 80], [0.95, 0.9, 0.75, 0.35]),
    )


def _known_since(people: People, book: pl.DataFrame, now: int) -> People:
    """`created_at` no later than the first booking, for new patients just then; later stamps no earlier."""
    first = book.filter(pl.col("patient") >= 0).group_by("patient").agg(pl.col("created").min()).sort("patient")
    created = pl.Series(np.full(people.frame.height, now)).scatter(first["patient"], first["created"])
    frame = people.frame.with_columns(first=created).with_columns(
        created_at=pl.min_horizontal("created_at", to_utc("first"))
    )
    frame = frame.with_columns(
        verified_at=pl.when(pl.col("verified_at").is_not_null()).then(pl.max_horizontal("verified_at", "created_at")),
        changed_at=pl.max_horizontal("changed_at", "created_at"),
    )
    return People(frame.drop("first"), people.truth)


def _timed(life: _Life) -> pl.DataFrame:
    """The appointments with the times of their visits, -1 for none."""
    times = life.seen.filter(pl.col("id") > 0).select("id", "arrived", "started", "finished")
    joined = life.book.join(times, on="id", how="left", maintain_order="left")
    return joined.with_columns(pl.col("arrived", "started", "finished").fill_null(-1))


def _pvs_side(life: _Life) -> pl.DataFrame:
    """The PVS's appointments: those of the calendars that it leads."""
    led = _timed(life).filter(pl.col("calendar").is_in(life.pvs_led))
    return _named(led, life.people.frame["source_id"], pl.col("id").cast(pl.String))


def _sides(life: _Life) -> tuple[Sides, pl.DataFrame, pl.DataFrame]:
    """Both systems in agreement, the platform's accounts, and who these are."""
    led = pl.col("calendar").is_in(life.pvs_led)
    on_platform = life.book.filter(pl.col("online") | ~led)
    accounts, truth = _accounts(life, on_platform)
    account_of = dict(zip(truth["first_id"], truth["second_id"], strict=True))
    own = life.people.frame["source_id"].replace_strict(account_of, default=None, return_dtype=pl.String)
    numbers = pl.Series(np.random.default_rng([life.plan.seed, 11]).permutation(life.book.height) + 1)
    booking_id = pl.format("apt-{}", pl.lit(numbers).gather(pl.col("id") - 1).cast(pl.String).str.zfill(7))
    nothing = (pl.lit(-1, dtype=pl.Int64).alias(name) for name in ("arrived", "started", "finished"))
    booking = _named(on_platform, own, booking_id).with_columns(nothing).sort("source_id")
    pairs = on_platform.filter(led).select(pvs_id=pl.col("id").cast(pl.String), booking_id=booking_id)
    pvs = _pvs_side(life)
    return Sides(pvs, booking.select(pvs.columns), pairs), accounts, _persons_of(life, truth)


def _persons_of(life: _Life, truth: pl.DataFrame) -> pl.DataFrame:
    """source, patient_id, person, household of the platform's accounts."""
    known = truth.join(life.people.truth.select(first_id="source_id", household="household"), on="first_id")
    return known.select(source=pl.lit("booking"), patient_id="second_id", person="person", household="household")


def _named(book: pl.DataFrame, patient_ids: pl.Series, source_id: pl.Expr) -> pl.DataFrame:
    """A side's rows: text ids for appointment, patient and the appointment that this one replaces."""
    known = book.select("id", source_id=source_id)
    frame = book.with_columns(
        source_id=source_id,
        patient_id=pl.when(pl.col("patient") >= 0).then(
            pl.lit(patient_ids).gather(pl.max_horizontal("patient", pl.lit(0)))
        ),
    )
    linked = frame.join(
        known.rename({"id": "replaces", "source_id": "old"}), on="replaces", how="left", maintain_order="left"
    )
    return linked.drop("id", "patient", "replaces").rename({"old": "replaces"})


def _accounts(life: _Life, on_platform: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Platform accounts of everybody who has an appointment there, made with the first booking."""
    first = on_platform.filter(pl.col("patient") >= 0).group_by("patient").agg(pl.col("created").min()).sort("patient")
    rng = np.random.default_rng([life.plan.seed, 12])
    frame, truth = second_view_of(life.people, first["patient"], rng)
    ids = life.people.frame["source_id"].gather(first["patient"])
    since = pl.DataFrame({"first_id": ids, "since": first["created"]})
    made = truth.join(since, on="first_id", maintain_order="left")
    stamp = made.select(to_utc("since"))["since"]
    return frame.with_columns(created_at=stamp, changed_at=stamp), truth


def _stand_in(life: _Life) -> Callable[[str], str]:
    """Another living patient for a patient id, of the same household where there is one."""
    frame = life.people.frame
    eligible = frame.filter(~pl.col("deceased"), "active", pl.col("replaced_by").is_null())["source_id"]
    return household_stand_in(frame["source_id"].to_list(), life.people.truth["household"].to_numpy(), set(eligible))


def _pvs_patients(life: _Life, second: list[tuple[str, str, int]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The PVS's patients with the second records that bookings made, and who they are."""
    frame, truth = life.people.frame, life.people.truth
    place = {source_id: row for row, source_id in enumerate(frame["source_id"])}
    rows = [place[old] for old, _, _ in second]
    ids = pl.Series([new for _, new, _ in second], dtype=pl.String)
    again = platform_view(frame[rows], np.random.default_rng([life.plan.seed, 21])).with_columns(
        source_id=ids, since=pl.Series([since for _, _, since in second], dtype=pl.Int64)
    )
    again = again.with_columns(created_at=to_utc("since"), changed_at=to_utc("since"))
    patients = pl.concat([frame, conform("patient", again, PVS_CODES)])
    known = pl.concat([truth, truth[rows].with_columns(source_id=ids)])
    return patients, known.select(source=pl.lit("pvs"), patient_id="source_id", person="person", household="household")


def _pvs_frames(life: _Life, side: pl.DataFrame, patients: pl.DataFrame) -> Frames:
    rng = np.random.default_rng([life.plan.seed, 13])
    names = Names(platform=False)
    return {
        "patient": patients,
        "related_person": guardians(life.people, life.plan.today),
        **master_frames(life.opened, names),
        "appointment": appointment_records(side, life.opened.calendars, names),
        "visit": visit_records(life.seen, life.people.frame["source_id"], life.pvs_led),
        "billed_service": billed_services(life.seen, life.people),
        "consent": consents(patients, life.moment, rng),
        "recall": recalls(life.people, life.pool.home, life.plan.today, rng),
    }


def _booking_frames(life: _Life, sides: Sides, accounts: pl.DataFrame) -> Frames:
    names = Names(platform=True)
    side = sides.booking.with_columns(series=pl.lit(0, dtype=pl.Int64))
    return {
        "patient": conform("patient", accounts, NO_CODES),
        **master_frames(life.opened, names),
        "slot": offered_slots(life.opened, life.book, life.now),
        "appointment": appointment_records(side, life.opened.calendars, names),
    }


def make_bulk(appointments: int, patients: int, calendars: int, seed: int, today: dt.date) -> Frames:
    """A large PVS alone, for benchmarks: `appointments` rows, the latest of as many years as it takes.

    The same shape as `World.pvs`, over `calendars` practitioners of two sites without rooms; visits and billed
    services are those of the appointments that are there.
    """
    years = 0.4 + appointments / (calendars * 6_000)
    plan = WorldPlan(
        today, seed, patients, years, practitioners=calendars, rooms=0, locations=min(2, calendars), platform_led=0
    )
    life = _life(plan)
    if life.book.height < appointments:
        raise ValueError(f"{calendars} calendars gave {life.book.height} appointments, expected {appointments}")
    book = life.book.sort("start", "id").tail(appointments).sort("id")
    seen = life.seen.join(book.select("id"), on="id", how="semi", maintain_order="left")
    kept = _Life(plan, life.now, life.opened, life.people, life.pool, book, seen)
    return _pvs_frames(kept, _pvs_side(kept), _pvs_patients(kept, [])[0])
