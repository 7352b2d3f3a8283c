"""The profile `opendental` on its tables in a real MariaDB: what each row becomes, what is deleted, what is written."""

import datetime as dt

import pytest

from connectors.source import Change
from tests.kit.vendors import filled, frames, opened, read, shown, told, utc

pytestmark = pytest.mark.engine

SEEN = {"changed_at": utc("2026-01-02 08:00"), "deceased": False}

EXPECTED = {
    "location": [
        {"source_id": "1", "name": "Zimmer 1", "kind": "room", "active": True},
        {"source_id": "2", "name": "Zimmer 2", "kind": "room", "active": False},
    ],
    "practitioner": [
        {"source_id": "1", "family_name": "Thal", "given_name": "Cora", "initials": "CT", "active": True},
        {"source_id": "2", "family_name": "Uhde", "given_name": "Finn", "initials": "FU", "active": False},
    ],
    "healthcare_service": [
        {"source_id": "1", "name": "Kontrolle groß", "minutes": 20, "active": True},
        {"source_id": "2", "name": "Füllung", "minutes": 60, "active": False},
    ],
    "schedule": [
        {"source_id": "o1", "name": "Zimmer 1", "kind": "room", "practitioner_id": "1", "room_id": "1", "active": True},
        {"source_id": "o2", "name": "Zimmer 2", "kind": "room", "room_id": "2", "active": False},
        {"source_id": "p1", "name": "Thal Cora", "kind": "person", "practitioner_id": "1", "active": True},
        {"source_id": "p2", "name": "Uhde Finn", "kind": "person", "practitioner_id": "2", "active": False},
    ],
    "working_hours": [
        {"source_id": "1", "schedule_id": "p1", "kind": "regular", "date": dt.date(2026, 3, 2),
         "start_time": dt.time(8), "end_time": dt.time(12, 30)},
        {"source_id": "3", "schedule_id": "p2", "kind": "regular", "date": dt.date(2026, 3, 4),
         "start_time": dt.time(18), "end_time": dt.time(23, 59, 59)},
    ],
    "absence": [
        {"source_id": "5/1", "schedule_id": "o1", "kind": "block", "start": utc("2026-03-06 22:00"),
         "end": utc("2026-03-07 00:00")},
        {"source_id": "5/2", "schedule_id": "o2", "kind": "block", "start": utc("2026-03-06 22:00"),
         "end": utc("2026-03-07 00:00")},
        {"source_id": "6/0", "kind": "closure", "start": utc("2026-12-23 23:00"), "end": utc("2026-12-24 23:00")},
    ],
    "patient": [
        {**SEEN, "source_id": "1", "family_name": "Ahlgrimm", "given_name": "Jette", "name_prefix": "Dr.",
         "birth_date": dt.date(1961, 2, 28), "gender": "female", "kvnr": "A123456780", "phone": "030 5550101",
         "phone_e164": "+49305550101", "mobile": "0151 5550102", "mobile_e164": "+491515550102",
         "email": "jette@example.org", "street": "Gartenweg 3", "postal_code": "01067", "city": "Dresden",
         "active": True},
        {**SEEN, "source_id": "2", "family_name": "Borowka", "given_name": "Ole", "gender": "male", "active": False,
         "deceased": True, "changed_at": utc("2026-02-01 09:30")},
        {**SEEN, "source_id": "3", "family_name": "Öztürk-Łęski", "given_name": "😀 Mira", "gender": "other",
         "active": False},
        {**SEEN, "source_id": "9007199254740993", "family_name": "Alt", "given_name": "Wilhelm", "gender": "unknown",
         "birth_date": dt.date(1899, 12, 31), "active": True},
    ],
    "consent": [
        {"source_id": "1", "patient_id": "1", "purpose": "appointment-message", "channel": "sms",
         "evidence": "TxtMsgOk"},
    ],
    "recall": [
        {"source_id": "1", "patient_id": "1", "name": "Prophylaxe", "status": "active", "due_date": dt.date(2026, 9, 1),
         "last_date": dt.date(2026, 3, 1)},
        {"source_id": "2", "patient_id": "2", "name": "Prophylaxe", "status": "revoked"},
    ],
}  # fmt: skip

#: Key -> the vendor's code, our status, start, end.
APPOINTMENTS = [
    ("1", "1", "booked", "2026-03-03 08:00", "2026-03-03 08:20"),
    ("2", "1/arrived", "arrived", "2026-03-02 08:00", "2026-03-02 08:20"),
    ("3", "2", "fulfilled", "2026-02-20 09:00", "2026-02-20 09:30"),
    ("4", "3", "cancelled", "2026-03-04 09:00", "2026-03-04 09:05"),
    ("6", "4", "booked", "2026-03-05 09:00", "2026-03-05 09:10"),
    ("8", "5/2", "noshow", "2026-02-17 09:00", "2026-02-17 09:10"),
    ("9", "5/3", "cancelled", "2026-02-18 09:00", "2026-02-18 09:10"),
    ("10", "5/", "unknown", "2026-02-19 09:00", "2026-02-19 09:10"),
    ("15", "1", "booked", "2026-10-25 00:30", "2026-10-25 00:40"),
]

#: Rows that are no records, or records with a doubt: record, key, field, rule, what stood there.
TOLD = {
    "working_hours": [("4", "end_time", "unreadable", "25:30:00")],
    "appointment": [
        ("11", "start", "missing", None),
        ("14", "start", "no-such-hour", "2026-03-29 02:30:00"),
        ("15", "end", "hour-comes-twice", "2026-10-25 02:40:00"),
        ("15", "start", "hour-comes-twice", "2026-10-25 02:30:00"),
    ],
}


@pytest.fixture(scope="module")
def server(mariadb_server):
    return filled(mariadb_server, "opendental")


@pytest.fixture(scope="module")
def source(server):
    with opened("opendental", server.url) as source:
        yield source


@pytest.mark.parametrize("resource", EXPECTED)
def test_every_row_becomes_its_record(source, resource):
    batch = read(source, resource)
    assert shown(batch) == EXPECTED[resource]
    assert batch.unmapped.is_empty()


def test_every_appointment_has_its_status_start_and_end(source):
    frame = read(source, "appointment").frame
    found = frame.select("source_id", "status_code", "status", "start", "end").rows()
    assert found == [(key, code, status, utc(start), utc(end)) for key, code, status, start, end in APPOINTMENTS]


def test_arrival_and_creation_without_a_date_are_nothing(source):
    found = {row["source_id"]: row for row in shown(read(source, "appointment"))}
    assert found["2"]["arrived_at"] == utc("2026-03-02 07:50")
    assert "arrived_at" not in found["1"]
    assert "created_at" not in found["3"]
    assert "room_id" not in found["3"]
    assert found["6"]["patient_id"] == "9007199254740993"


def test_what_is_no_record_is_set_aside_with_its_reason(source):
    found = {resource: told(read(source, resource)) for resource in source.resources}
    texts = {
        resource: [(key, field, rule, None if text is None else str(text)[:19]) for key, field, rule, text in doubts]
        for resource, doubts in found.items()
        if doubts
    }
    assert texts == TOLD


def test_findings_and_notes_are_never_read(source):
    text = "".join(frame.write_json() for frame in frames(source).values())
    assert "never to be read" not in text


def test_the_link_is_well(source):
    assert {finding.level for finding in source.check()} == {"ok"}


def test_who_is_deleted_softly_and_what_the_history_calls_deleted_are_removed(source):
    assert read(source, "patient").removed == ("4",)
    assert read(source, "practitioner").removed == ("3",)
    assert read(source, "appointment").removed == ("16", "7")
    batch = read(source, "appointment")
    assert batch.read == batch.frame.height + batch.rejected.height + len(batch.removed)


# Changes and writing


@pytest.fixture
def own(mariadb_server):
    return filled(mariadb_server, "opendental")


def test_only_tombstones_since_the_last_reading_are_asked_for(own):
    with opened("opendental", own.url) as source:
        since = read(source, "appointment").position
        own.run(
            "DELETE FROM appointment WHERE AptNum = 1",
            "INSERT INTO histappointment (HistUserNum, HistDateTStamp, HistApptAction, AptNum, PatNum)"
            " VALUES (1, '2026-03-02 10:30:00', 4, 1, 1)",
        )
        batch = read(source, "appointment", "changes", since)
        assert batch.scope == "changes"
        assert batch.removed == ("1",)
        assert read(source, "appointment").removed == ("1", "16", "7")


def test_who_takes_a_consent_back_is_removed(own):
    with opened("opendental", own.url) as source:
        since = read(source, "consent").position
        own.run("UPDATE patient SET TxtMsgOk = 2 WHERE PatNum = 1")
        batch = read(source, "consent", "changes", since)
    assert batch.scope == "changes"
    assert "1" in batch.removed


def test_a_mobile_number_arrives_in_the_patients_row_and_moves_its_stamp(own):
    change = Change("update", "patient", "9007199254740993", {"mobile": "0151 7654321"}, {"mobile": None}, key="k1")
    with opened("opendental", own.url) as source:
        version = source.look("patient", "9007199254740993")["changed_at"]
        receipt = source.write(change)
        assert receipt.outcome == "written"
        assert receipt.version != version.isoformat()
    ((number, moved),) = own.ask(
        "SELECT WirelessPhone, DateTStamp > '2026-02-01' FROM patient WHERE PatNum = 9007199254740993"
    )
    assert (number, moved) == ("0151 7654321", 1)
    assert own.ask("SELECT count(*) FROM patient WHERE DateTStamp < '2026-02-02'") == [(4,)]


def test_a_version_that_was_read_with_the_record_holds_when_it_is_written(own, request):
    """The stamp is an instant: both logins must see it in the same zone, whatever the server's own is."""
    own.run("SET GLOBAL time_zone = '+05:00'")
    request.addfinalizer(lambda: own.run("SET GLOBAL time_zone = 'SYSTEM'"))
    with opened("opendental", own.url) as source:
        frame = read(source, "patient").frame
        version = frame["changed_at"][0].isoformat()
        base = {"mobile": "0151 5550102"}
        change = Change("update", "patient", "1", {"mobile": "0151 7654321"}, base, key="k1", version=version)
        assert source.write(change).outcome == "written"
        again = Change("update", "patient", "1", {"mobile": "0151 1"}, {}, key="k2", version=version)
        assert source.write(again).outcome == "conflict"


def test_a_number_that_does_not_fit_in_is_not_kept(own):
    """Without strict mode MariaDB cuts it, which the read-back shows."""
    change = Change("update", "patient", "1", {"mobile": "0" * 40}, {"mobile": "0151 5550102"}, key="k1")
    with opened("opendental", own.url) as source:
        receipt = source.write(change)
    assert (receipt.outcome, receipt.found) == ("refused", {"mobile": "0" * 30})
    assert own.ask("SELECT WirelessPhone FROM patient WHERE PatNum = 1") == [("0151 5550102",)]
