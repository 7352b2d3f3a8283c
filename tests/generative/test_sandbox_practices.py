"""Any made-up practice keeps its promises: Hypothesis draws plans and times, slow references say what must hold."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors import records
from connectors.sandbox import kvnr
from connectors.sandbox.people import make_people, second_view
from connectors.sandbox.world import WorldPlan, make_world
from connectors.sandbox.world_hours import instant, instants, opening, subtract

DAYS = st.dates(dt.date(2024, 1, 1), dt.date(2027, 12, 31))
ENDED = ["cancelled", "rescheduled", "entered-in-error"]

plans = st.builds(
    WorldPlan,
    today=DAYS,
    seed=st.integers(0, 10_000),
    patients=st.integers(50, 600),
    years=st.sampled_from([0.1, 0.3]),
    months_ahead=st.integers(1, 3),
    practitioners=st.integers(3, 5),
    rooms=st.integers(0, 4),
    locations=st.integers(1, 3),
    platform_led=st.integers(0, 2),
)


def most_at_once(rows: list[tuple[dt.datetime, dt.datetime]]) -> int:
    most = now = 0
    for _, step in sorted([(start, 1) for start, _ in rows] + [(end, -1) for _, end in rows]):
        now += step
        most = max(most, now)
    return most


@given(plan=plans)
@settings(max_examples=12, deadline=None)
def test_every_practice_keeps_its_promises(plan):
    world = make_world(plan)
    capacity = dict(world.pvs["schedule"].select("source_id", "capacity").rows())
    for side in (world.pvs, world.booking):
        for resource, frame in side.items():
            assert frame.schema == records.schema(resource)
            assert frame["source_id"].is_unique().all()
        rows = side["appointment"]
        intended = side["healthcare_service"].filter("overbooking_intended")["source_id"].to_list()
        plain = rows.filter(
            ~pl.col("status").is_in(ENDED), ~pl.col("healthcare_service_id").is_in(intended).fill_null(value=False)
        )
        for (schedule,), part in plain.group_by("schedule_id"):
            k = capacity[str(schedule).removeprefix("sched-")]
            assert most_at_once(part.select("start", "end").rows()) <= k
        assert (rows["created_at"] <= world.now).all()
        assert (rows["created_at"] < rows["start"]).all()
        assert rows.filter(pl.col("start") > world.now, pl.col("status").is_in(["fulfilled", "noshow"])).is_empty()
    pairs = world.pairs.join(world.pvs["appointment"], left_on="pvs_id", right_on="source_id").join(
        world.booking["appointment"], left_on="booking_id", right_on="source_id", suffix="_there"
    )
    assert pairs.height == world.pairs.height
    for name in ("start", "end", "status", "cancelled_at"):
        assert pairs[name].eq_missing(pairs[f"{name}_there"]).all()
    on_platform = world.booking["appointment"].height
    led = [c["schedules"]["booking"] for c in world.calendars if c["leads"] == "platform"]
    assert on_platform == pairs.height + world.booking["appointment"]["schedule_id"].is_in(led).sum()


intervals = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60), st.integers(1, 20)), max_size=12)
CUTS = pl.Schema({"calendar": pl.Int64, "start": pl.Int64, "end": pl.Int64})


@given(sessions=intervals, cuts=intervals)
def test_subtracting_time_equals_subtracting_minutes(sessions, cuts):
    day = dt.date(2026, 1, 1)
    open_time = pl.DataFrame(
        [(c, day, start, start + length) for c, start, length in sessions],
        schema={"calendar": pl.Int64, "day": pl.Date, "start": pl.Int64, "end": pl.Int64},
        orient="row",
    )
    closed = pl.DataFrame([(c, start, start + length) for c, start, length in cuts], schema=CUTS, orient="row")
    expected = sorted(
        (c, minute)
        for c, start, length in sessions
        for minute in range(start, start + length)
        if not any(c == cc and cut <= minute < cut + size for cc, cut, size in cuts)
    )
    left = subtract(open_time, closed)
    assert sorted((c, m) for c, _, start, end in left.rows() for m in range(start, end)) == expected


# A Thursday on which somebody who does paper work is ill.
@example(
    plan=WorldPlan(
        dt.date(2025, 1, 1),
        patients=50,
        years=0.3,
        months_ahead=1,
        practitioners=4,
        rooms=0,
        locations=1,
        platform_led=0,
    )
)
@given(plan=plans)
@settings(max_examples=15, deadline=None)
def test_sessions_are_hours_less_everything_that_closes(plan):
    opened = opening(plan, np.random.default_rng(plan.seed))
    free = set(opened.holidays.rows())
    planned = opened.absences.filter(~pl.col("illness")).select("calendar", "start", "end").rows()
    blocks = opened.block_appointments.select("calendar", "start", "end").rows()
    hours = opened.hours.to_dicts()
    probe = [plan.first_day + dt.timedelta(days=13 * i) for i in range(8)]
    for day in (d for d in probe if d <= plan.last_day):
        closed = any(c["start"] <= day <= c["end"] for c in opened.closures)
        expected = set()
        for rule in hours:
            line = rule["calendar"]
            if rule["kind"] == "regular":
                if rule["weekday"] != day.isoweekday() or day < rule["valid_from"] or (line, day) in free or closed:
                    continue
                if rule["valid_to"] and day > rule["valid_to"]:
                    continue
                monday = rule["valid_from"] - dt.timedelta(days=rule["valid_from"].weekday())
                if (day - monday).days // 7 % rule["week_interval"]:
                    continue
            elif rule["date"] != day:
                continue
            expected |= {(line, m) for m in range(instant(day, rule["start_time"]), instant(day, rule["end_time"]))}
        for line, start, end in [*planned, *blocks]:
            expected -= {(c, m) for c, m in expected if line in (None, c) and start <= m < end}
        mine = opened.sessions.filter(day=day)
        assert {(c, m) for c, _, start, end in mine.rows() for m in range(start, end)} == expected


@given(day=DAYS, minute=st.integers(0, 1439))
def test_wall_time_becomes_the_instant_that_python_says(day, minute):
    time = dt.time(minute // 60, minute % 60)
    assert instants(pl.Series([day]), pl.Series([time]))[0] == instant(day, time)


@given(st.lists(st.integers(0, kvnr.SPACE - 1), min_size=1, max_size=20))
def test_check_digits_equal_the_rule_done_by_hand(numbers):
    array = np.array(numbers, dtype=np.int64)
    for text in kvnr.texts(array, kvnr.check_digits(array)):
        digits = f"{ord(text[0]) - 64:02d}{text[1:9]}"
        products = (int(d) * (1 + i % 2) for i, d in enumerate(digits))
        assert sum(p // 10 + p % 10 for p in products) % 10 == int(text[9])


@given(n=st.integers(1, 300), seed=st.integers(0, 1000), style=st.sampled_from(["de", "region", "clean", "rough"]))
@settings(max_examples=25, deadline=None)
def test_people_of_any_size_have_their_truth(n, seed, style):
    people = make_people(n, seed, style)
    assert people.frame.height == people.truth.height == n
    assert people.truth.group_by("person").agg(pl.col("household").n_unique())["household"].max() == 1
    frame, truth = second_view(people, 0.7, seed)
    assert frame.schema == records.schema("patient")
    assert set(truth["first_id"]) <= set(people.frame["source_id"])
    assert truth["second_id"].to_list() == frame["source_id"].to_list()
