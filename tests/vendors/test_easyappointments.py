"""The profile `easyappointments` on its tables in a real MariaDB."""

import datetime as dt

import pytest

from connectors.source import Change
from tests.kit.vendors import filled, frames, naive, opened, read, shown, told, utc

pytestmark = pytest.mark.engine

EXPECTED = {
    "practitioner": [
        {"source_id": "2", "family_name": "Thal", "given_name": "Cora"},
        {"source_id": "3", "family_name": "Uhde"},
    ],
    "healthcare_service": [{"source_id": "1", "name": "Kontrolle", "minutes": 20, "bookable_online": True}],
    "schedule": [
        {"source_id": "2", "name": "Cora Thal", "kind": "person", "practitioner_id": "2"},
        {"source_id": "3", "name": "Uhde", "kind": "person", "practitioner_id": "3"},
    ],
    "absence": [
        {"source_id": "b1", "kind": "closure", "start": utc("2026-12-23 23:00"), "end": utc("2027-01-01 23:00")},
        {"source_id": "u3", "kind": "block", "schedule_id": "2", "practitioner_id": "2",
         "start": utc("2026-03-04 07:00"), "end": utc("2026-03-04 11:00")},
    ],
    "patient": [
        {"source_id": "4", "family_name": "Ahlgrimm", "given_name": "Jette", "phone": "030 5550101",
         "phone_e164": "+49305550101", "mobile": "0151 5550102", "mobile_e164": "+491515550102",
         "email": "jette@example.org", "street": "Gartenweg 3", "postal_code": "01067", "city": "Dresden",
         "created_at": utc("2026-01-02 08:00"), "changed_at": utc("2026-02-01 09:30")},
        {"source_id": "5", "family_name": "Öztürk-Łęski", "given_name": "😀"},
    ],
}  # fmt: skip

HOURS = [
    ("2/1/0900", "2", 1, dt.time(9), dt.time(12)),
    ("2/1/1300", "2", 1, dt.time(13), dt.time(15, 30)),
    ("2/1/1545", "2", 1, dt.time(15, 45), dt.time(18)),
    ("2/3/0800", "2", 3, dt.time(8), dt.time(12)),
]

APPOINTMENTS = [
    ("1", "booked", "2026-03-03 08:00", "2026-03-03 08:20"),
    ("2", "cancelled", "2026-03-03 09:00", "2026-03-03 09:20"),
    ("4", "booked", "2026-10-25 00:15", "2026-10-25 02:15"),
    ("7", "unknown", "2026-03-05 08:00", "2026-03-05 08:20"),
]

TOLD = {
    ("appointment", "4", "start", "hour-comes-twice"),
    ("appointment", "5", "start", "no-such-hour"),
    ("appointment", "6", "start", "missing"),
}


@pytest.fixture(scope="module")
def server(mariadb_server):
    return filled(mariadb_server, "easyappointments")


@pytest.fixture(scope="module")
def source(server):
    with opened("easyappointments", server.url) as source:
        yield source


@pytest.mark.parametrize("resource", EXPECTED)
def test_every_row_becomes_its_record(source, resource):
    assert shown(read(source, resource)) == EXPECTED[resource]


def test_a_working_plan_is_what_its_breaks_leave(source):
    frame = read(source, "working_hours").frame
    assert frame.select("source_id", "schedule_id", "weekday", "start_time", "end_time").rows() == HOURS


def test_every_appointment_has_its_status_start_and_end(source):
    batch = read(source, "appointment")
    found = batch.frame.select("source_id", "status", "start", "end").rows()
    assert found == [(key, status, utc(start), utc(end)) for key, status, start, end in APPOINTMENTS]
    assert batch.unmapped.rows() == [("appointment", "status", "Warteliste", 1)]


def test_what_is_no_record_is_set_aside_with_its_reason(source):
    assert {(resource, *doubt[:3]) for resource in source.resources for doubt in told(read(source, resource))} == TOLD


def test_notes_are_never_read_and_the_link_is_well(source):
    text = "".join(frame.write_json() for frame in frames(source).values())
    assert "never to be read" not in text
    assert {finding.level for finding in source.check()} == {"ok"}


def test_a_mobile_number_arrives_with_the_clock_of_the_practice(server):
    change = Change("update", "patient", "5", {"mobile": "0151 7654321"}, {"mobile": None}, key="k1")
    with opened("easyappointments", server.url) as source:
        assert source.write(change).outcome == "written"
    assert server.ask("SELECT mobile_number, update_datetime FROM ea_users WHERE id = 5") == [
        ("0151 7654321", naive("2026-03-02 10:00"))
    ]
