"""How benchmarks measure: ranks, processes of their own, bytes that were really written, what the last line says."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from benchmarks import measure
from benchmarks.measure import Goal, Round, Written


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [(1, 0.95, 1), (20, 0.95, 19), (21, 0.95, 20), (50, 0.95, 48), (100, 0.95, 95), (4, 0.5, 2), (3, 1.0, 3)],
)
def test_a_percentile_is_the_nearest_rank(count: int, share: float, expected: int) -> None:
    values = [float(n) for n in range(count, 0, -1)]
    assert measure.percentile(values, share) == expected


def test_a_round_is_a_process_of_its_own() -> None:
    one = measure.once(os.getpid)
    assert one.result != os.getpid()
    assert one.seconds >= 0
    assert one.peak_mb > 1


def test_work_may_say_itself_how_long_it_took() -> None:
    assert measure.once(dict, (("seconds", 7.5), ("cpu", 2.5))).seconds == 7.5


def test_a_process_that_dies_is_told_with_its_code() -> None:
    with pytest.raises(RuntimeError, match="exit code 3"):
        measure.once(os._exit, 3)


def test_the_last_line_says_what_was_held(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {"a way": [Round(2.0, 80.0, None, 1.5), Round(1.0, 90.0, None, 0.5), Round(3.0, 70.0, None, 1.0)]}
    measure.report("thing", rows, [Goal("ratio", 1.2, 1.3), Goal("seconds", 2.0, 1.0)], size=5)
    said = capsys.readouterr().out.splitlines()
    last = json.loads(said[-1])
    assert last["ways"] == {"a way": {"median_s": 2.0, "cpu_s": 1.0, "peak_mb": 90}}
    assert [(goal["what"], goal["held"]) for goal in last["goals"]] == [("ratio", True), ("seconds", False)]
    assert (last["benchmark"], last["held"], last["size"]) == ("thing", False, 5)
    assert "NOT HELD" in "\n".join(said[:-1])


def test_only_what_is_new_was_written(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    (old / "core.duckdb").write_bytes(b"x" * 100)
    written = Written((tmp_path,))
    written.look()
    assert written.total == 100

    new = tmp_path / "a-new-one"
    new.mkdir()
    os.link(old / "core.duckdb", new / "core.duckdb")
    (new / "marts.duckdb.new").write_bytes(b"x" * 10)
    (new / "marts.duckdb.wal").write_bytes(b"x" * 1000)
    written.look()
    assert written.total == 110

    (new / "marts.duckdb.new").write_bytes(b"x" * 30)
    (new / "marts.duckdb.new").rename(new / "marts.duckdb")
    (old / "core.duckdb").unlink()
    written.look()
    assert written.total == 130
