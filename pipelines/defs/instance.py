"""The Dagster instance of one box: its settings, written to `$PRAXISTAKT_HOME/.dagster/dagster.yaml`.

Everything stays in that folder (runs, events and schedules in SQLite), and all of it is ids and counts: what a step
prints is not kept at all, because a driver's own message may quote a row.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

from pipelines import health

#: Tags of every run; a fleet of several boxes tells its runs apart by them.
PRACTICE_TAG, HOST_TAG, REASON_TAG = "praxistakt/practice", "praxistakt/host", "praxistakt/reason"

#: A change waits for the poll (30 s), for the queue (2 s) and for the start of a process (3 s).
SETTINGS: dict[str, object] = {
    "run_coordinator": {
        "module": "dagster.core.run_coordinator",
        "class": "QueuedRunCoordinator",
        "config": {"dequeue_interval_seconds": 2},
    },
    "concurrency": {
        "runs": {
            "max_concurrent_runs": 2,
            "tag_concurrency_limits": [
                {"key": PRACTICE_TAG, "value": {"applyLimitPerUniqueValue": True}, "limit": 1},
            ],
        },
    },
    # Steps retry by themselves where a retry helps (a source that is away); a run only when its process died.
    "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
    "run_monitoring": {
        "enabled": True,
        "start_timeout_seconds": 180,
        "max_runtime_seconds": 3600,
        "free_slots_after_run_end_seconds": 60,
    },
    "compute_logs": {
        "module": "dagster.core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    },
    "retention": {"sensor": {"purge_after_days": {"skipped": 2, "failure": 30, "success": 30}}},
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
}


#: What Dagster calls a run that has a process.
AT_WORK = frozenset({"STARTING", "STARTED", "CANCELING"})


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """A run that Dagster counts as not over: queued, starting or started (`started_at` None until then)."""

    practice: str
    run_id: str
    scope: str
    status: str
    started_at: dt.datetime | None


def write_settings(home: Path) -> Path:
    """Write dagster.yaml below the home of all practices, if it differs; returns Dagster's folder."""
    folder = home / ".dagster"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = "# Written by praxistakt; changes are overwritten. (JSON is YAML.)\n" + json.dumps(SETTINGS, indent=2)
    path = folder / "dagster.yaml"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return folder


@contextmanager
def opened(home: Path) -> Iterator[dg.DagsterInstance]:
    """The instance of this box, made on first use."""
    with dg.DagsterInstance.from_config(str(write_settings(home))) as instance:
        yield instance


def unfinished(instance: dg.DagsterInstance) -> list[UnfinishedRun]:
    """All runs that are not over, oldest first; one query however many practices there are."""
    records = instance.get_run_records(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES))
    return [
        UnfinishedRun(
            practice=record.dagster_run.tags.get(PRACTICE_TAG, ""),
            run_id=record.dagster_run.run_id,
            scope="full" if record.dagster_run.job_name == "full" else "changes",
            status=record.dagster_run.status.value,
            started_at=None if record.start_time is None else dt.datetime.fromtimestamp(record.start_time, dt.UTC),
        )
        for record in reversed(records)
    ]


def started(runs: Iterable[UnfinishedRun]) -> Iterator[tuple[str, str, str, dt.datetime]]:
    """What `pipelines.health.stuck` asks about: practice, run, scope and start of those that have started."""
    return ((run.practice, run.run_id, run.scope, run.started_at) for run in runs if run.started_at is not None)


def stuck_runs(home: Path, now: dt.datetime) -> tuple[health.Stuck, ...]:
    """Runs of this box that stand at started for too long."""
    with opened(home) as instance:
        return health.stuck(started(unfinished(instance)), now)


def fail_orphans(instance: dg.DagsterInstance) -> int:
    """Close what a former service left as started, and free its slots; returns how many runs.

    Call it only where no service is running: nothing can be at work then.
    """
    left = [run for run in unfinished(instance) if run.status in AT_WORK]
    for orphan in left:
        run = instance.get_run_by_id(orphan.run_id)
        if run is not None:
            instance.report_run_failed(run, "its process ended without a word; the next run starts anew")
            instance.event_log_storage.free_concurrency_slots_for_run(orphan.run_id)
    return len(left)


def forget(instance: dg.DagsterInstance, practice: str) -> int:
    """Delete all runs of a practice that is gone, its materialisations with them; returns how many.

    SQLite storage cannot wipe one partition of an asset, but an event goes with its run.
    """
    runs = instance.get_runs(dg.RunsFilter(tags={PRACTICE_TAG: practice}))
    for run in runs:
        instance.delete_run(run.run_id)
    return len(runs)
