"""Auslastung: what counts as bookable, booked and used time, as a table that a manager can check by hand.

Monday 2026-03-02, one calendar per row. Times are local. Every row runs through the warehouse's own SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import duckdb
import pytest

from tests.kit.reference_practice import Practice, day, warehouse

MONDAY = "2026-03-02"

Span = tuple[str, str]
Kept = tuple[str, str, str]


@dataclass(frozen=True)
class Case:
    """Hours and appointments of one calendar on one Monday, and the minutes that must come out."""

    says: str
    hours: tuple[Span, ...] = (("08:00", "12:00"),)
    extra: tuple[Span, ...] = ()
    absent: tuple[Span, ...] = ()
    blocked: tuple[Span, ...] = ()
    closed_by_source: tuple[Span, ...] = ()
    holiday: bool = False
    closed: bool = False
    capacity: int = 1
    kept: tuple[Kept, ...] = ()
    acute: tuple[Kept, ...] = ()
    expected: dict[str, Any] = field(default_factory=dict)


CAME, MISSED, CANCELLED = "fulfilled", "noshow", "cancelled"
#: The type that is meant to be booked beside others.
ACUTE = "akut"
WHOLE_DAY = (("08:00", "12:00"), ("14:00", "18:00"))
HALF_HOURS = tuple(f"{8 + i // 2:02d}:{30 * (i % 2):02d}" for i in range(9))

AVAILABLE = [
    Case("a full day", WHOLE_DAY, expected={"template_min": 480, "gross_min": 480, "bookable_min": 480}),
    Case(
        "an absence spans the break",
        WHOLE_DAY,
        absent=(("10:00", "15:00"),),
        expected={"absence_min": 180, "bookable_min": 300},
    ),
    Case("a public holiday", WHOLE_DAY, holiday=True, expected={"holiday_min": 480, "bookable_min": 0}),
    Case(
        "an extra opening beats the holiday",
        WHOLE_DAY,
        extra=(("09:00", "11:00"),),
        holiday=True,
        expected={"holiday_min": 480, "extra_min": 120, "bookable_min": 120},
    ),
    Case(
        "extra hours overlap regular ones, one hour absent, half an hour kept for other work",
        WHOLE_DAY,
        extra=(("17:00", "20:00"),),
        absent=(("19:00", "20:00"),),
        blocked=(("08:00", "08:30"),),
        expected={
            "template_min": 480,
            "extra_min": 120,
            "absence_min": 60,
            "gross_min": 540,
            "block_min": 30,
            "bookable_min": 510,
        },
    ),
    Case("the practice is closed", WHOLE_DAY, closed=True, expected={"closure_min": 480, "bookable_min": 0}),
    Case(
        "a closure that the PVS knows takes regular hours, not extra ones",
        extra=(("11:00", "13:00"),),
        closed_by_source=(("10:00", "14:00"),),
        expected={"closure_min": 120, "extra_min": 120, "bookable_min": 240},
    ),
    Case(
        "an absence beats extra hours",
        (),
        extra=(("09:00", "11:00"),),
        absent=(("09:00", "10:00"),),
        expected={"template_min": 0, "extra_min": 120, "absence_min": 60, "bookable_min": 60},
    ),
    Case(
        "a day off that is a holiday too is taken once",
        holiday=True,
        closed=True,
        absent=(("07:00", "13:00"),),
        expected={"holiday_min": 240, "closure_min": 0, "absence_min": 0, "bookable_min": 0},
    ),
    Case("two places count twice", capacity=2, expected={"template_min": 480, "bookable_min": 480}),
]

OCCUPIED = [
    Case(
        "eight half hours back to back",
        kept=tuple((a, b, CAME) for a, b in pairwise(HALF_HOURS)),
        expected={"bookable_min": 240, "booked_min": 240, "used_min": 240, "never_booked_min": 0, "free_min": 0},
    ),
    Case(
        "two appointments overlap by half an hour: the time is held once",
        kept=(("09:00", "10:00", CAME), ("09:30", "10:30", CAME)),
        expected={"booked_min": 90, "used_min": 90, "double_booked_min": 30, "never_booked_min": 150},
    ),
    Case(
        "an acute appointment beside another one is meant to be there",
        kept=(("09:00", "10:00", CAME),),
        acute=(("09:15", "09:30", CAME),),
        expected={"booked_min": 60, "double_booked_min": 15, "double_booked_intended_min": 15},
    ),
    Case(
        "three at once: the acute one is meant, the other one too many is not",
        kept=(("09:00", "10:00", CAME), ("09:00", "10:00", CAME)),
        acute=(("09:00", "09:30", CAME),),
        expected={"double_booked_min": 90, "double_booked_intended_min": 30},
    ),
    Case(
        "an acute appointment that was cancelled explains nothing",
        kept=(("09:00", "10:00", CAME), ("09:00", "10:00", CAME)),
        acute=(("09:00", "09:30", CANCELLED),),
        expected={"double_booked_min": 60, "double_booked_intended_min": 0},
    ),
    Case(
        "the whole morning booked twice is full, not over-full",
        kept=(("08:00", "12:00", CAME), ("08:00", "12:00", CAME)),
        expected={"booked_min": 240, "used_min": 240, "double_booked_min": 240, "outside_min": 0},
    ),
    Case(
        "before opening and past closing time is a figure of its own",
        kept=(("07:30", "08:30", CAME), ("11:45", "12:30", CAME)),
        expected={"booked_min": 45, "used_min": 45, "outside_min": 60, "free_min": 195},
    ),
    Case(
        "not come: the time was held, but not used; cancelled: it was neither",
        kept=(("09:00", "10:00", MISSED), ("10:00", "11:00", CANCELLED), ("11:00", "12:00", CAME)),
        expected={
            "booked_min": 120,
            "used_min": 60,
            "no_show_min": 60,
            "other_cancelled_min": 60,
            "never_booked_min": 60,
            "free_min": 120,
        },
    ),
    Case(
        "away, and a patient was seen all the same",
        (),
        kept=(("09:00", "10:00", CAME),),
        expected={"bookable_min": 0, "booked_min": 0, "used_min": 0, "outside_min": 60},
    ),
    Case(
        "a room for two holds two of three at once",
        capacity=2,
        kept=(("09:00", "10:00", CAME),) * 3,
        expected={"bookable_min": 480, "booked_min": 120, "used_min": 120, "double_booked_min": 60, "free_min": 360},
    ),
    Case(
        "appointments without length or with the end before the start are none",
        kept=(("09:00", "09:00", CAME), ("10:00", "09:30", CAME)),
        expected={"booked_min": 0, "outside_min": 0, "never_booked_min": 240},
    ),
    Case(
        "who came stands before who did not, in the same hour",
        kept=(("09:00", "10:00", CAME), ("09:00", "10:00", MISSED)),
        expected={"booked_min": 60, "attended_min": 60, "no_show_min": 0, "double_booked_min": 60},
    ),
    Case(
        "with two places, both count",
        capacity=2,
        kept=(("09:00", "10:00", CAME), ("09:00", "10:00", MISSED)),
        expected={"booked_min": 120, "attended_min": 60, "no_show_min": 60, "double_booked_min": 0},
    ),
    Case(
        "three places: came, missed, cancelled, and nobody before",
        capacity=3,
        kept=(("09:00", "10:00", CAME), ("09:00", "10:00", MISSED), ("09:30", "10:00", CANCELLED)),
        expected={"bookable_min": 720, "booked_min": 120, "other_cancelled_min": 30, "never_booked_min": 570},
    ),
    Case(
        "past, and nobody said what became of it: booked, not used",
        kept=(("09:00", "10:00", "booked"),),
        expected={"booked_min": 60, "unknown_min": 60, "used_min": 0},
    ),
    Case(
        "entered in error was never there",
        kept=(("09:00", "10:00", "entered-in-error"),),
        expected={"booked_min": 0, "never_booked_min": 240},
    ),
    Case(
        "a block in the calendar is kept time, no appointment",
        kept=(("09:00", "10:00", "block"), ("09:30", "10:30", CAME)),
        expected={"block_min": 60, "bookable_min": 180, "booked_min": 30, "outside_min": 30},
    ),
]

CASES = AVAILABLE + OCCUPIED


def _add(practice: Practice, key: str, case: Case) -> None:
    practice.location(key)
    practice.calendar(key, capacity=case.capacity, location=key)
    # A calendar without any hours would be given estimated ones.
    practice.hours(key, "08:00", "09:00", date="2026-06-01")
    for start, end in case.hours:
        practice.hours(key, start, end, weekday=1)
    for start, end in case.extra:
        practice.hours(key, start, end, kind="extra", date=MONDAY)
    for spans, kind in ((case.absent, "absence"), (case.blocked, "block"), (case.closed_by_source, "closure")):
        for start, end in spans:
            practice.absence(key, f"{MONDAY} {start}", f"{MONDAY} {end}", kind)
    if case.holiday:
        practice.holiday(key, MONDAY)
    if case.closed:
        practice.closure(key, MONDAY, MONDAY)
    for start, end, status in case.kept:
        practice.appointment(key, f"{MONDAY} {start}", f"{MONDAY} {end}", status)
    for start, end, status in case.acute:
        practice.appointment(key, f"{MONDAY} {start}", f"{MONDAY} {end}", status, healthcare_service_id=ACUTE)


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    practice = Practice()
    practice.record("healthcare_service", ACUTE, name="Akut", active=True, overbooking_intended=True)
    for number, case in enumerate(CASES):
        _add(practice, f"case-{number}", case)
    return warehouse(practice, "2026-03-09", "marts.fact_capacity_day")


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES)), ids=[case.says for case in CASES])
def test_minutes_of_a_monday(con: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    found = day(con, f"case-{number}", MONDAY)

    assert {name: found[name] for name in case.expected} == case.expected


def _gaps(con: duckdb.DuckDBPyConnection, number: int) -> list[int]:
    rows = con.execute(
        "SELECT minutes FROM core.free_time WHERE calendar_key = $1 AND place = 1 AND service_date = $2::DATE"
        " ORDER BY start_at",
        [f"case-{number}", MONDAY],
    ).fetchall()
    return [minutes for (minutes,) in rows]


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("eight half hours back to back", []),
        ("two appointments overlap by half an hour: the time is held once", [60, 90]),
        ("before opening and past closing time is a figure of its own", [195]),
        ("a room for two holds two of three at once", [60, 120]),
        ("who came stands before who did not, in the same hour", [60, 120]),
        ("appointments without length or with the end before the start are none", [240]),
    ],
)
def test_free_stretches(con: duckdb.DuckDBPyConnection, says: str, expected: list[int]) -> None:
    number = next(number for number, case in enumerate(CASES) if case.says == says)

    assert _gaps(con, number) == expected


@pytest.mark.parametrize(
    ("shortest_type", "usable", "fragmentation"),
    [(20, 60, 0.25), (10, 80, 0.0), (90, 0, 1.0)],
)
def test_free_time_that_is_too_short_for_an_appointment(shortest_type: int, usable: int, fragmentation: float) -> None:
    """Free stretches of 10, 10 and 60 minutes."""
    practice = Practice()
    practice.location("markt")
    practice.calendar("demir", location="markt")
    practice.hours("demir", "08:00", "12:00", weekday=1)
    practice.record("healthcare_service", name="kurz", minutes=shortest_type, active=True)
    practice.record("healthcare_service", name="lang", minutes=120, active=True)
    practice.record("healthcare_service", name="früher", minutes=5, active=False)
    for start, end in (("08:00", "08:50"), ("09:00", "09:20"), ("09:30", "11:00")):
        practice.appointment("demir", f"{MONDAY} {start}", f"{MONDAY} {end}")

    found = day(warehouse(practice, "2026-03-09", "marts.fact_capacity_day"), "demir", MONDAY)

    assert (found["free_min"], found["usable_min"]) == (80, usable)
    assert 1 - found["usable_min"] / found["free_min"] == fragmentation


def test_without_types_nobody_knows_what_is_usable() -> None:
    practice = Practice()
    practice.location("markt")
    practice.calendar("demir", location="markt")
    practice.hours("demir", "08:00", "12:00", weekday=1)

    found = day(warehouse(practice, MONDAY, "marts.fact_capacity_day"), "demir", MONDAY)

    assert (found["free_min"], found["usable_min"]) == (240, None)


def test_utilisation_of_a_team_is_the_ratio_of_sums() -> None:
    """60 of 60 minutes and 60 of 480: 22 % together, not the 56 % of the mean."""
    practice = Practice()
    practice.location("markt")
    for key, end in (("a", "09:00"), ("b", "16:00")):
        practice.calendar(key, location="markt")
        practice.hours(key, "08:00", end, weekday=1)
        practice.appointment(key, f"{MONDAY} 08:00", f"{MONDAY} 09:00")

    con = warehouse(practice, "2026-03-09", "marts.fact_capacity_day")
    row = con.execute(
        "SELECT round(sum(booked_min) / nullif(sum(bookable_min), 0), 4), round(avg(booked_min / bookable_min), 4)"
        " FROM marts.fact_capacity_day WHERE service_date = $1::DATE",
        [MONDAY],
    ).fetchone()

    assert row == (0.2222, 0.5625)


def test_no_bookable_time_has_no_utilisation(con: duckdb.DuckDBPyConnection) -> None:
    number = next(number for number, case in enumerate(CASES) if case.says.startswith("away"))
    row = con.execute(
        "SELECT booked_min / nullif(bookable_min, 0) FROM marts.fact_capacity_day"
        " WHERE calendar_key = $1 AND service_date = $2::DATE",
        [f"case-{number}", MONDAY],
    ).fetchone()

    assert row == (None,)


def test_a_room_is_held_by_the_appointments_that_name_it() -> None:
    practice = Practice()
    practice.location("markt")
    practice.calendar("demir", location="markt")
    practice.calendar("sono", kind="room", room="r-1", location="markt", capacity=2)
    for key in ("demir", "sono"):
        practice.hours(key, "08:00", "12:00", weekday=1)
    practice.appointment("demir", f"{MONDAY} 08:00", f"{MONDAY} 09:00", room_id="r-1")
    practice.appointment("sono", f"{MONDAY} 08:30", f"{MONDAY} 09:30", room_id="r-1")
    practice.appointment("demir", f"{MONDAY} 10:00", f"{MONDAY} 11:00")

    con = warehouse(practice, "2026-03-09", "marts.fact_capacity_day")

    assert day(con, "demir", MONDAY)["booked_min"] == 120
    room = day(con, "sono", MONDAY)
    assert (room["booked_min"], room["double_booked_min"], room["resource_kind"]) == (120, 0, "room")


@pytest.mark.parametrize(("leads", "booked"), [("pvs", 60), ("platform", 30), ("both", 90)])
def test_only_the_leading_calendar_counts(leads: str, booked: int) -> None:
    """The PVS has 08:00-09:00, the platform a copy of it (only counted where the platform leads) and 10:00-10:30."""
    practice = Practice()
    practice.ops["source"].append({"source": "booking", "system": "platform", "title": "Online"})
    practice.location("markt")
    practice.calendar("demir", location="markt", leads=leads, schedules={"pvs": "1", "booking": "s-1"})
    practice.hours("1", "08:00", "12:00", weekday=1)
    practice.appointment("1", f"{MONDAY} 08:00", f"{MONDAY} 09:00")
    if leads != "platform":
        practice.appointment("s-1", f"{MONDAY} 08:00", f"{MONDAY} 09:00", source="booking")
    practice.appointment("s-1", f"{MONDAY} 10:00", f"{MONDAY} 10:30", source="booking")

    con = warehouse(practice, "2026-03-09", "marts.fact_capacity_day")

    assert day(con, "demir", MONDAY)["booked_min"] == booked
    assert day(con, "demir", MONDAY)["bookable_min"] == 240
    assert day(con, "demir", MONDAY)["double_booked_min"] == 0
