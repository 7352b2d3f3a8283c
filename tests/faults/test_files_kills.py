"""A process that is killed at each point of writing, compacting and publishing; this process is the judge.

The child acknowledges a run on its standard output only after the call returned. Lost: acknowledged but absent.
Doubled: there more than once.
"""

from __future__ import annotations

import random
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest

from pipelines import files
from pipelines.practice import Practice
from tests.kit.segments import raw_rows, write_generation

pytestmark = pytest.mark.faults

#: Runs that land, a compaction after every third, a generation after every second; killed at the n-th checkpoint.
CHILD = textwrap.dedent(
    """
    import os, signal, sys
    from pipelines import files
    from pipelines.files import checkpoints
    from pipelines.practice import Practice
    from tests.kit.practices import Clock
    from tests.kit.segments import appointments, land_rows, write_generation

    first, last_checkpoint = int(sys.argv[1]), int(sys.argv[2])
    passed = 0

    def count(name):
        global passed
        passed += 1
        if passed == last_checkpoint:
            os.kill(os.getpid(), signal.SIGKILL)

    checkpoints.on_checkpoint = count
    practice = Practice.open("markt", clock=Clock())
    files.recover(practice)
    for run in range(first, first + 6):
        land_rows(practice, run, appointment=appointments(run, f"a{run}"))
        print("landed", run, flush=True)
        if run % 3 == 0:
            files.compact(practice, run)
        if run % 2 == 0:
            files.publish_generation(practice, write_generation(practice, run))
            print("published", run, flush=True)
    print("checkpoints", passed, flush=True)
    """
)


def run_child(first: int, checkpoint: int) -> list[tuple[str, int]]:
    """What the child acknowledged before it was killed at a checkpoint (0: never)."""
    command = [sys.executable, "-c", CHILD, str(first), str(checkpoint)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, cwd=Path(__file__).parents[2]
    )
    assert done.returncode in (0, -9), done.stderr
    return [(word, int(number)) for word, number in (line.split() for line in done.stdout.splitlines())]


def judge(practice: Practice, acknowledged: list[tuple[str, int]]) -> None:
    assert files.recover(practice).problems == ()
    assert files.verify(practice) == []
    found = Counter(raw_rows(practice, "appointment")["source_id"].to_list())
    landed = {f"a{run}" for word, run in acknowledged if word == "landed"}
    assert landed <= set(found), "lost"
    assert set(found.values()) <= {1}, "doubled"
    assert len(found) <= len(landed) + 1
    published = [run for word, run in acknowledged if word == "published"]
    if published:
        generation = files.current(practice)
        assert generation is not None
        assert generation.run >= published[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_at_checkpoints_nothing_acknowledged_is_lost_or_doubled(practice: Practice) -> None:
    whole = run_child(1, 0)
    total = dict(whole)["checkpoints"]
    assert total > 60
    acknowledged = [one for one in whole if one[0] != "checkpoints"]
    first = 7
    for checkpoint in random.Random(7).sample(range(1, total + 1), 12):
        told = run_child(first, checkpoint)
        judge(practice, acknowledged + told)
        acknowledged = [("landed", run) for run in standing_runs(practice)]
        acknowledged += [("published", run) for word, run in told if word == "published"]
        first += 6


def standing_runs(practice: Practice) -> list[int]:
    """A run that was killed after its manifest moved stands, although nobody said so."""
    return [int(source_id[1:]) for source_id in raw_rows(practice, "appointment")["source_id"].to_list()]


def test_a_reader_keeps_its_generation_while_others_are_published(practice: Practice) -> None:
    files.publish_generation(practice, write_generation(practice, 1))
    opened = files.current(practice)
    assert opened is not None
    with files.connect() as con:
        files.attach(con, opened.folder / "marts.duckdb", practice.key("marts"), "one")
        for run in range(2, 8):
            files.publish_generation(practice, write_generation(practice, run))
            assert con.execute("SELECT a FROM one.t").fetchone() == (1,)
