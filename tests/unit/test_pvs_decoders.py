"""Decoders that make several rows of one: series, working plans, packed hours, lists."""

import datetime as dt

import polars as pl
import pytest

from connectors.decoders import DECODERS
from connectors.pvs.decoders import EXPANDERS

UNTIL = dt.date(2026, 6, 30)


def php(freq="1", kind="0", num="1", day="0", on="0", exdate=""):
    fields = {"event_repeat_freq": freq, "event_repeat_freq_type": kind, "event_repeat_on_num": num,
              "event_repeat_on_day": day, "event_repeat_on_freq": on, "exdate": exdate}  # fmt: skip
    return "a:6:{" + "".join(f's:{len(k)}:"{k}";s:{len(v)}:"{v}";' for k, v in fields.items()) + "}"


def days(kind, spec, first, last=None):
    row = {"source_id": "7", "start": f"{first} 09:00:00", "recurrtype": str(kind), "recurrspec": spec,
           "first_day": first, "last_day": last}  # fmt: skip
    found = EXPANDERS["recurrence"].expand(pl.DataFrame([row], schema=dict.fromkeys(row, pl.String)), UNTIL)
    assert set(found.columns) == {"source_id", "start"}
    assert found["source_id"].to_list() == [f"7/{start:%Y%m%d}" for start in found["start"]]
    assert {f"{start:%H:%M}" for start in found["start"]} <= {"09:00"}
    return [f"{start:%m-%d}" for start in found["start"]]


@pytest.mark.parametrize(
    ("kind", "spec", "first", "last", "expected"),
    [
        (1, php("2", "0"), "2026-03-01", "2026-03-06", ["03-01", "03-03", "03-05"]),
        (1, php("1", "1"), "2026-03-26", "2026-04-10", ["03-26", "04-02", "04-09"]),
        (1, php("1", "1", exdate="20260402,20260409"), "2026-03-26", "2026-04-10", ["03-26"]),
        (1, php("1", "2"), "2026-01-31", "2026-04-30", ["01-31", "03-03", "03-31"]),
        (1, php("1", "3"), "2025-03-01", "2026-03-01", ["03-01", "03-01"]),
        (1, php("1", "4"), "2026-02-27", "2026-03-03", ["02-27", "03-02", "03-03"]),
        (2, php(num="2", day="1", on="1"), "2026-03-01", "2026-05-31", ["03-09", "04-13", "05-11"]),
        (2, php(num="5", day="0", on="2"), "2026-03-30", None, ["05-31"]),
        (3, php("2,4", "6"), "2026-03-02", "2026-03-11", ["03-02", "03-04", "03-09", "03-11"]),
        (1, php("4", "1"), "2026-05-04", None, ["05-04", "06-01", "06-29"]),
        (1, php("4", "1"), "2026-05-04", "0000-00-00", ["05-04", "06-01", "06-29"]),
        (1, php("1", "0"), "2026-05-04", "2026-05-03", []),
    ],
)
def test_the_days_of_a_series(kind, spec, first, last, expected):
    assert days(kind, spec, first, last) == expected


SENSELESS = [
    (1, php("1", "9")),
    (1, "a:0:{}"),
    (1, None),
    (2, php(num="x", on="1")),
    (1, php("x", "0")),
    (7, ""),
    (3, php("9", "6")),
]


@pytest.mark.parametrize(("kind", "spec"), SENSELESS)
def test_a_rule_that_makes_no_sense_leaves_a_row_without_its_times(kind, spec):
    row = {"source_id": "7", "start": "2026-03-01 09:00:00", "start_time": "09:00:00", "recurrtype": str(kind),
           "recurrspec": spec, "first_day": "2026-03-01", "last_day": None}  # fmt: skip
    good = row | {"source_id": "8", "recurrtype": "1", "recurrspec": php("1", "1"), "last_day": "2026-03-01"}
    found = EXPANDERS["recurrence"].expand(pl.DataFrame([row, good], schema=dict.fromkeys(row, pl.String)), UNTIL)
    assert found.select("source_id", "start_time").rows() == [("7", None), ("8/20260301", "09:00:00")]
    assert found["start"].is_null().to_list() == [True, False]


def test_single_rows_stay_as_they_are():
    rows = pl.DataFrame(
        {"source_id": ["1", "2"], "start": ["2026-03-01 09:00:00", None], "recurrtype": ["0", None],
         "recurrspec": [None, ""], "first_day": ["2026-03-01", "0000-00-00"], "last_day": [None, None]}
    )  # fmt: skip
    found = EXPANDERS["recurrence"].expand(rows, UNTIL)
    assert [str(start) for start in found["start"]] == ["2026-03-01 09:00:00", "None"]
    assert found["source_id"].to_list() == ["1", "2"]


def weekly(name, packed, text):
    rows = pl.DataFrame({"source_id": [" 4 "], packed: [text], "schedule_id": ["4"]})
    found = EXPANDERS[name].expand(rows, UNTIL)
    return [
        (row["weekday"], f"{row['start_time']:%H%M}-{row['end_time']:%H%M}") if row["start_time"] else row["source_id"]
        for row in found.to_dicts()
    ]


def test_a_working_plan_without_its_breaks():
    text = '{"monday":{"start":"09:00","end":"12:00","breaks":[{"start":"08:00","end":"09:30"}]},"friday":null}'
    assert weekly("working_plan", "plan", text) == [(1, "0930-1200")]
    assert weekly("working_plan", "plan", None) == []


def test_days_without_limits_have_the_vendors_own():
    text = "FS1~#<AMo=A0000-2400~#<ADi=A0800-0900\r\n1000-1100"
    assert weekly("day_limits", "limits", text)[:4] == [
        (2, "0000-0800"),
        (2, "0900-1000"),
        (2, "1100-2359"),
        (3, "0800-1800"),
    ]


@pytest.mark.parametrize(
    ("name", "packed", "text"),
    [
        ("working_plan", "plan", "[1]"),
        ("working_plan", "plan", '{"monday": 7}'),
        ("working_plan", "plan", '{"monday": {"start": "9 Uhr", "end": "12:00"}}'),
        ("working_plan", "plan", "{"),
        ("day_limits", "limits", "FS1~#<AMo=Axxxx-yyyy"),
    ],
)
def test_hours_that_make_no_sense_leave_a_row_without_its_times(name, packed, text):
    assert weekly(name, packed, text) == ["4"]


@pytest.mark.parametrize(
    ("decoder", "given", "expected"),
    [
        ("day_and_minutes", "20260303 480 30", "2026-03-03 08:30:00"),
        ("day_and_minutes", "20260303 1440  ", "2026-03-04 00:00:00"),
        ("day_and_minutes", "20260303", "20260303"),
        ("day_and_minutes", "20260303 4a", "20260303 4a"),
        ("epoch_minutes", " 29498940 ", "1769936400000"),
        ("epoch_minutes", "?", "?"),
        ("arrival_in_history", "29498940;geplant\n29542075;eingetroffen", "1772524500000"),
        ("arrival_in_history", "29498940;geplant", None),
    ],
)
def test_columns(decoder, given, expected):
    assert DECODERS[decoder](pl.Series("x", [given, None])).to_list() == [expected, None]
