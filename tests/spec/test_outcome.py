"""What became of an appointment: from a source's status to one of eight outcomes, and the notice of a cancellation.

Today is Wednesday 2026-03-11. Times are local.
"""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from tests.kit.reference_practice import Practice, warehouse

TODAY = "2026-03-11"
BEFORE, PAST, LATER_TODAY, AHEAD = "2026-03-08 10:00", "2026-03-09 10:00", "2026-03-11 18:00", "2026-03-20 10:00"

OUTCOMES = [
    # status, start, more, outcome, how we know
    ("fulfilled", PAST, {}, "attended", "explicit"),
    ("arrived", PAST, {}, "attended", "explicit"),
    ("noshow", PAST, {}, "no_show", "explicit"),
    ("noshow", PAST, {"actual_end": "2026-03-09 10:20"}, "unknown", "none"),
    ("booked", AHEAD, {}, "booked", "none"),
    ("pending", AHEAD, {}, "booked", "none"),
    ("proposed", AHEAD, {}, "booked", "none"),
    ("booked", LATER_TODAY, {}, "booked", "none"),
    ("booked", "2026-03-11 00:00", {}, "booked", "none"),
    ("booked", "2026-03-10 23:45", {}, "unknown", "none"),
    ("booked", PAST, {}, "unknown", "none"),
    ("unknown", PAST, {}, "unknown", "none"),
    ("unknown", AHEAD, {}, "unknown", "none"),
    (None, PAST, {}, "unknown", "none"),
    ("cancelled", PAST, {"cancelled_by": "patient", "cancelled_at": BEFORE}, "cancelled_patient", "explicit"),
    ("cancelled", PAST, {"cancelled_by": "unknown", "cancelled_at": BEFORE}, "cancelled_patient", "explicit"),
    ("cancelled", PAST, {}, "cancelled_patient", "explicit"),
    ("cancelled", PAST, {"cancelled_by": "practice"}, "cancelled_practice", "explicit"),
    ("cancelled", PAST, {"cancelled_by": "system"}, "cancelled_practice", "explicit"),
    ("cancelled", PAST, {"cancelled_by": "patient", "cancelled_at": PAST}, "no_show", "explicit"),
    ("cancelled", PAST, {"cancelled_by": "patient", "cancelled_at": "2026-03-09 10:05"}, "no_show", "explicit"),
    ("rescheduled", PAST, {}, "rescheduled", "explicit"),
    ("block", PAST, {}, "block", "explicit"),
]  # fmt: skip

NOTICE = [
    # cancelled at, for a start on Monday 2026-03-30 10:00 (the clocks went forward in the night before)
    ("2026-03-30 10:00", "no_show"),
    ("2026-03-30 10:05", "no_show"),
    ("2026-03-30 09:59", "<2h"),
    ("2026-03-30 08:01", "<2h"),
    ("2026-03-30 08:00", "2-24h"),
    ("2026-03-29 10:00:01", "2-24h"),
    ("2026-03-29 10:00", "24-48h"),
    ("2026-03-28 10:00", "24-48h"),  # two days on the clock, 47 hours
    ("2026-03-28 09:00", "2-7d"),
    ("2026-03-23 09:01", "2-7d"),
    ("2026-03-23 09:00", ">=7d"),
]


def _with_end(start: str) -> tuple[str, str]:
    return start, f"{start[:14]}59"


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, Any]]:
    practice = Practice()
    practice.location("markt")
    practice.calendar("demir", location="markt")
    for number, (status, start, more, _, _) in enumerate(OUTCOMES):
        practice.appointment("demir", *_with_end(start), status, source_id=f"outcome-{number}", **more)
    for number, (cancelled_at, _) in enumerate(NOTICE):
        practice.appointment(
            "demir", "2026-03-30 10:00", "2026-03-30 10:30", "cancelled",
            source_id=f"notice-{number}", cancelled_by="patient", cancelled_at=cancelled_at,
        )  # fmt: skip
    practice.appointment("demir", PAST, PAST, "entered-in-error", source_id="error")
    practice.appointment(
        "demir", *_with_end(PAST), "cancelled", source_id="old", cancelled_by="patient", cancelled_at=BEFORE
    )
    practice.appointment("demir", *_with_end(AHEAD), "booked", source_id="new", replaces="old")
    return _facts(warehouse(practice, TODAY, "marts.fact_appointment"))


def _facts(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """fact_appointment by source_id."""
    found = con.execute(
        "SELECT core.source_id AS id, fact.* FROM marts.fact_appointment AS fact"
        " INNER JOIN core.appointment AS core USING (appointment_key)"
    ).pl()
    return {row["id"]: row for row in found.to_dicts()}


@pytest.mark.parametrize(
    ("number", "outcome", "known_by"),
    [(number, case[3], case[4]) for number, case in enumerate(OUTCOMES)],
    ids=[f"{case[0]} {case[1]} {case[2] or ''} -> {case[3]}" for case in OUTCOMES],
)
def test_outcome(rows: dict[str, dict[str, Any]], number: int, outcome: str, known_by: str) -> None:
    row = rows[f"outcome-{number}"]

    assert (row["outcome"], row["outcome_source"]) == (outcome, known_by)


@pytest.mark.parametrize(("number", "bucket"), [(number, case[1]) for number, case in enumerate(NOTICE)])
def test_notice_is_elapsed_time(rows: dict[str, dict[str, Any]], number: int, bucket: str) -> None:
    assert rows[f"notice-{number}"]["notice_bucket"] == bucket


def test_only_cancelled_ones_have_a_notice(rows: dict[str, dict[str, Any]]) -> None:
    assert rows["outcome-0"]["notice_hours"] is None
    assert rows["outcome-14"]["notice_hours"] == 24.0


def test_a_cancelled_one_that_a_new_one_replaces_was_moved(rows: dict[str, dict[str, Any]]) -> None:
    assert [rows[key]["outcome"] for key in ("old", "new")] == ["rescheduled", "booked"]


def test_entered_in_error_is_left_out(rows: dict[str, dict[str, Any]]) -> None:
    assert "error" not in rows


@pytest.mark.parametrize(
    ("limit", "cancelled_at", "part"),
    [
        ("24", "2026-03-08 10:00", "other_cancelled_min"),
        ("24", "2026-03-08 10:01", "late_cancelled_min"),
        ("48", "2026-03-08 10:00", "late_cancelled_min"),
        ("24", None, "other_cancelled_min"),
    ],
    ids=["exactly 24 h is in time", "a minute less is late", "the practice's limit is 48 h", "nobody knows when"],
)
@pytest.mark.parametrize("status", ["cancelled", "rescheduled"])
def test_late_cancellation(limit: str, cancelled_at: str | None, part: str, status: str) -> None:
    practice = Practice(settings={"late_cancel_hours": limit})
    practice.location("markt")
    practice.calendar("demir", location="markt")
    practice.hours("demir", "08:00", "12:00", weekday=1)
    known = {"cancelled_at": cancelled_at} if cancelled_at else {}
    practice.appointment("demir", "2026-03-09 10:00", "2026-03-09 10:30", status, **known)

    con = warehouse(practice, TODAY, "marts.fact_capacity_day")
    found = con.execute(f"SELECT sum({part}), sum(never_booked_min) FROM marts.fact_capacity_day").fetchone()

    assert found is not None
    assert found[0] == 30


INFERRED = [
    # says, start, what shows that the patient was there, outcome
    ("a working day has passed and there is no trace", "2026-03-09 10:00", {}, "no_show"),
    ("no working day has passed in between", "2026-03-10 10:00", {}, "unknown"),
    ("there was a visit that day", "2026-03-09 10:00", {"visit": "2026-03-09 15:00"}, "unknown"),
    ("something was billed that day", "2026-03-09 10:00", {"billed": True}, "unknown"),
    ("arrival was noted", "2026-03-09 10:00", {"arrived_at": "2026-03-09 09:55"}, "unknown"),
    ("it is ahead", "2026-03-16 10:00", {}, "booked"),
]


@pytest.mark.parametrize(("says", "start", "seen", "outcome"), INFERRED, ids=[case[0] for case in INFERRED])
@pytest.mark.parametrize("rule_is_on", [True, False])
def test_missed_appointments_are_inferred_only_by_rule(
    says: str, start: str, seen: dict[str, Any], outcome: str, rule_is_on: bool
) -> None:
    practice = Practice(settings={"infer_no_show": "true" if rule_is_on else "false"})
    practice.location("markt")
    practice.calendar("demir", location="markt")
    patient = practice.record("patient", "p-1")
    arrived = {"arrived_at": seen["arrived_at"]} if "arrived_at" in seen else {}
    practice.appointment("demir", *_with_end(start), "booked", patient_id=patient, source_id="it", **arrived)
    if "visit" in seen:
        practice.visit(patient, seen["visit"])
    if "billed" in seen:
        practice.billed(patient, start[:10])

    row = _facts(warehouse(practice, TODAY, "marts.fact_appointment"))["it"]

    expected = "unknown" if outcome == "no_show" and not rule_is_on else outcome
    assert row["outcome"] == expected
    assert row["outcome_source"] == ("inferred" if expected == "no_show" else "none")


def test_a_weekend_is_no_working_day_in_between() -> None:
    """Booked for Friday; on Monday nobody may have entered what became of it, on Tuesday somebody should have."""
    outcomes = {}
    for today in ("2026-03-16", "2026-03-17"):
        practice = Practice(settings={"infer_no_show": "true"})
        practice.location("markt")
        practice.calendar("demir", location="markt")
        practice.appointment("demir", "2026-03-13 10:00", "2026-03-13 10:30", "booked", source_id="it")
        outcomes[today] = _facts(warehouse(practice, today, "marts.fact_appointment"))["it"]["outcome"]

    assert outcomes == {"2026-03-16": "unknown", "2026-03-17": "no_show"}


def test_a_corrected_code_map_holds_for_what_was_read_long_ago() -> None:
    practice = Practice()
    practice.location("markt")
    practice.calendar("demir", location="markt")
    for code in ("N", "X", "Z"):
        practice.appointment("demir", *_with_end(PAST), "unknown", status_code=code, source_id=code)
    practice.appointment("demir", *_with_end(PAST), "unknown", status_code="?", source_id="nobody knows")
    practice.appointment("demir", *_with_end(PAST), "fulfilled", source_id="without code")
    practice.set_code_map("appointment", "status", {"N": "noshow", "X": "cancelled", "?": "unknown"})

    con = warehouse(practice, TODAY, "marts")
    facts = _facts(con)

    assert {key: facts[key]["outcome"] for key in ("N", "X", "Z", "without code")} == {
        "N": "no_show",
        "X": "cancelled_patient",
        "Z": "unknown",
        "without code": "attended",
    }
    assert con.execute("SELECT source, resource, field, code, rows FROM marts.unmapped_code").fetchall() == [
        ("pvs", "appointment", "status", "Z", 1)
    ]


def test_without_a_map_the_landed_value_holds() -> None:
    practice = Practice()
    practice.location("markt")
    practice.calendar("demir", location="markt")
    practice.appointment("demir", *_with_end(PAST), "noshow", status_code="N", source_id="it")

    assert _facts(warehouse(practice, TODAY, "marts.fact_appointment"))["it"]["outcome"] == "no_show"


def test_versions_become_changes() -> None:
    """Moved by half an hour in run 2, cancelled in run 3, gone in run 4."""
    practice = Practice()
    practice.location("markt")
    practice.calendar("demir", location="markt")
    at = [("10:00", "10:30", "booked"), ("10:30", "11:00", "booked"), ("10:30", "11:00", "cancelled")]
    for run, (start, end, status) in enumerate(at, 1):
        practice.appointment("demir", f"2026-03-20 {start}", f"2026-03-20 {end}", status, source_id="a", run=run)
    practice.appointment(
        "demir", "2026-03-20 10:30", "2026-03-20 11:00", "cancelled", source_id="a", run=4, removed=True
    )
    practice.appointment("demir", "2026-03-20 12:00", "2026-03-20 12:30", "booked", source_id="b", run=2)

    con = warehouse(practice, TODAY, "marts")
    changes = con.execute("SELECT run, field, old, new FROM marts.fact_appointment_change").fetchall()

    assert changes == [
        (2, "end", "2026-03-20T09:30Z", "2026-03-20T10:00Z"),
        (2, "start", "2026-03-20T09:00Z", "2026-03-20T09:30Z"),
        (3, "status", "booked", "cancelled"),
        (4, "removed", "false", "true"),
    ]
    facts = _facts(con)
    assert set(facts) == {"b"}
    assert facts["b"]["is_first_seen_run"] is False


def test_lead_days_are_local_days() -> None:
    practice = Practice()
    practice.location("markt")
    practice.calendar("demir", location="markt")
    practice.appointment(
        "demir", "2026-03-30 08:00", "2026-03-30 08:30", "booked", source_id="it", created_at="2026-03-28 23:30"
    )

    assert _facts(warehouse(practice, TODAY, "marts.fact_appointment"))["it"]["lead_days"] == 2
