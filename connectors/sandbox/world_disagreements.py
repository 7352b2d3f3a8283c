"""Making two systems that agree disagree, and keeping the truth about it.

Each disagreement touches appointments of its own; all of them start after the time of looking, mostly within four
weeks. Nothing that is changed here runs into another appointment, but where that is the point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from connectors.sandbox.names import Ints
from connectors.sandbox.world_hours import subtract
from connectors.sandbox.world_plan import ACUTE, SERVICE_KEYS, SERVICES

KINDS = (
    "only_in_pvs", "only_on_platform", "time_differs", "patient_differs", "cancelled_on_one_side", "moved_on_one_side",
    "double_booked", "same_person_twice",
)  # fmt: skip

#: One row per disagreement. `detail` says what differs in words; `other_patient_id` is a second PVS patient: the one
#: who should stand there (patient_differs), or the older record of the same person (same_person_twice).
TRUTH_SCHEMA = pl.Schema(
    {
        "kind": pl.String(), "pvs_id": pl.String(), "booking_id": pl.String(), "pvs_patient_id": pl.String(),
        "booking_patient_id": pl.String(), "other_patient_id": pl.String(), "detail": pl.String(),
    }
)  # fmt: skip

_DAY = 1440
_SOON = 28 * _DAY
_SHORT = SERVICES[SERVICE_KEYS.index("sprechstunde")].minutes


@dataclass(frozen=True, slots=True)
class Sides:
    """The appointments of both systems, with text ids and times in minutes, and which of them are the same one."""

    pvs: pl.DataFrame
    booking: pl.DataFrame
    pairs: pl.DataFrame


@dataclass(slots=True)
class Ledger:
    """What is to be done to the two sides, collected row by row, and what is true about it."""

    pvs: list[dict[str, Any]] = field(default_factory=list)
    booking: list[dict[str, Any]] = field(default_factory=list)
    gone_pvs: list[str] = field(default_factory=list)
    gone_booking: list[str] = field(default_factory=list)
    new_booking: list[dict[str, Any]] = field(default_factory=list)
    twice: list[tuple[str, str, int]] = field(default_factory=list)
    truth: list[dict[str, Any]] = field(default_factory=list)

    def change(self, side: str, source_id: str, **values: Any) -> None:
        """New values for one appointment of "pvs" or "booking"."""
        (self.pvs if side == "pvs" else self.booking).append({"source_id": source_id, **values})

    def tell(self, kind: str, pair: dict[str, Any], detail: str, **ids: str | None) -> None:
        """The truth about one disagreement; ids of the pair unless others are given."""
        known = {"pvs_id": pair["pvs_id"], "booking_id": pair["booking_id"], "pvs_patient_id": pair["pvs_patient_id"],
                 "booking_patient_id": pair["booking_patient_id"], "other_patient_id": None}  # fmt: skip
        self.truth.append({"kind": kind, **known, **ids, "detail": detail})


@dataclass(slots=True)
class FreeTime:
    """Bookable time ahead that nobody has: (calendar, start, end); what is taken is gone."""

    pieces: list[tuple[int, int, int]]

    @classmethod
    def of(cls, sessions: pl.DataFrame, active: pl.DataFrame, now: int) -> FreeTime:
        """Sessions of the next four weeks without the active appointments."""
        ahead = sessions.filter(pl.col("start") > now + _DAY, pl.col("start") < now + _SOON)
        left = subtract(ahead, active.select("calendar", "start", "end"))
        return cls(left.select("calendar", "start", "end").rows())

    def beside(self, calendar: int, start: int, end: int) -> int | None:
        """Minutes by which [start, end) can move into free time that touches it (negative: earlier), or None."""
        for i, (line, first, last) in enumerate(self.pieces):
            if line == calendar and first == end and last - first >= 10:
                return self._used(i, min(20, last - first) // 10 * 10)
            if line == calendar and last == start and last - first >= 10:
                return self._used(i, -(min(20, last - first) // 10 * 10))
        return None

    def elsewhere(self, calendar: int, start: int, minutes: int) -> int | None:
        """A free start for so many minutes on another day of the same calendar, or None."""
        for i, (line, first, last) in enumerate(self.pieces):
            if line == calendar and last - first >= minutes and abs(first - start) > 20 * 60:
                return self._used(i, first)
        return None

    def _used(self, place: int, answer: int) -> int:
        del self.pieces[place]
        return answer


@dataclass(slots=True)
class Scene:
    """What a disagreement needs: pairs and phone bookings still untouched, free time, patients, the time, chance."""

    pairs: list[dict[str, Any]]
    phone: list[dict[str, Any]]
    free: FreeTime
    stand_in: Callable[[str], str]
    platform_patients: list[str]
    now: int
    rng: np.random.Generator

    def some(self, k: int, fits: Callable[[dict[str, Any]], Any]) -> Iterator[tuple[int, dict[str, Any], Any]]:
        """`k` untouched pairs, spread over time, for which `fits` answers something (which comes with them)."""
        step = max(len(self.pairs) // max(k, 1), 1)
        spread = [pair for offset in range(step) for pair in self.pairs[offset::step]]
        done = 0
        for pair in spread:
            if done == k:
                return
            answer = fits(pair)
            if answer is not None:
                self.pairs.remove(pair)
                yield done, pair, answer
                done += 1
        if done < k:
            raise ValueError(f"{done} appointments fit for a disagreement, expected {k}: plan a larger practice")


def disagree(sides: Sides, scene: Scene, k: int) -> tuple[Sides, pl.DataFrame, list[tuple[str, str, int]]]:
    """`k` disagreements of each of KINDS.

    Returns the sides, the truth in TRUTH_SCHEMA, and the PVS patients who are to get a second record: the existing id,
    the new one, under which their appointment now stands, and the minute of that booking.
    """
    book = Ledger()
    for make in (_time_differs, _moved, _double_booked, _only_in_pvs, _only_on_platform, _patient, _cancelled, _twice):
        make(scene, book, k)
    changed = Sides(
        _edited(sides.pvs, book.pvs, book.gone_pvs),
        pl.concat([_edited(sides.booking, book.booking, book.gone_booking), _added(sides.booking, book.new_booking)]),
        sides.pairs.filter(~pl.col("pvs_id").is_in(book.gone_pvs), ~pl.col("booking_id").is_in(book.gone_booking)),
    )
    truth = pl.DataFrame(book.truth, schema=TRUTH_SCHEMA)
    order = pl.col("kind").replace_strict({kind: i for i, kind in enumerate(KINDS)}, return_dtype=pl.Int64)
    return changed, truth.sort(order, "pvs_id", "booking_id", maintain_order=True), book.twice


def _edited(side: pl.DataFrame, changes: list[dict[str, Any]], gone: list[str]) -> pl.DataFrame:
    """The side with the changes (null: as before) and without what is gone."""
    names = sorted({name for change in changes for name in change})
    if changes:
        side = side.update(pl.DataFrame(changes, schema={name: side.schema[name] for name in names}), on="source_id")
    return side.filter(~pl.col("source_id").is_in(gone))


def _added(side: pl.DataFrame, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=side.schema)


def _recently(scene: Scene, since: int) -> int:
    """A minute of the last three days, after `since`."""
    return max(scene.now - int(scene.rng.integers(5, 3 * _DAY)), min(since + 1, scene.now))


def _side(turn: int) -> str:
    return ("pvs", "booking")[turn % 2]


def _id(pair: dict[str, Any], side: str) -> str:
    return str(pair[f"{side}_id"])


def _time_differs(scene: Scene, book: Ledger, k: int) -> None:
    """One side starts ten or twenty minutes earlier or later than the other, on the same day."""
    for i, pair, shift in scene.some(k, lambda p: scene.free.beside(p["calendar"], p["start"], p["end"])):
        side = _side(i)
        times = {"start": pair["start"] + shift, "end": pair["end"] + shift}
        book.change(side, _id(pair, side), **times, changed=_recently(scene, pair["created"]))
        book.tell("time_differs", pair, f"{side} starts {shift:+d} minutes")


def _moved(scene: Scene, book: Ledger, k: int) -> None:
    """One side has the appointment on another day."""

    def place(pair: dict[str, Any]) -> int | None:
        return scene.free.elsewhere(pair["calendar"], pair["start"], pair["end"] - pair["start"])

    for i, pair, start in scene.some(k, place):
        side = _side(i)
        times = {"start": start, "end": start + pair["end"] - pair["start"]}
        book.change(side, _id(pair, side), **times, changed=_recently(scene, pair["created"]))
        book.tell("moved_on_one_side", pair, f"{side} has it {round((start - pair['start']) / _DAY):+d} days away")


def _double_booked(scene: Scene, book: Ledger, k: int) -> None:
    """The desk gave a time away by phone, and the platform gave the same time to somebody else."""
    if len(scene.phone) < k:
        raise ValueError(f"{len(scene.phone)} phone bookings lie ahead, expected {k}: plan a larger practice")
    for i, place in enumerate(np.linspace(0, len(scene.phone) - 1, k).astype(int)):
        held = scene.phone[place]
        start = held["end"] - _SHORT if i % 2 else held["start"]
        patient = scene.platform_patients[int(scene.rng.integers(len(scene.platform_patients)))]
        new_id = f"apt-9{i:06d}"
        made = _recently(scene, held["created"])
        row = {name: held[name] for name in ("calendar", "day", "kind", "lead", "moved")}
        book.new_booking.append(
            {
                **row, "source_id": new_id, "patient_id": patient, "start": start, "end": start + _SHORT,
                "service": SERVICE_KEYS.index("sprechstunde"), "series": 0, "online": True, "desk": False,
                "created": made, "changed": made, "cancelled": -1, "status": "booked",
                "arrived": -1, "started": -1, "finished": -1,
            }
        )  # fmt: skip
        pair = {"pvs_id": held["source_id"], "booking_id": new_id, "pvs_patient_id": held["patient_id"],
                "booking_patient_id": patient}  # fmt: skip
        book.tell(
            "double_booked", pair, f"both at the same time, the platform's starts {start - held['start']} minutes later"
        )


def _only_in_pvs(scene: Scene, book: Ledger, k: int) -> None:
    """Booked online and known to the PVS, but gone from the platform."""
    for _, pair, _ in scene.some(k, lambda _: True):
        book.gone_booking.append(pair["booking_id"])
        book.tell(
            "only_in_pvs",
            pair,
            "booked online, the platform does not have it",
            booking_id=None,
            booking_patient_id=None,
        )


def _only_on_platform(scene: Scene, book: Ledger, k: int) -> None:
    """Booked on the platform, but never arrived in the PVS."""
    for _, pair, _ in scene.some(k, lambda _: True):
        book.gone_pvs.append(pair["pvs_id"])
        book.tell("only_on_platform", pair, "the PVS does not have it", pvs_id=None, pvs_patient_id=None)


def _patient(scene: Scene, book: Ledger, k: int) -> None:
    """The PVS has the appointment under another person, of the same household if there is one."""
    for _, pair, _ in scene.some(k, lambda _: True):
        other = scene.stand_in(pair["pvs_patient_id"])
        book.change("pvs", pair["pvs_id"], patient_id=other)
        book.tell("patient_differs", pair, "the PVS names another person", pvs_patient_id=other,
                  other_patient_id=pair["pvs_patient_id"])  # fmt: skip


def _cancelled(scene: Scene, book: Ledger, k: int) -> None:
    """Cancelled on one side, still booked on the other."""
    for i, pair, _ in scene.some(k, lambda _: True):
        side = _side(i)
        moment = _recently(scene, pair["created"])
        by = "practice" if side == "pvs" else "patient"
        book.change(side, _id(pair, side), status="cancelled", cancelled=moment, cancelled_by=by, changed=moment)
        book.tell("cancelled_on_one_side", pair, f"cancelled in {side}")


def _twice(scene: Scene, book: Ledger, k: int) -> None:
    """The booking made a new patient record in the PVS, although the person was known there."""
    for i, pair, _ in scene.some(k, lambda _: True):
        new_id = f"9{i:06d}"
        book.twice.append((pair["pvs_patient_id"], new_id, pair["created"]))
        book.change("pvs", pair["pvs_id"], patient_id=new_id)
        book.tell("same_person_twice", pair, "two records of one person in the PVS", pvs_patient_id=new_id,
                  other_patient_id=pair["pvs_patient_id"])  # fmt: skip


def scene_of(
    sides: Sides,
    sessions: pl.DataFrame,
    book: pl.DataFrame,
    *,
    stand_in: Callable[[str], str],
    now: int,
    k: int,
    rng: np.random.Generator,
) -> Scene:
    """The untouched appointments ahead: those of four weeks, and later ones only if these are too few."""
    active = book.filter(~pl.col("status").is_in(["cancelled", "rescheduled", "entered-in-error"]), pl.col("end") > now)
    pvs = sides.pvs.filter(pl.col("status") == "booked", pl.col("start") > now)
    linked = sides.pvs["replaces"].drop_nulls().to_list()
    alone = _without_overlap(pvs).filter(~pl.col("source_id").is_in(linked), pl.col("replaces").is_null())
    pairs = (
        sides.pairs.join(alone.select("source_id", "calendar", "start", "end", "created", "patient_id"),
                         left_on="pvs_id", right_on="source_id")
        .rename({"patient_id": "pvs_patient_id"})
        .join(sides.booking.select(booking_id="source_id", booking_patient_id="patient_id"), on="booking_id")
        .sort("start", "pvs_id")
    )  # fmt: skip
    # One appointment per person, so that no person stands in two disagreements.
    pairs = pairs.unique("pvs_patient_id", keep="first", maintain_order=True)
    phone = alone.filter(
        ~pl.col("online"),
        pl.col("kind") == "regular",
        pl.col("service") != ACUTE,
        pl.col("calendar").is_in(pairs["calendar"].unique().to_list()),
    ).sort("start", "source_id")
    return Scene(
        pairs=_soon(pairs, now, 8 * k).to_dicts(),
        phone=_soon(phone, now, k).to_dicts(),
        free=FreeTime.of(sessions, active, now),
        stand_in=stand_in,
        platform_patients=_accounts_of_others(sides, {*pairs["pvs_patient_id"], *phone["patient_id"]}),
        now=now,
        rng=rng,
    )


def _accounts_of_others(sides: Sides, pvs_patients: set[str]) -> list[str]:
    """Platform patients who are none of these PVS patients, as far as common appointments tell."""
    linked = sides.pairs.join(
        sides.pvs.select(pvs_id="source_id", mine="patient_id"), on="pvs_id", maintain_order="left"
    ).join(sides.booking.select(booking_id="source_id", theirs="patient_id"), on="booking_id", maintain_order="left")
    return linked.filter(~pl.col("mine").is_in(sorted(pvs_patients)))["theirs"].unique().sort().to_list()


def _soon(frame: pl.DataFrame, now: int, enough: int) -> pl.DataFrame:
    """The rows of the next four weeks, or as many as are enough."""
    count = frame.filter(pl.col("start") < now + _SOON).height
    return frame.head(max(count, enough))


def _without_overlap(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows that share their time with no other active row of the same calendar."""
    ordered = frame.sort("calendar", "start", "end")
    return ordered.filter(
        (pl.col("end") <= pl.col("start").shift(-1).over("calendar").fill_null(2**60))
        & (pl.col("start") >= pl.col("end").cum_max().shift(1).over("calendar").fill_null(-1))
    )


def household_stand_in(ids: list[str], households: Ints, eligible: set[str]) -> Callable[[str], str]:
    """Answers another patient for an id: of the same household if one is eligible, else the next eligible in order."""
    order = sorted(eligible, key=int)
    members: dict[int, list[str]] = {}
    house = dict(zip(ids, households.tolist(), strict=True))
    for source_id in order:
        members.setdefault(house[source_id], []).append(source_id)

    def stand_in(source_id: str) -> str:
        near = [other for other in members.get(house[source_id], []) if other != source_id]
        place = order.index(source_id) if source_id in eligible else 0
        return near[0] if near else order[(place + 1) % len(order)]

    return stand_in
