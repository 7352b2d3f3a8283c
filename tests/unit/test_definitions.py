"""Dagster's side: definitions that load, a job on a small practice, checks that are reported, a poll over practices."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.execution.execute_in_process_result import ExecuteInProcessResult

from connectors.sandbox.world_plan import WorldPlan
from pipelines import files, transform
from pipelines.cli import demo_practice
from pipelines.definitions import defs
from pipelines.defs import daemon, land, poll, warehouse
from pipelines.defs import instance as instances
from pipelines.errors import Busy
from pipelines.health import Due
from pipelines.ops import breaker, requests, runs, service
from pipelines.ops.database import open_ops
from pipelines.poll import Visit
from pipelines.practice import Practice

TODAY = dt.date(2026, 11, 25)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A machine with one practice, whose booking platform failed so often that it is left alone."""
    places = demo_practice.Places(tmp_path_factory.mktemp("box"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRAXISTAKT_HOME", str(places.home))
        patch.delenv("PRAXISTAKT_KEYS", raising=False)
        plan = WorldPlan(TODAY, patients=200, years=0.2, months_ahead=1)
        practice, _ = demo_practice.make(places, plan, "demo", 8501)
        with open_ops(practice) as o:
            breaker.failed(o, "booking", practice.now(), needs_person=True)
        yield places.home


def run_job(job: str = "sync") -> ExecuteInProcessResult:
    """A job of the demo practice on an instance of its own."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("practice", ["demo"])
        return defs.resolve_job_def(job).execute_in_process(
            instance=instance,
            partition_key="demo",
            raise_on_error=False,
            tags=dict(poll.run_tags("demo", "test")),
        )


@pytest.fixture(scope="module")
def full_run(home: Path) -> ExecuteInProcessResult:
    """The first run of the practice."""
    return run_job("full")


def checks_of(result: ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """The evaluated checks by name."""
    return {check.check_name: check for check in result.get_asset_check_evaluations()}


def test_definitions_load_fast_and_without_any_practice(tmp_path: Path) -> None:
    script = "import pipelines.definitions as d, dagster; dagster.Definitions.validate_loadable(d.defs)"
    env = {"PRAXISTAKT_HOME": str(tmp_path / "empty"), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_table_is_an_asset_with_its_grain() -> None:
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    for model in transform.models():
        spec = specs[model.table.replace(".", "/")]
        assert spec.description == model.grain
        assert {dep.asset_key.to_user_string() for dep in spec.deps} == {one.replace(".", "/") for one in model.depends}
    assert {f"raw/{table}" for table in land.TABLES} <= set(specs)


def test_every_check_of_the_build_is_known() -> None:
    names = {key.name for key in defs.resolve_asset_graph().asset_check_keys}
    assert names >= {check.name for check in transform.every_check()}


@pytest.mark.parametrize("job", ["sync", "full"])
def test_jobs_run_in_their_own_process(job: str) -> None:
    """The default executor starts a process per step: a minute instead of a second."""
    assert defs.resolve_job_def(job).executor_def.name == "in_process"


def test_a_run_goes_through_all_stations_though_a_source_is_away(full_run: ExecuteInProcessResult) -> None:
    result = full_run
    assert result.success
    practice = Practice.open("demo")
    generation = files.current(practice)
    assert generation is not None
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}
    assert made >= {
        "raw/appointment",
        "raw/run",
        "ops/link",
        "raw/slot_snapshot",
        "marts/fact_appointment",
        "published/generation",
    }

    checks = checks_of(result)
    away = checks["sources_answer"]
    assert (away.passed, away.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert {name: value.value for name, value in away.metadata.items()} == {"booking": "refused"}
    assert {
        name for name, check in checks.items() if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
    } == set()
    assert checks.keys() >= {check.name for check in transform.every_check()}

    with open_ops(practice) as o:
        last = runs.last_runs(o)[0]
    assert (last.kind, last.state) == ("full", "attention")

    again = run_job()
    assert again.success
    assert files.current(practice) == generation
    assert not any(key.startswith("marts/") for key in _made(again))


def test_a_run_of_every_half_minute_reports_one_asset_per_station() -> None:
    reported = {key.to_user_string() for key in defs.resolve_job_def("sync").asset_layer.selected_asset_keys}
    assert reported == {"raw/run", "ops/link", "raw/slot_snapshot", "published/generation"}
    every = {key.to_user_string() for key in defs.resolve_job_def("full").asset_layer.selected_asset_keys}
    assert every >= reported | {model.table.replace(".", "/") for model in transform.models()}


def _made(result: ExecuteInProcessResult) -> set[str]:
    return {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}


def test_metadata_are_counts_and_ids(full_run: ExecuteInProcessResult) -> None:
    for event in full_run.get_asset_materialization_events():
        for entry in event.materialization.metadata.values():
            assert isinstance(entry.value, int | bool)


@pytest.mark.usefixtures("full_run")
def test_when_all_are_away_the_step_is_tried_again_and_then_fails(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(land, "RETRY_AFTER", 0)
    pvs = home.parent / "other-side" / "pvs.db"
    hidden = pvs.rename(pvs.with_suffix(".hidden"))
    try:
        result = run_job()
    finally:
        hidden.rename(pvs)
    assert not result.success
    assert len([event for event in result.all_events if event.is_step_up_for_retry]) == land.RETRIES
    with open_ops(Practice.open("demo")) as o:
        states = [run.state for run in runs.last_runs(o, limit=land.RETRIES + 1)]
        assert states == ["failed", *["abandoned"] * land.RETRIES]
        assert runs.unfinished(o) == ()


def test_settings_of_the_instance_are_those_that_were_measured(tmp_path: Path) -> None:
    folder = instances.write_settings(tmp_path)
    written = yaml.safe_load((folder / "dagster.yaml").read_text())
    assert written == instances.SETTINGS
    with instances.opened(tmp_path) as instance:
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
        limits = instance.get_concurrency_config().run_queue_config
        assert limits is not None
        assert limits.max_concurrent_runs == 2
        assert [dict(limit) for limit in limits.tag_concurrency_limits] == [
            {"key": "praxistakt/practice", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
        ]
        assert instances.unfinished(instance) == []


def test_one_service_at_a_time(tmp_path: Path) -> None:
    """A second one would take the runs of the first for dead; and what a dead one left is closed when one starts."""
    with instances.opened(tmp_path) as instance:
        left = instance.create_run_for_job(
            defs.resolve_job_def("sync"), tags={"praxistakt/practice": "markt"}, status=dg.DagsterRunStatus.STARTED
        )
        assert instances.fail_orphans(instance) == 1
        closed = instance.get_run_by_id(left.run_id)
        assert closed is not None
        assert closed.status == dg.DagsterRunStatus.FAILURE
    with daemon._alone(tmp_path), pytest.raises(Busy, match="already"), daemon._alone(tmp_path):
        pytest.fail("two services")


class FakeVisits:
    """Stands for looking at practices: gives what a test wants found, and notes who was visited."""

    def __init__(self, **due: Due | str | None) -> None:
        self.due = due
        self.visited: list[str] = []

    def __call__(self, name: str, last_look: dt.datetime | None) -> Visit:
        self.visited.append(name)
        found = self.due.get(name)
        now = dt.datetime(2026, 11, 25, 10, tzinfo=dt.UTC)
        return Visit(name, now, problem=found) if isinstance(found, str) else Visit(name, now, due=found)


def tick(
    monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance, visits: FakeVisits, cursor: str | None = None
) -> dg.SensorResult:
    """One evaluation of the poll over the practices of the fake."""
    monkeypatch.setattr(poll, "practices", lambda: tuple(sorted(visits.due)))
    monkeypatch.setattr(poll, "visit", visits)
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        found = poll.poll(context)
    assert isinstance(found, dg.SensorResult)
    return found


def test_the_poll_requests_runs_only_where_they_are_due(monkeypatch: pytest.MonkeyPatch) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        visits = FakeVisits(
            alt=None, markt=Due("changes", "news"), neu=Due("full", "first"), kaputt="KeysMissing: no keys"
        )
        found = tick(monkeypatch, instance, visits)
    assert [(one.job_name, one.partition_key, one.tags["praxistakt/reason"]) for one in found.run_requests or []] == [
        ("sync", "markt", "news"),
        ("full", "neu", "first"),
    ]
    assert all(one.tags["praxistakt/practice"] == one.partition_key for one in found.run_requests or [])
    assert [request.partition_keys for request in found.dynamic_partitions_requests or []] == [
        ["alt", "kaputt", "markt", "neu"]
    ]
    assert set(json.loads(found.cursor or "")) == {"alt", "kaputt", "markt", "neu"}


def test_without_news_the_poll_says_how_many_it_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        found = tick(monkeypatch, instance, FakeVisits(alt=None, markt=None, kaputt="KeysMissing: no keys"))
    assert not found.run_requests
    assert "3 practices, 2 without news, 1 not readable" in str(found.skip_reason)


def test_a_practice_with_an_unfinished_run_is_skipped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.create_run_for_job(
            defs.resolve_job_def("sync"), tags={"praxistakt/practice": "markt"}, status=dg.DagsterRunStatus.STARTED
        )
        visits = FakeVisits(alt=None, markt=Due("changes", "news"))
        found = tick(monkeypatch, instance, visits)
    assert visits.visited == ["alt"]
    assert "1 with an unfinished run" in str(found.skip_reason)


def test_practices_come_and_go_with_their_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("practice", ["fort", "markt"])
        instance.create_run_for_job(
            defs.resolve_job_def("sync"), tags={"praxistakt/practice": "fort"}, status=dg.DagsterRunStatus.SUCCESS
        )
        found = tick(monkeypatch, instance, FakeVisits(markt=None))
        assert [type(one).__name__ for one in found.dynamic_partitions_requests or []] == [
            "DeleteDynamicPartitionsRequest"
        ]
        assert instance.get_runs() == []


def test_a_source_that_does_not_answer_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, visited = threading.Event(), []

    def visit(name: str, last_look: dt.datetime | None) -> Visit:
        visited.append(name)
        if name == "langsam":
            answers.wait(10)
        return Visit(name, dt.datetime(2026, 11, 25, tzinfo=dt.UTC))

    monkeypatch.setattr(poll, "visit", visit)
    visitors = poll.Visitors()
    assert [one.practice for one in visitors.collect(["langsam", "markt"], {}, 0.2)] == ["markt"]
    answers.set()
    assert [one.practice for one in visitors.collect(["langsam", "markt"], {}, 10)] == ["langsam", "markt"]
    assert sorted(visited) == ["langsam", "markt", "markt"]


@pytest.mark.usefixtures("full_run")
def test_a_real_visit_beats_and_finds_what_a_person_asked_for() -> None:
    practice = Practice.open("demo")
    first = poll.visit("demo", None)
    assert first.problem is None
    with open_ops(practice) as o:
        beat = service.last_beat(o)
        assert beat is not None
        requests.request_sync(o, None, "chef", practice.now())
    assert poll.visit("demo", None).due == Due("changes", "request")
    assert poll.visit("demo", practice.now()).due is None  # poll_seconds have not passed


def test_warehouse_inputs_are_shown_though_no_step_makes_them() -> None:
    assert {spec.key.to_user_string() for spec in warehouse.INPUTS} >= {"ops/calendar", "ops/holiday"}
