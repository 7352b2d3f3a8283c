"""Pages read while runs write and publish, in two processes, over a hundred generations: no error and no wait."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl
import pytest

from pipelines import files, run
from pipelines.files import Generation
from pipelines.ops import Ops, create, open_ops
from pipelines.practice import Practice
from tests.kit.landing import appointments_of, patients_of
from tests.kit.practices import NOON, SETTINGS, Clock, ScriptedSource, Shelf, make_practice, rows
from tests.kit.reader_process import ReaderProcess, reader_process

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("two_processes")]

GENERATIONS, WHOLE_RUNS = 100, 5
APPOINTMENTS = 40
#: How many generations follow one another before anybody looks: more than are kept for a reader who is just opening.
BURSTS = (1, 2, 5, 1, 7, 3, 4, 1)
DAY = (NOON + dt.timedelta(days=1)).date()


@dataclass
class Writer:
    """The process of the tests, as the one that runs and publishes."""

    practice: Practice
    ops: Ops
    clock: Clock
    pvs: ScriptedSource
    kept: Path
    #: What every whole run published: by run, the files' copies and how many of its appointments are cancelled.
    made: dict[int, Generation] = field(default_factory=dict)
    cancelled: dict[int, int] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)

    def whole_run(self) -> str:
        """The practice software has one cancellation more; land, register, build, publish. The generation's name."""
        self.clock.move(seconds=1)
        number = len(self.made)
        shelf = self.pvs.shelves["appointment"]
        cancelled = pl.col("source_id").cast(pl.Int64) < number
        shelf.frame = shelf.frame.with_columns(status=pl.when(cancelled).then(pl.lit("cancelled")).otherwise("status"))
        done = run.run(self.practice, self.ops)
        assert done.built is not None
        assert done.built.generation is not None
        generation = done.built.generation
        self.made[generation.run], self.cancelled[generation.run] = generation, number
        shutil.copytree(generation.folder, self.kept / generation.name)
        self.published.append(generation.name)
        return generation.name

    def publish_again(self, number: int) -> str:
        """The files of one of the whole runs as a new generation, by the same steps as a build; its name."""
        self.clock.move(seconds=1)
        was = list(self.made.values())[number % len(self.made)]
        folder = files.new_generation(self.practice)
        for name in was.files:
            shutil.copy(self.kept / was.name / name, folder / name)
        again = replace(was, name=folder.name, folder=folder, built_at=self.practice.now())
        files.publish_generation(self.practice, again)
        self.published.append(folder.name)
        return folder.name


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    clock = Clock()
    practice = make_practice(
        tmp_path, monkeypatch, settings=f"{SETTINGS}\n[rules]\nwindow_ahead_months = 1\n", clock=clock
    )
    create(practice.ops_path, practice.key("ops"))
    sources = {name: ScriptedSource(name) for name in practice.source_names()}
    monkeypatch.setattr(Practice, "open_source", lambda _practice, name: sources[name])
    sources["pvs"].shelves = _shelves()
    (tmp_path / "kept").mkdir()
    with open_ops(practice, keep_connection=True) as ops:
        yield Writer(practice, ops, clock, sources["pvs"], tmp_path / "kept")


def _shelves() -> dict[str, Shelf]:
    schedule = {"source_id": "1", "name": "Dr. Demir", "kind": "person", "practitioner_id": "d", "active": True}
    hours = {"source_id": "h", "schedule_id": "1", "kind": "regular", "start_time": dt.time(8), "end_time": dt.time(18)}
    ids = [str(number) for number in range(APPOINTMENTS)]
    more = {"schedule_id": "1", "patient_id": "p1", "healthcare_service_id": "t"}
    frames = {
        "patient": patients_of("p1", family_name="Quittenbaum"),
        "practitioner": rows("practitioner", {"source_id": "d", "family_name": "Demir", "active": True}),
        "schedule": rows("schedule", schedule),
        "healthcare_service": rows("healthcare_service", {"source_id": "t", "name": "Kontrolle", "minutes": 30}),
        "working_hours": rows("working_hours", *(hours | {"weekday": n, "source_id": f"h{n}"} for n in range(1, 6))),
        "appointment": appointments_of(*ids, **more),
    }  # fmt: skip
    return {name: Shelf(frame) for name, frame in frames.items()}


def test_pages_read_while_runs_write_and_publish(writer: Writer) -> None:
    writer.whole_run()
    with reader_process(writer.practice, DAY) as reader:
        reader.until(writer.published[-1])
        for _ in range(WHOLE_RUNS - 1):
            before = len(reader.looks)
            name = writer.whole_run()
            reader.until(name)
            assert len(reader.looks) > before + 1, "it looked while the run was at work too"
        number, awaited = 0, WHOLE_RUNS
        while len(writer.published) < GENERATIONS:
            for _ in range(BURSTS[awaited % len(BURSTS)]):
                name = writer.publish_again(number)
                number += 1
            reader.until(name)
            awaited += 1
        _reads_do_not_wait_for_a_writer(writer, reader)
        _writers_do_not_wait_for_a_reader(writer, reader)
    _every_look_is_whole(writer, reader)
    assert len({look.generation for look in reader.looks}) >= awaited


def _reads_do_not_wait_for_a_writer(writer: Writer, reader: ReaderProcess) -> None:
    """Both locks are held, as in the middle of a run: the other process goes on looking."""
    with files.lock(writer.practice, "raw"), files.lock(writer.practice, "build"):
        reader.take_in()
        assert [reader.next_look().generation for _ in range(20)] == [writer.published[-1]] * 20
    assert not [one.path for one in reader.process.open_files() if "/lock/" in one.path or "/raw/" in one.path]


def _writers_do_not_wait_for_a_reader(writer: Writer, reader: ReaderProcess) -> None:
    """The other process is held in the middle of whatever it does, its files open; a run and ten generations go by."""
    reader.process.suspend()
    try:
        writer.whole_run()
        for number in range(10):
            name = writer.publish_again(number)
        assert not (writer.practice.published_folder / writer.published[-12]).exists()
    finally:
        reader.process.resume()
    reader.until(name)


def _every_look_is_whole(writer: Writer, reader: ReaderProcess) -> None:
    seen = [look.generation for look in reader.looks]
    assert seen == sorted(seen), "a page never goes back to an older generation"
    assert set(seen) <= set(writer.published)
    assert len(writer.published) > GENERATIONS
    for look in reader.looks:
        expected = {
            "booked": APPOINTMENTS - writer.cancelled[look.run],
            "cancelled_patient": writer.cancelled[look.run],
        }
        assert look.in_marts == {outcome: count for outcome, count in expected.items() if count}
        assert look.in_desk == look.in_marts
        assert look.rows["appointments"] == look.rows["counted"] == APPOINTMENTS
        assert look.rows["capacity_day"] > 20
