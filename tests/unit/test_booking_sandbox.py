"""The played booking platform keeps the rules that a real one has, so that a client that passes here is right."""

from __future__ import annotations

import datetime as dt
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.booking.apiauth import APIAuth
from connectors.sandbox.booking import DIALECT, BookingDesk, BookingServer, create
from connectors.sandbox.booking_store import Declined
from tests.kit.booking import (
    ACCESS_ID,
    NOW,
    SECRET,
    TOMORROW,
    Played,
    appointment,
    frame,
    minutes,
    played,
    small_practice,
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with played(tmp_path_factory.mktemp("platform")) as started:
        yield started


@pytest.fixture
def platform(running: Played) -> Played:
    return running.afresh()


def ask(
    platform: Played, method: str, path: str, body: Any = None, *, secret: str = SECRET, **headers: str
) -> httpx.Response:
    auth = APIAuth(ACCESS_ID, secret, DIALECT, platform.now)
    url = f"http://127.0.0.1:{platform.server.port}{path}"
    with httpx.Client(auth=auth, trust_env=False) as client:
        content = None if body is None else json.dumps(body)
        return client.request(
            method, url, content=content, headers={name.replace("_", "-"): v for name, v in headers.items()}
        )


def booking(**changes: Any) -> dict[str, Any]:
    actor = {"actor": {"reference": "Patient/p1"}, "status": "accepted"}
    times = {"start": TOMORROW + minutes(15), "end": TOMORROW + minutes(30)}
    return {
        "resourceType": "Appointment",
        "status": "proposed",
        **{name: at.isoformat() for name, at in times.items()},
        "slot": [{"reference": "Slot/f001"}],
        "participant": [actor],
        **changes,
    }


def patch(path: str, value: Any, kind: str = "valueCode") -> dict[str, Any]:
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": path},
        {"name": "value", kind: value},
    ]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


@pytest.mark.parametrize("path", ["/fhir/metadata", "/fhir/Patient", "/api/v1/patients", "/", "/fhir/nothing"])
def test_nothing_without_a_signature(platform: Played, path: str) -> None:
    assert httpx.get(f"http://127.0.0.1:{platform.server.port}{path}", trust_env=False).status_code == 401
    assert ask(platform, "GET", path, secret="wrong").status_code == 401


STATUSES = [
    ("GET", "/fhir/Slot?status=free", None, 400),
    ("GET", f"/fhir/Slot?start=ge{NOW:%Y-%m-%dT%H:%M:%SZ}", None, 400),
    ("GET", "/fhir/Slot?schedule=Schedule/c1&status=free", None, 200),
    ("GET", "/fhir/Patient?colour=red", None, 400),
    ("GET", "/fhir/Patient?_lastUpdated=yesterday", None, 400),
    ("GET", "/fhir/Observation", None, 404),
    ("GET", "/fhir/Patient/p9", None, 404),
    ("GET", "/api/v1/patients?updated_since=yesterday", None, 400),
    ("GET", "/api/v1/findings", None, 404),
    ("POST", "/fhir/Appointment/$book", booking(), 201),
    ("POST", "/fhir/Appointment/$book", booking(status="booked"), 422),
    ("POST", "/fhir/Appointment/$book", booking(resourceType="Patient"), 400),
    ("POST", "/fhir/Appointment/$book", booking(start="tomorrow"), 400),
    ("POST", "/fhir/Appointment/$book", booking(end=booking()["start"]), 422),
    ("POST", "/fhir/Appointment/$book", booking(participant=[]), 422),
    ("POST", "/fhir/Appointment/$book", booking(slot=[]), 422),
    ("POST", "/fhir/Appointment/$book", [], 400),
    ("POST", "/fhir/Patient", {"resourceType": "Patient"}, 422),
    ("PATCH", "/fhir/Appointment/a1", patch("Appointment.status", "canceled"), 200),
    ("PATCH", "/fhir/Appointment/a1", patch("Appointment.start", "x", "valueInstant"), 400),
    ("PATCH", "/fhir/Appointment/a1", patch("Appointment.slot", "x", "valueString"), 400),
    ("PATCH", "/fhir/Appointment/a1", patch("Appointment.participant[0].actor", "x", "valueString"), 400),
    ("PATCH", "/fhir/Appointment/a1", {"resourceType": "Parameters"}, 400),
    ("PATCH", "/fhir/Appointment/a9", patch("Appointment.status", "cancelled"), 404),
    ("PATCH", "/api/v1/appointments/a1", {"diagnosis": "x"}, 400),
    ("POST", "/api/v1/schedules", {"name": "x"}, 405),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), STATUSES)
def test_status(platform: Played, method: str, path: str, body: Any, status: int) -> None:
    answer = ask(platform, method, path, body)
    assert answer.status_code == status
    if status >= 400:
        assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_booking_fills_in_what_the_standard_demands(platform: Played) -> None:
    found = ask(platform, "POST", "/fhir/Appointment/$book", booking()).json()
    assert found["status"] == "booked"
    assert found["slot"] == [{"reference": "Slot/f001"}]
    assert ask(platform, "GET", f"/fhir/Appointment/{found['id']}").headers["etag"] == 'W/"1"'


def test_a_known_id_is_a_move_that_keeps_it(platform: Played) -> None:
    found = ask(platform, "POST", "/fhir/Appointment/$book", booking(id="a1")).json()
    assert (found["id"], found["slot"]) == ("a1", [{"reference": "Slot/f001"}])
    assert platform.server.free_slots("c1", NOW)[0][0] == TOMORROW - minutes(15)


def test_a_slot_search_begins_now(platform: Played) -> None:
    platform.pass_time(TOMORROW + minutes(40) - NOW)
    found = ask(platform, "GET", "/fhir/Slot?schedule=Schedule/c1").json()["entry"]
    assert {entry["resource"]["id"] for entry in found} == {"f003", "f004", "f005", "f006", "f007", "f008"}
    old = ask(platform, "GET", f"/fhir/Slot?schedule=Schedule/c1&start=ge{NOW:%Y-%m-%dT%H:%M:%SZ}").json()["entry"]
    assert {entry["resource"]["id"] for entry in old} - {entry["resource"]["id"] for entry in found} == {"f000"}
    assert ask(platform, "GET", "/fhir/Slot/f001").status_code == 200


def test_if_match(platform: Played) -> None:
    body = patch("Appointment.status", "noshow")
    assert ask(platform, "PATCH", "/fhir/Appointment/a1", body, If_Match='W/"7"').status_code == 412
    assert ask(platform, "PATCH", "/fhir/Appointment/a1", body, If_Match='W/"1"').status_code == 200
    assert ask(platform, "PATCH", "/fhir/Appointment/a1", body, If_Match='W/"1"').status_code == 412


def test_two_cannot_book_the_same_time(platform: Played) -> None:
    assert ask(platform, "POST", "/fhir/Appointment/$book", booking()).status_code == 201
    assert ask(platform, "POST", "/fhir/Appointment/$book", booking()).status_code == 409


def test_patients_act(platform: Played) -> None:
    server, start = platform.server, TOMORROW + minutes(15)
    key = server.book_online(patient_id="p1", schedule_id="c1", start=start, end=start + minutes(15), now=NOW)
    with pytest.raises(Declined):
        server.book_online(patient_id="p1", schedule_id="c1", start=start, end=start + minutes(15), now=NOW)
    server.move_online(key, start + minutes(15), start + minutes(30), NOW)
    server.cancel_online(key, NOW)
    server.change_phone("p1", "0160 1", NOW)
    log = server.log()
    assert log.select("actor", "method", "resource").rows() == [
        ("patient", "POST", "appointment"), ("patient", "PATCH", "appointment"), ("patient", "PATCH", "appointment"),
        ("patient", "PATCH", "patient"),
    ]  # fmt: skip
    assert len(server.free_slots("c1", NOW)) == 8
    with pytest.raises(Declined):
        server.cancel_online(key, NOW)


def test_the_log_names_what_came_through_the_interface(platform: Played) -> None:
    ask(platform, "POST", "/fhir/Appointment/$book", booking())
    ask(platform, "POST", "/fhir/Appointment/$book", booking())
    ask(platform, "GET", "/fhir/Patient")
    assert platform.server.log().select("actor", "method", "status").rows() == [
        ("api", "POST", 201),
        ("api", "POST", 409),
    ]


def test_appointments_without_an_offer_get_a_slot_of_their_own(tmp_path: Path) -> None:
    rows = [
        appointment("a1", start=TOMORROW),
        appointment("a2", start=TOMORROW, status="cancelled"),
        appointment("a3", start=TOMORROW, schedule_id=None),
    ]
    create(
        tmp_path / "b.db",
        small_practice() | {"slot": small_practice()["slot"].clear(), "appointment": frame("appointment", *rows)},
    )
    with BookingDesk(tmp_path / "b.db") as desk:
        slots = {slot.id: slot.body["status"] for slot in desk.store.search("slot")}
    assert slots == {"for-a1": "busy", "for-a2": "busy-unavailable"}


def test_an_offer_that_is_taken_becomes_busy(tmp_path: Path) -> None:
    rows = frame("appointment", appointment("a1", start=TOMORROW + minutes(15)))
    create(tmp_path / "b.db", small_practice() | {"appointment": rows})
    with BookingDesk(tmp_path / "b.db") as desk:
        slot = desk.store.get("slot", "f001")
    assert slot is not None
    assert slot.body["status"] == "busy"


def test_what_a_platform_does_not_keep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="visit"):
        create(tmp_path / "b.db", {"visit": frame("visit")})
    create(tmp_path / "b.db", {})
    with pytest.raises(FileExistsError):
        create(tmp_path / "b.db", {})


def test_it_starts_and_stops_cleanly_with_a_stalled_client(tmp_path: Path) -> None:
    create(tmp_path / "b.db", {})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with BookingServer(tmp_path / "b.db", ACCESS_ID, SECRET, clock=lambda: NOW) as server:
            server.faults.add("stall")
            auth = APIAuth(ACCESS_ID, SECRET, DIALECT, lambda: NOW)
            with httpx.Client(auth=auth, trust_env=False, timeout=0.2) as client, pytest.raises(httpx.ReadTimeout):
                client.get(f"{server.fhir_url}/Patient")
            port = server.port
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)


def test_an_unknown_fault_is_an_error(platform: Played) -> None:
    with pytest.raises(ValueError, match="earthquake"):
        platform.server.faults.add("earthquake")


def test_state_survives_a_restart(tmp_path: Path) -> None:
    create(tmp_path / "b.db", small_practice())
    later = NOW + dt.timedelta(days=1)
    with BookingDesk(tmp_path / "b.db") as desk:
        desk.change_phone("p1", "0160 7", later)
    with BookingDesk(tmp_path / "b.db") as desk:
        found = desk.store.get("patient", "p1")
        assert desk.log().height == 1
    assert found is not None
    assert (found.body["mobile"], found.version) == ("0160 7", 2)
