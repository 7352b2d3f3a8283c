"""A made-up practice: one life seen through two systems, in believable shares, with an exact truth."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import holidays
import polars as pl
import pytest

from connectors import records
from connectors.sandbox.world import WorldPlan, make_bulk, make_world
from connectors.sandbox.world_disagreements import KINDS
from connectors.sandbox.world_views import lanr

TODAY = dt.date(2026, 11, 25)
BERLIN = ZoneInfo("Europe/Berlin")
ENDED = ["cancelled", "rescheduled", "entered-in-error"]
PERSON_CALENDARS = ["1", "2", "3"]


@pytest.fixture(scope="module")
def world():
    return make_world(WorldPlan(TODAY, seed=3))


@pytest.fixture(scope="module")
def torn():
    return make_world(WorldPlan(TODAY, seed=3, disagreements=20))


def local(frame: pl.DataFrame) -> pl.DataFrame:
    """With the local start and end as naive wall time."""
    return frame.with_columns(
        local_start=pl.col("start").dt.convert_time_zone("Europe/Berlin").dt.replace_time_zone(None),
        local_end=pl.col("end").dt.convert_time_zone("Europe/Berlin").dt.replace_time_zone(None),
    )


def active(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(~pl.col("status").is_in(ENDED))


def most_at_once(frame: pl.DataFrame) -> int:
    """The largest number of rows at one instant (ends before starts at the same instant)."""
    events = [(start, 1) for start in frame["start"]] + [(end, -1) for end in frame["end"]]
    most = now = 0
    for _, step in sorted(events, key=lambda event: (event[0], event[1])):
        now += step
        most = max(most, now)
    return most


def test_every_frame_is_exactly_the_record(torn):
    for side in (torn.pvs, torn.booking):
        for resource, frame in side.items():
            assert frame.schema == records.schema(resource), resource
            assert frame["source_id"].is_unique().all(), resource
            for field, allowed in records.codes(resource).items():
                assert set(frame[field].drop_nulls()) <= set(allowed), (resource, field)
            for field in records.required(resource):
                assert frame[field].null_count() == 0, (resource, field)
    assert set(torn.pvs) == set(records.RECORDS) - {"slot"}
    assert set(torn.booking) == {
        "practitioner", "location", "healthcare_service", "schedule", "patient", "slot", "appointment",
    }  # fmt: skip


def test_references_lead_to_rows(torn):
    targets = {
        "schedule_id": "schedule",
        "patient_id": "patient",
        "practitioner_id": "practitioner",
        "substitute_id": "practitioner",
        "healthcare_service_id": "healthcare_service",
        "room_id": "location",
        "location_id": "location",
        "part_of": "location",
        "replaces": "appointment",
        "appointment_id": "appointment",
    }
    for side in (torn.pvs, torn.booking):
        for resource, frame in side.items():
            for field in set(targets) & set(frame.columns):
                found = set(frame[field].drop_nulls())
                known = set(side[targets[field]]["source_id"]) if targets[field] in side else set()
                assert found <= known, (resource, field)


def test_the_same_plan_gives_the_same_world(world):
    again = make_world(WorldPlan(TODAY, seed=3))
    other = make_world(WorldPlan(TODAY, seed=4))
    for resource, frame in world.pvs.items():
        assert frame.equals(again.pvs[resource]), resource
    for resource, frame in world.booking.items():
        assert frame.equals(again.booking[resource]), resource
    assert not other.pvs["appointment"].equals(world.pvs["appointment"])


def test_size_of_the_default_practice(world):
    assert world.pvs["patient"].height == 12_000
    assert world.pvs["practitioner"].height == 4
    assert [calendar["kind"] for calendar in world.calendars] == ["person"] * 4 + ["room"] * 2
    assert [calendar["leads"] for calendar in world.calendars][:4] == ["pvs", "pvs", "pvs", "platform"]
    assert [site["state"] for site in world.locations.values()] == ["BY", "HE"]
    days = local(world.pvs["appointment"])["local_start"].dt.date()
    assert days.min() < dt.date(2023, 12, 15)
    assert days.max() > dt.date(2027, 3, 1)


@pytest.mark.parametrize(("schedule", "capacity"), [("1", 1), ("2", 1), ("3", 1), ("5", 2)])
def test_nobody_is_booked_twice_unless_the_type_intends_it(world, schedule, capacity):
    services = world.pvs["healthcare_service"].filter("overbooking_intended")["source_id"].to_list()
    rows = active(world.pvs["appointment"]).filter(
        pl.col("schedule_id") == schedule, ~pl.col("healthcare_service_id").is_in(services).fill_null(value=False)
    )
    assert rows.height > 1_000
    assert most_at_once(rows) == capacity


def test_acute_patients_are_squeezed_in_and_rooms_are_not(world):
    rows = active(world.pvs["appointment"])
    assert most_at_once(rows.filter(schedule_id="1")) == 2
    room = rows.filter(pl.col("room_id") == "12")
    assert room.height > 300
    assert most_at_once(room) == 1


def test_the_platform_led_calendar_lives_on_the_platform(world):
    assert world.pvs["appointment"].filter(schedule_id="4").is_empty()
    there = world.booking["appointment"].filter(schedule_id="sched-4")
    assert there.height > 10_000
    assert {"fulfilled", "noshow", "cancelled", "booked"} <= set(there["status"])
    visits = world.pvs["visit"].filter(schedule_id="4")
    assert visits.height > 8_000
    assert visits["appointment_id"].null_count() == visits.height


def past_bookings(world) -> pl.DataFrame:
    return world.pvs["appointment"].filter(
        pl.col("start") < world.now, pl.col("schedule_id").is_in(PERSON_CALENDARS), pl.col("patient_id").is_not_null()
    )


def test_shares_are_believable(world):
    rows = past_bookings(world)
    status = rows["status"]
    kept = status.is_in(["fulfilled", "arrived", "noshow"]).sum()
    by_patient = rows.filter(status="cancelled", cancelled_by="patient")
    notice = (by_patient["start"] - by_patient["cancelled_at"]).dt.total_minutes() / 60
    mixed = rows["channel"].value_counts(normalize=True)
    online = mixed.filter(channel="online")["proportion"][0]
    bands = {
        "no-show": ((status == "noshow").sum() / kept, 0.04, 0.065),
        "unknown": ((status == "booked").mean(), 0.01, 0.02),
        "cancelled less than a day ahead": (((notice > 0) & (notice < 24)).sum() / rows.height, 0.03, 0.06),
        "cancelled earlier": ((notice >= 24).sum() / rows.height, 0.04, 0.12),
        "cancelled afterwards": ((notice <= 0).sum() / rows.height, 0.0002, 0.003),
        "cancelled by the practice": ((rows["cancelled_by"] == "practice").sum() / rows.height, 0.005, 0.05),
        "rescheduled": ((status == "rescheduled").mean(), 0.015, 0.05),
        "online": (online, 0.30, 0.40),
        "series": (rows["series_id"].is_not_null().mean(), 0.02, 0.12),
    }
    assert {name: value for name, (value, low, high) in bands.items() if not low <= value <= high} == {}


def test_no_shows_grow_with_lead(world):
    kept = past_bookings(world).filter(pl.col("status").is_in(["fulfilled", "noshow"]))
    lead = (kept["start"] - kept["created_at"]).dt.total_days()
    share = [
        (part["status"] == "noshow").mean()
        for part in (kept.filter(lead < 1), kept.filter((lead >= 1) & (lead < 14)), kept.filter(lead >= 30))
    ]
    assert share == sorted(share)
    assert share[2] > 2 * share[0]


def test_calendars_are_as_full_as_believable(world):
    rows = active(past_bookings(world)).filter(schedule_id="1").with_columns(day=pl.col("start").dt.date())
    minutes = rows.group_by("day").agg(((pl.col("end") - pl.col("start")).dt.total_minutes()).sum().alias("minutes"))
    assert 170 < minutes["minutes"].median() < 480


def test_the_future_is_emptier_the_farther_it_is(world):
    ahead = world.pvs["appointment"].filter(pl.col("start") > world.now, pl.col("status") == "booked")
    week = ((ahead["start"] - world.now).dt.total_days() // 7).value_counts(sort=False).sort("start")
    counts = dict(week.iter_rows())
    assert counts[0] > counts[2] > counts[8] > 0


def test_instants_are_in_order_and_none_lies_ahead(torn):
    for side in (torn.pvs, torn.booking):
        rows = side["appointment"]
        assert (rows["created_at"] < rows["start"]).all()
        assert (rows["start"] < rows["end"]).all()
        assert rows.filter(pl.col("cancelled_at") < pl.col("created_at")).is_empty()
        for name in ("created_at", "cancelled_at", "changed_at", "arrived_at", "actual_end"):
            assert rows.filter(pl.col(name) > torn.now).is_empty(), name
        assert rows.filter((pl.col("status") == "cancelled") != pl.col("cancelled_by").is_not_null()).is_empty()
        ended = pl.col("status").is_in(["cancelled", "rescheduled"])
        assert rows.filter(ended != pl.col("cancelled_at").is_not_null()).is_empty()
        for name in ("start", "end", "created_at", "cancelled_at", "changed_at"):
            assert (rows[name].drop_nulls() == rows[name].drop_nulls().dt.truncate("1m")).all(), name


def test_patients_are_known_before_they_book_and_none_after_death(world):
    rows = world.pvs["appointment"].join(world.pvs["patient"], left_on="patient_id", right_on="source_id")
    assert rows.filter(pl.col("created_at_right") > pl.col("created_at")).is_empty()
    assert rows.filter(pl.col("deceased_on") < pl.col("start").dt.date(), pl.col("status") == "fulfilled").is_empty()


def test_a_move_names_the_row_it_replaces(world):
    rows = world.pvs["appointment"]
    moved = rows.filter(pl.col("replaces").is_not_null())
    assert moved.height > 500
    pairs = moved.join(rows, left_on="replaces", right_on="source_id", suffix="_old")
    assert set(pairs["status_old"]) == {"rescheduled"}
    for name in ("patient_id", "schedule_id", "healthcare_service_id"):
        assert (pairs[name] == pairs[f"{name}_old"]).all(), name
    assert (pairs["cancelled_at_old"] == pairs["created_at"]).all()


def test_a_series_is_one_patient_once_a_week(world):
    rows = local(world.pvs["appointment"].drop_nulls("series_id")).filter(pl.col("status") != "rescheduled")
    for _, part in list(rows.sort("start").group_by("series_id", maintain_order=True))[:200]:
        assert part["patient_id"].n_unique() == 1
        assert part.height <= 10
        assert part["local_start"].dt.weekday().n_unique() == 1
        gaps = part["local_start"].dt.date().diff().dt.total_days().drop_nulls()
        assert (gaps % 7 == 0).all()


@pytest.mark.parametrize(
    ("schedules", "state", "categories"),
    [(["1", "2", "5"], "BY", ("public", "catholic")), (["3", "6"], "HE", ("public",))],
)
def test_holidays_of_both_laender_are_free(world, schedules, state, categories):
    days = list(holidays.Germany(subdiv=state, years=range(2023, 2028), categories=categories))
    rows = local(world.pvs["appointment"]).filter(pl.col("schedule_id").is_in(schedules))
    assert rows.filter(pl.col("local_start").dt.date().is_in(days)).is_empty()


def test_a_holiday_of_one_land_is_a_working_day_in_the_other(world):
    epiphany = pl.col("local_start").dt.date() == dt.date(2025, 1, 6)
    rows = local(world.pvs["appointment"]).filter(epiphany)
    assert set(rows["schedule_id"]) == {"3"}


def test_closures_are_empty(world):
    for closure in world.closures:
        day = pl.col("local_start").dt.date().is_between(closure["start"], closure["end"])
        assert local(world.pvs["appointment"]).filter(day).is_empty()


def test_nobody_is_seen_during_an_absence(world):
    rows = active(world.pvs["appointment"]).filter(pl.col("status") != "block")
    away = world.pvs["absence"].filter(kind="absence").select("schedule_id", away="start", back="end")
    hit = rows.join(away, on="schedule_id").filter(
        pl.col("start") < pl.col("back"), pl.col("end") > pl.col("away"), pl.col("status") != "booked"
    )
    assert hit.is_empty()
    assert world.pvs["absence"].drop_nulls("substitute_id").height > 10


@pytest.mark.parametrize(
    ("day", "minutes"), [(dt.date(2026, 3, 29), 120), (dt.date(2026, 10, 25), 240), (dt.date(2025, 10, 26), 240)]
)
def test_the_night_duty_has_the_hours_that_the_clocks_leave(world, day, minutes):
    duty = world.pvs["working_hours"].filter(pl.col("date") == day)
    assert duty["start_time"].to_list() == [dt.time(1)]
    begin = dt.datetime.combine(day, dt.time(1), tzinfo=BERLIN).astimezone(dt.UTC)
    end = dt.datetime.combine(day, dt.time(4), tzinfo=BERLIN).astimezone(dt.UTC)
    assert (end - begin).total_seconds() / 60 == minutes
    rows = world.pvs["appointment"].filter(pl.col("start") < end, pl.col("end") > begin)
    assert rows.height > 3
    inside = rows.filter(pl.col("start") >= begin, pl.col("end") <= end)
    assert active(inside).select((pl.col("end") - pl.col("start")).dt.total_minutes().sum()).item() > minutes / 3


def test_hours_change_once_and_one_saturday_in_two_is_open(world):
    hours = world.pvs["working_hours"].filter(schedule_id="2")
    ended = hours.drop_nulls("valid_to")
    assert ended.height > 0
    begins = hours.filter(pl.col("valid_from") == ended["valid_to"][0] + dt.timedelta(days=1))
    saturday = begins.filter(weekday=6)
    assert saturday["week_interval"].to_list() == [2]
    rows = local(world.pvs["appointment"]).filter(pl.col("schedule_id") == "2", pl.col("local_start").dt.weekday() == 6)
    weeks = (rows["local_start"].dt.date() - saturday["valid_from"][0]).dt.total_days() // 7 % 2
    assert set(weeks) == {0}


def test_visits_follow_appointments(world):
    visits = world.pvs["visit"]
    assert visits.filter(pl.col("started_at") < pl.col("arrived_at")).is_empty()
    assert visits.filter(pl.col("finished_at") < pl.col("started_at")).is_empty()
    joined = visits.join(world.pvs["appointment"], left_on="appointment_id", right_on="source_id")
    assert set(joined["status"]) == {"fulfilled", "arrived", "booked"}
    assert (joined["patient_id"] == joined["patient_id_right"]).all()
    fulfilled = world.pvs["appointment"].filter(status="fulfilled")
    assert fulfilled.join(visits, left_on="source_id", right_on="appointment_id", how="anti").is_empty()
    assert 0.01 < visits.filter(pl.col("schedule_id") != "4")["appointment_id"].is_null().mean() < 0.04


def test_billed_services_fit_age_gender_and_day(world):
    billed = world.pvs["billed_service"].join(world.pvs["patient"], left_on="patient_id", right_on="source_id")
    billed = billed.with_columns(age=(pl.col("service_date") - pl.col("birth_date")).dt.total_days() / 365.25)
    assert {"01732", "01745", "01731", "03000"} <= set(billed["code"])
    assert billed.filter(pl.col("code") == "01731", (pl.col("gender") != "male") | (pl.col("age") < 45)).is_empty()
    assert billed.filter(pl.col("code") == "01745", pl.col("age") < 35).is_empty()
    assert billed.filter(pl.col("code") == "01732").group_by("patient_id").len()["len"].max() == 1
    assert set(billed.filter(insurance_kind="private")["code_system"]) == {"GOAE"}


def test_children_have_a_guardian_of_their_household(world):
    home = world.persons.filter(source="pvs")
    rows = world.pvs["related_person"].join(world.pvs["patient"], left_on="patient_id", right_on="source_id")
    assert rows.height > 500
    assert (rows["birth_date"] > dt.date(2010, 11, 24)).all()
    assert rows.join(home, on="patient_id").height == rows.height
    names = (
        world.pvs["patient"]
        .select("source_id", "given_name", "family_name")
        .join(home, left_on="source_id", right_on="patient_id")
    )
    mine = rows.select("patient_id", "given_name", "family_name").join(home, on="patient_id")
    adults = mine.join(names, on=["household", "given_name", "family_name"])
    assert adults["patient_id"].n_unique() == rows["patient_id"].n_unique()


def test_platform_slots_are_busy_where_somebody_is(world):
    slots = world.booking["slot"]
    booked = active(world.pvs["appointment"]).filter(schedule_id="1").select(begin="start", until="end")
    mine = slots.filter(schedule_id="sched-1")
    taken = mine.join_where(booked, pl.col("start") < pl.col("until"), pl.col("end") > pl.col("begin"))
    assert set(taken["status"]) == {"busy"}
    assert set(mine.filter(status="busy")["source_id"]) == set(taken["source_id"])
    assert set(mine["status"]) == {"free", "busy"}


def differences(world) -> set[tuple[str, str | None, str | None]]:
    """The slow reference: every disagreement of the two frames, by the known pairs and persons."""
    person = {(source, key): who for source, key, who in world.persons.select("source", "patient_id", "person").rows()}
    first_record = {}
    for source, key, who in world.persons.select("source", "patient_id", "person").rows():
        if source == "pvs":
            first_record.setdefault(who, key)
    merged = set(world.pvs["patient"].drop_nulls("replaced_by")["source_id"])
    led = {
        c["schedules"]["booking"]: c["schedules"]["pvs"]
        for c in world.calendars
        if c["leads"] == "pvs" and "booking" in c["schedules"]
    }
    pvs = {row["source_id"]: row for row in world.pvs["appointment"].to_dicts()}
    booking = {row["source_id"]: row for row in world.booking["appointment"].to_dicts() if row["schedule_id"] in led}
    found = set()
    paired_pvs, paired_booking = set(world.pairs["pvs_id"]), set(world.pairs["booking_id"])
    for a, b in world.pairs.rows():
        mine, theirs = pvs[a], booking[b]
        if mine["start"] != theirs["start"]:
            same_day = mine["start"].astimezone(BERLIN).date() == theirs["start"].astimezone(BERLIN).date()
            found.add(("time_differs" if same_day else "moved_on_one_side", a, b))
        if mine["status"] != theirs["status"]:
            found.add(("cancelled_on_one_side", a, b))
        who = person["pvs", mine["patient_id"]]
        if who != person["booking", theirs["patient_id"]]:
            found.add(("patient_differs", a, b))
        elif first_record[who] != mine["patient_id"] and mine["patient_id"] not in merged:
            found.add(("same_person_twice", a, b))
    found |= {("only_in_pvs", a, None) for a, row in pvs.items() if row["channel"] == "online" and a not in paired_pvs}
    ahead = [row for row in pvs.values() if row["start"] > world.now and row["status"] not in ENDED]
    for b, row in booking.items():
        if b not in paired_booking:
            clash = [
                x["source_id"]
                for x in ahead
                if x["schedule_id"] == led[row["schedule_id"]] and x["start"] < row["end"] and x["end"] > row["start"]
            ]
            found |= {("double_booked", a, b) for a in clash} or {("only_on_platform", None, b)}
    return found


def test_without_disagreements_both_sides_agree(world):
    assert world.truth.is_empty()
    assert differences(world) == set()
    pairs = (
        world.pairs.join(world.pvs["appointment"], left_on="pvs_id", right_on="source_id")
        .join(world.booking["appointment"], left_on="booking_id", right_on="source_id", suffix="_there")
    )  # fmt: skip
    assert pairs.height == world.pairs.height > 15_000
    for name in ("start", "end", "status", "created_at", "cancelled_at", "cancelled_by", "modality", "channel"):
        assert pairs[name].eq_missing(pairs[f"{name}_there"]).all(), name


def test_the_truth_about_disagreements_is_complete_and_exact(torn):
    told = set(torn.truth.select("kind", "pvs_id", "booking_id").rows())
    assert told == differences(torn)
    assert torn.truth["kind"].value_counts().sort("kind").rows() == sorted((kind, 20) for kind in KINDS)


def test_disagreements_are_disjoint_and_soon(torn):
    for name in ("pvs_id", "booking_id"):
        assert torn.truth[name].drop_nulls().is_unique().all()
    starts = pl.concat(
        side["appointment"].select(id=pl.lit(name) + pl.col("source_id"), start="start")
        for name, side in (("p", torn.pvs), ("b", torn.booking))
    )
    ids = torn.truth.select(id=pl.coalesce(pl.lit("p") + pl.col("pvs_id"), pl.lit("b") + pl.col("booking_id")))
    ahead = ids.join(starts, on="id")["start"] - torn.now
    assert ahead.min() > dt.timedelta()
    assert (ahead < dt.timedelta(days=29)).mean() > 0.9
    assert (ahead < dt.timedelta(hours=72)).sum() >= 10


def test_the_truth_names_the_patients(torn):
    person = {(s, k): p for s, k, p in torn.persons.select("source", "patient_id", "person").rows()}
    for row in torn.truth.to_dicts():
        kind, mine, theirs, other = (
            row[n] for n in ("kind", "pvs_patient_id", "booking_patient_id", "other_patient_id")
        )
        if kind == "same_person_twice":
            assert person["pvs", mine] == person["pvs", other] == person["booking", theirs]
            assert mine != other
        elif kind == "patient_differs":
            assert person["pvs", other] == person["booking", theirs] != person["pvs", mine]
        elif kind == "double_booked":
            assert person["pvs", mine] != person["booking", theirs]
        else:
            assert other is None


def test_a_practice_too_small_for_its_disagreements_says_so():
    plan = WorldPlan(TODAY, patients=300, years=0.2, practitioners=2, rooms=0, locations=1, disagreements=500)
    with pytest.raises(ValueError, match="expected 500: plan a larger practice"):
        make_world(plan)


@pytest.mark.parametrize("settings", [{"locations": 0}, {"locations": 9}, {"practitioners": 1}, {"platform_led": 5}])
def test_a_plan_that_cannot_be_is_refused(settings):
    with pytest.raises(ValueError, match="expected"):
        WorldPlan(TODAY, **settings)


def test_bulk_has_exactly_the_rows_asked_for():
    frames = make_bulk(appointments=12_000, patients=2_000, calendars=3, seed=1, today=TODAY)
    assert frames["appointment"].height == 12_000
    assert frames["patient"].height == 2_000
    assert frames["schedule"].height == 3
    for resource, frame in frames.items():
        assert frame.schema == records.schema(resource)
    known = set(frames["appointment"]["source_id"])
    assert set(frames["visit"]["appointment_id"].drop_nulls()) <= known
    assert set(frames["appointment"]["replaces"].drop_nulls()) <= known
    assert set(frames["appointment"]["schedule_id"]) == {"1", "2", "3"}


def test_physician_numbers_have_their_check_digit():
    number = lanr(123_456)
    total = sum(int(d) * w for d, w in zip(number[:6], (4, 9, 4, 9, 4, 9), strict=True))
    assert int(number[6]) == (10 - total % 10) % 10
    assert len(number) == 9
