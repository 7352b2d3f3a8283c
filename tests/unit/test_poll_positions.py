"""What a poll asks about: a change is one run, a commit that changes nothing of ours is one too, and then it is quiet.

The practice software is the played one in a SQLite file; runs land, and stations after them are left out.
"""

from __future__ import annotations

import datetime as dt
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl
import pytest

from connectors.errors import BadAnswer, SourceBusy
from connectors.sandbox.pvs import PvsDesk
from pipelines import files, poll
from pipelines.errors import BrokenFile
from pipelines.health import Due
from pipelines.land import land
from pipelines.ops import Ops, breaker, findings, numbers, runs
from pipelines.practice import Practice
from pipelines.run import begin, finish
from pipelines.side_by_side import Limits
from pipelines.status import status
from tests.kit import demo_pvs
from tests.kit.landing import land_once
from tests.kit.practices import NOON, SETTINGS, Clock, ScriptedSource, make_practice

NEWS = Due("changes", "news")
#: Bytes at the start of a DuckDB file that tell its key; blocks follow.
HEADERS = 3 * 4096


@pytest.fixture
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Practice:
    """A practice with the played software; its booking platform has nothing to say."""
    pvs = demo_pvs.made(tmp_path / "pvs.db")
    settings = SETTINGS.replace("/nowhere/pvs.db", str(pvs)) + '[schedule]\nsnapshot_at = "23:00"\n'
    made = make_practice(tmp_path, monkeypatch, settings=settings, clock=clock)
    real, quiet = Practice.open_source, ScriptedSource("booking")
    monkeypatch.setattr(Practice, "open_source", lambda self, name: real(self, name) if name == "pvs" else quiet)
    return made


@pytest.fixture
def desk(practice: Practice, tmp_path: Path) -> PvsDesk:
    """The software's own desk."""
    return PvsDesk(tmp_path / "pvs.db", lambda: NOON)


@pytest.fixture
def landed(practice: Practice, ops: Ops, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Practice:
    """Compared in the night, read since, built today: only news can be a reason for a run."""
    runs.finish_run(ops, runs.start_run(ops, "full", NOON - dt.timedelta(hours=7)), "ok", NOON)
    land_once(practice, ops)
    monkeypatch.setattr(
        files, "current", lambda _: files.Generation("g", tmp_path, 1, numbers.number(ops), NOON.date(), "", {}, NOON)
    )
    return practice


def commit_of_no_record(desk: PvsDesk) -> None:
    """Something is written that none of our records shows."""
    desk.execute("CREATE TABLE IF NOT EXISTS drucker (name TEXT)")
    desk.execute("INSERT INTO drucker VALUES ('Empfang')")


def test_after_a_landing_it_is_quiet(landed: Practice, ops: Ops) -> None:
    assert poll.look(landed, ops) is None


def test_a_commit_that_changes_no_record_of_ours_is_asked_about_once(landed: Practice, ops: Ops, desk: PvsDesk) -> None:
    for _ in range(3):
        commit_of_no_record(desk)
        assert poll.look(landed, ops) == NEWS
        assert land_once(landed, ops).segment is None
        assert poll.look(landed, ops) is None


def test_a_change_after_that_is_news_and_lands(landed: Practice, ops: Ops, desk: PvsDesk) -> None:
    commit_of_no_record(desk)
    land_once(landed, ops)
    desk.cancel("3")
    assert poll.look(landed, ops) == NEWS
    assert land_once(landed, ops).sources[0].changed == 1
    assert poll.look(landed, ops) is None


def test_a_run_that_reads_another_source_hides_nothing(landed: Practice, ops: Ops, desk: PvsDesk) -> None:
    desk.cancel("3")
    assert land_once(landed, ops, only="booking").segment is None
    assert poll.look(landed, ops) == NEWS


def keep_raw(practice: Practice, folder: Path) -> None:
    """A backup of raw."""
    shutil.copytree(practice.raw_folder, folder)


def restore_raw(practice: Practice, folder: Path) -> None:
    """Raw as it was at the backup."""
    shutil.rmtree(practice.raw_folder)
    shutil.copytree(folder, practice.raw_folder)


def test_where_raw_is_older_than_ops_the_change_is_read_again(
    landed: Practice, ops: Ops, desk: PvsDesk, tmp_path: Path
) -> None:
    keep_raw(landed, tmp_path / "kept")
    desk.cancel("3")
    assert land_once(landed, ops).sources[0].changed == 1
    commit_of_no_record(desk)
    assert land_once(landed, ops).segment is None
    assert poll.look(landed, ops) is None
    restore_raw(landed, tmp_path / "kept")
    assert poll.look(landed, ops) == NEWS
    assert land_once(landed, ops).sources[0].changed == 1
    assert poll.look(landed, ops) is None


def test_a_position_of_another_state_of_raw_costs_one_poll_and_no_change(
    landed: Practice, ops: Ops, desk: PvsDesk, tmp_path: Path
) -> None:
    """Restored, and then another source lands: raw is at a later run again, but not with these rows."""
    keep_raw(landed, tmp_path / "kept")
    desk.cancel("3")
    land_once(landed, ops)
    commit_of_no_record(desk)
    land_once(landed, ops)
    restore_raw(landed, tmp_path / "kept")
    manifest = files.read_manifest(landed)
    assert manifest is not None
    run = runs.start_run(ops, "changes", NOON, after=manifest.run)
    with files.raw_connection(landed, manifest) as con:
        rows = con.execute("SELECT * FROM raw.patient").pl().head(1)
    others = rows.with_columns(source=pl.lit("booking"), run=pl.lit(run, pl.Int64))
    files.write_segment(landed, run, {"patient": others})
    assert poll.look(landed, ops) == NEWS


def test_a_damaged_file_is_a_reason_for_a_run_that_goes_back_before_it(
    landed: Practice, ops: Ops, desk: PvsDesk, clock: Clock
) -> None:
    desk.cancel("3")
    segment = landed.raw_folder / str(land_once(landed, ops).segment)
    content = segment.read_bytes()
    segment.write_bytes(content[:HEADERS].ljust(len(content), b"x"))
    assert poll.look(landed, ops) == Due("changes", "repair")
    clock.move(seconds=30)
    with pytest.raises(BrokenFile, match=segment.name):  # told, and not tried at every poll
        poll.look(landed, ops)
    begun = begin(landed, ops, "changes")
    assert begun.recovered.problems[0] == f"{segment}: differs from what was written (SHA-256)"
    assert land(landed, ops, begun.run).sources[0].changed == 1
    assert finish(landed, ops, begun.run, None) == "failed"
    assert [found.kind for found in findings.open_findings(ops)] == ["recovery"]


class Answering(ScriptedSource):
    """Says whether it has news, fails, or says nothing until it is released."""

    def __init__(self, name: str, answer: bool | Exception | threading.Event) -> None:
        super().__init__(name)
        self.answer = answer
        self.polled: list[Mapping[str, str]] = []

    def has_news(self, since: Mapping[str, str]) -> bool:
        self.polled.append(since)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer if isinstance(self.answer, bool) else self.answer.wait(20)


@pytest.fixture
def two(landed: Practice, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[dict[str, Answering]]:
    """Two sources that a test lets answer, a while after the newest run."""
    clock.move(minutes=5)
    made = {name: Answering(name, False) for name in ("pvs", "booking")}
    monkeypatch.setattr(Practice, "open_source", lambda _, name: made[name])
    monkeypatch.setattr(poll, "LIMITS", Limits(0.5, 0.5))
    yield made
    for source in made.values():
        if isinstance(source.answer, threading.Event):
            source.answer.set()


@pytest.mark.parametrize("silent", ["pvs", "booking"])
def test_one_that_does_not_answer_hides_no_news_of_the_other(
    landed: Practice, ops: Ops, two: dict[str, Answering], silent: str
) -> None:
    other = next(source for name, source in two.items() if name != silent)
    two[silent].answer, other.answer = threading.Event(), True
    assert poll.look(landed, ops) == NEWS
    assert [(link.source, link.failures) for link in breaker.states(ops)] == [(silent, 1)]


def test_a_pause_that_a_source_asks_for_is_kept(
    landed: Practice, ops: Ops, two: dict[str, Answering], clock: Clock
) -> None:
    two["booking"].answer = SourceBusy("429", 90)
    poll.look(landed, ops)
    for seconds, asked in ((30, 1), (59, 1), (1, 2)):
        clock.move(seconds=seconds)
        poll.look(landed, ops)
        assert len(two["booking"].polled) == asked


def test_news_prove_no_link(landed: Practice, ops: Ops, two: dict[str, Answering], clock: Clock) -> None:
    """A source may say so before it looks: its breaker stays as it is, and its probe goes to the reading."""
    for _ in range(breaker.FAILURES_TO_OPEN):
        breaker.failed(ops, "pvs", clock())
    clock.move(minutes=1)
    two["pvs"].answer = True
    assert poll.look(landed, ops) == NEWS
    assert [(link.state, link.failures) for link in breaker.states(ops)] == [("open", breaker.FAILURES_TO_OPEN)]
    assert breaker.may_try(ops, "pvs", clock())


def test_one_that_makes_no_sense_rests_between_readings(
    landed: Practice, ops: Ops, two: dict[str, Answering], clock: Clock
) -> None:
    two["pvs"].answers["patient"] = []
    clock.move(minutes=1)
    assert land_once(landed, ops).sources[0].state == "bad-answer"
    two["pvs"].answer = True
    clock.move(seconds=299)
    assert poll.look(landed, ops) is None
    clock.move(seconds=1)
    assert poll.look(landed, ops) == NEWS
    two["pvs"].answer = BadAnswer("half a page")
    clock.move(minutes=1)
    assert poll.look(landed, ops) is None
    assert [link.failures for link in breaker.states(ops) if link.source == "pvs"] == [1]


def test_one_that_gives_no_positions_is_read_every_five_minutes(
    landed: Practice, ops: Ops, two: dict[str, Answering], clock: Clock
) -> None:
    """A platform that cannot be searched by the time of a change always has news."""
    two["booking"].answer = True
    assert poll.look(landed, ops) == NEWS
    land_once(landed, ops)
    clock.move(minutes=4)
    assert poll.look(landed, ops) is None
    assert len(two["booking"].polled) == 1
    clock.move(minutes=1)
    assert poll.look(landed, ops) == NEWS


def test_a_rest_is_no_silence(landed: Practice, ops: Ops, two: dict[str, Answering], clock: Clock) -> None:
    poll.look(landed, ops)
    assert {source.source: source.light for source in status(landed, ops).health.sources} == {
        "pvs": "green",
        "booking": "green",
    }
