"""Lights, ages and what is due, as tables; opening minutes against a slow reference."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import health
from pipelines.health import Due, DueFacts, Opening, SourceFacts
from pipelines.settings import TimeRange

BERLIN = ZoneInfo("Europe/Berlin")
MORNING = ((dt.time(8), dt.time(12)),)
WEEK = Opening({"markt": dict.fromkeys(range(1, 6), MORNING)})
NIGHT = (TimeRange(dt.time(22), dt.time(6)),)


def local(text: str) -> dt.datetime:
    """A wall time in Berlin as a UTC instant."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2026-11-25 08:00", "2026-11-25 09:30", 90),  # inside one morning
        ("2026-11-25 11:00", "2026-11-26 08:15", 75),  # over a closed afternoon and night
        ("2026-11-27 12:00", "2026-11-30 08:00", 0),  # a weekend ages nothing
        ("2026-11-25 09:00", "2026-11-25 09:00", 0),
        ("2026-11-25 10:00", "2026-11-25 09:00", 0),  # a clock that was set back
        ("2026-10-23 11:00", "2026-10-26 09:00", 120),  # over the change to winter time
    ],
)
def test_ages_count_opening_minutes(start: str, end: str, minutes: int) -> None:
    assert health.opening_minutes(local(start), local(end), WEEK, BERLIN) == minutes


def test_without_opening_hours_all_minutes_count() -> None:
    assert health.opening_minutes(local("2026-10-24 12:00"), local("2026-10-25 12:00"), Opening({}), BERLIN) == 25 * 60


@given(
    start=st.integers(0, 60 * 24 * 16),
    minutes=st.integers(0, 60 * 72),
    opens=st.integers(0, 20),
    hours=st.integers(1, 3),
    closed=st.sets(st.dates(dt.date(2026, 3, 20), dt.date(2026, 4, 8))),
)
def test_opening_minutes_equal_a_walk_minute_by_minute(
    start: int, minutes: int, opens: int, hours: int, closed: set[dt.date]
) -> None:
    week = {weekday: ((dt.time(opens), dt.time(opens + hours)),) for weekday in (1, 2, 3, 7)}
    begin = local("2026-03-20 00:00") + dt.timedelta(minutes=start)
    walked = sum(_open(begin + dt.timedelta(minutes=minute), week, closed) for minute in range(minutes))
    opening = Opening({"markt": week}, frozenset(("markt", day) for day in closed))
    assert health.opening_minutes(begin, begin + dt.timedelta(minutes=minutes), opening, BERLIN) == walked


def _open(instant: dt.datetime, week: dict[int, tuple[tuple[dt.time, dt.time], ...]], closed: set[dt.date]) -> bool:
    day = instant.astimezone(BERLIN).date()
    spans = () if day in closed else week.get(day.isoweekday(), ())
    return any(
        dt.datetime.combine(day, opens, tzinfo=BERLIN).astimezone(dt.UTC)
        <= instant
        < dt.datetime.combine(day, closes, tzinfo=BERLIN).astimezone(dt.UTC)
        for opens, closes in spans
    )


AFTERNOON = ((dt.time(14), dt.time(16)),)
TWO_SITES = {"aschaffenburg": dict.fromkeys(range(1, 6), MORNING), "hanau": dict.fromkeys(range(1, 6), AFTERNOON)}


@pytest.mark.parametrize(
    ("closed", "minutes"),
    [
        ([], 2 * 360),  # two mornings of four hours, two afternoons of two
        ([("aschaffenburg", "2026-01-06")], 480),  # Heilige Drei Könige: a holiday of one Land
        ([("aschaffenburg", "2026-01-06"), ("hanau", "2026-01-06")], 360),
        ([("hanau", "2026-01-05"), ("hanau", "2026-01-06")], 480),  # one site on leave
        ([(site, f"2026-01-0{day}") for site in TWO_SITES for day in (5, 6)], 0),
        ([("elsewhere", "2026-01-06")], 2 * 360),
    ],
)
def test_holidays_and_closures_age_nothing(closed: list[tuple[str, str]], minutes: int) -> None:
    opening = Opening(TWO_SITES, frozenset((site, dt.date.fromisoformat(day)) for site, day in closed))
    assert health.opening_minutes(local("2026-01-05 00:00"), local("2026-01-07 00:00"), opening, BERLIN) == minutes


def test_after_a_closed_day_the_data_are_as_fresh_as_on_the_evening_before() -> None:
    """The Friday between Christmas and the weekend: the newest data are of the 23rd, and all is well."""
    leave = health.closed_days(WEEK.hours, [], [(None, dt.date(2026, 12, 24), dt.date(2027, 1, 1))])
    heard, now = local("2026-12-23 11:50"), local("2027-01-04 08:20")
    facts = SourceFacts("pvs", "Praxissoftware", state="ok", heard_at=heard)
    closed, counted = (
        health.source_health(facts, now=now, opening=opening, zone=BERLIN, service_alive=True)
        for opening in (Opening(WEEK.hours, leave), WEEK)
    )
    assert (closed.light, closed.age_minutes) == ("green", 30)
    assert counted.light == "red"


def test_the_days_without_hours_of_each_site() -> None:
    days = [dt.date(2026, 12, day) for day in (24, 25, 26)]
    found = health.closed_days(
        ("a", "b"), [("a", days[1])], [(None, days[0], days[0]), ("b", days[1], days[2]), ("b", days[2], days[1])]
    )
    assert found == {("a", days[0]), ("b", days[0]), ("a", days[1]), ("b", days[1]), ("b", days[2])}


@pytest.mark.parametrize(("day", "is_open"), [("2026-11-25", True), ("2026-11-26", False), ("2026-11-28", False)])
def test_a_day_is_open_if_any_site_is(day: str, is_open: bool) -> None:
    opening = Opening(WEEK.hours, frozenset({("markt", dt.date(2026, 11, 26))}))
    assert opening.is_open(dt.date.fromisoformat(day)) is is_open
    assert Opening({"markt": {}}).is_open(dt.date.fromisoformat(day)), "without hours on record every day counts"


def test_hours_of_two_sites_count_once() -> None:
    spans = [(dt.time(8), dt.time(12)), (dt.time(10), dt.time(13)), (dt.time(15), dt.time(18))]
    assert health.merged(spans) == ((dt.time(8), dt.time(13)), (dt.time(15), dt.time(18)))


NOW = local("2026-11-25 11:00")


@pytest.mark.parametrize(
    ("heard", "state", "breaker", "needs_person", "alive", "light", "reason"),
    [
        ("10:30", "ok", "closed", False, True, "green", "current"),
        ("10:15", "ok", "closed", False, True, "yellow", "late"),
        ("09:00", "ok", "closed", False, True, "red", "outdated"),
        ("10:30", "ok", "closed", False, False, "green", "current"),
        ("09:00", "ok", "closed", False, False, "grey", "no-service"),  # a dead service is no green and no red
        (None, None, "closed", False, True, "grey", "never-read"),
        ("10:59", "away", "closed", False, True, "red", "away"),
        ("10:59", "ok", "open", False, True, "red", "away"),
        ("10:59", "ok", "open", True, True, "red", "refused"),
        ("10:59", "stopped", "closed", False, True, "red", "stopped"),
        ("10:59", "bad-answer", "closed", False, True, "red", "bad-answer"),
    ],
)
def test_the_light_of_a_source(
    heard: str | None, state: str | None, breaker: str, needs_person: bool, alive: bool, light: str, reason: str
) -> None:
    facts = SourceFacts(
        "pvs",
        "Praxissoftware",
        state=state,
        heard_at=local(f"2026-11-25 {heard}") if heard else None,
        breaker=breaker,
        needs_person=needs_person,
    )
    found = health.source_health(facts, now=NOW, opening=WEEK, zone=BERLIN, service_alive=alive)
    assert (found.light, found.reason) == (light, reason)


@pytest.mark.parametrize(
    ("lights", "stuck", "expected"),
    [
        (["green", "green"], False, "green"),
        (["green", "yellow"], False, "yellow"),
        (["green", "grey"], False, "yellow"),
        (["grey", "grey"], False, "grey"),
        ([], False, "grey"),
        (["green", "red"], False, "red"),
        (["green"], True, "red"),
    ],
)
def test_the_light_of_a_practice_is_the_worst(lights: list[health.Light], stuck: bool, expected: str) -> None:
    sources = [health.SourceHealth("s", "S", light, "current", None, None, SourceFacts("s", "S")) for light in lights]
    late = health.stuck([("p", "1", "changes", NOW - dt.timedelta(hours=2))], NOW) if stuck else ()
    assert health.practice_health(sources, service_alive=True, stuck=late).light == expected


@pytest.mark.parametrize(
    ("scope", "minutes", "named"),
    [("changes", 15, False), ("changes", 16, True), ("full", 60, False), ("full", 61, True), ("snapshot", 61, True)],
)
def test_a_run_that_takes_too_long_is_named_with_a_remedy(scope: str, minutes: int, named: bool) -> None:
    found = health.stuck([("markt", "17", scope, NOW - dt.timedelta(minutes=minutes))], NOW)
    assert [(one.run, one.minutes) for one in found] == ([("17", minutes)] if named else [])
    assert all("praxistakt run markt" in one.remedy for one in found)


def test_a_service_is_alive_for_four_polls() -> None:
    assert health.service_alive(NOW - dt.timedelta(seconds=120), NOW, 30)
    assert not health.service_alive(NOW - dt.timedelta(seconds=121), NOW, 30)
    assert not health.service_alive(None, NOW, 30)


@pytest.mark.parametrize(
    ("now", "at", "due"),
    [
        ("2026-11-25 03:00", "02:30", "2026-11-25 02:30"),
        ("2026-11-25 02:29", "02:30", "2026-11-24 02:30"),
        ("2026-03-29 03:29", "02:30", "2026-03-28 02:30"),  # the hour is skipped: due when the clock is past it
        ("2026-03-29 03:30", "02:30", "2026-03-29 03:30"),
        ("2026-10-25 02:30", "02:30", "2026-10-25 02:30"),  # the hour comes twice: due at the first
        ("2026-10-25 03:10", "02:30", "2026-10-25 02:30"),
    ],
)
def test_the_nightly_run_is_due_by_the_wall_clock(now: str, at: str, due: str) -> None:
    assert health.last_due(dt.time.fromisoformat(at), local(now), BERLIN) == local(due)


def test_every_night_of_a_year_is_due_once() -> None:
    instants = (local("2026-01-01 00:00") + dt.timedelta(minutes=10 * step) for step in range(6 * 24 * 365))
    dues = {health.last_due(dt.time(2, 30), instant, BERLIN) for instant in instants}
    nights = {due.astimezone(BERLIN).date() for due in dues if due >= local("2026-01-01 00:00")}
    assert len(nights) == len([due for due in dues if due >= local("2026-01-01 00:00")]) == 365


@pytest.mark.parametrize(
    ("now", "quiet"),
    [("22:00", True), ("23:59", True), ("00:00", True), ("05:59", True), ("06:00", False), ("21:59", False)],
)
def test_quiet_hours_run_over_midnight(now: str, quiet: bool) -> None:
    assert health.is_quiet(local(f"2026-11-25 {now}"), NIGHT, BERLIN) is quiet


WELL = DueFacts(
    full_ok_at=local("2026-11-25 02:31"),
    full_tried_at=local("2026-11-25 02:31"),
    snapshot_on=dt.date(2026, 11, 25),
    requests=0,
    ops_number=7,
    built=(7, dt.date(2026, 11, 25)),
)


def changed(**facts: object) -> DueFacts:
    """All is well but for these."""
    return DueFacts(**{name: facts.get(name, getattr(WELL, name)) for name in DueFacts.__slots__})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "facts", "expected"),
    [
        ("11:00", {}, None),
        ("11:00", {"full_tried_at": None, "full_ok_at": None}, Due("full", "first")),
        (
            "11:00",
            {"full_ok_at": local("2026-11-20 02:31"), "full_tried_at": local("2026-11-20 02:31")},
            Due("full", "full"),
        ),
        ("11:00", {"full_ok_at": local("2026-11-24 02:31"), "full_tried_at": local("2026-11-25 10:30")}, None),
        (
            "11:30",
            {"full_ok_at": local("2026-11-24 02:31"), "full_tried_at": local("2026-11-25 10:30")},
            Due("full", "full"),
        ),
        ("11:00", {"requests": 1}, Due("changes", "request")),
        ("23:00", {"requests": 1}, Due("changes", "request")),  # a person may ask in quiet hours
        ("11:00", {"snapshot_on": dt.date(2026, 11, 24)}, Due("changes", "snapshot")),
        ("06:30", {"snapshot_on": dt.date(2026, 11, 24)}, None),  # not before 07:00
        ("23:00", {"snapshot_on": dt.date(2026, 11, 24)}, None),  # not in quiet hours
        ("11:00", {"ops_number": 8}, Due("changes", "decision")),
        ("11:00", {"built": None}, Due("changes", "decision")),
        ("06:30", {"built": (7, dt.date(2026, 11, 24))}, Due("changes", "day")),
    ],
)
def test_what_is_due(now: str, facts: dict[str, object], expected: Due | None) -> None:
    found = health.due(
        changed(**facts),
        now=local(f"2026-11-25 {now}"),
        zone=BERLIN,
        full_at=dt.time(2, 30),
        snapshot_at=dt.time(7),
        quiet=NIGHT,
    )
    assert found == expected


def test_five_missed_nights_are_made_up_by_one_run() -> None:
    facts, runs = changed(full_ok_at=local("2026-11-20 02:31"), full_tried_at=local("2026-11-20 02:31")), 0
    for minute in range(0, 240, 10):
        now = local("2026-11-25 08:00") + dt.timedelta(minutes=minute)
        found = health.due(facts, now=now, zone=BERLIN, full_at=dt.time(2, 30), snapshot_at=dt.time(7), quiet=())
        if found == Due("full", "full"):
            runs, facts = runs + 1, changed(full_ok_at=now, full_tried_at=now)
    assert runs == 1
