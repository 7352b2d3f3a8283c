"""The order of the stations, how a run ends, and what a run leaves when it is cut short; stations are played."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from pipelines import files, run
from pipelines.errors import BrokenFile, Busy, DiskFull, WrongKey
from pipelines.land import Landed, SourceRead
from pipelines.matching.register import Registered
from pipelines.ops import findings, requests, runs
from pipelines.ops.database import Ops, create, open_ops
from pipelines.practice import Practice
from pipelines.publish import Built
from pipelines.transform import CheckResult

NOW = dt.datetime(2026, 11, 25, 9, 0, tzinfo=dt.UTC)
TOML = """
name = "Praxis Test"
[locations.markt]
name = "Markt"
state = "BY"
[sources.pvs]
kind = "pvs"
title = "Praxissoftware"
profile = "demo"
url = "sqlite:///nowhere.db"
"""


@pytest.fixture
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Practice:
    """A practice without anything in it."""
    monkeypatch.setenv("PRAXISTAKT_HOME", str(tmp_path / "practices"))
    monkeypatch.setenv("PRAXISTAKT_KEYS", str(tmp_path / "keys"))
    made, _ = Practice.init(tmp_path / "practices" / "markt", TOML, keystore="file", clock=lambda: NOW)
    create(made.ops_path, made.key("ops"))
    return made


class Stations:
    """Played stations: they note their order, and give what a test wants."""

    def __init__(self, read: SourceRead | None = None, checks: tuple[CheckResult, ...] = ()) -> None:
        self.read = read or SourceRead("pvs")
        self.checks = checks
        self.called: list[str] = []
        self.asked: dict[str, Any] = {}

    def land(self, _: Practice, o: Ops, number: int, **asked: Any) -> Landed:
        """Puts the reading on record, as the station does."""
        self.called.append("land")
        self.asked = asked
        runs.record_source(o, number, self.read)
        return Landed(number, None, (self.read,))

    def register(self, *_: object) -> Registered:
        """Nothing new."""
        self.called.append("register")
        return Registered({})

    def take(self, *_: object) -> None:
        """Taken already."""
        self.called.append("snapshot")

    def build(self, *_: object, **__: object) -> Built:
        """Nothing to do."""
        self.called.append("build")
        return Built(None, 0, 0, NOW.date(), (), self.checks, 0.0, ())

    def put_in(self, monkeypatch: pytest.MonkeyPatch) -> Stations:
        """Take the places of the real ones."""
        monkeypatch.setattr(run, "land", self.land)
        monkeypatch.setattr(run, "register", self.register)
        monkeypatch.setattr(run.slot_snapshot, "take", self.take)
        monkeypatch.setattr(run.publish, "build", self.build)
        return self


def test_stations_follow_one_another_and_get_what_was_asked(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    stations = Stations().put_in(monkeypatch)
    with open_ops(practice) as o:
        done = run.run(practice, o, scope="full", only="pvs", accept_removals=True)
        assert (done.state, done.scope, done.practice) == ("ok", "full", "markt")
        assert stations.called == ["land", "register", "snapshot", "build"]
        assert stations.asked == {"scope": "full", "only": "pvs", "accept_removals": True, "progress": None}
        assert [(one.run, one.kind, one.state) for one in runs.last_runs(o)] == [(done.run, "full", "ok")]


@pytest.mark.parametrize(
    ("read", "checks", "state", "called"),
    [
        (SourceRead("pvs"), (), "ok", 4),
        (SourceRead("pvs", unmapped=3), (), "ok", 4),
        (SourceRead("pvs", rejected=1), (), "attention", 4),
        (SourceRead("pvs", state="stopped", cause="too many gone"), (), "attention", 4),
        (SourceRead("pvs", state="bad-answer", cause="half a page"), (), "attention", 4),
        (SourceRead("pvs"), (CheckResult("c", 2, "warn"),), "ok", 4),
        (SourceRead("pvs"), (CheckResult("c", 2, "error"),), "attention", 4),
        (SourceRead("pvs", state="away", cause="off"), (), "failed", 1),
    ],
)
def test_how_a_run_ends(
    practice: Practice,
    monkeypatch: pytest.MonkeyPatch,
    read: SourceRead,
    checks: tuple[CheckResult, ...],
    state: str,
    called: int,
) -> None:
    stations = Stations(read, checks).put_in(monkeypatch)
    with open_ops(practice) as o:
        assert run.run(practice, o).state == state
        assert len(stations.called) == called
        assert runs.last_runs(o)[0].state == state


def test_requests_are_served_by_the_run_and_end_with_it(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    Stations().put_in(monkeypatch)
    with open_ops(practice) as o:
        requests.request_sync(o, None, "chef", NOW)
        done = run.run(practice, o)
        served = requests.latest(o)
        assert served is not None
        assert (served.state, served.run) == ("done", done.run)


def test_a_station_that_fails_ends_the_run_as_failed(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    stations = Stations().put_in(monkeypatch)

    def broken(*_: object) -> Registered:
        raise RuntimeError("broken")

    monkeypatch.setattr(run, "register", broken)
    with open_ops(practice) as o:
        with pytest.raises(RuntimeError, match="broken"):
            run.run(practice, o)
        assert stations.called == ["land"]
        assert runs.last_runs(o)[0].state == "failed"
        assert runs.unfinished(o) == ()


#: What stops a run -> what is on record of it until one comes through; None for what is nobody's failure.
STOPPED = [
    (DiskFull("/srv: 1.0 MB free, a build needs 9.0 MB"), "/srv: 1.0 MB free, a build needs 9.0 MB", "make room"),
    (BrokenFile("raw/1.duckdb: differs"), "raw/1.duckdb: differs", "run again"),
    (WrongKey("x.duckdb: was written under another key"), "x.duckdb: was written under another key", "recovery sheet"),
    (ZeroDivisionError("Mustermann, 1980"), "unexpected ZeroDivisionError", "praxistakt doctor"),
    (KeyboardInterrupt(), None, ""),
    (Busy("another process"), None, ""),
]


@pytest.mark.parametrize(("error", "cause", "remedy"), STOPPED, ids=lambda value: type(value).__name__)
def test_why_a_run_failed_is_on_record_until_one_comes_through(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, error: BaseException, cause: str | None, remedy: str
) -> None:
    stations = Stations().put_in(monkeypatch)

    def broken(*_: object) -> Registered:
        raise error

    monkeypatch.setattr(run, "register", broken)
    with open_ops(practice) as o:
        with pytest.raises(type(error)):
            run.run(practice, o)
        found = [(one.detail["cause"], remedy in one.detail["remedy"]) for one in findings.open_findings(o)]
        assert found == ([] if cause is None else [(cause, True)])
        monkeypatch.setattr(run, "register", stations.register)
        run.run(practice, o)
        assert findings.open_findings(o) == ()


def test_what_stops_a_run_before_it_begins_is_on_record_too(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def recover(_: Practice, *, thorough: bool) -> files.Recovered:
        asked.append(thorough)
        raise BrokenFile("raw: no manifest names segments that are all there; restore a backup")

    monkeypatch.setattr(files, "recover", recover)
    with open_ops(practice) as o:
        for _ in range(2):
            with pytest.raises(BrokenFile):
                run.run(practice, o)
        assert [one.kind for one in findings.open_findings(o)] == ["run-failed"]
        assert runs.last_runs(o) == ()
    assert asked == [False, True], "after a broken file, contents are looked at"


def test_a_run_that_was_cut_short_is_cleared_away_by_the_next(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    Stations().put_in(monkeypatch)
    with open_ops(practice) as o:
        lost = run.begin(practice, o, "changes").run
        done = run.run(practice, o)
        assert done.abandoned == (lost,)
        assert {one.run: one.state for one in runs.last_runs(o)} == {lost: "abandoned", done.run: "ok"}
        run.fail(practice, o, lost, RuntimeError())  # who was thought dead comes back: too late
        assert runs.last_runs(o)[1].state == "abandoned"


def test_settings_and_holidays_are_recorded_once(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    Stations().put_in(monkeypatch)
    with open_ops(practice) as o:
        run.run(practice, o)
        number = run.recorded.numbers.number(o)
        assert number > 0
        run.run(practice, o)
        assert run.recorded.numbers.number(o) == number


def test_another_process_at_work_is_named(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    Stations().put_in(monkeypatch)

    def taken(*_: object, **__: object) -> None:
        raise Busy("markt: raw is locked by process 17 on pc-empfang")

    monkeypatch.setattr(files, "lock", taken)
    with open_ops(practice) as o:
        with pytest.raises(Busy, match="process 17"):
            run.run(practice, o)
        assert runs.last_runs(o) == ()


def test_what_was_repaired_stands_as_a_finding_until_all_is_well(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    Stations().put_in(monkeypatch)
    problems = iter([("raw/manifest: brought back as of run 3",), ()])
    monkeypatch.setattr(files, "recover", lambda *_, **__: files.Recovered(problems=next(problems)))
    with open_ops(practice) as o:
        assert run.run(practice, o).recovered.problems
        assert [one.kind for one in findings.open_findings(o)] == ["recovery"]
        run.run(practice, o)
        assert findings.open_findings(o) == ()
