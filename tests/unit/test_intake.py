"""Vendor rows to a record: what is read, what is set aside, what is listed."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import casts, records
from connectors.intake import DELETED, KEY, take_in
from connectors.mapping import FieldMapping

BERLIN = "Europe/Berlin"


def fields(**mappings):
    return {name: FieldMapping.model_validate(mapping) for name, mapping in mappings.items()}


APPOINTMENT = fields(
    start="beginn",
    end="ende",
    status={"expr": "status", "map": {"1": "booked", "5": "cancelled"}},
    cancelled_by={"expr": "status", "map": {"1": "", "5": "patient"}},
    created_at="angelegt",
)


def appointments(*rows):
    names = (KEY, "start", "end", "status", "cancelled_by", "created_at")
    return pl.DataFrame([dict(zip(names, row, strict=True)) for row in rows], schema=dict.fromkeys(names, pl.String))


def booked(key="1", start="2026-03-02 08:00:00", end="2026-03-02 08:15:00", status="1", created=None):
    return (key, start, end, status, status, created)


def taken(*rows, **given_):
    return take_in("appointment", appointments(*rows), APPOINTMENT, timezone=BERLIN, **given_)


@pytest.mark.parametrize(
    ("row", "field", "rule"),
    [
        (booked(key=None), "source_id", "key-missing"),
        (booked(key="  "), "source_id", "key-missing"),
        (booked(start=None), "start", "missing"),
        (booked(start="irgendwann"), "start", "unreadable"),
        (booked(start="2026-02-30 08:00:00"), "start", "unreadable"),
        (booked(start="0000-00-00 00:00:00"), "start", "missing"),
        (booked(start="2026-03-29 02:30:00", end="2026-03-29 03:30:00"), "start", "no-such-hour"),
        (booked(end="2026-03-02 07:00:00"), "end", "ends-before-start"),
    ],
)
def test_a_row_that_is_no_appointment_is_set_aside_with_its_rule(row, field, rule):
    intake = taken(row, booked(key="99"))
    assert intake.rejected.select("field", "rule").rows() == [(field, rule)]
    assert '"start"' in intake.rejected["payload"][0]
    assert intake.frame["source_id"].to_list() == ["99"]
    assert intake.read == intake.frame.height + intake.rejected.height + len(intake.removed)


@pytest.mark.parametrize(
    ("created", "rule", "value"),
    [
        ("31.02.2026", "unreadable", None),
        ("2026-03-29 02:30:00", "no-such-hour", None),
        ("2026-10-25 02:30:00", "hour-comes-twice", dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)),
    ],
)
def test_a_doubtful_value_that_the_record_can_do_without_is_an_issue(created, rule, value):
    intake = taken(booked(created=created))
    assert intake.frame["created_at"].to_list() == [value]
    assert intake.issues.select("source_id", "field", "rule", "found").rows() == [("1", "created_at", rule, created)]
    assert intake.rejected.is_empty()


def test_zero_dates_are_no_dates_and_no_issues():
    rows = [booked(str(n), created=text) for n, text in enumerate(["0000-00-00", "0001-01-01 00:00:00", "00000000"])]
    intake = taken(*rows)
    assert intake.frame["created_at"].null_count() == 3
    assert intake.issues.is_empty()


def test_one_vendor_value_feeds_two_coded_fields():
    intake = taken(booked("1", status="1"), booked("2", status="5"), booked("3", status="7"), booked("4", status=None))
    assert intake.frame["status"].to_list() == ["booked", "cancelled", "unknown", None]
    assert intake.frame["cancelled_by"].to_list() == [None, "patient", "unknown", None]
    assert intake.frame["cancelled_by_code"].to_list() == ["1", "5", "7", None]
    assert intake.unmapped.rows() == [("appointment", "cancelled_by", "7", 1), ("appointment", "status", "7", 1)]


def test_a_code_that_the_map_calls_unknown_is_not_listed():
    mapping = APPOINTMENT | fields(status={"expr": "status", "map": {"7": "unknown", "": "booked"}})
    intake = take_in("appointment", appointments(booked(status="7"), booked("2", status=" ")), mapping, timezone=BERLIN)
    assert intake.frame["status"].to_list() == ["unknown", "booked"]
    assert intake.frame["status_code"].to_list() == ["7", ""]
    assert intake.unmapped["field"].to_list() == ["cancelled_by"]


def test_a_repeated_key_is_set_aside_also_across_partitions():
    intake = taken(booked("7"), booked("8"), booked("8"), last_key="7")
    assert intake.rejected.select("source_id", "rule").rows() == [("7", "key-repeated"), ("8", "key-repeated")]
    assert intake.last_key == "8"


def test_deleted_rows_are_removed_whatever_else_is_wrong_with_them():
    vendor = appointments(booked("1"), booked("2", start=None)).with_columns(pl.Series(DELETED, [0, 1]))
    intake = take_in("appointment", vendor, APPOINTMENT, timezone=BERLIN)
    assert intake.removed == ("2",)
    assert intake.rejected.is_empty()
    assert intake.read == 2


def test_padded_text_and_keys_from_numbers():
    vendor = pl.DataFrame({KEY: [1.0, 2.0], "family_name": ["Müller    ", " "], "replaced_by": [None, 17.0]})
    intake = take_in("patient", vendor, fields(family_name="n", replaced_by="r"), timezone=BERLIN)
    assert intake.frame.select("source_id", "family_name", "replaced_by").rows() == [
        ("1", "Müller", None),
        ("2", None, "17"),
    ]
    assert intake.frame.schema == records.schema("patient")


def test_a_constant_has_no_code():
    intake = take_in("schedule", pl.DataFrame({KEY: ["1"]}), fields(kind={"const": "person"}), timezone=BERLIN)
    assert intake.frame.select("kind", "kind_code").rows() == [("person", None)]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, 0, None], "bool", [True, False, None]),
        (["J", "nein ", "t"], "bool", [True, False, True]),
        (["42 ", "", None], "int", [42, None, None]),
        ([7.0], "int", [7]),
        (["20260305", "2026-03-05", "2026-03-05 00:00:00"], "date", [dt.date(2026, 3, 5)] * 3),
        ([dt.date(1, 1, 1)], "date", [None]),
        ([dt.timedelta(hours=8), dt.timedelta(hours=24), dt.timedelta(hours=-1)], "time", [dt.time(8), None, None]),
        (["08:00", "08:00:30"], "time", [dt.time(8), dt.time(8, 0, 30)]),
        ([0, 1000], "epoch_ms", [None, dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC)]),
        (["2026-07-01T08:00:00Z"], "utc", [dt.datetime(2026, 7, 1, 8, tzinfo=dt.UTC)]),
        (["2026-07-01T08:00:00+02:00"], "local", [dt.datetime(2026, 7, 1, 6, tzinfo=dt.UTC)]),
        (["2026-07-01 08:00:00"], "local", [dt.datetime(2026, 7, 1, 6, tzinfo=dt.UTC)]),
        ([dt.date(2026, 7, 1)], "local", [dt.datetime(2026, 6, 30, 22, tzinfo=dt.UTC)]),
        ([b"\x01\xff"], "id", ["01ff"]),
    ],
)
def test_the_ways_in_which_drivers_give_a_value(values, kind, expected):
    assert casts.cast(pl.Series("x", values), kind, timezone=BERLIN).values.to_list() == expected


@settings(deadline=None)
@given(st.lists(st.text(alphabet="0123456789-: .T/aZ+", max_size=20), max_size=20))
def test_no_text_is_lost_or_invented(texts):
    rows = [booked(str(number), start=text, created=text) for number, text in enumerate(texts)]
    intake = taken(*rows)
    assert intake.read == len(texts) == intake.frame.height + intake.rejected.height
