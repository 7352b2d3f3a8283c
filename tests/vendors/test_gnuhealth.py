"""The profile `gnuhealth` on its tables in a real PostgreSQL: what each row becomes, and what is written back."""

import datetime as dt

import pytest

from connectors.source import Change
from tests.kit.vendors import filled, frames, naive, opened, read, shown, told, utc

pytestmark = pytest.mark.engine

SEEN = {"created_at": utc("2026-01-02 08:00"), "changed_at": utc("2026-01-02 08:00"), "active": True, "deceased": False}

EXPECTED = {
    "location": [{"source_id": "1", "name": "Haus am Hafen", "kind": "site", "active": True}],
    "practitioner": [
        {"source_id": "1", "family_name": "Thal", "given_name": "Cora", "active": True},
        {"source_id": "2", "family_name": "Uhde", "given_name": "Finn", "active": False},
    ],
    "healthcare_service": [{"source_id": "40", "name": "Family medicine"}],
    "schedule": [
        {"source_id": "1", "name": "Thal, Cora", "kind": "person", "practitioner_id": "1", "location_id": "1",
         "active": True},
        {"source_id": "2", "name": "Uhde, Finn", "kind": "person", "practitioner_id": "2", "location_id": "1",
         "active": False},
    ],
    "patient": [
        {**SEEN, "source_id": "1", "family_name": "Ahlgrimm", "given_name": "Jette", "birth_date": dt.date(1961, 2, 28),
         "gender": "female", "kvnr": "A123456780", "phone": "030 5550101", "phone_e164": "+49305550101",
         "mobile": "0151 5550102", "mobile_e164": "+491515550102", "email": "jette@example.org",
         "street": "Gartenweg 3", "postal_code": "01067", "city": "Dresden", "country": "DE",
         "created_at": utc("2026-01-02 08:00:00.123456"), "changed_at": utc("2026-01-02 08:00:00.123456")},
        {**SEEN, "source_id": "2", "family_name": "Borowka", "given_name": "Ole", "birth_date": dt.date(1988, 12, 31),
         "gender": "other", "deceased": True, "street": "Ufer" * 1250, "changed_at": utc("2026-02-01 09:30:00.5")},
        {**SEEN, "source_id": "3", "family_name": "Ahlgrim", "given_name": "Jete", "gender": "unknown", "active": False,
         "replaced_by": "1", "changed_at": utc("2026-02-03 10:00")},
        {**SEEN, "source_id": "4", "family_name": "Straße" * 50, "given_name": "Łucja-Ναταλία 😀",
         "birth_date": dt.date(2004, 2, 29), "gender": "male"},
        {**SEEN, "source_id": "2147483647", "family_name": "Alt", "given_name": "Wilhelm",
         "birth_date": dt.date(1899, 12, 31)},
    ],
    "slot": [
        {"source_id": "8", "schedule_id": "1", "status": "free", "start": utc("2026-03-05 08:00"),
         "end": utc("2026-03-05 08:30"), "healthcare_service_id": "40"},
        {"source_id": "9", "schedule_id": "1", "status": "free", "start": utc("2026-03-29 01:00"),
         "end": utc("2026-03-29 01:30")},
    ],
    "visit": [
        {"source_id": "1", "patient_id": "1", "practitioner_id": "1", "schedule_id": "1", "appointment_id": "3",
         "started_at": utc("2026-02-20 09:04"), "finished_at": utc("2026-02-20 09:21")},
    ],
}  # fmt: skip

#: The present time of the tests, as Tryton keeps it.
WRITTEN = naive("2026-03-02 09:00")

#: Key -> status, who cancelled, start, end, and what else is told of it.
APPOINTMENTS = [
    ("1", "booked", None, "2026-03-03 08:00", "2026-03-03 08:30", {"modality": "in-person"}),
    ("2", "arrived", None, "2026-10-25 01:30", "2026-10-25 02:00", {"modality": "video"}),
    ("3", "fulfilled", None, "2026-02-20 09:00", "2026-02-20 09:00", {"arrived_at": utc("2026-02-20 08:50")}),
    ("4", "cancelled", "patient", "2026-03-04 08:00", "2026-03-04 08:30", {"modality": "home-visit"}),
    ("5", "unknown", None, "2026-03-04 09:00", "2026-03-04 09:30", {"modality": "in-person"}),
    ("6", "cancelled", "practice", "2026-03-04 10:00", "2026-03-04 10:30", {}),
    ("7", "noshow", None, "2026-02-19 10:00", "2026-02-19 10:30", {"patient_id": "2147483647"}),
]


@pytest.fixture(scope="module")
def server(postgres_server):
    return filled(postgres_server, "gnuhealth")


@pytest.fixture(scope="module")
def source(server):
    with opened("gnuhealth", server.url) as source:
        yield source


@pytest.mark.parametrize("resource", EXPECTED)
def test_every_row_becomes_its_record(source, resource):
    batch = read(source, resource)
    assert shown(batch) == EXPECTED[resource]
    assert told(batch) == []
    assert batch.unmapped.is_empty()


@pytest.mark.parametrize(("key", "status", "by", "start", "end", "more"), APPOINTMENTS)
def test_all_seven_states_and_the_row_without_one(source, key, status, by, start, end, more):
    (found,) = [row for row in shown(read(source, "appointment")) if row["source_id"] == key]
    assert (found["status"], found.get("cancelled_by"), found["start"], found["end"]) == (
        status,
        by,
        utc(start),
        utc(end),
    )
    assert more.items() <= found.items()


def test_appointments_and_open_slots_are_told_apart(source):
    batch = read(source, "appointment")
    assert batch.frame["source_id"].to_list() == [key for key, *_ in APPOINTMENTS]
    assert told(batch) == []
    assert batch.unmapped.is_empty()
    assert batch.frame["start"].dtype == batch.frame.schema["created_at"]


def test_findings_diagnoses_and_notes_are_never_read(source):
    text = "".join(frame.write_json() for frame in frames(source).values())
    assert "never to be read" not in text


def test_the_link_is_well(source):
    assert {finding.level for finding in source.check()} == {"ok"}


# Writing


@pytest.fixture
def own(postgres_server):
    return filled(postgres_server, "gnuhealth")


def mobile(patient, value, base):
    return Change("update", "patient", patient, {"mobile": value}, {"mobile": base}, key="k1")


def test_a_mobile_number_arrives_in_the_row_that_is_read(own):
    with opened("gnuhealth", own.url) as source:
        receipt = source.write(mobile("1", "0151 7654321", "0151 5550102"))
    assert (receipt.outcome, receipt.found) == ("written", {"mobile": "0151 7654321"})
    assert own.ask(
        "SELECT value, value_compact, sequence, write_date FROM party_contact_mechanism"
        " WHERE party = 5 AND type = 'mobile' ORDER BY id"
    ) == [
        ("0151 5550199", "0151 5550199", 2, None),
        ("0151 7654321", "0151 7654321", None, WRITTEN),
    ]


def test_a_first_mobile_number_becomes_a_row_beside_the_inactive_one(own):
    with opened("gnuhealth", own.url) as source:
        receipt = source.write(mobile("2", "+49 151 7654321", None))
        assert read(source, "patient").frame["mobile_e164"][1] == "+491517654321"
    assert receipt.outcome == "written"
    assert own.ask(
        "SELECT active, value, value_compact, create_date, write_date FROM party_contact_mechanism"
        " WHERE party = 6 AND type = 'mobile' ORDER BY id"
    ) == [
        (False, "0151 5550103", "0151 5550103", naive("2026-01-02 08:00"), None),
        (True, "+49 151 7654321", "+49 151 7654321", WRITTEN, None),
    ]


def test_a_number_that_changed_meanwhile_stays(own):
    own.run("UPDATE party_contact_mechanism SET value = '0151 1111111' WHERE party = 5 AND type = 'mobile' AND id = 3")
    with opened("gnuhealth", own.url) as source:
        receipt = source.write(mobile("1", "0151 7654321", "0151 5550102"))
    assert (receipt.outcome, receipt.found) == ("conflict", {"mobile": "0151 1111111"})
    assert own.ask("SELECT count(*) FROM party_contact_mechanism WHERE value = '0151 7654321'") == [(0,)]


def test_an_address_is_written_in_one_row(own):
    change = Change("move", "patient", "1", {"street": "Ufer 1", "city": "Pirna"}, {"street": "Gartenweg 3"}, key="k2")
    with opened("gnuhealth", own.url) as source:
        assert source.write(change).outcome == "written"
    assert own.ask("SELECT street, city FROM party_address WHERE party = 5") == [("Ufer 1", "Pirna")]
