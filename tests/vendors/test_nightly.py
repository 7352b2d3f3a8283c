"""What no cursor shows is found at night: a row that was edited past its time stamp, one that is just gone.

On real engines, by the way of a run: a practice's settings, its source, raw.
"""

import pytest

from pipelines.ops import open_ops
from tests.kit.landing import current, land_once, versions
from tests.kit.vendors import filled, practice_on

pytestmark = pytest.mark.engine

#: Per vendor: the system; an edit of a patient that leaves its stamp alone, the patient, the field, before, after; an
#: appointment and how it goes without a trace.
VENDORS = {
    "gnuhealth": (
        "postgres_server",
        "UPDATE party_party SET lastname = 'Alt-Neu' WHERE id = 9",
        ("2147483647", "family_name", "Alt", "Alt-Neu"),
        ("1", "DELETE FROM gnuhealth_appointment WHERE id = 1"),
    ),
    "opendental": (
        "mariadb_server",
        "UPDATE patient SET LName = 'Ahlgrimm-Thal', DateTStamp = DateTStamp WHERE PatNum = 1",
        ("1", "family_name", "Ahlgrimm", "Ahlgrimm-Thal"),
        ("1", "DELETE FROM appointment WHERE AptNum = 1"),
    ),
    "openemr": (
        "mariadb_server",
        "UPDATE patient_data SET lname = 'Ahlgrimm-Thal', last_updated = last_updated WHERE pid = 11",
        ("11", "family_name", "Ahlgrimm", "Ahlgrimm-Thal"),
        ("20", "DELETE FROM openemr_postcalendar_events WHERE pc_eid = 20"),
    ),
}


@pytest.fixture(params=VENDORS)
def practice(request, tmp_path, monkeypatch, clock):
    """A practice whose PVS is that vendor's, everything landed once; and its database."""
    system = request.getfixturevalue(VENDORS[request.param][0])
    server = filled(system, request.param)
    made = practice_on(server, request.param, tmp_path, monkeypatch, clock)
    with open_ops(made) as ops:
        (read,) = land_once(made, ops, scope="full").sources
        assert (read.state, read.cause) == ("ok", None)
        yield request.param, made, ops, server


def test_an_edit_past_the_stamp_is_found_at_night(practice):
    vendor, made, ops, server = practice
    _, statement, (key, field, before, after), _ = VENDORS[vendor]
    server.run(statement)
    assert land_once(made, ops).sources[0].state == "ok"
    assert current(made, "patient")[key][field] == before
    (read,) = land_once(made, ops, scope="full").sources
    assert (read.changed, read.late) == (1, 1)
    assert current(made, "patient")[key][field] == after


def test_a_row_that_is_just_gone_is_found_and_its_last_values_are_kept(practice):
    vendor, made, ops, server = practice
    key, statement = VENDORS[vendor][3]
    last = current(made, "appointment")[key]
    server.run(statement)
    (read,) = land_once(made, ops, scope="full").sources
    assert read.removed == 1
    assert key not in current(made, "appointment")
    (*_, tombstone) = versions(made, "appointment").filter(source_id=key).rows(named=True)
    assert tombstone["removed"]
    assert {name: tombstone[name] for name in last} == last


@pytest.mark.parametrize("practice", ["gnuhealth"], indirect=True)
def test_a_vendors_update_stops_one_record_and_names_what_moved(practice):
    _, made, ops, server = practice
    server.run("ALTER TABLE gnuhealth_appointment RENAME COLUMN checked_in_date TO arrived_date")
    server.run("UPDATE party_party SET lastname = 'Ahlgrimm-Thal', write_date = '2026-03-04 10:00' WHERE id = 5")
    (read,) = land_once(made, ops).sources
    assert read.state == "bad-answer"
    assert read.cause.startswith("schema-mismatch: appointment: gnuhealth.toml: [appointment] found no column")
    assert "gnuhealth_appointment.checked_in_date: the vendor changed its database" in read.cause
    assert current(made, "patient")["1"]["family_name"] == "Ahlgrimm-Thal"
    assert len(current(made, "appointment")) == 7
