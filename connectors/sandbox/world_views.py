"""One made-up practice as its two systems hold it: the frames of the PVS and of the booking platform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from connectors.sandbox.frames import NO_CODES, PVS_CODES, conform
from connectors.sandbox.names import Ints
from connectors.sandbox.world_care import modality, optional_instant
from connectors.sandbox.world_hours import Opening, to_utc
from connectors.sandbox.world_plan import OPENING_HOURS, SERVICES, SITES, Calendar, WorldPlan

_SLOT_MINUTES, _SLOT_DAYS = 15, 56


class Names:
    """How a system names things: its ids for calendars, practitioners, services, sites and rooms (by number from 0)."""

    def __init__(self, *, platform: bool) -> None:
        self.platform = platform
        self.codes: Mapping[str, Mapping[str, str]] = NO_CODES if platform else PVS_CODES

    def text(self, kind: str, number: pl.Expr) -> pl.Expr:
        """Ids of a column of numbers."""
        return pl.format(f"{kind}-{{}}", number + 1) if self.platform else (number + 1).cast(pl.String)

    def one(self, kind: str, number: int) -> str:
        """The id of one."""
        return f"{kind}-{number + 1}" if self.platform else str(number + 1)

    def room(self, number: int) -> str:
        """Rooms are locations too; their numbers follow on the sites'."""
        return self.one("loc", 10 + number)


def appointment_records(side: pl.DataFrame, lines: list[Calendar], names: Names) -> pl.DataFrame:
    """Appointments of one system from rows with text ids (`source_id`, `patient_id`, `replaces`) and minutes."""
    persons = [line.index for line in lines if line.kind == "person"]
    rooms = {line.index: names.room(line.room) for line in lines if line.room is not None and not names.platform}
    own = {line.index: names.room(line.index - len(persons)) for line in lines if line.kind == "room"}
    needs = [i for i, service in enumerate(SERVICES) if service.needs_room]
    calendar, service = pl.col("calendar"), pl.col("service")
    taken = pl.when(service.is_in(needs)).then(calendar.replace_strict(rooms, default=None, return_dtype=pl.String))
    frame = side.select(
        "source_id", "patient_id", "replaces", "status", "cancelled_by",
        schedule_id=names.text("sched", calendar),
        practitioner_id=pl.when(calendar.is_in(persons)).then(names.text("prac", calendar)),
        room_id=pl.coalesce(taken, calendar.replace_strict(own, default=None, return_dtype=pl.String)),
        healthcare_service_id=pl.when(service >= 0).then(names.text("svc", service)),
        start=to_utc("start"),
        end=to_utc("end"),
        actual_start=optional_instant("started"),
        actual_end=optional_instant("finished"),
        arrived_at=optional_instant("arrived"),
        channel=pl.when(service >= 0).then(
            pl.when("online").then(pl.lit("online")).when("desk").then(pl.lit("desk")).otherwise(pl.lit("phone"))
        ),
        modality=modality(service),
        booked_by=pl.when("online").then(pl.lit("patient")).otherwise(pl.lit("practice")),
        created_at=to_utc("created"),
        cancelled_at=optional_instant("cancelled"),
        changed_at=to_utc("changed"),
        series_id=pl.when(pl.col("series") > 0).then(pl.col("series").cast(pl.String)),
    )  # fmt: skip
    return conform("appointment", frame, names.codes)


def master_frames(opened: Opening, names: Names) -> dict[str, pl.DataFrame]:
    """Practitioners, sites, services, schedules; in the PVS also rooms, working hours and absences.

    A platform knows no rooms, and offers slots instead of keeping hours.
    """
    lines = [line for line in opened.calendars if line.kind == "person" or not names.platform]
    hours = {
        "working_hours": _working_hours(opened, names),
        "absence": _absences(opened, names),
    }
    return {
        "practitioner": _practitioners(lines, names),
        "location": _locations(lines, names),
        "healthcare_service": _services(lines, names),
        "schedule": _schedules(lines, names),
    } | ({} if names.platform else hours)


def _practitioners(lines: list[Calendar], names: Names) -> pl.DataFrame:
    rows = [
        {
            "source_id": names.one("prac", line.index),
            "family_name": line.family,
            "given_name": line.given,
            "name_prefix": line.title,
            "initials": line.given[0] + line.family[0],
            "lanr": lanr(100_000 + 1_237 * (line.index + 1)),
            "active": True,
        }
        for line in lines
        if line.kind == "person"
    ]
    return conform("practitioner", pl.DataFrame(rows), names.codes)


def lanr(number: int, specialty: str = "03") -> str:
    """A Lebenslange Arztnummer: six digits, check digit (weights 4 and 9 in turn), two digits of the specialty."""
    digits = f"{number:06d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, (4, 9) * 3, strict=True))
    return f"{digits}{-total % 10}{specialty}"


def _locations(lines: list[Calendar], names: Names) -> pl.DataFrame:
    sites = [
        {"source_id": names.one("loc", i), "name": SITES[i].name, "kind": "site", "part_of": None, "active": True}
        for i in sorted({line.site for line in lines})
    ]
    persons = sum(line.kind == "person" for line in lines)
    rooms = [
        {
            "source_id": names.room(line.index - persons),
            "name": line.name,
            "kind": "room",
            "part_of": names.one("loc", line.site),
            "active": True,
        }
        for line in lines
        if line.kind == "room"
    ]
    return conform("location", pl.DataFrame(sites + rooms, infer_schema_length=None), names.codes)


def _services(lines: list[Calendar], names: Names) -> pl.DataFrame:
    rows = [
        {
            "source_id": names.one("svc", i),
            "name": service.name,
            "minutes": service.minutes,
            "bookable_online": service.online,
            "overbooking_intended": service.overbooking,
            "needs_room": service.needs_room,
            "active": True,
        }
        for i, service in enumerate(SERVICES)
        if any(line.mix[i] or (line.therapy and service.key == "therapie") for line in lines) or service.overbooking
    ]
    return conform("healthcare_service", pl.DataFrame(rows), names.codes)


def _schedules(lines: list[Calendar], names: Names) -> pl.DataFrame:
    persons = sum(line.kind == "person" for line in lines)
    rows = [
        {
            "source_id": names.one("sched", line.index),
            "name": line.name,
            "kind": line.kind,
            "practitioner_id": names.one("prac", line.index) if line.kind == "person" else None,
            "room_id": names.room(line.index - persons) if line.kind == "room" else None,
            "location_id": names.one("loc", line.site),
            "capacity": line.capacity,
            "active": True,
        }
        for line in lines
    ]
    return conform("schedule", pl.DataFrame(rows, infer_schema_length=None), names.codes)


def _working_hours(opened: Opening, names: Names) -> pl.DataFrame:
    numbered = opened.hours.with_row_index("row").with_columns(
        source_id=names.text("hours", pl.col("row").cast(pl.Int64)), schedule_id=names.text("sched", pl.col("calendar"))
    )
    return conform("working_hours", numbered, names.codes)


def _absences(opened: Opening, names: Names) -> pl.DataFrame:
    frame = opened.absences.with_row_index("row").select(
        "kind",
        source_id=names.text("absence", pl.col("row").cast(pl.Int64)),
        schedule_id=names.text("sched", pl.col("calendar")),
        practitioner_id=names.text("prac", pl.col("calendar")),
        start=to_utc("start"),
        end=to_utc("end"),
        substitute_id=names.text("prac", pl.col("substitute")),
    )
    return conform("absence", frame, names.codes)


def offered_slots(opened: Opening, book: pl.DataFrame, now: int) -> pl.DataFrame:
    """The platform's slots of the next eight weeks: quarter hours of the persons' sessions, busy where somebody is."""
    persons = [line.index for line in opened.calendars if line.kind == "person"]
    ahead = opened.sessions.filter(
        pl.col("calendar").is_in(persons), pl.col("start") > now, pl.col("start") < now + _SLOT_DAYS * 1440
    )
    count = ((ahead["end"] - ahead["start"]) // _SLOT_MINUTES).to_numpy()
    row = np.repeat(np.arange(ahead.height), count)
    place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    start = ahead["start"].to_numpy()[row] + place * _SLOT_MINUTES
    calendar = ahead["calendar"].to_numpy()[row]
    active = book.filter(~pl.col("status").is_in(["cancelled", "rescheduled", "entered-in-error"]), pl.col("end") > now)
    busy = _taken(active, calendar, start, start + _SLOT_MINUTES)
    names = Names(platform=True)
    frame = pl.DataFrame({"calendar": calendar, "start": start, "end": start + _SLOT_MINUTES, "busy": busy})
    rows = frame.with_row_index("row").select(
        source_id=names.text("slot", pl.col("row").cast(pl.Int64)),
        schedule_id=names.text("sched", pl.col("calendar")),
        status=pl.when("busy").then(pl.lit("busy")).otherwise(pl.lit("free")),
        start=to_utc("start"),
        end=to_utc("end"),
    )
    return conform("slot", rows, names.codes)


def _taken(active: pl.DataFrame, calendar: Ints, start: Ints, end: Ints) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether an active appointment of the calendar touches [start, end): more have begun by its end than ended."""
    taken = np.zeros(len(start), dtype=np.bool_)
    for index in np.unique(calendar):
        rows = calendar == index
        part = active.filter(calendar=int(index))
        begun = np.searchsorted(np.sort(part["start"].to_numpy()), end[rows], side="left")
        over = np.searchsorted(np.sort(part["end"].to_numpy()), start[rows], side="right")
        taken[rows] = begun > over
    return taken


def practice_tables(plan: WorldPlan, opened: Opening) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """[[calendars]] and [locations] as practice.toml has them."""
    pvs, platform = Names(platform=False), Names(platform=True)
    entries = [
        {
            "key": line.key,
            "name": line.name,
            "kind": line.kind,
            "location": SITES[line.site].key,
            "capacity": line.capacity,
            "leads": line.leads,
            "schedules": {"pvs": pvs.one("sched", line.index)}
            | ({"booking": platform.one("sched", line.index)} if line.kind == "person" else {}),
        }
        for line in opened.calendars
    ]
    sites = {
        site.key: {
            "name": site.name, "state": site.state, "categories": list(site.categories),
            "opening_hours": {day: list(hours) for day, hours in OPENING_HOURS.items()},
        }
        for site in SITES[: plan.locations]
    }  # fmt: skip
    return entries, sites
