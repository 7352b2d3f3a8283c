"""Both flavours of booking platform as a Source, over a real server on loopback."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from connectors import errors, records
from connectors.sandbox import booking_fhir
from connectors.sandbox.booking_store import text
from connectors.source import ReadRequest, Source, Window
from tests.kit.booking import NOW, TOMORROW, Played, appointment, frame, minutes, played, read, small_practice

FLAVOURS = ["isik", "booking-json"]


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with played(tmp_path_factory.mktemp("platform")) as running:
        yield running


@pytest.fixture
def platform(unchanged: Played) -> Iterator[Played]:
    yield unchanged.afresh()
    unchanged.afresh()


def words(given: pl.DataFrame) -> pl.DataFrame:
    """A frame without the platform's own codes, which say the same in other words."""
    return given.select(pl.exclude("^.*_code$")).sort("source_id")


@pytest.mark.parametrize(
    "resource", ["practitioner", "location", "healthcare_service", "schedule", "patient", "appointment"]
)
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_round_trip(unchanged: Played, flavour: str, resource: str) -> None:
    with unchanged.open(flavour) as source:
        batch = read(source, resource)
    assert_frame_equal(words(batch.frame), words(small_practice()[resource]))
    assert batch.rejected.is_empty()
    assert batch.issues.is_empty()
    assert batch.unmapped.is_empty()
    assert batch.scope == "full"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_round_trip_of_offers(unchanged: Played, flavour: str) -> None:
    window = Window(NOW, NOW + dt.timedelta(days=30))
    with unchanged.open(flavour) as source:
        batch = read(source, "slot", "window", window=window)
    assert_frame_equal(words(batch.frame), words(small_practice()["slot"]))
    assert (batch.scope, batch.window) == ("window", window)


@pytest.mark.parametrize("page_size", [1, 2, 3, 7])
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_size_of_a_page_changes_nothing(unchanged: Played, flavour: str, page_size: int) -> None:
    with unchanged.open(flavour, page_size=page_size) as source:
        batch = read(source, "slot", "window", window=Window(NOW, NOW + dt.timedelta(days=30)))
    assert batch.frame.height == small_practice()["slot"].height


def test_it_is_a_source(unchanged: Played) -> None:
    for flavour in FLAVOURS:
        with unchanged.open(flavour) as source:
            assert isinstance(source, Source)
            assert set(source.resources) <= set(records.RECORDS)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_window_of_appointments(unchanged: Played, flavour: str) -> None:
    with unchanged.open(flavour) as source:
        ahead = read(source, "appointment", "window", window=Window(NOW, NOW + dt.timedelta(days=30)))
        before = read(source, "appointment", "window", window=Window(NOW - dt.timedelta(days=30), NOW))
        edge = read(source, "appointment", "window", window=Window(TOMORROW - minutes(15), TOMORROW - minutes(14)))
        none = read(source, "appointment", "window", window=Window(TOMORROW - minutes(30), TOMORROW - minutes(15)))
    assert ahead.frame["source_id"].to_list() == ["a1"]
    assert before.frame["source_id"].to_list() == ["a2"]
    assert edge.frame["source_id"].to_list() == ["a1"]
    assert none.frame.is_empty()


def test_past_offers_are_no_removals(unchanged: Played) -> None:
    asked = Window(NOW - dt.timedelta(days=14), NOW + dt.timedelta(days=30))
    with unchanged.open("isik") as source:
        assert read(source, "slot", "window", window=asked).window == Window(NOW, asked.end)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_changes_since_a_position(platform: Played, flavour: str) -> None:
    with platform.open(flavour) as source:
        first = read(source, "appointment")
        watermark = {name: read(source, name).position or "" for name in ("appointment", "patient", "schedule")}
        watermark |= {name: read(source, name).position or "" for name in source.resources if name != "slot"}
        assert not source.has_news(watermark)
        platform.pass_time(minutes(10))
        assert not source.has_news(watermark)
        platform.server.cancel_online("a1", platform.now())
        assert source.has_news(watermark)
        changes = read(source, "appointment", "changes", since=first.position)
        assert changes.scope == "changes"
        assert changes.frame.select("source_id", "status", "cancelled_by").rows() == [("a1", "cancelled", "patient")]
        assert changes.frame["changed_at"].to_list() == [platform.now()]
        assert not source.has_news(watermark | {"appointment": changes.position or ""})


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_row_that_is_touched_twice_in_one_second_is_news(platform: Played, flavour: str) -> None:
    with platform.open(flavour) as source:
        platform.pass_time(minutes(10))
        platform.server.change_phone("p1", "0151 1", platform.now())
        watermark = {name: read(source, name).position or "" for name in source.resources if name != "slot"}
        assert not source.has_news(watermark)
        platform.pass_time(dt.timedelta(microseconds=1))
        platform.server.change_phone("p1", "0151 2", platform.now())
        assert source.has_news(watermark)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_late_commit_is_news(platform: Played, flavour: str) -> None:
    with platform.open(flavour) as source:
        watermark = {name: read(source, name).position or "" for name in source.resources if name != "slot"}
        platform.server.change_phone("p1", "0151 1", NOW - dt.timedelta(seconds=90))
        assert source.has_news(watermark)
        changes = read(source, "patient", "changes", since=watermark["patient"])
        assert changes.frame["mobile"].to_list() == ["0151 1"]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_window_brings_what_moved_out_of_it(platform: Played, flavour: str) -> None:
    window = Window(NOW, NOW + dt.timedelta(days=30))
    far = TOMORROW + dt.timedelta(days=60)
    with platform.open(flavour) as source:
        others = {name: read(source, name).position or "" for name in source.resources if name != "slot"}
        first = others["appointment"]
        platform.pass_time(minutes(10))
        platform.server.store.put(
            "slot",
            "far",
            {"schedule_id": "c1", "status": "free", "start": text(far), "end": text(far + minutes(15))},
            NOW,
        )
        platform.server.move_online("a1", far, far + minutes(15), platform.now())
        batch = read(source, "appointment", "window", since=first, window=window)
        assert batch.scope == "window"
        assert batch.frame.select("source_id", "start").rows() == [("a1", far)]
        assert not source.has_news(others | {"appointment": batch.position or ""})
        assert read(source, "appointment", "window", window=window).position is None


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_without_stamps_every_reading_is_wide(platform: Played, flavour: str) -> None:
    window = Window(NOW, NOW + dt.timedelta(days=30))
    with platform.open(flavour, last_updated="no") as source:
        batch = read(source, "appointment", "changes", since="2026-01-01T00:00:00Z/0/", window=window)
        assert (batch.scope, batch.window, batch.position) == ("window", window, None)
        assert read(source, "patient", "changes", since="2026-01-01T00:00:00Z/0/").scope == "full"
        assert source.has_news({})


@pytest.mark.parametrize("status", [429, 502])
def test_a_poll_is_not_tried_again_and_a_hurried_reading_loses_little(platform: Played, status: int) -> None:
    with platform.open() as source:
        watermark = {name: read(source, name).position or "" for name in source.resources if name != "slot"}
        platform.server.faults.add("status", status=status)
        with pytest.raises((errors.SourceBusy, errors.SourceAway)):
            source.has_news(watermark)
        assert platform.slept == []
        platform.server.faults.add("status", status=status, times=9)
        with pytest.raises((errors.SourceBusy, errors.SourceAway)):
            list(source.read(ReadRequest("patient", "full", patience=8.0)))
        assert platform.slept == [0.5, 1.0]
        platform.server.faults.clear()
        assert not source.has_news(watermark)


def test_a_platform_that_is_never_read_has_news(unchanged: Played) -> None:
    with unchanged.open() as source:
        assert source.has_news({"patient": read(source, "patient").position or ""})


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_foreign_position_is_no_guess(unchanged: Played, flavour: str) -> None:
    with unchanged.open(flavour) as source, pytest.raises(errors.BadAnswer, match="stored position"):
        list(source.read(ReadRequest("appointment", "changes", since="yesterday")))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_empty_platform(tmp_path: Path, flavour: str) -> None:
    with played(tmp_path, {}) as platform, platform.open(flavour) as source:
        for resource in source.resources:
            batch = read(source, resource)
            assert batch.frame.is_empty()
            assert batch.frame.schema == records.schema(resource)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_look(unchanged: Played, flavour: str) -> None:
    with unchanged.open(flavour) as source:
        for resource, key in (("appointment", "a1"), ("patient", "p1")):
            found = source.look(resource, key)
            expected = small_practice()[resource].filter(source_id=key).row(0, named=True)
            assert found == {name: expected[name] for name in records.columns(resource)}
        assert source.look("appointment", "nobody") is None
        assert source.look("patient", "../p1") is None


def test_the_schedule_is_known_although_the_slot_is_gone(platform: Played) -> None:
    platform.server.store.delete("slot", "for-a2")
    with platform.open() as source:
        found = read(source, "appointment").frame.filter(source_id="a2")
    assert found["schedule_id"].to_list() == ["c1"]


def test_codes_and_extensions_of_the_settings(tmp_path: Path) -> None:
    frames = small_practice() | {
        "appointment": frame("appointment", appointment("a1", start=TOMORROW, channel="app", status="verlegt"))
    }
    with played(tmp_path, frames) as platform:
        with platform.open() as source:
            told = read(source, "appointment")
        codes = {"appointment": {"channel": {"app": "online"}, "status": {"verlegt": "rescheduled"}}}
        with platform.open(
            codes=codes, extensions={"appointment": {"modality": "urn:praxistakt:appointment.channel"}}
        ) as source:
            mapped = read(source, "appointment")
    assert told.unmapped.select("field", "code", "rows").rows() == [("channel", "app", 1), ("status", "verlegt", 1)]
    assert told.frame.select("channel", "channel_code").row(0) == ("unknown", "app")
    assert mapped.frame.select("channel", "status", "modality_code").row(0) == ("online", "rescheduled", "app")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_fhir_cannot_say_of_a_status(tmp_path: Path, flavour: str) -> None:
    statuses = ["rescheduled", "block", "cancelled", "booked"]
    rows = [appointment(f"a{i}", start=TOMORROW + minutes(60 * i), status=status) for i, status in enumerate(statuses)]
    with played(tmp_path, small_practice() | {"appointment": frame("appointment", *rows)}) as platform:
        with platform.open(flavour) as source:
            batch = read(source, "appointment")
        stored = platform.server.store.get("appointment", "a0")
    assert batch.frame["status"].to_list() == statuses
    assert batch.unmapped.is_empty()
    assert stored is not None
    assert booking_fhir.resource(stored)["status"] == "cancelled"


def test_an_unreadable_optional_value_is_listed(tmp_path: Path) -> None:
    with played(tmp_path) as platform:
        stored = platform.server.store.get("patient", "p1")
        assert stored is not None
        platform.server.store.put("patient", "p1", {**stored.body, "birth_date": "1980"}, NOW)
        with platform.open() as source:
            batch = read(source, "patient")
    assert batch.frame.height == 2
    assert batch.issues.select("source_id", "field", "rule", "found").rows() == [("p1", "birth_date", "format", "1980")]


def levels(platform: Played, flavour: str, **settings: object) -> dict[str, str]:
    with platform.open(flavour, **settings) as source:
        return {finding.check: finding.level for finding in source.check()}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_check(unchanged: Played, flavour: str) -> None:
    found = levels(unchanged, flavour)
    assert set(found.values()) == {"ok"}
    assert {"connection", "version", "clock"} <= set(found)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_check_of_a_platform_that_refuses(unchanged: Played, flavour: str) -> None:
    assert levels(unchanged, flavour, secret="wrong") == {"connection": "error"}


@pytest.mark.parametrize(
    ("seconds", "level"), [(59, "ok"), (60, "warn"), (-299, "warn"), (300, "error"), (-800, "error")]
)
def test_check_of_the_clock(unchanged: Played, seconds: int, level: str) -> None:
    with unchanged.open() as source:
        source._platform._now = lambda: NOW + dt.timedelta(seconds=seconds)
        assert {finding.check: finding.level for finding in source.check()}["clock"] == level


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_check_of_a_missing_right(platform: Played, flavour: str) -> None:
    platform.server.faults.add("status", status=403, skip=1)
    found = levels(platform, flavour)
    assert list(found.values()).count("error") == 1
