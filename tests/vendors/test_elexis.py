"""The profile `elexis` on its tables, in PostgreSQL and in MariaDB: the same records from both."""

import datetime as dt

import pytest

from connectors.source import Change
from tests.kit.vendors import filled, frames, opened, read, shown, told, utc

pytestmark = pytest.mark.engine

CHANGED = utc("2026-01-02 08:00")

EXPECTED = {
    "practitioner": [{"source_id": "k0000001", "family_name": "Thal", "given_name": "Cora", "name_prefix": "Dr."}],
    "healthcare_service": [{"source_id": "Kontrolle", "name": "Kontrolle"}, {"source_id": "Normal", "name": "Normal"}],
    "schedule": [
        {"source_id": "Labor", "name": "Labor", "kind": "person"},
        {"source_id": "Thal", "name": "Thal", "kind": "person", "practitioner_id": "k0000001"},
        {"source_id": "Zimmer Süd", "name": "Zimmer Süd", "kind": "person"},
    ],
    "patient": [
        {"source_id": "k0000002", "family_name": "Ahlgrimm", "given_name": "Jette", "birth_date": dt.date(1961, 2, 28),
         "gender": "female", "kvnr": "7569217076985", "phone": "030 5550101", "phone_e164": "+49305550101",
         "mobile": "0151 5550102", "mobile_e164": "+491515550102", "email": "jette@example.org",
         "street": "Gartenweg 3", "postal_code": "01067", "city": "Dresden", "deceased": False, "changed_at": CHANGED},
        {"source_id": "k0000003", "family_name": "Öztürk-Łęski", "given_name": "Mira", "gender": "other",
         "postal_code": "420", "deceased": True, "changed_at": utc("2026-01-02 08:00:00.123")},
        {"source_id": "k0000004", "family_name": "Alt", "given_name": "Wilhelm", "gender": "male", "deceased": False,
         "changed_at": CHANGED},
        {"source_id": "k0000007", "family_name": "Neu", "given_name": "Ida", "gender": "female", "deceased": False,
         "changed_at": CHANGED},
    ],
    "slot": [
        {"source_id": "a9", "schedule_id": "Labor", "status": "free", "start": utc("2026-03-05 07:00"),
         "end": utc("2026-03-05 07:15")},
    ],
    "recall": [
        {"source_id": "r1", "patient_id": "k0000002", "status": "active", "due_date": dt.date(2026, 9, 1)},
        {"source_id": "r2", "patient_id": "k0000003", "status": "completed"},
    ],
}  # fmt: skip

#: Calendar, ISO weekday, from, until: what the closed hours leave open.
HOURS = [("Thal", 1, "08:00", "12:00"), ("Thal", 1, "14:00", "18:00"), ("Thal", 5, "09:00", "12:30")]

#: Key -> patient, the vendor's word, our status, start, end.
APPOINTMENTS = {
    "a2": ("k0000002", "eingetroffen", "arrived", "2026-03-03 08:00", "2026-03-03 08:30"),
    "a3": (None, "geplant", "booked", "2026-03-03 09:00", "2026-03-03 09:15"),
    "a4": (None, "gesperrt", "block", "2026-03-02 23:00", "2026-03-03 07:00"),
    "a6": ("k0000003", "im wartezimmer", "unknown", "2026-03-04 07:00", "2026-03-04 07:15"),
    "a7": ("k0000003", "fertig", "fulfilled", "2026-03-04 07:20", "2026-03-04 07:20"),
    "a10": ("k0000002", "abgesagt", "cancelled", "2026-03-04 22:50", "2026-03-04 23:10"),
    "a12": ("k0000002", "verpasst", "noshow", "2026-10-25 00:30", "2026-10-25 00:35"),
    "a13": (None, "gesperrt", "block", "2026-03-04 10:40", "2026-03-04 11:00"),
}

TOLD = {
    ("patient", "k0000007", "birth_date", "unreadable"),
    ("appointment", "a8", "start", "unreadable"),
    ("appointment", "a11", "start", "no-such-hour"),
    ("appointment", "a12", "start", "hour-comes-twice"),
    ("appointment", "a12", "end", "hour-comes-twice"),
}


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def server(request):
    started = {"postgresql": "postgres_server", "mysql": "mariadb_server"}
    return filled(request.getfixturevalue(started[request.param]), "elexis")


@pytest.fixture(scope="module")
def source(server):
    with opened("elexis", server.url) as source:
        yield source


@pytest.mark.parametrize("resource", EXPECTED)
def test_every_row_becomes_its_record(source, resource):
    batch = read(source, resource)
    assert shown(batch) == EXPECTED[resource]
    assert batch.unmapped.is_empty()


def test_open_hours_are_what_the_closed_ones_leave(source):
    frame = read(source, "working_hours").frame
    found = [(*row[:2], *(f"{time:%H:%M}" for time in row[2:])) for row in
             frame.select("schedule_id", "weekday", "start_time", "end_time").rows()]  # fmt: skip
    assert found == HOURS


def test_every_appointment_has_its_status_start_and_end(source):
    frame = read(source, "appointment").frame
    found = {row[0]: row[1:] for row in
             frame.select("source_id", "patient_id", "status_code", "status", "start", "end").rows()}  # fmt: skip
    assert found == {key: (*row[:3], utc(row[3]), utc(row[4])) for key, row in APPOINTMENTS.items()}


def test_a_word_of_the_practices_own_is_listed(source):
    assert read(source, "appointment").unmapped.rows() == [("appointment", "status", "im wartezimmer", 1)]


def test_the_history_tells_the_arrival_and_epoch_minutes_the_creation(source):
    found = {row["source_id"]: row for row in shown(read(source, "appointment"))}
    assert found["a2"]["arrived_at"] == utc("2026-03-03 07:55")
    assert found["a2"]["created_at"] == utc("2026-02-01 09:00")
    assert found["a2"]["series_id"] == "g1"
    assert "arrived_at" not in found["a12"]


def test_what_is_no_record_is_set_aside_with_its_reason(source):
    found = {(resource, *doubt[:3]) for resource in source.resources for doubt in told(read(source, resource))}
    assert found == TOLD


def test_a_window_is_cut_by_days(source):
    assert set(read(source, "appointment", "window").frame["source_id"]) == set(APPOINTMENTS)
    assert read(source, "slot", "window").scope == "window"


def test_who_is_deleted_softly_is_removed(source):
    assert read(source, "patient").removed == ("k0000005",)
    assert read(source, "appointment").removed == ("a5",)
    assert read(source, "recall").removed == ("r3",)


def test_findings_and_notes_are_never_read(source):
    text = "".join(frame.write_json() for frame in frames(source).values())
    assert "never to be read" not in text
    assert "Zufall" not in text


def test_the_link_is_well(source):
    assert {finding.level for finding in source.check()} == {"ok"}


def test_a_mobile_number_arrives_and_moves_the_cursor(server):
    change = Change("update", "patient", "k0000004", {"mobile": "0151 7654321"}, {"mobile": None}, key="k1")
    with opened("elexis", server.url) as source:
        since = read(source, "patient").position
        assert source.write(change).outcome == "written"
        batch = read(source, "patient", "changes", since)
    assert "k0000004" in batch.frame["source_id"]
    assert server.ask("SELECT natelnr, lastupdate FROM kontakt WHERE id = 'k0000004'") == [
        ("0151 7654321", 1772442000000)
    ]
    server.run("UPDATE kontakt SET natelnr = NULL, lastupdate = 1767340800000 WHERE id = 'k0000004'")
