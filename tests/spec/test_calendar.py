"""When a calendar can be booked: weekly rules, holidays by Land, closures, clocks that change, sources of hours."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest

from tests.kit.reference_practice import ZONE, Practice, day, instant, warehouse

SUMMER, WINTER = "2026-03-29", "2026-10-25"


def _bookable(practice: Practice, *days: str, today: str = "2026-03-02", key: str = "demir") -> list[int]:
    con = warehouse(practice, today, "marts.fact_capacity_day")
    return [day(con, key, date)["bookable_min"] for date in days]


def _demir(**more: object) -> Practice:
    practice = Practice()
    practice.location("markt")
    practice.calendar("demir", location="markt", **more)  # type: ignore[arg-type]
    return practice


CLOCKS = [
    ("night duty when the clocks go forward", "01:00", "04:00", SUMMER, 120),
    ("night duty when the clocks go back", "01:00", "04:00", WINTER, 240),
    ("the hour that is not there", "02:00", "03:00", SUMMER, 0),
    ("the hour that is there twice", "02:00", "03:00", WINTER, 120),
    ("a morning on that day", "08:00", "12:00", SUMMER, 240),
    ("the Monday after, spring", "08:00", "12:00", "2026-03-30", 240),
    ("the Monday after, autumn", "08:00", "12:00", "2026-10-26", 240),
    ("from evening into the short night: the evening", "22:00", "06:00", "2026-03-28", 120 + 360),
    ("from evening into the short night: the morning", "22:00", "06:00", SUMMER, 120 + 300),
    ("from evening into the long night: the morning", "22:00", "06:00", WINTER, 120 + 420),
    ("until midnight", "20:00", "00:00", "2026-03-30", 240),
    ("round the clock on the short day", "00:00", "00:00", SUMMER, 23 * 60),
    ("round the clock on the long day", "00:00", "00:00", WINTER, 25 * 60),
]


@pytest.mark.parametrize(("says", "start", "end", "date", "minutes"), CLOCKS, ids=[case[0] for case in CLOCKS])
def test_clocks_that_change(says: str, start: str, end: str, date: str, minutes: int) -> None:
    practice = _demir()
    for weekday in range(1, 8):
        practice.hours("demir", start, end, weekday=weekday)

    assert _bookable(practice, date) == [minutes]


def test_both_passes_of_the_hour_are_told_apart() -> None:
    """02:00-02:30 booked in the first pass and in the second: an hour of the four is held."""
    practice = _demir()
    practice.hours("demir", "01:00", "04:00", date=WINTER)
    for fold in (0, 1):
        start, end = (instant(f"{WINTER} {time}", fold=fold) for time in ("02:00", "02:30"))
        practice.record("appointment", schedule_id="demir", status="booked", start=start, end=end)

    con = warehouse(practice, "2026-03-02", "marts")

    assert day(con, "demir", WINTER)["booked_min"] == 60
    assert con.execute(
        "SELECT hour, bookable_min, booked_min FROM marts.fact_capacity_hour WHERE bookable_min > 0 ORDER BY hour"
    ).fetchall() == [(1, 60, 0), (2, 120, 60), (3, 60, 0)]


RULES = [
    # rule, open on the Mondays 2, 9, 16, 23 March
    ("every week", {}, [240, 240, 240, 240]),
    ("every second week, from a Wednesday", {"week_interval": 2, "valid_from": dt.date(2026, 3, 4)}, [0, 0, 240, 0]),
    ("every second week, from that Monday", {"week_interval": 2, "valid_from": dt.date(2026, 3, 2)}, [240, 0, 240, 0]),
    ("every third week", {"week_interval": 3, "valid_from": dt.date(2026, 2, 23)}, [0, 0, 240, 0]),
    ("from a day on", {"valid_from": dt.date(2026, 3, 9)}, [0, 240, 240, 240]),
    ("until a day, that day included", {"valid_to": dt.date(2026, 3, 9)}, [240, 240, 0, 0]),
    ("no interval is every week", {"week_interval": 0}, [240, 240, 240, 240]),
]  # fmt: skip


@pytest.mark.parametrize(("says", "rule", "expected"), RULES, ids=[case[0] for case in RULES])
def test_weekly_rules(says: str, rule: dict[str, object], expected: list[int]) -> None:
    practice = _demir()
    practice.hours("demir", "07:00", "07:30", weekday=7)
    practice.hours("demir", "08:00", "12:00", weekday=1, **rule)

    assert _bookable(practice, "2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23") == expected


def test_hours_without_a_calendar_hold_for_all() -> None:
    practice = _demir()
    practice.calendar("wolf", location="markt")
    practice.hours(None, "08:00", "10:00", weekday=1)
    practice.hours("wolf", "09:00", "12:00", weekday=1)

    assert _bookable(practice, "2026-03-02") == [120]
    assert _bookable(practice, "2026-03-02", key="wolf") == [240]


def test_holidays_are_those_of_the_locations_land() -> None:
    """Mariä Himmelfahrt (Saturday 2026-08-15) is a holiday at the Bavarian site only."""
    practice = Practice()
    for key, state in (("muc", "BY"), ("ber", "BE")):
        practice.location(key, state)
        practice.calendar(key, location=key)
        practice.hours(key, "08:00", "12:00", weekday=6)
    practice.holiday("muc", "2026-08-15", "Mariä Himmelfahrt")
    practice.holiday("ber", "2026-08-15", "Sommerferien", "school")

    assert _bookable(practice, "2026-08-15", key="muc") == [0]
    assert _bookable(practice, "2026-08-15", key="ber") == [240]


def test_a_closed_location_leaves_the_others_open() -> None:
    practice = Practice()
    for key in ("nord", "sued"):
        practice.location(key)
        practice.calendar(key, location=key)
        for weekday in range(1, 6):
            practice.hours(key, "08:00", "12:00", weekday=weekday)
    practice.closure("nord", "2026-03-03", "2026-03-04")
    practice.closure(None, "2026-03-05", "2026-03-05")

    days = [f"2026-03-0{number}" for number in range(2, 7)]
    assert _bookable(practice, *days, key="nord") == [240, 0, 0, 0, 240]
    assert _bookable(practice, *days, key="sued") == [240, 240, 240, 0, 240]


def test_absences_of_a_person_hold_for_all_their_calendars() -> None:
    practice = Practice()
    practice.location("markt")
    for key, person in (("demir", "7"), ("demir-akut", "7"), ("wolf", "8")):
        practice.calendar(key, location="markt", practitioner=person)
        practice.hours(key, "08:00", "12:00", weekday=1)
    practice.absence(None, "2026-03-02 00:00", "2026-03-02 10:00", practitioner_id="7")
    practice.absence(None, "2026-03-02 11:30", "2026-03-02 12:00", "closure")

    keys = ("demir", "demir-akut", "wolf")
    assert [_bookable(practice, "2026-03-02", key=key) for key in keys] == [[90], [90], [210]]


def test_an_absence_of_an_unknown_kind_still_means_away() -> None:
    practice = _demir()
    practice.hours("demir", "08:00", "12:00", weekday=1)
    practice.absence("demir", "2026-03-02 08:00", "2026-03-02 09:00", "unknown")

    assert _bookable(practice, "2026-03-02") == [180]


def _source_and_minutes(practice: Practice, date: str, key: str = "demir") -> tuple[str | None, int]:
    row = day(warehouse(practice, "2026-03-02", "marts.fact_capacity_day"), key, date)
    return row["hours_source"], row["bookable_min"]


def test_hours_of_the_source_come_first_then_opening_hours() -> None:
    practice = _demir()
    practice.ops["opening_hours"] = [
        {"location_key": "markt", "weekday": 1, "start_time": dt.time(8), "end_time": dt.time(18)}
    ]
    assert _source_and_minutes(practice, "2026-03-02") == ("practice", 600)

    practice.hours("demir", "08:00", "12:00", weekday=1)
    assert _source_and_minutes(practice, "2026-03-02") == ("source", 240)


def test_without_any_hours_they_are_estimated_from_what_was_booked() -> None:
    """Twenty Mondays from 08:00 to 12:00, one of the last eight from 07:00 to 13:00."""
    practice = _demir()
    for week in range(20):
        monday = dt.date(2026, 3, 2) - dt.timedelta(weeks=week + 1)
        early = week == 3
        practice.appointment("demir", f"{monday} {'07:00' if early else '08:00'}", f"{monday} 09:00")
        practice.appointment("demir", f"{monday} 11:00", f"{monday} {'13:00' if early else '12:00'}")

    # Of eight values, the 5th percentile is the smallest one and the 95th the largest.
    assert _source_and_minutes(practice, "2026-03-02") == ("estimated", 360)
    assert _source_and_minutes(practice, "2026-03-03") == ("estimated", 0)


def test_cancelled_appointments_say_nothing_about_hours() -> None:
    practice = _demir()
    practice.calendar("wolf", location="markt")
    practice.appointment("demir", "2026-02-23 08:00", "2026-02-23 12:00")
    practice.appointment("demir", "2026-02-23 13:00", "2026-02-23 14:00", "cancelled")
    practice.appointment("wolf", "2026-02-23 13:00", "2026-02-23 14:00", "cancelled")

    assert _source_and_minutes(practice, "2026-03-02") == ("estimated", 240)
    assert _source_and_minutes(practice, "2026-03-02", key="wolf") == (None, 0)


def test_a_platform_without_hours_takes_those_of_the_pvs() -> None:
    practice = Practice()
    practice.ops["source"].append({"source": "booking", "system": "platform", "title": "Online"})
    practice.location("markt")
    practice.calendar("demir", location="markt", leads="platform", schedules={"pvs": "1", "booking": "s"})
    practice.hours("1", "08:00", "12:00", weekday=1)
    practice.absence("1", "2026-03-02 08:00", "2026-03-02 09:00")
    assert _source_and_minutes(practice, "2026-03-02") == ("source", 180)

    practice.hours("s", "14:00", "16:00", weekday=1, source="booking")
    assert _source_and_minutes(practice, "2026-03-02") == ("source", 120)


@pytest.mark.parametrize(
    ("sources", "calendars"),
    [(("pvs", "booking"), {"demir": "person", "c2": "person"}), (("booking",), {"c1": "person"})],
    ids=["beside a PVS a platform's calendar must be named", "a platform alone needs no naming"],
)
def test_schedules_that_the_settings_do_not_name(sources: tuple[str, ...], calendars: dict[str, str]) -> None:
    practice = Practice()
    practice.ops["source"].append({"source": "booking", "system": "platform", "title": "Online"})
    practice.ops["source"] = [row for row in practice.ops["source"] if row["source"] in sources]
    practice.location("markt")
    if "pvs" in sources:
        practice.calendar("demir", location="markt")
        practice.record("schedule", "2", name="Dr. Wolf", capacity=2)
    practice.record("schedule", "z-9", source="booking", name="Dr. Wolf")

    con = warehouse(practice, "2026-03-02", "marts")
    found = con.execute("SELECT calendar_key, kind, location_key FROM marts.dim_calendar").fetchall()

    assert {key: kind for key, kind, _ in found} == calendars
    assert {location for *_, location in found} == {"markt"}
    left_out = con.execute("SELECT rows FROM marts.fact_dq_issue WHERE rule = 'schedule_is_no_calendar'").fetchall()
    assert left_out == ([(1,)] if "pvs" in sources else [])


@pytest.fixture(scope="module")
def dates() -> duckdb.DuckDBPyConnection:
    practice = Practice()
    practice.location("muc", "BY")
    practice.location("aug", "BY")
    practice.location("ber", "BE")
    practice.holiday("muc", "2026-01-06", "Heilige Drei Könige")
    practice.holiday("aug", "2026-01-06", "Heilige Drei Könige")
    practice.holiday("aug", "2026-08-08", "Augsburger Friedensfest")
    practice.holiday("ber", "2026-07-09", "Sommerferien", "school")
    return warehouse(practice, "2026-03-02", "marts.dim_date")


DATES = [
    # date, Land, holiday, school holidays, ISO year and week, working day of its month
    ("2026-01-01", "BY", None, None, 2026, 1, 1),
    ("2026-01-06", "BY", "Heilige Drei Könige", None, 2026, 2, None),
    ("2026-01-06", "BE", None, False, 2026, 2, 4),
    ("2026-01-07", "BY", None, None, 2026, 2, 4),
    ("2026-08-08", "BY", "Augsburger Friedensfest", None, 2026, 32, None),
    ("2026-07-09", "BE", None, True, 2026, 28, 7),
    ("2027-07-08", "BE", None, None, 2027, 27, 6),
    ("2027-01-02", "BY", None, None, 2026, 53, None),
    ("2028-12-31", "BE", None, None, 2028, 52, None),
]


@pytest.mark.parametrize(("date", "state", "holiday", "school", "iso_year", "iso_week", "number"), DATES)
def test_dim_date(
    dates: duckdb.DuckDBPyConnection,
    date: str,
    state: str,
    holiday: str | None,
    school: bool | None,
    iso_year: int,
    iso_week: int,
    number: int | None,
) -> None:
    found = dates.execute(
        "SELECT holiday_name, is_school_holiday, iso_year, iso_week, working_day_number"
        " FROM marts.dim_date WHERE date = $1::DATE AND state = $2",
        [date, state],
    ).fetchone()

    assert found == (holiday, school, iso_year, iso_week, number)


SLOTS = [
    # says, appointments, minutes of the type, open slots, first starts
    ("four hours hold twelve of twenty minutes", [], 20, 12, ["08:00", "08:20", "08:40"]),
    ("70 minutes hold three of twenty", [("09:10", "12:00")], 20, 3, ["08:00", "08:20", "08:40"]),
    ("a gap that is too short holds none", [("08:15", "11:50")], 20, 0, []),
    ("each gap begins anew", [("08:30", "09:00")], 20, 10, ["08:00", "09:00", "09:20"]),
    ("time of a cancelled one is open again", [("08:00", "12:00", "cancelled")], 60, 4, ["08:00", "09:00", "10:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("says", "kept", "minutes", "count", "starts"), SLOTS, ids=[case[0] for case in SLOTS])
def test_open_slots(says: str, kept: list[tuple[str, ...]], minutes: int, count: int, starts: list[str]) -> None:
    practice = _demir()
    practice.record("healthcare_service", name="Kontrolle", minutes=minutes, active=True)
    practice.hours("demir", "08:00", "12:00", weekday=1)
    for start, end, *status in kept:
        practice.appointment("demir", f"2026-03-09 {start}", f"2026-03-09 {end}", *(status or ["booked"]))

    assert _open(practice, "2026-03-02", "2026-03-09") == (count, starts)


def _open(practice: Practice, today: str, date: str, **variables: object) -> tuple[int, list[str]]:
    con = warehouse(practice, today, "core.open_slot_day", **variables)
    row = con.execute("SELECT * FROM core.open_slot_day WHERE slot_date = $1::DATE", [date]).pl().to_dicts()
    if not row:
        return 0, []
    starts = [row[0][f"first_start_{number}"] for number in (1, 2, 3)]
    return row[0]["open_slots"], [f"{start.astimezone(ZONE):%H:%M}" for start in starts if start]


def test_open_slots_of_the_day_begin_with_the_snapshot() -> None:
    practice = _demir()
    practice.record("healthcare_service", name="Kontrolle", minutes=30, active=True)
    practice.hours("demir", "08:00", "12:00", weekday=1)

    assert _open(practice, "2026-03-02", "2026-03-02", now=instant("2026-03-02 10:30")) == (
        3,
        ["10:30", "11:00", "11:30"],
    )
