"""The waterfall of random practices equals the slow reference to the minute, and the checks find what is moved."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import transform
from tests.kit.reference_practice import Practice, instant, warehouse
from tests.kit.reference_utilisation import capacity_days

#: Days around both changes of the clock, a holiday in one of two Länder only, and a plain week over a turn of the year.
ANCHORS = (dt.date(2026, 3, 29), dt.date(2026, 10, 25), dt.date(2026, 1, 6), dt.date(2027, 1, 1))
COLUMNS = (
    "template_min", "holiday_min", "closure_min", "extra_min", "absence_min", "gross_min", "block_min", "bookable_min",
    "attended_min", "ahead_min", "no_show_min", "unknown_min", "late_cancelled_min", "other_cancelled_min",
    "never_booked_min", "booked_min", "used_min", "outside_min", "double_booked_min",
    "double_booked_intended_min", "free_min", "usable_min",
)  # fmt: skip
BATCH, BATCHES = 20, 25

#: The type that is meant to be booked beside others.
ACUTE = "akut"

statuses = st.sampled_from(
    [
        "fulfilled",
        "booked",
        "noshow",
        "cancelled",
        "booked",
        "rescheduled",
        "unknown",
        "block",
        "arrived",
        "entered-in-error",
    ]
)
quarters = st.integers(0, 95)
days = st.sampled_from([0, 0, 0, -1, 1, 2])
#: Minutes of a day; mostly quarters of an hour, so that stretches touch, and sometimes any minute.
minutes = st.one_of(quarters.map(lambda quarter: quarter * 15), st.integers(0, 24 * 60 - 1))
lengths = st.one_of(st.sampled_from([0, 15, 30, 60, 240, 480]), st.integers(-30, 900))
#: Most of a day, so that there is something to book.
long_hours = st.tuples(st.integers(0, 40).map(lambda step: step * 15), st.integers(60, 95).map(lambda step: step * 15))


def _time(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """Working hours of a calendar: weekly or dated, with an interval or a limit, also past midnight."""
    kind = draw(st.sampled_from(["regular", "regular", "regular", "extra"]))
    start, end = draw(st.one_of(long_hours, st.tuples(minutes, minutes)))
    rule: dict[str, Any] = {"kind": kind, "start": _time(start), "end": _time(end)}
    rule["on"] = draw(days)
    rule["dated"] = draw(st.booleans())
    rule["interval"] = draw(st.sampled_from([None, 1, 2]))
    rule["limit"] = draw(st.sampled_from([None, "from", "to"]))
    return rule


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int, int]:
    """Day, minute of the day, length."""
    return draw(days), draw(minutes), draw(lengths)


#: Much of the same morning, so that appointments of all parts meet in bookable time.
crowded = st.tuples(st.just(0), st.integers(16, 28).map(lambda half: half * 30), st.sampled_from([60, 90, 120, 180]))


@st.composite
def practices(draw: st.DrawFn) -> dict[str, Any]:
    """One practice: a person's calendar and a room's, hours, absences, appointments."""
    return {
        "capacity": (draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        "state": draw(st.sampled_from(["BY", "BE"])),
        "closed": draw(st.sampled_from([None, 0, 1])),
        "rules": draw(st.lists(st.tuples(st.booleans(), rules()), min_size=2, max_size=5)),
        "absences": draw(st.lists(st.tuples(spans(), st.sampled_from(["absence", "closure", "block"])), max_size=3)),
        "kept": draw(
            st.lists(
                st.tuples(
                    st.one_of(crowded, spans()),
                    statuses,
                    st.booleans(),
                    st.booleans(),
                    st.sampled_from([-5, 0, 1, 12, 23, 24, 25, 47, 48, 49]),
                    st.integers(0, 59),
                ),
                min_size=2,
                max_size=12,
            )
        ),
    }


def _add(practice: Practice, number: int, made: dict[str, Any], anchor: dt.date) -> None:
    person, room, place = f"p{number}", f"r{number}", f"l{number}"
    practice.location(place, made["state"])
    practice.calendar(person, capacity=made["capacity"][0], location=place)
    practice.calendar(room, capacity=made["capacity"][1], location=place, kind="room", room=f"room-{number}")
    if made["state"] == "BY":
        practice.holiday(place, "2026-01-06")
    practice.holiday(place, "2027-01-01")
    if made["closed"] is not None:
        closed = str(anchor + dt.timedelta(days=made["closed"]))
        practice.closure(place, closed, closed)
    for key in (person, room):  # a calendar without any hours would be given estimated ones
        practice.hours(key, "08:00", "09:00", date="2027-06-01")
    practice.hours(person, "08:00", "14:00", date=str(anchor))
    for of_room, rule in made["rules"]:
        _add_rule(practice, room if of_room else person, rule, anchor)
    for span, kind in made["absences"]:
        practice.record("absence", schedule_id=person, kind=kind, **_stretch(anchor, span))
    for kept in made["kept"]:
        _add_kept(practice, person, room, f"room-{number}", kept, anchor)


def _add_rule(practice: Practice, key: str, rule: dict[str, Any], anchor: dt.date) -> None:
    date = anchor + dt.timedelta(days=rule["on"])
    when: dict[str, Any] = {"date": str(date)} if rule["dated"] else {"weekday": date.isoweekday()}
    if rule["limit"]:
        when[f"valid_{rule['limit']}"] = anchor
    if rule["interval"] and rule["limit"] == "from":
        when["week_interval"] = rule["interval"]
    practice.hours(key, rule["start"], rule["end"], kind=rule["kind"], **when)


def _add_kept(practice: Practice, person: str, room: str, room_id: str, kept: tuple[Any, ...], anchor: dt.date) -> None:
    span, status, on_room, with_room, notice, seconds = kept
    stretch = _stretch(anchor, span)
    stretch["start"] += dt.timedelta(seconds=seconds)
    more: dict[str, Any] = {"room_id": room_id} if with_room else {}
    if seconds % 3 == 0:
        more["healthcare_service_id"] = ACUTE
    if status in ("cancelled", "rescheduled") and notice % 5:
        more["cancelled_at"] = stretch["start"] - dt.timedelta(hours=notice)
        more["cancelled_by"] = ("patient", "practice", "unknown")[notice % 4 % 3]
    practice.record("appointment", schedule_id=room if on_room else person, status=status, **stretch, **more)


def _stretch(anchor: dt.date, span: tuple[int, int, int]) -> dict[str, dt.datetime]:
    day, minute, length = span
    start = instant(f"{anchor + dt.timedelta(days=day)} {_time(minute)}")
    return {"start": start, "end": start + dt.timedelta(minutes=length)}


def _practice(made: list[dict[str, Any]], anchor: dt.date, late_hours: int) -> Practice:
    practice = Practice(settings={"late_cancel_hours": str(late_hours), "window_ahead_months": "1"})
    practice.record("healthcare_service", "kurz", name="kurz", minutes=20, active=True)
    practice.record("healthcare_service", ACUTE, name="akut", minutes=20, active=True, overbooking_intended=True)
    # Capacity begins with the first counted appointment.
    practice.appointment("first", f"{anchor - dt.timedelta(days=5)} 08:00", f"{anchor - dt.timedelta(days=5)} 08:10")
    for number, one in enumerate(made):
        _add(practice, number, one, anchor)
    return practice


@settings(
    max_examples=BATCHES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(
    made=st.lists(practices(), min_size=BATCH, max_size=BATCH),
    anchor=st.sampled_from(ANCHORS),
    today_is=st.integers(-1, 2),
    late_hours=st.sampled_from([24, 48]),
)
def test_five_hundred_practices_equal_the_reference(
    made: list[dict[str, Any]], anchor: dt.date, today_is: int, late_hours: int
) -> None:
    practice = _practice(made, anchor, late_hours)
    today = anchor + dt.timedelta(days=today_is)
    compared = [anchor + dt.timedelta(days=number) for number in range(-3, 5)]

    with warehouse(practice, str(today), "marts.fact_capacity_day", "marts.fact_capacity_hour") as con:
        found = _found(con, compared)
        broken = [check for check in transform.checks(con) if check.rows and check.severity == "error"]

    expected = {
        key: {name: minutes[name] for name in COLUMNS}
        for key, minutes in capacity_days(practice, today, compared).items()
    }
    assert found == expected
    assert not broken


def _found(con: duckdb.DuckDBPyConnection, compared: list[dt.date]) -> dict[tuple[str, dt.date], dict[str, int]]:
    sql = (
        "SELECT * FROM marts.fact_capacity_day WHERE list_contains($1, service_date)"
        " AND calendar_key IN (SELECT calendar_key FROM ops.calendar)"
    )
    rows = con.execute(sql, [compared]).pl().to_dicts()
    return {(row["calendar_key"], row["service_date"]): {name: row[name] for name in COLUMNS} for row in rows}


@pytest.fixture(scope="module")
def full_week() -> duckdb.DuckDBPyConnection:
    """A week of a calendar for two, with something in every part of the waterfall."""
    practice = Practice()
    practice.location("markt")
    practice.calendar("demir", capacity=2, location="markt")
    practice.record("healthcare_service", name="kurz", minutes=20, active=True)
    statuses_in_turn = ("fulfilled", "noshow", "booked", "cancelled", "rescheduled", "fulfilled")
    for weekday in range(1, 6):
        practice.hours("demir", "08:00", "12:00", weekday=weekday)
        date = f"2026-03-0{weekday + 1}"
        for number, status in enumerate(statuses_in_turn):
            practice.appointment(
                "demir", f"{date} {8 + number // 2:02d}:{30 * (number % 2):02d}",
                f"{date} {9 + number // 2:02d}:{30 * (number % 2):02d}", status,
                cancelled_at=f"{date} 07:00", cancelled_by="patient",
            )  # fmt: skip
    return warehouse(practice, "2026-03-04", "marts", "desk")


def _broken(con: duckdb.DuckDBPyConnection) -> set[str]:
    return {check.name for check in transform.checks(con) if check.rows and check.severity == "error"}


PARTS = ("attended", "ahead", "no_show", "unknown", "late_cancelled", "never_booked")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "moved",
    [
        "start_at = start_at + INTERVAL 1 MINUTE, end_at = end_at + INTERVAL 1 MINUTE",
        "start_at = start_at - INTERVAL 1 MINUTE, end_at = end_at - INTERVAL 1 MINUTE",
        "end_at = end_at + INTERVAL 1 MINUTE",
        "start_at = start_at + INTERVAL 1 MINUTE",
        "places = places + 1",
    ],
    ids=["later", "earlier", "longer", "shorter", "one place more"],
)
def test_one_stretch_of_one_part_moved_by_a_minute_is_found(
    full_week: duckdb.DuckDBPyConnection, part: str, moved: str
) -> None:
    """Moved whole, all sums stay equal: only the sweep over the instants sees it."""
    assert _broken(full_week) == set()
    one = f"SELECT rowid FROM core.capacity_part WHERE part = '{part}' ORDER BY start_at LIMIT 1"
    with full_week.cursor() as con:
        con.begin()
        con.execute(f"UPDATE core.capacity_part SET {moved} WHERE rowid = ({one})")

        assert "waterfall_tiles_bookable" in _broken(con)

        con.rollback()


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        ("UPDATE marts.fact_capacity_day SET attended_min = attended_min + 1 WHERE attended_min > 0", "waterfall_sums"),
        ("UPDATE marts.fact_capacity_day SET gross_min = gross_min + 1 WHERE gross_min > 0", "waterfall_sums"),
        ("UPDATE marts.fact_capacity_hour SET booked_min = booked_min + 1 WHERE hour = 8", "hours_match_days"),
        ("INSERT INTO marts.fact_appointment SELECT * FROM marts.fact_appointment LIMIT 1", "appointment_key_unique"),
        ("INSERT INTO marts.fact_capacity_day FROM marts.fact_capacity_day LIMIT 1", "capacity_key_unique"),
        ("INSERT INTO marts.dim_calendar FROM marts.dim_calendar", "dimension_key_unique"),
        ("DELETE FROM marts.dim_calendar", "key_known"),
        ("UPDATE marts.fact_appointment SET calendar_key = NULL", "leading_calendar_unknown"),
        ("INSERT INTO core.capacity_part FROM core.capacity_part LIMIT 1", "part_overlaps"),
        ("ALTER TABLE marts.dim_person ADD COLUMN family_name VARCHAR", "personal_column_in_marts"),
        ("INSERT INTO core.appointment FROM core.appointment LIMIT 1", "raw_version_unique"),
    ],
)
def test_every_check_finds_what_it_is_there_for(
    full_week: duckdb.DuckDBPyConnection, statement: str, check: str
) -> None:
    with full_week.cursor() as con:
        con.begin()
        con.execute(statement)

        assert check in _broken(con)

        con.rollback()
