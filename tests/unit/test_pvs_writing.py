"""Corrections into a practice database: what is written, what is refused, and what stays as it was."""

import datetime as dt
import json

import polars as pl
import pytest

from connectors.pvs import profile
from connectors.pvs.profile import Creation, Stamp, Writable
from connectors.sandbox.pvs import PvsDesk
from connectors.source import Change
from tests.kit.demo_pvs import NOW, at, made, opened

LATER = NOW + dt.timedelta(minutes=5)


@pytest.fixture
def path(tmp_path):
    return made(tmp_path / "pvs.db")


@pytest.fixture
def desk(path):
    return PvsDesk(path, lambda: NOW)


@pytest.fixture
def source(path):
    with opened(path, now=LATER) as source:
        yield source


def change(kind, resource, source_id, values, base=None, key="decision-1", version=None):
    return Change(kind, resource, source_id, values, base or {}, key, version)


def foreign_writes(desk):
    return desk.log().filter(pl.col("wer") == "fremd").select("tabelle", "schluessel", "vorgang").rows()


def test_an_update_writes_one_row_and_says_what_a_read_back_saw(source, desk):
    receipt = source.write(change("update", "patient", "3", {"mobile": "0171 7654321"}, {"mobile": "54321"}))
    assert (receipt.outcome, receipt.found) == ("written", {"mobile": "0171 7654321"})
    assert receipt.version == LATER.isoformat()
    assert foreign_writes(desk) == [("patient_kontakt", "3", "UPDATE")]
    assert source.look("patient", "3")["mobile_e164"] == "+491717654321"


def test_a_row_that_is_not_there_yet_is_inserted_where_the_profile_says_so(source, desk):
    receipt = source.write(change("update", "patient", "3", {"email": "y@example.org"}, {"email": None}))
    assert receipt.outcome == "written"
    (row,) = desk.log().select("neu").to_series().to_list()
    assert json.loads(row) == {"pat_nr": 3, "art": "E", "wert": "y@example.org", "geaendert": "2026-03-02 10:05:00"}


def test_fields_of_two_tables_go_in_one_transaction(source, desk):
    receipt = source.write(change("update", "patient", "1", {"city": "Pirna", "phone": "03501 123456"}))
    assert receipt.outcome == "written"
    assert foreign_writes(desk) == [("patient", "1", "UPDATE"), ("patient_kontakt", "1", "UPDATE")]


def test_what_stands_there_already_is_not_written_again(source, desk):
    receipt = source.write(change("update", "patient", "3", {"mobile": "54321"}, {"mobile": "030 1234567"}))
    assert receipt.outcome == "already"
    assert foreign_writes(desk) == []


def test_a_base_that_no_longer_holds_is_a_conflict(source, desk):
    desk.edit("patient", "3", mobile="0160 1234567")
    receipt = source.write(change("update", "patient", "3", {"mobile": "0171 7654321"}, {"mobile": "54321"}))
    assert (receipt.outcome, receipt.found) == ("conflict", {"mobile": "0160 1234567"})
    assert foreign_writes(desk) == []


@pytest.mark.parametrize(
    ("version", "outcome"), [("2026-02-20T10:30:00+00:00", "written"), ("2026-01-01T00:00:00+00:00", "conflict")]
)
def test_the_version_of_the_record_must_be_the_one_that_was_read(source, version, outcome):
    receipt = source.write(change("update", "patient", "3", {"city": "Pirna"}, version=version))
    assert receipt.outcome == outcome


def test_a_record_that_is_gone_is_a_conflict(source, desk):
    desk.delete("appointment", "3")
    receipt = source.write(change("cancel", "appointment", "3", {}, {"status": "booked"}))
    assert (receipt.outcome, receipt.reason) == ("conflict", "the record is gone")


@pytest.mark.parametrize(
    ("values", "number"),
    [({}, 13), ({"cancelled_by": "patient"}, 5), ({"cancelled_by": "practice"}, 6), ({"cancelled_by": "system"}, 14)],
)
def test_a_cancellation_finds_the_one_code_for_status_and_party(source, desk, values, number):
    receipt = source.write(change("cancel", "appointment", "3", values, {"status": "booked"}))
    assert receipt.outcome == "written"
    assert receipt.found["status"] == "cancelled"
    assert json.loads(desk.log()["neu"][-1])["status"] == number


def test_a_combination_without_a_code_is_refused(source, desk):
    receipt = source.write(change("update", "appointment", "3", {"status": "booked", "cancelled_by": "patient"}))
    assert (receipt.outcome, receipt.reason) == (
        "refused",
        "the profile has 0 codes for status=booked, cancelled_by=patient, expected one",
    )
    assert foreign_writes(desk) == []


def test_a_move_keeps_the_key_and_is_in_the_practices_wall_time(source, desk):
    receipt = source.write(
        change(
            "move",
            "appointment",
            "3",
            {"start": at("2026-07-06 06:00"), "end": at("2026-07-06 06:30")},
            {"start": at("2026-03-03 09:00")},
        )
    )
    assert receipt.outcome == "written"
    assert json.loads(desk.log()["neu"][-1])["beginn"] == "2026-07-06 08:00:00"


def test_an_instant_that_the_wall_clock_cannot_say_is_not_kept(source, desk):
    second_half_past_two = {"start": at("2026-10-25 01:30"), "end": at("2026-10-25 02:00")}
    receipt = source.write(change("move", "appointment", "3", second_half_past_two))
    assert (receipt.outcome, receipt.found["start"]) == ("refused", at("2026-10-25 00:30"))
    assert foreign_writes(desk) == []


NEW = {"status": "booked", "schedule_id": "1", "start": at("2026-05-05 08:00"), "end": at("2026-05-05 08:15")}


def test_a_new_appointment_arrives_once_however_often_it_is_sent(source, desk):
    first = source.write(change("create", "appointment", None, NEW, key="decision-7"))
    again = source.write(change("create", "appointment", None, NEW, key="decision-7"))
    assert (first.outcome, again.outcome) == ("written", "already")
    assert first.source_id == again.source_id == "5"
    assert foreign_writes(desk) == [("termin", "5", "INSERT")]
    assert source.look("appointment", "5")["created_at"] == LATER


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (change("update", "patient", "1", {"family_name": "X"}), "the profile has no writable family_name"),
        (change("update", "practitioner", "1", {"lanr": "1"}), "the profile has no writable lanr"),
        (change("create", "patient", None, {"city": "X"}), "the profile does not let records be created"),
        (change("update", "appointment", None, {"status": "booked"}), "a update without a source_id"),
        (change("create", "appointment", "3", NEW), "a create with a source_id"),
    ],
)
def test_what_the_profile_does_not_name_is_refused(source, desk, asked, reason):
    receipt = source.write(asked)
    assert (receipt.outcome, receipt.reason) == ("refused", reason)
    assert foreign_writes(desk) == []


def test_two_rows_where_one_was_expected_stop_everything(path, desk):
    """A writable whose key is not one row (here: any appointment of the calendar) changes nothing."""
    described = profile.load(profile.find("demo"))
    loose = Writable(table="termin", key="kal_nr", column="weg", stamp=Stamp(column="geaendert", kind="local"))
    appointment = described.tables["appointment"]
    described = described.model_copy(
        update={"tables": {"appointment": appointment.model_copy(update={"writable": {"channel": loose}})}}
    )
    with opened(path, described=described) as source:
        receipt = source.write(change("update", "appointment", "1", {"channel": "desk"}))
    assert (receipt.outcome, receipt.reason) == ("refused", "found 3 rows in termin, expected one")
    assert foreign_writes(desk) == []


def test_a_writable_that_the_database_lacks(path):
    described = profile.load(profile.find("demo"))
    wrong = Writable(table="patienten", key="pat_nr", column="ort")
    patient = described.tables["patient"].model_copy(update={"writable": {"city": wrong}})
    described = described.model_copy(update={"tables": {"patient": patient}})
    with opened(path, described=described) as source, pytest.raises(Exception, match="found no table patienten"):
        source.write(change("update", "patient", "1", {"city": "Pirna"}))


def test_a_rule_of_the_database_is_a_refusal(path, desk):
    described = profile.load(profile.find("demo"))
    appointment = described.tables["appointment"]
    twice = Creation(table="termin", key="termin_nr", reference="fremd_ref", defaults={"termin_nr": 3})
    described = described.model_copy(
        update={"tables": {"appointment": appointment.model_copy(update={"create": twice})}}
    )
    with opened(path, described=described) as source:
        receipt = source.write(change("create", "appointment", None, NEW))
    assert receipt.outcome == "refused"
    assert "IntegrityError" in receipt.reason
    assert foreign_writes(desk) == []
