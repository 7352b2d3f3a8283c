"""Runs and settings: what is recorded, what a start-up makes of what was cut short, and what a build sees then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from pipelines import ops
from pipelines.ops import findings, frames, requests, runs, service, settings
from pipelines.practice import Practice
from tests.kit.ops_db import fresh_ops
from tests.kit.practices import NOON

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def o(tmp_path: Path) -> Iterator[ops.Ops]:
    with fresh_ops(tmp_path) as opened:
        yield opened


def read(source: str = "pvs", state: str = "ok", cause: str | None = None, new: int = 3) -> runs.SourceRun:
    return runs.SourceRun(source, state, 10, new, 2, 1, 0, 0, 0, 0.5, cause, None, statements=7, busy_seconds=0.25)


def test_a_run_from_start_to_end(o: ops.Ops) -> None:
    run = runs.start_run(o, "full", NOON)
    assert [one.run for one in runs.unfinished(o)] == [run]
    runs.record_source(o, run, read("pvs"), NOON)
    runs.record_source(o, run, read("booking", "away", "refused connection"), NOON)
    runs.finish_run(o, run, "attention", NOON + MINUTE, "1.duckdb")
    (found,) = runs.last_runs(o)
    assert (found.state, found.segment, found.finished_at) == ("attention", "1.duckdb", NOON + MINUTE)
    assert [(one.source, one.state) for one in found.sources] == [("booking", "away"), ("pvs", "ok")]
    assert runs.unfinished(o) == ()
    assert runs.last_success(o, ("pvs", "booking", "list")) == {"pvs": NOON}


def test_a_repeated_step_replaces_its_record(o: ops.Ops) -> None:
    run = runs.start_run(o, "full", NOON)
    runs.record_source(o, run, read(new=1), NOON)
    runs.record_source(o, run, read(new=2), NOON)
    assert [one.new for one in runs.last_runs(o)[0].sources] == [2]


def test_run_numbers_only_rise(o: ops.Ops) -> None:
    first = runs.start_run(o, "changes", NOON)
    after = runs.start_run(o, "changes", NOON, after=40)
    assert (first, after, runs.start_run(o, "changes", NOON)) == (1, 41, 42)


def test_an_ended_run_takes_nothing_more(o: ops.Ops) -> None:
    run = runs.start_run(o, "changes", NOON)
    runs.finish_run(o, run, "ok", NOON)
    with pytest.raises(ops.Refused, match="run 1 is ok, expected running"):
        runs.record_source(o, run, read(), NOON)
    with pytest.raises(ops.Refused, match="run 7 is not there"):
        runs.finish_run(o, 7, "ok", NOON)


def test_the_manifest_decides_which_runs_happened(o: ops.Ops) -> None:
    landed, lost = runs.start_run(o, "changes", NOON), runs.start_run(o, "changes", NOON)
    requests.request_sync(o, None, "berta", NOON)
    requests.claim(o, lost)
    assert runs.abandon_unfinished(o, landed, NOON + MINUTE) == (landed, lost)
    assert {one.run: one.state for one in runs.last_runs(o)} == {landed: "ok", lost: "abandoned"}
    waiting = requests.latest(o)
    assert waiting is not None
    assert waiting.state == "waiting"


def test_last_runs_can_be_narrowed(o: ops.Ops) -> None:
    for kind, source in (("full", "pvs"), ("changes", "booking"), ("changes", "pvs")):
        run = runs.start_run(o, kind, NOON)
        runs.record_source(o, run, read(source), NOON)
        runs.finish_run(o, run, "ok", NOON)
    assert [one.run for one in runs.last_runs(o, kind="changes")] == [3, 2]
    assert [one.run for one in runs.last_runs(o, source="pvs")] == [3, 1]
    assert [one.run for one in runs.last_runs(o, 1)] == [3]


def test_what_runs_brought_and_what_the_first_one_did(o: ops.Ops) -> None:
    for minutes, source, new, state in ((0, "pvs", 0, "ok"), (1, "pvs", 9, "ok"), (2, "booking", 4, "failed")):
        run = runs.start_run(o, "changes", NOON + minutes * MINUTE)
        runs.record_source(o, run, read(source, new=new), NOON)
        runs.finish_run(o, run, state, NOON + minutes * MINUTE)
    lost = runs.start_run(o, "changes", NOON + 3 * MINUTE)
    runs.record_source(o, lost, read("list"), NOON)
    runs.abandon_unfinished(o, 0, NOON + 3 * MINUTE)
    assert runs.first_reading(o, "pvs") == (NOON + MINUTE, 9)
    assert runs.first_reading(o, "list") is None
    found = runs.news_since(o, NOON + MINUTE)
    assert found.rows() == [("pvs", NOON + MINUTE, 12), ("booking", NOON + 2 * MINUTE, 7)]
    assert runs.news_since(o, NOON + 5 * MINUTE).schema == runs.NEWS


def test_a_build_sees_the_same_before_and_after_its_run_ended(o: ops.Ops) -> None:
    run = runs.start_run(o, "changes", NOON)
    runs.record_source(o, run, read(), NOON + MINUTE)
    during = frames.frames(o, run=run)["sync_run"]
    runs.finish_run(o, run, "ok", NOON + 2 * MINUTE)
    later = runs.start_run(o, "changes", NOON + 3 * MINUTE)
    runs.record_source(o, later, read(), NOON + 3 * MINUTE)
    assert frames.frames(o, run=run)["sync_run"].equals(during)
    assert during.select("run", "finished_at").rows() == [(run, NOON + MINUTE)]


def test_a_build_sees_no_run_that_did_not_happen(o: ops.Ops) -> None:
    runs.record_source(o, runs.start_run(o, "changes", NOON), read(), NOON)
    runs.abandon_unfinished(o, 0, NOON)
    assert frames.frames(o)["sync_run"].is_empty()


def test_settings_are_recorded_when_they_differ(o: ops.Ops, practice: Practice) -> None:
    assert settings.as_of(o) == {}
    assert settings.record(o, "practice", {"b": 1, "a": 2}, "run", NOON)
    assert not settings.record(o, "practice", {"a": 2, "b": 1}, "run", NOON)
    first = ops.number(o)
    assert settings.record(o, "practice", {"a": 3}, "run", NOON)
    assert settings.as_of(o, first) == {"practice": {"a": 2, "b": 1}}
    assert settings.as_of(o) == {"practice": {"a": 3}}


def test_frames_of_an_empty_file_are_typed(o: ops.Ops) -> None:
    found = frames.frames(o)
    assert {name: frame.schema for name, frame in found.items()} == dict(frames.SCHEMAS)
    assert sum(frame.height for frame in found.values()) == 0


def test_frames_say_what_practice_toml_says(o: ops.Ops, practice: Practice) -> None:
    settings.record(o, settings.PRACTICE, practice.settings.model_dump(mode="json"), "run", NOON)
    code_map = pl.DataFrame({"resource": ["appointment"], "field": ["status"], "code": ["1"], "value": ["booked"]})
    settings.record_code_map(o, "pvs", code_map, "run", NOON)
    found = frames.frames(o)
    assert {name: frame.schema for name, frame in found.items()} == dict(frames.SCHEMAS)
    assert found["location"].rows() == [("markt", "Marktplatz 1", "BY")]
    assert found["opening_hours"].rows() == [
        ("markt", 1, dt.time(8), dt.time(12)),
        ("markt", 1, dt.time(14), dt.time(18)),
        ("markt", 2, dt.time(8), dt.time(12)),
    ]
    assert found["calendar"].rows() == [("demir", "Dr. Demir", "person", "markt", 1, "pvs")]
    assert found["calendar_schedule"].rows() == [("demir", "booking", "sched-1"), ("demir", "pvs", "1")]
    assert found["source"].rows() == [("booking", "platform", "Online-Buchung"), ("pvs", "pvs", "Praxissoftware")]
    assert found["code_map"].rows() == [("pvs", "appointment", "status", "1", "booked")]
    rules = dict(found["setting"].rows())
    assert (rules["late_cancel_hours"], rules["infer_no_show"], rules["timezone"]) == ("24", "false", "Europe/Berlin")


def test_closures_may_hold_for_one_location_or_all(o: ops.Ops) -> None:
    closures = [
        {"start": "2026-12-24", "end": "2026-12-24", "name": "Heiligabend", "location": None},
        {"start": "2026-08-03", "end": "2026-08-14", "name": "Urlaub", "location": "markt"},
    ]
    settings.record(o, settings.PRACTICE, {"closures": closures}, "run", NOON)
    assert sorted(frames.frames(o)["closure"].rows(), key=str) == [
        ("markt", dt.date(2026, 8, 3), dt.date(2026, 8, 14), "Urlaub"),
        (None, dt.date(2026, 12, 24), dt.date(2026, 12, 24), "Heiligabend"),
    ]


def test_the_last_sign_of_life(o: ops.Ops) -> None:
    assert service.last_beat(o) is None
    service.beat(o, NOON)
    service.beat(o, NOON + MINUTE)
    assert service.last_beat(o) == NOON + MINUTE


def test_runs_beats_and_requests_change_nothing_that_a_build_sees(o: ops.Ops) -> None:
    service.beat(o, NOON)
    requests.request_sync(o, None, "berta", NOON)
    run = runs.start_run(o, "changes", NOON)
    requests.claim(o, run)
    runs.finish_run(o, run, "ok", NOON)
    assert ops.number(o) == 0


def test_a_finding_keeps_its_id_when_it_comes_back(o: ops.Ops) -> None:
    made = findings.open_finding(o, "removal-share", "pvs/patient", NOON, source="pvs", detail={"rows": 3})
    assert findings.open_finding(o, "removal-share", "pvs/patient", NOON + MINUTE, source="pvs") == made
    (standing,) = findings.open_findings(o, source="pvs")
    assert (standing.first_seen_at, standing.last_seen_at, standing.times) == (NOON, NOON + MINUTE, 1)
    assert findings.resolve(o, "removal-share", "pvs/patient", NOON + MINUTE)
    assert not findings.resolve(o, "removal-share", "pvs/patient", NOON + MINUTE)
    assert findings.open_findings(o) == ()
    assert findings.open_finding(o, "removal-share", "pvs/patient", NOON + 2 * MINUTE, source="pvs") == made
    assert [(one.first_seen_at, one.times) for one in findings.open_findings(o, kind="removal-share")] == [(NOON, 2)]
