"""Changes that are committed while we read: whatever the schedule, the next reading or the night has them all.

A vendor's software stamps a row first and commits it later, so a stamp can appear behind the cursor. The schedules here
put commits before, between and inside the statements and partitions of a reading; what a row of the schedule says:

    commit(patient, city, lag)   the row is stamped `lag` minutes before it is seen
    reading(commits)             a reading, with these commits spread over its statements and partitions
"""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import walltime
from connectors.pvs import profile, transports
from connectors.source import ReadRequest
from pipelines import comparison
from tests.kit.demo_pvs import NOW, frame, made, opened

OVERLAP = profile.load(profile.find("demo")).tables["patient"].changed.overlap // 60
PATIENTS = 7


@dataclass(frozen=True)
class Commit:
    patient: int
    lag: int


@dataclass
class Practice:
    """The database, its clock, and who commits in it; every commit writes another city, so that none goes unseen."""

    path: Path
    now: dt.datetime = NOW
    done: int = 0
    waiting: list[Commit] = field(default_factory=list)

    def commit(self, one: Commit) -> None:
        self.now += dt.timedelta(minutes=1)
        self.done += 1
        stamp = walltime.to_wall(self.now - dt.timedelta(minutes=one.lag), "Europe/Berlin")
        with sqlite3.connect(self.path) as connection:
            connection.execute(
                "UPDATE patient SET ort = ?, geaendert = max(geaendert, ?) WHERE pat_nr = ?",
                (f"Ort {self.done}", stamp.isoformat(sep=" "), one.patient),
            )
        connection.close()

    def commit_next(self, *_: object) -> None:
        if self.waiting:
            self.commit(self.waiting.pop(0))

    def reading(self, commits: list[Commit], since: str | None) -> comparison.Reading:
        """A reading of what changed, with a commit before each statement and partition as long as there are any."""
        self.waiting = list(commits)
        with opened(self.path, now=self.now) as source:
            sa.event.listen(source._reading, "before_cursor_execute", self.commit_next)
            reading = comparison.fold("patient", self._batches(source, since))
        while self.waiting:
            self.commit_next()
        return reading

    def _batches(self, source, since: str | None) -> Iterator:
        for batch in source.read(ReadRequest("patient", "changes", since)):
            yield batch
            self.commit_next()


LAGS = st.integers(0, OVERLAP)
COMMITS = st.builds(Commit, st.integers(1, PATIENTS), LAGS)
SCHEDULES = st.lists(st.tuples(st.lists(COMMITS, max_size=5), st.lists(COMMITS, max_size=7)), min_size=1, max_size=5)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(transports, "PARTITION", 2)
    monkeypatch.setattr(transports, "_PIECE", 2)


def practice(folder) -> Practice:
    """Patients who were last touched long ago, in a file that can be written while it is read."""
    seen = {"created_at": NOW - dt.timedelta(days=400), "changed_at": NOW - dt.timedelta(days=300)}
    rows = [{"source_id": str(key), "family_name": "Y", "active": True, **seen} for key in range(1, PATIENTS + 1)]
    path = made(folder / "pvs.db", {"patient": frame("patient", *rows)})
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return Practice(path)


def taken(standing: pl.DataFrame, reading: comparison.Reading) -> pl.DataFrame:
    """What stands after a reading, by the pipeline's own comparison."""
    difference = comparison.compare(reading, standing.with_columns(removed=pl.lit(value=False)))
    moved = pl.concat([difference.new, difference.changed])
    kept = standing.join(pl.concat([moved, difference.gone]).select("source_id"), on="source_id", how="anti")
    return pl.concat([kept, moved]).sort("source_id")


def through(folder, schedule) -> tuple[Practice, pl.DataFrame, str | None]:
    """The practice after a schedule, what stands of it, and how far was read."""
    made = practice(folder)
    standing, since = frame("patient"), None
    for before, meanwhile in schedule:
        for one in before:
            made.commit(one)
        reading = made.reading(meanwhile, since)
        standing, since = taken(standing, reading), reading.position
    return made, standing, since


@settings(max_examples=25, deadline=None)
@given(SCHEDULES)
def test_what_is_committed_within_the_overlap_is_there_after_the_next_reading(tmp_path_factory, schedule):
    made, standing, since = through(tmp_path_factory.mktemp("pvs"), schedule)
    reading = made.reading([], since)
    assert reading.scope == "changes"
    assert taken(standing, reading).equals(made.reading([], None).frame)


@settings(max_examples=15, deadline=None)
@given(SCHEDULES, st.lists(st.builds(Commit, st.integers(1, PATIENTS), st.integers(2 * OVERLAP, 5000)), min_size=1))
def test_what_is_committed_later_still_is_found_at_night(tmp_path_factory, schedule, late):
    """Commits from beyond the overlap may pass the cursor by; the full reading has every one, and tells which."""
    made, standing, since = through(tmp_path_factory.mktemp("pvs"), [*schedule, (late, late)])
    standing = taken(standing, made.reading([], since))
    night = made.reading([], None)
    assert night.scope == "full"
    missed = comparison.compare(night, standing.with_columns(removed=pl.lit(value=False))).changed
    assert set(missed["source_id"]) <= {str(one.patient) for one in late}
    assert taken(standing, night).equals(night.frame)


def test_a_commit_from_beyond_the_overlap_does_pass_the_cursor_by(tmp_path):
    """What the night is for: without it the row would be lost."""
    schedule = [([Commit(1, 0)], []), ([], []), ([Commit(2, 2 * OVERLAP)], [])]
    made, standing, since = through(tmp_path, schedule)
    standing = taken(standing, made.reading([], since))
    missed = comparison.compare(made.reading([], None), standing.with_columns(removed=pl.lit(value=False))).changed
    assert missed["source_id"].to_list() == ["2"]


def test_commits_do_fall_inside_a_reading(tmp_path):
    """The schedule is real: rows of one reading were committed after its position was taken."""
    made = practice(tmp_path)
    first = made.reading([], None)
    reading = made.reading([Commit(key, 0) for key in range(1, PATIENTS + 1)], first.position)
    assert 0 < reading.frame.height < PATIENTS + 1
    assert made.reading([], reading.position).frame.height == PATIENTS
