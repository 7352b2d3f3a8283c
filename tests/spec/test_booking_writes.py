"""What becomes of a change at a booking platform, for both flavours: one table, then the unclear ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from connectors import errors
from connectors.source import Change
from tests.kit.booking import NOW, TOMORROW, Played, minutes, played

FLAVOURS = ["isik", "booking-json"]


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with played(tmp_path_factory.mktemp("platform")) as running:
        yield running


@pytest.fixture
def platform(unchanged: Played) -> Iterator[Played]:
    yield unchanged.afresh()
    unchanged.afresh()


def at(quarter: int) -> dt.datetime:
    """The start of an offer: 1 to 8 are free."""
    return TOMORROW + minutes(15 * quarter)


def booking(quarter: int, length: int = 15, **more: object) -> dict[str, object]:
    times = {"start": at(quarter), "end": at(quarter) + minutes(length)}
    return {"schedule_id": "c1", "patient_id": "p1", "healthcare_service_id": "s1", **times, **more}


def times(quarter: int) -> dict[str, object]:
    return {"start": at(quarter), "end": at(quarter + 1)}


A1 = {"start": at(-1), "end": at(0)}
CANCEL = {"status": "cancelled", "cancelled_by": "practice"}
NEW = {
    "family_name": "Neu",
    "given_name": "Ina",
    "birth_date": dt.date(1990, 5, 5),
    "gender": "female",
    "mobile": "0160 5",
}

SEVERAL = {
    "email": "neu@example.org", "street": "Am Tor 2", "postal_code": "01069", "city": "Dresden", "family_name": "Tal",
    "given_name": "Eva", "phone": "0351 111111",
}  # fmt: skip


def create(resource: str, values: dict[str, Any]) -> Change:
    return Change("create", resource, None, values, {}, "k-1")


def move(key: str, base: dict[str, Any], values: dict[str, Any]) -> Change:
    return Change("move", "appointment", key, values, base, "k-1")


def cancel(key: str, base: str, values: dict[str, Any]) -> Change:
    return Change("cancel", "appointment", key, values, {"status": base}, "k-1")


def status(key: str, base: str, value: str) -> Change:
    return Change("update", "appointment", key, {"status": value}, {"status": base}, "k-1")


def patient(key: str, base: dict[str, Any], values: dict[str, Any]) -> Change:
    return Change("update", "patient", key, values, base, "k-1")


MOBILE = {"mobile": "0151 23456789"}
CHANGES = {
    "an offer is booked":           (create("appointment", booking(1)),                       "written"),
    "two offers make one":          (create("appointment", booking(1, 30)),                   "written"),
    "the time is taken":            (create("appointment", booking(-1)),                      "conflict"),
    "partly taken":                 (create("appointment", booking(-1, 30)),                  "conflict"),
    "nothing is offered then":      (create("appointment", booking(30)),                      "conflict"),
    "the patient is not active":    (create("appointment", booking(1, patient_id="p2")),      "conflict"),
    "the patient is unknown":       (create("appointment", booking(1, patient_id="p9")),      "conflict"),
    "no patient":                   (create("appointment", booking(1, patient_id=None)),      "refused"),
    "a field that cannot be sent":  (create("appointment", booking(1, channel="phone")),      "refused"),
    "moved to an offer":            (move("a1", A1, times(3)),                                "written"),
    "moved, but it moved before":   (move("a1", times(5), times(3)),                          "conflict"),
    "moved to where it stands":     (move("a1", times(5), A1),                                "already"),
    "moved to where nothing is":    (move("a1", A1, times(30)),                               "conflict"),
    "moved, but it is gone":        (move("a9", A1, times(3)),                                "conflict"),
    "moved to another patient":     (move("a1", A1, {"patient_id": "p2"}),                    "refused"),
    "cancelled":                    (cancel("a1", "booked", CANCEL),                          "written"),
    "cancelled, nobody says why":   (cancel("a1", "booked", {}),                              "written"),
    "cancelled before":             (cancel("a2", "booked", {}),                              "already"),
    "cancelled, but it was kept":   (cancel("a1", "arrived", CANCEL),                         "conflict"),
    "did not come":                 (status("a1", "booked", "noshow"),                        "written"),
    "an ended one comes back":      (status("a2", "cancelled", "arrived"),                    "conflict"),
    "a status that is none":        (status("a1", "booked", "proposed"),                      "refused"),
    "a new patient":                (create("patient", NEW),                                  "written"),
    "a new number":                 (patient("p1", MOBILE, {"mobile": "0160 1234567"}),       "written"),
    "the same number otherwise":    (patient("p1", {}, {"mobile": "+49 151 23456789"}),       "already"),
    "another number stands there":  (patient("p1", {"mobile": "0151 1"}, {"mobile": "0160"}), "conflict"),
    "several fields":               (patient("p1", {"family_name": "Berg"}, SEVERAL),         "written"),
    "a value is removed":           (patient("p1", MOBILE, {"email": None}),                  "written"),
    "a field that is not ours":     (patient("p1", {}, {"verified_by": "x"}),                 "refused"),
    "the patient is gone":          (patient("p9", {}, {"mobile": "0160"}),                   "conflict"),
    "a schedule":                   (Change("update", "schedule", "c1", {}, {}, "k-1"),       "refused"),
}  # fmt: skip


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(("change", "outcome"), CHANGES.values(), ids=CHANGES)
def test_what_becomes_of_a_change(platform: Played, flavour: str, change: Change, outcome: str) -> None:
    with platform.open(flavour) as source:
        receipt = source.write(change)
        assert receipt.outcome == outcome, receipt.reason
        if outcome == "written":
            found = source.look(change.resource, receipt.source_id or "")
            assert found is not None
            assert {field: found[field] for field in change.values} == change.values
            assert {field: receipt.found[field] for field in change.values} == change.values
            assert source.write(change).outcome == "already"
        assert platform.server.log().filter(pl.col("status") < 300).height == (outcome == "written")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_everything_else_of_a_patient_stays(platform: Played, flavour: str) -> None:
    with platform.open(flavour) as source:
        before = dict(source.look("patient", "p1") or {})
        platform.pass_time(minutes(5))
        source.write(Change("update", "patient", "p1", {"mobile": "0160 1234567"}, {}, "k-1"))
        after = dict(source.look("patient", "p1") or {})
    changed = {"mobile": "0160 1234567", "mobile_e164": "+491601234567", "changed_at": platform.now()}
    assert after == {**before, **changed}


def test_a_move_ends_the_old_one_and_names_it(platform: Played) -> None:
    with platform.open("isik") as source:
        receipt = source.write(Change("move", "appointment", "a1", times(3), A1, "k-1"))
        old, new = source.look("appointment", "a1"), source.look("appointment", receipt.source_id or "")
    assert receipt.source_id != "a1"
    assert old is not None
    assert new is not None
    assert (old["status"], new["status"], new["replaces"]) == ("cancelled", "booked", "a1")
    assert (new["patient_id"], new["healthcare_service_id"], new["schedule_id"]) == ("p1", "s1", "c1")


def test_a_move_that_fails_leaves_the_old_one(platform: Played) -> None:
    with platform.open("isik") as source:
        assert source.write(Change("move", "appointment", "a1", times(30), A1, "k-1")).outcome == "conflict"
        found = source.look("appointment", "a1")
    assert found is not None
    assert found["status"] == "booked"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_platform_that_decides_later(platform: Played, flavour: str) -> None:
    platform.server.rules.confirms = False
    with platform.open(flavour) as source:
        receipt = source.write(Change("create", "appointment", None, booking(1), {}, "k-1"))
        assert receipt.outcome == "pending"
        found = source.look("appointment", receipt.source_id or "")
    assert found is not None
    assert found["status"] == "pending"


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(
    "change",
    [
        Change("create", "appointment", None, booking(1), {}, "k-1"),
        Change("create", "patient", None, NEW, {}, "k-1"),
        Change("move", "appointment", "a1", times(3), A1, "k-1"),
        Change("cancel", "appointment", "a1", CANCEL, {"status": "booked"}, "k-1"),
        Change("update", "patient", "p1", {"mobile": "0160 1234567"}, {"mobile": "0151 23456789"}, "k-1"),
    ],
    ids=lambda change: f"{change.kind}-{change.resource}",
)
def test_after_an_unclear_end_the_change_is_found_and_not_done_again(
    platform: Played, flavour: str, change: Change
) -> None:
    with platform.open(flavour, request_seconds=0.5) as source:
        source.look("appointment", "a1")
        reads = requests_before_the_write(change)
        platform.server.faults.add("lost-answer", skip=reads)
        with pytest.raises(errors.SourceStalled):
            source.write(change)
        assert source.write(change).outcome == "already"
    assert platform.server.log().height == 1


def requests_before_the_write(change: Change) -> int:
    """The look for an earlier arrival, and the look at the base."""
    return int(change.kind in ("create", "move")) + int(change.kind != "create")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_somebody_was_faster_between_look_and_write(platform: Played, flavour: str) -> None:
    with platform.open(flavour) as source:
        send = source._platform.send

        def late(change: Change, current: Any) -> Any:
            platform.server.change_phone("p1", "0151 9", NOW)
            return send(change, current)

        source._platform.send = late
        change = Change("update", "patient", "p1", {"mobile": "0160 1234567"}, {"mobile": "0151 23456789"}, "k-1")
        receipt = source.write(change)
    assert receipt.outcome == "conflict"
    assert receipt.found == {"mobile": "0151 9"}
    assert "412" in (receipt.reason or "")


def test_a_conflict_tells_no_values_in_its_reason(platform: Played) -> None:
    with platform.open() as source:
        receipt = source.write(Change("create", "appointment", None, booking(-1), {}, "k-1"))
    assert receipt.reason == "status 409: conflict"
