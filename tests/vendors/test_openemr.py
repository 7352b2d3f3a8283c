"""The profile `openemr` on its tables in a real MariaDB: series become days, zeros become nothing."""

import datetime as dt

import pytest

from connectors.pvs import profile
from connectors.source import Change
from tests.kit.vendors import described, filled, frames, naive, opened, read, shown, told, utc

pytestmark = pytest.mark.engine

EXPECTED = {
    "practitioner": [
        {"source_id": "4", "family_name": "Thal", "given_name": "Cora", "initials": "cthal", "active": True},
        {"source_id": "5", "family_name": "Uhde", "given_name": "Finn", "initials": "fuhde", "active": False},
    ],
    "healthcare_service": [
        {"source_id": "5", "name": "Office Visit", "minutes": 15},
        {"source_id": "1000", "name": "Group Therapy", "minutes": 60},
    ],
    "schedule": [
        {"source_id": "4", "name": "Cora Thal", "kind": "person", "practitioner_id": "4", "active": True},
    ],
    "patient": [
        {"source_id": "11", "family_name": "Ahlgrimm", "given_name": "Jette", "name_prefix": "Dr.",
         "birth_date": dt.date(1961, 2, 28), "gender": "female", "kvnr": "A123456780", "phone": "030 5550101",
         "phone_e164": "+49305550101", "mobile": "0151 5550102", "mobile_e164": "+491515550102",
         "email": "jette@example.org", "street": "Gartenweg 3", "postal_code": "01067", "city": "Dresden",
         "country": "DE", "changed_at": utc("2026-01-02 08:00")},
        {"source_id": "12", "family_name": "Öztürk-Łęski", "given_name": "😀", "gender": "unknown",
         "changed_at": utc("2026-02-01 09:30")},
        {"source_id": "13", "family_name": "Alt", "given_name": "Wilhelm", "gender": "unknown",
         "changed_at": utc("2026-01-02 08:00")},
    ],
    "consent": [
        {"source_id": "11/email", "patient_id": "11", "purpose": "appointment-message", "channel": "email"},
        {"source_id": "11/sms", "patient_id": "11", "purpose": "appointment-message", "channel": "sms"},
    ],
    "recall": [
        {"source_id": "1", "patient_id": "11", "status": "active", "due_date": dt.date(2026, 9, 1)},
        {"source_id": "2", "patient_id": "12", "status": "active"},
    ],
}  # fmt: skip

#: Key -> day, from, until.
HOURS = [
    ("1/20260223", "2026-02-23", "08:00", "12:30"),
    ("1/20260224", "2026-02-24", "08:00", "12:30"),
    ("1/20260225", "2026-02-25", "08:00", "12:30"),
    ("3", "2026-02-26", "09:00", "11:00"),
]

#: Key -> kind, start, end.
ABSENCES = [
    ("10", "absence", "2026-04-06 22:00", "2026-04-07 22:00"),
    ("11/20260226", "block", "2026-02-26 11:00", "2026-02-26 12:00"),
    ("11/20260227", "block", "2026-02-27 11:00", "2026-02-27 12:00"),
    ("11/20260302", "block", "2026-03-02 11:00", "2026-03-02 12:00"),
]

#: Key -> patient, series, status, start; summer time begins inside the series 30 and 31.
APPOINTMENTS = [
    ("20", "11", None, "arrived", "2026-03-03 08:00"),
    ("21", "11", None, "noshow", "2026-02-20 08:00"),
    ("22", "12", None, "cancelled", "2026-03-03 23:00"),
    ("23", "12", None, "unknown", "2026-03-04 09:00"),
    ("24", "13", None, "fulfilled", "2026-10-25 00:30"),
    ("30/20260319", "11", "30", "booked", "2026-03-19 07:30"),
    ("30/20260402", "11", "30", "booked", "2026-04-02 06:30"),
    ("30/20260430", "11", "30", "booked", "2026-04-30 06:30"),
    ("31/20260327", "12", "31", "cancelled", "2026-03-27 10:00"),
    ("31/20260424", "12", "31", "cancelled", "2026-04-24 09:00"),
    ("31/20260529", "12", "31", "cancelled", "2026-05-29 09:00"),
    ("32/20260310", "13", "32", "booked", "2026-03-10 14:00"),
    ("32/20260312", "13", "32", "booked", "2026-03-12 14:00"),
    ("32/20260317", "13", "32", "booked", "2026-03-17 14:00"),
    ("32/20260319", "13", "32", "booked", "2026-03-19 14:00"),
]

TOLD = {
    ("appointment", "24", "start", "hour-comes-twice"),
    ("appointment", "25", "start", "missing"),
    ("appointment", "33", "start", "missing"),
}


@pytest.fixture(scope="module")
def server(mariadb_server):
    return filled(mariadb_server, "openemr")


@pytest.fixture(scope="module")
def source(server):
    with opened("openemr", server.url) as source:
        yield source


@pytest.mark.parametrize("resource", EXPECTED)
def test_every_row_becomes_its_record(source, resource):
    assert shown(read(source, resource)) == EXPECTED[resource]


def test_marks_of_coming_and_going_become_hours_of_a_day(source):
    frame = read(source, "working_hours").frame
    found = frame.select("source_id", "date", "start_time", "end_time").rows()
    assert [(key, str(day), f"{start:%H:%M}", f"{end:%H:%M}") for key, day, start, end in found] == HOURS
    assert frame["schedule_id"].unique().to_list() == ["4"]


def test_absences(source):
    found = read(source, "absence").frame.select("source_id", "kind", "start", "end").rows()
    assert found == [(key, kind, utc(start), utc(end)) for key, kind, start, end in ABSENCES]


def test_every_day_of_a_series_is_an_appointment(source):
    batch = read(source, "appointment")
    found = batch.frame.select("source_id", "patient_id", "series_id", "status", "start").rows()
    assert found == [(*row, utc(start)) for *row, start in APPOINTMENTS]
    assert (batch.frame["end"] - batch.frame["start"]).dt.total_minutes().unique().sort().to_list() == [15, 120]
    assert batch.read == batch.frame.height + batch.rejected.height


def test_codes_of_the_practices_own_are_listed(source):
    assert read(source, "appointment").unmapped.rows() == [("appointment", "status", "ZZ", 1)]
    assert read(source, "patient").unmapped.rows() == [("patient", "gender", "Divers", 1)]


def test_what_is_no_record_is_set_aside_with_its_reason(source):
    assert {(resource, *doubt[:3]) for resource in source.resources for doubt in told(read(source, resource))} == TOLD


def test_a_series_is_read_whole_whatever_is_asked_for(source):
    assert read(source, "appointment", "window").scope == "full"
    assert source.look("appointment", "30/20260402")["start"] == utc("2026-04-02 06:30")
    assert source.look("appointment", "30/20260416") is None


def test_notes_are_never_read_and_the_link_is_well(source):
    text = "".join(frame.write_json() for frame in frames(source).values())
    assert "never to be read" not in text
    assert {finding.level for finding in source.check()} == {"ok"}


def test_a_patient_is_opened_by_its_key():
    patient = described("openemr").tables["patient"]
    address = profile.open_url(patient, "11", "emr.example")
    assert address == "https://emr.example/interface/patient_file/summary/demographics.php?set_pid=11"
    assert profile.open_url(patient, "11&x=1", "emr.example") is None


def test_a_mobile_number_arrives_with_the_clock_of_the_practice(server):
    change = Change("update", "patient", "13", {"mobile": "0151 7654321"}, {"mobile": None}, key="k1")
    with opened("openemr", server.url) as source:
        assert source.write(change).outcome == "written"
    assert server.ask("SELECT phone_cell, last_updated FROM patient_data WHERE pid = 13") == [
        ("0151 7654321", naive("2026-03-02 10:00"))
    ]
