"""The service as it really runs: Dagster's daemon, its code server, a process per run; it stops and leaves nothing."""

from __future__ import annotations

import contextlib
import datetime as dt
import subprocess
import time
from pathlib import Path

import pytest

from connectors.sandbox.world_plan import WorldPlan
from pipelines import files
from pipelines.cli import demo_practice
from pipelines.defs import daemon
from pipelines.defs import instance as instances
from pipelines.ops import runs, service
from pipelines.ops.database import open_ops
from pipelines.practice import Practice, utc_now

pytestmark = pytest.mark.journey

#: A new practice is looked at with the first poll; far more than a slow machine needs from there to its figures.
WITHIN_SECONDS = 180


@pytest.fixture
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Practice:
    """A practice that was connected a moment ago: nothing was read yet, its platform is switched off."""
    places = demo_practice.Places(tmp_path)
    monkeypatch.setenv("PRAXISTAKT_HOME", str(places.home))
    monkeypatch.delenv("PRAXISTAKT_KEYS", raising=False)
    plan = WorldPlan(dt.date(2026, 11, 25), patients=60, years=0.1, months_ahead=1)
    return demo_practice.make(places, plan, "demo", 8501)[0]


def test_a_new_practice_gets_its_figures_by_itself(practice: Practice) -> None:
    begun = utc_now()
    with daemon.running(practice.folder.parent) as process:
        end = time.monotonic() + WITHIN_SECONDS
        while files.current(practice) is None and time.monotonic() < end:
            _lives(process)
    assert files.current(practice) is not None
    with open_ops(practice) as o:
        beat, found = service.last_beat(o), runs.last_runs(o)
    assert beat is not None
    assert beat > begun
    assert [(run.kind, run.state) for run in found] == [("full", "attention")], "its platform is off"
    _nothing_is_left(practice)


def _lives(process: subprocess.Popen[bytes]) -> None:
    """Wait a moment for it to end, which it must not."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        pytest.fail(f"the service ended by itself with code {process.wait(0.25)}")


def _nothing_is_left(practice: Practice) -> None:
    """No run is at work, and nothing is locked."""
    home = practice.folder.parent
    with instances.opened(home) as instance:
        assert not [run for run in instances.unfinished(instance) if run.status in instances.AT_WORK]
    with files.lock(practice, "raw"), files.lock(practice, "build"):
        pass
