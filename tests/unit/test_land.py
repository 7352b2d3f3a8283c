from __future__ import annotations

import datetime as dt

import pytest

from connectors import errors as foreign
from connectors.source import Window
from pipelines import files, land
from pipelines.errors import BrokenFile, RunRefused, SecretMissing, SettingsError
from pipelines.ops import Ops, breaker, findings, runs
from pipelines.practice import Practice
from tests.kit.landing import appointment, appointments_of, current, land_once, patients_of, versions
from tests.kit.practices import NOON, Clock, ScriptedSource, Shelf, batch, rows
from tests.kit.segments import raw_rows

Sources = dict[str, ScriptedSource]


@pytest.fixture
def pvs(sources: Sources) -> ScriptedSource:
    """A PVS with a patient and an appointment."""
    sources["pvs"].shelves = {"patient": Shelf(patients_of("p1")), "appointment": Shelf(appointments_of("a1"))}
    return sources["pvs"]


def asked(source: ScriptedSource) -> list[tuple[str, str, str | None]]:
    return [(request.resource, request.scope, request.since) for request in source.asked]


def test_the_first_landing_is_full_and_the_next_as_each_record_type_allows(
    practice: Practice, ops: Ops, pvs: ScriptedSource
) -> None:
    landed = land_once(practice, ops)
    assert asked(pvs) == [("patient", "full", None), ("appointment", "full", None)]
    assert landed.segment == "00000001-1.duckdb"
    read = landed.sources[0]
    assert (read.source, read.state, read.read, read.new, read.late) == ("pvs", "ok", 2, 2, 0)
    pvs.asked.clear()
    assert land_once(practice, ops).segment is None
    assert asked(pvs) == [("patient", "changes", "p1"), ("appointment", "window", "p2")]
    assert pvs.asked[1].window == land.usual_window(practice)
    assert pvs.closed == 2


def test_the_window_is_local_days(practice: Practice) -> None:
    assert land.usual_window(practice) == Window(
        dt.datetime(2026, 2, 17, 23, tzinfo=dt.UTC), dt.datetime(2028, 3, 3, 23, tzinfo=dt.UTC)
    )


def test_rows_carry_where_and_when_they_were_read(practice: Practice, ops: Ops, pvs: ScriptedSource) -> None:
    land_once(practice, ops)
    (row,) = versions(practice, "patient").rows(named=True)
    assert (row["source"], row["run"], row["read_at"], row["removed"]) == ("pvs", 1, NOON, False)
    assert raw_rows(practice, "run").rows() == [(1, NOON, 1)]
    assert raw_rows(practice, "watermark").rows() == [("pvs", "appointment", 1, "p2"), ("pvs", "patient", 1, "p1")]


def test_a_run_without_news_writes_nothing(practice: Practice, ops: Ops, pvs: ScriptedSource, clock: Clock) -> None:
    land_once(practice, ops)
    before = {path: path.stat().st_mtime_ns for path in practice.raw_folder.iterdir()}
    pvs.shelves["patient"].changed = {"p1"}
    for scope in ("changes", "full", "changes"):
        clock.move(minutes=1)
        landed = land_once(practice, ops, scope=scope)
        assert (landed.segment, landed.sources[0].new) == (None, 0)
    assert {path: path.stat().st_mtime_ns for path in practice.raw_folder.iterdir()} == before


def test_a_watermark_alone_is_no_news_and_may_lag(practice: Practice, ops: Ops, pvs: ScriptedSource) -> None:
    land_once(practice, ops)
    land_once(practice, ops)
    pvs.asked.clear()
    land_once(practice, ops)
    assert asked(pvs)[0] == ("patient", "changes", "p1")
    pvs.shelves["patient"] = Shelf(patients_of("p1", "p2"), changed={"p2"})
    land_once(practice, ops)
    pvs.asked.clear()
    land_once(practice, ops)
    assert asked(pvs)[0][2] not in (None, "p1")


def test_a_record_type_without_a_cursor_is_landed_in_full_once(
    practice: Practice, ops: Ops, pvs: ScriptedSource
) -> None:
    pvs.answers["patient"] = [batch("patient", patients_of("p1"), position=None)]
    for _ in range(2):
        land_once(practice, ops)
    assert [request for request in asked(pvs) if request[0] == "patient"] == [
        ("patient", "full", None),
        ("patient", "changes", None),
    ]


def test_a_reading_may_come_in_batches_and_the_last_delivery_of_a_row_counts(
    practice: Practice, ops: Ops, pvs: ScriptedSource
) -> None:
    pvs.answers["patient"] = [
        batch("patient", patients_of("p1", "p2", city="Ulm"), last=False),
        batch("patient", patients_of("p2", "p3", city="Bonn"), position="p9"),
    ]
    seen: list[tuple[str, str, int]] = []
    read = land_once(practice, ops, progress=lambda *told: seen.append(told)).sources[0]
    assert seen == [("pvs", "patient", 2), ("pvs", "patient", 2), ("pvs", "appointment", 1)]
    assert (read.read, read.new) == (5, 4)
    assert {key: row["city"] for key, row in current(practice, "patient").items()} == {
        "p1": "Ulm",
        "p2": "Bonn",
        "p3": "Bonn",
    }


#: What a source answers for patients -> the cause that is told; nothing of it lands, appointments do.
BAD = [
    ([batch("patient", patients_of("p1"), lost=2)], "bad-answer: patient: patient: 3 rows were read"),
    ([batch("patient", patients_of("p1"), last=False)], "ended after 1 batches, before its last"),
    ([], "ended after 0 batches"),
    ([batch("patient", rows("patient", {"active": True}))], "1 rows without source_id"),
    ([batch("patient", patients_of("p1"), last=False), batch("patient", patients_of(), scope="changes")], "differ"),
]


@pytest.mark.parametrize(("answer", "cause"), BAD)
def test_an_answer_that_is_not_whole_changes_nothing(
    practice: Practice, ops: Ops, pvs: ScriptedSource, answer: list[object], cause: str
) -> None:
    pvs.answers["patient"] = answer
    read = land_once(practice, ops).sources[0]
    assert (read.state, read.new) == ("bad-answer", 1)
    assert read.cause is not None
    assert cause in read.cause
    assert versions(practice, "patient").is_empty()
    assert versions(practice, "appointment").height == 1


#: An error -> state and code, and whether the link counts it as a failure.
TROUBLES = [
    (foreign.SourceAway("x"), "away", "source-away", 1),
    (foreign.SourceStalled("x"), "away", "source-stalled", 1),
    (foreign.SourceBusy("x", 30), "away", "source-busy", 1),
    (foreign.SourceRefused("x"), "refused", "access-refused", 1),
    (foreign.DriverMissing("x"), "refused", "driver-missing", 0),
    (foreign.ProfileError(["x"]), "refused", "settings-wrong", 0),
    (SecretMissing("x"), "refused", "secret-missing", 0),
    (foreign.ConnectorError("x"), "bad-answer", "connector-error", 0),
]


@pytest.mark.parametrize(("error", "state", "code", "failures"), TROUBLES)
@pytest.mark.parametrize("where", ["", "patient"])
def test_a_source_that_fails_leaves_the_others_alone(
    practice: Practice, ops: Ops, sources: Sources, pvs: ScriptedSource,
    error: Exception, state: str, code: str, failures: int, where: str,
) -> None:  # fmt: skip
    pvs.fails[where] = error
    sources["booking"].shelves["appointment"] = Shelf(appointments_of("b1"))
    away, there = land_once(practice, ops).sources
    assert (away.state, away.cause, away.read) == (state, f"{code}: x", 0)
    assert away.remedy
    assert (there.state, there.new) == ("ok", 1)
    assert versions(practice, "appointment")["source"].to_list() == ["booking"]
    assert sum(found.failures for found in breaker.states(ops) if found.source == "pvs") == failures
    assert [(read.source, read.state, read.cause) for read in runs.last_runs(ops)[0].sources] == [
        ("booking", "ok", None),
        ("pvs", state, f"{code}: x"),
    ]


def test_what_a_source_said_before_it_failed_counts(practice: Practice, ops: Ops, pvs: ScriptedSource) -> None:
    pvs.fails["appointment"] = foreign.SourceStalled("nothing moved for 60 s")
    read = land_once(practice, ops).sources[0]
    assert (read.state, read.new) == ("away", 1)
    del pvs.fails["appointment"]
    pvs.asked.clear()
    assert land_once(practice, ops).sources[0].new == 1
    assert asked(pvs) == [("patient", "changes", "p1"), ("appointment", "full", None)]


def test_a_source_that_refuses_us_is_not_asked_again(practice: Practice, ops: Ops, pvs: ScriptedSource) -> None:
    pvs.fails[""] = foreign.SourceRefused("x")
    land_once(practice, ops)
    pvs.fails.clear()
    read = land_once(practice, ops).sources[0]
    assert (read.state, read.cause) == (
        "refused",
        "access-refused: it refused us and is not asked again, because that might lock the account",
    )
    assert (asked(pvs), "resync" in str(read.remedy)) == ([], True)


def test_a_stopped_record_type_waits_and_the_others_go_on(practice: Practice, ops: Ops, pvs: ScriptedSource) -> None:
    many = [f"p{number}" for number in range(50)]
    pvs.shelves["patient"].frame = patients_of(*many)
    land_once(practice, ops)
    pvs.shelves = {"patient": Shelf(patients_of("p1", "new")), "appointment": Shelf(appointments_of("a1", "a2"))}
    read = land_once(practice, ops, scope="full").sources[0]
    assert (read.state, read.new, read.removed) == ("stopped", 1, 0)
    assert read.cause == "mass-removal: patient: 49 of 50 rows would go, more than 20%"
    assert "--accept-removals" in (read.remedy or "")
    assert len(current(practice, "patient")) == 50
    (finding,) = findings.open_findings(ops)
    assert (finding.kind, finding.key, finding.source) == ("removals-stopped", "pvs/patient", "pvs")
    assert land_once(practice, ops, scope="full", accept_removals=True).sources[0].removed == 49
    assert set(current(practice, "patient")) == {"p1", "new"}
    assert findings.open_findings(ops) == ()


BAD_ROW = {
    "resource": "patient", "source_id": "p9", "field": "birth_date", "rule": "date", "found": "31.02.1980",
    "expected": "a date", "payload": '{"id": 9}',
}  # fmt: skip


def standing_rejected(practice: Practice) -> list[tuple[str, bool]]:
    found = raw_rows(practice, "rejected").sort("run")
    return found.select("source_id", "removed").rows()


def test_a_row_set_aside_is_news_once_and_again_when_it_changes_or_is_repaired(
    practice: Practice, ops: Ops, pvs: ScriptedSource
) -> None:
    shelf = pvs.shelves["patient"]
    shelf.rejected = [BAD_ROW, BAD_ROW]
    read = land_once(practice, ops).sources[0]
    assert (read.read, read.new, read.rejected) == (4, 2, 1)
    for scope in ("changes", "full"):
        assert land_once(practice, ops, scope=scope).segment is None
    shelf.rejected = [BAD_ROW | {"found": "32.02.1980"}]
    assert land_once(practice, ops).segment is not None
    assert standing_rejected(practice) == [("p9", False), ("p9", False), ("p9", True)]
    shelf.rejected, shelf.frame, shelf.changed = [], patients_of("p1", "p9"), {"p9"}
    assert land_once(practice, ops).sources[0].new == 1
    assert standing_rejected(practice)[3:] == [("p9", True)]
    shelf.rejected = [BAD_ROW]
    land_once(practice, ops)
    assert standing_rejected(practice)[4:] == [("p9", False)]
    assert set(current(practice, "patient")) == {"p1", "p9"}


def test_a_row_set_aside_that_is_gone_is_closed_by_a_full_reading(
    practice: Practice, ops: Ops, pvs: ScriptedSource
) -> None:
    pvs.shelves["patient"].rejected = [BAD_ROW]
    land_once(practice, ops)
    pvs.shelves["patient"].rejected = []
    assert land_once(practice, ops).segment is None
    assert land_once(practice, ops, scope="full").segment is not None
    assert standing_rejected(practice) == [("p9", False), ("p9", True)]


def test_an_unmapped_code_is_news_once_and_closed_by_a_full_reading(
    practice: Practice, ops: Ops, pvs: ScriptedSource
) -> None:
    shelf = pvs.shelves["appointment"]
    shelf.unmapped = [{"resource": "appointment", "field": "status", "code": "77", "rows": 3}]
    assert land_once(practice, ops).sources[0].unmapped == 1
    shelf.unmapped = [{"resource": "appointment", "field": "status", "code": "77", "rows": 4}]
    read = land_once(practice, ops, scope="full")
    assert (read.segment, read.sources[0].unmapped) == (None, 1)
    shelf.unmapped = []
    assert land_once(practice, ops).segment is None
    land_once(practice, ops, scope="full")
    assert raw_rows(practice, "unmapped").sort("run").select("code", "rows", "removed").rows() == [
        ("77", 3, False),
        ("77", 3, True),
    ]


def test_late_is_what_only_the_full_comparison_found(practice: Practice, ops: Ops, pvs: ScriptedSource) -> None:
    far = appointment("old", days=-100)
    pvs.shelves["appointment"].frame = rows("appointment", appointment("a1"), far)
    land_once(practice, ops)
    pvs.shelves["patient"] = Shelf(patients_of("p1", "seen", "missed"), changed={"seen"})
    pvs.shelves["appointment"].frame = rows(
        "appointment", appointment("a1", status="arrived"), far | {"status": "noshow"}
    )
    read = land_once(practice, ops, scope="full").sources[0]
    assert (read.new, read.changed, read.late) == (2, 2, 2)
    assert land_once(practice, ops, scope="full").sources[0].late == 0


def test_a_source_that_answers_changes_with_everything_is_taken_at_its_word(
    practice: Practice, ops: Ops, pvs: ScriptedSource
) -> None:
    pvs.answers["patient"] = [batch("patient", patients_of("p1", "p2"))]
    land_once(practice, ops)
    pvs.answers["patient"] = [batch("patient", patients_of("p2", "p3"))]
    pvs.asked.clear()
    read = land_once(practice, ops, scope="full").sources[0]
    assert [request[:2] for request in asked(pvs)] == [("patient", "changes"), ("appointment", "full")]
    assert (read.new, read.removed, read.late) == (1, 1, 0)


def test_the_same_ids_in_two_sources_are_two_rows(
    practice: Practice, ops: Ops, sources: Sources, pvs: ScriptedSource
) -> None:
    sources["booking"].shelves["appointment"] = Shelf(appointments_of("a1", "a2", status="pending"))
    land_once(practice, ops)
    pvs.shelves["appointment"].frame = appointments_of("a1", status="arrived")
    reads = land_once(practice, ops).sources
    assert [(read.source, read.changed, read.removed) for read in reads] == [("pvs", 1, 0), ("booking", 0, 0)]
    assert current(practice, "appointment", "booking")["a1"]["status"] == "pending"


def test_one_source_can_be_read_alone(practice: Practice, ops: Ops, sources: Sources, pvs: ScriptedSource) -> None:
    sources["booking"].shelves["appointment"] = Shelf(appointments_of("b1"))
    assert [read.source for read in land_once(practice, ops, only="booking").sources] == ["booking"]
    assert asked(pvs) == []
    with pytest.raises(SettingsError, match="no source 'fax', expected one of pvs, booking"):
        land.land(practice, ops, 9, only="fax")


def test_a_run_lands_once(practice: Practice, ops: Ops, pvs: ScriptedSource) -> None:
    landed = land_once(practice, ops)
    with pytest.raises(RunRefused, match="run 1 comes after run 1"):
        land.land(practice, ops, landed.run)


def test_a_broken_segment_stops_the_run_by_its_name(practice: Practice, ops: Ops, pvs: ScriptedSource) -> None:
    pvs.shelves["patient"].frame = patients_of(*(f"p{number}" for number in range(3000)), family_name="x")
    landed = land_once(practice, ops)
    path = practice.raw_folder / str(landed.segment)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BrokenFile, match=str(landed.segment)):
        land_once(practice, ops, scope="full")


def test_rows_stand_in_the_order_of_their_delivery(practice: Practice, ops: Ops, pvs: ScriptedSource) -> None:
    delivered = [f"p{number}" for number in range(500)]
    pvs.shelves["patient"].frame = patients_of(*delivered)
    land_once(practice, ops)
    with files.raw_connection(practice, files.read_manifest(practice)) as con:
        stored = con.execute("SELECT source_id FROM raw.patient").fetchall()
    assert [source_id for (source_id,) in stored] == delivered
