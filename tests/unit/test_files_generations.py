from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from pipelines import files
from pipelines.errors import BrokenFile, FileMissing
from pipelines.files import checkpoints
from pipelines.practice import Practice
from tests.kit.practices import NOON, Clock
from tests.kit.segments import write_generation


def content(practice: Practice, generation: files.Generation, name: str = "marts") -> int:
    with files.connect() as con:
        files.attach(con, generation.folder / f"{name}.duckdb", practice.key(name), "one")
        return con.execute("SELECT a FROM one.t").fetchone()[0]


def test_before_the_first_build_nothing_is_published(practice: Practice) -> None:
    assert files.current(practice) is None
    assert files.recover(practice) == files.Recovered()


def test_a_published_generation_is_what_readers_find(practice: Practice) -> None:
    built = write_generation(practice, 1)
    assert files.current(practice) is None
    files.publish_generation(practice, built)
    found = files.current(practice)
    assert found == built
    assert (found.run, found.ops_number, found.today) == (1, 10, dt.date(2026, 3, 4))
    assert {name: content(practice, found, name) for name in ("core", "desk", "marts")} == dict.fromkeys(
        ("core", "desk", "marts"), 1
    )
    assert files.verify(practice) == []


def test_generations_within_a_second_have_names_of_their_own(practice: Practice) -> None:
    names = [files.new_generation(practice).name for _ in range(3)]
    assert names == [f"20260304T110000Z-000{n}" for n in (1, 2, 3)]


def test_the_last_few_generations_stay_and_unfinished_ones_go(practice: Practice, clock: Clock) -> None:
    for run in range(1, 6):
        clock.move(minutes=1)
        files.new_generation(practice)
        files.publish_generation(practice, write_generation(practice, run))
    kept = sorted(path.name for path in practice.published_folder.iterdir() if path.is_dir())
    assert [name[9:15] for name in kept] == ["110300", "110400", "110500"]
    assert content(practice, files.current(practice)) == 5


def test_an_unchanged_file_is_carried_over_without_being_written_again(practice: Practice) -> None:
    first = write_generation(practice, 1)
    files.publish_generation(practice, first)
    folder = files.new_generation(practice)
    carried = {name: files.carry_over(first, name, folder) for name in first.files}
    second = dataclasses.replace(first, name=folder.name, folder=folder, run=2)
    files.publish_generation(practice, second)
    assert carried == first.files
    assert (folder / "marts.duckdb").samefile(first.folder / "marts.duckdb")
    assert files.current(practice) == second


def test_a_file_that_changed_on_disk_is_not_carried_over(practice: Practice) -> None:
    first = write_generation(practice, 1)
    (first.folder / "marts.duckdb").write_bytes(b"other")
    with pytest.raises(BrokenFile, match=r"marts\.duckdb: differs"):
        files.carry_over(first, "marts.duckdb", files.new_generation(practice))


def test_an_unfinished_file_does_not_close(practice: Practice, tmp_path: Path) -> None:
    path = write_generation(practice, 1).folder / "marts.duckdb"
    path.with_name("marts.duckdb.wal").write_bytes(b"rest")
    with pytest.raises(BrokenFile, match="write-ahead log"):
        files.close_file(path, practice.key("marts"))


def test_a_generation_without_one_of_its_files_is_not_published(practice: Practice) -> None:
    files.publish_generation(practice, write_generation(practice, 1))
    second = write_generation(practice, 2)
    (second.folder / "desk.duckdb").unlink()
    with pytest.raises(FileMissing, match=r"desk\.duckdb"):
        files.publish_generation(practice, second)
    assert files.current(practice).run == 1


POINTS = ["generation.written", "generation.replaced", "generation.complete", "pointer.written", "pointer.replaced"]


@pytest.mark.parametrize("point", [*POINTS, "generations.removed"])
def test_stopped_anywhere_readers_find_a_whole_generation(
    practice: Practice, clock: Clock, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    def stop(reached: str) -> None:
        if reached == point:
            raise KeyboardInterrupt(point)

    files.publish_generation(practice, write_generation(practice, 1))
    clock.move(minutes=1)
    second = write_generation(practice, 2)
    monkeypatch.setattr(checkpoints, "on_checkpoint", stop)
    with pytest.raises(KeyboardInterrupt):
        files.publish_generation(practice, second)
    monkeypatch.setattr(checkpoints, "on_checkpoint", lambda _: None)
    moved = point in ("pointer.replaced", "generations.removed")
    assert content(practice, files.current(practice)) == (2 if moved else 1)
    assert files.recover(practice).problems == ()
    assert files.verify(practice) == []


def test_a_pointer_to_nowhere_goes_back_to_a_complete_generation(practice: Practice, clock: Clock) -> None:
    files.publish_generation(practice, write_generation(practice, 1))
    clock.move(minutes=1)
    second = write_generation(practice, 2)
    files.publish_generation(practice, second)
    (second.folder / "marts.duckdb").unlink()
    with pytest.raises(FileMissing, match=r"marts\.duckdb: missing"):
        files.current(practice)
    problems = files.recover(practice).problems
    assert "marts.duckdb: missing" in problems[0]
    assert "brought back to generation 20260304T110000Z-0001" in problems[1]
    assert content(practice, files.current(practice)) == 1


def test_without_any_complete_generation_the_next_build_writes_one(practice: Practice) -> None:
    only = write_generation(practice, 1)
    files.publish_generation(practice, only)
    (only.folder / "core.duckdb").write_bytes(b"")
    (practice.published_folder / "current").write_text("{")
    with pytest.raises(BrokenFile, match="describes no generation"):
        files.current(practice)
    assert "the next build writes one" in files.recover(practice).problems[1]
    assert files.current(practice) is None


def test_a_changed_or_exchanged_published_file_is_named(practice: Practice) -> None:
    built = write_generation(practice, 1)
    files.publish_generation(practice, built)
    (built.folder / "marts.duckdb").write_bytes((built.folder / "core.duckdb").read_bytes())
    problems = files.verify(practice)
    assert [problem.split(": ")[0] for problem in problems] == [str(built.folder / "marts.duckdb")]
    assert built.built_at == NOON
