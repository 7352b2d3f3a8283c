"""When a practice's sources are asked for news, and what a look leaves behind; sources are played."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import SourceAway, SourceRefused
from pipelines import files, health, poll
from pipelines.health import Due
from pipelines.ops import breaker, numbers, runs
from pipelines.ops.database import create, open_ops
from pipelines.practice import Practice
from pipelines.status import status

NOW = dt.datetime(2026, 11, 25, 9, 0, tzinfo=dt.UTC)
TOML = """
name = "Praxis Test"
[locations.markt]
name = "Markt"
state = "BY"
opening_hours = { wed = ["08:00-12:00"] }
[sources.pvs]
kind = "pvs"
title = "Praxissoftware"
profile = "demo"
url = "sqlite:///nowhere.db"
[schedule]
quiet_hours = ["22:00-06:00"]
"""


class FakeSource:
    """Says whether it has news, or fails; counts how often it was asked."""

    def __init__(self, answer: bool | Exception) -> None:
        self.answer = answer
        self.asked = 0

    def has_news(self, since: Any) -> bool:
        """The answer."""
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def __enter__(self) -> FakeSource:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to give back."""


class Clock:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Wednesday morning, the practice is open."""
    return Clock()


@pytest.fixture
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Practice:
    """A practice of which all is done: compared in the night, counted and built today."""
    monkeypatch.setenv("PRAXISTAKT_HOME", str(tmp_path / "practices"))
    monkeypatch.setenv("PRAXISTAKT_KEYS", str(tmp_path / "keys"))
    made, _ = Practice.init(tmp_path / "practices" / "markt", TOML, keystore="file", clock=clock)
    create(made.ops_path, made.key("ops"))
    with open_ops(made) as o:
        number = numbers.number(o)
        runs.finish_run(o, runs.start_run(o, "full", NOW - dt.timedelta(hours=7)), "ok", NOW - dt.timedelta(hours=6))
    built = files.Generation("g", tmp_path, 1, number, NOW.date(), "sql", {}, NOW)
    monkeypatch.setattr(files, "current", lambda _: built)
    monkeypatch.setattr(poll, "_landed", lambda _: poll._Landed(0, {}, NOW.date()))
    return made


def ask(practice: Practice, monkeypatch: pytest.MonkeyPatch, source: FakeSource) -> Due | None:
    """One look at the practice with this source."""
    monkeypatch.setattr(Practice, "open_source", lambda *_: source)
    with open_ops(practice) as o:
        return poll.look(practice, o)


@pytest.mark.parametrize(("news", "expected"), [(True, Due("changes", "news")), (False, None)])
def test_news_at_a_source_is_a_reason(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, news: bool, expected: Due | None
) -> None:
    assert ask(practice, monkeypatch, FakeSource(news)) == expected


def test_a_source_without_news_was_heard_all_the_same(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(practice, monkeypatch, FakeSource(False))
    with open_ops(practice) as o:
        source = status(practice, o).health.sources[0]
    assert (source.light, source.heard_at, source.age_minutes) == ("green", NOW, 0)


def test_in_quiet_hours_nobody_is_asked(practice: Practice, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    clock.now = NOW.replace(hour=22)
    source = FakeSource(True)
    assert ask(practice, monkeypatch, source) is None
    assert source.asked == 0


def test_a_source_that_fails_is_left_alone_by_and_by(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    away = FakeSource(SourceAway("pvs: nobody answers"))
    for _ in range(breaker.FAILURES_TO_OPEN + 3):
        assert ask(practice, monkeypatch, away) is None
    assert away.asked == breaker.FAILURES_TO_OPEN
    with open_ops(practice) as o:
        assert status(practice, o).health.light == "red"


def test_a_refusal_waits_for_a_person_at_once(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = FakeSource(SourceRefused("booking: 401"))
    for _ in range(3):
        ask(practice, monkeypatch, refused)
    assert refused.asked == 1
    with open_ops(practice) as o:
        assert status(practice, o).health.sources[0].reason == "refused"


def test_a_visit_between_two_polls_is_a_sign_of_life_only(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    source = FakeSource(True)
    monkeypatch.setattr(Practice, "open_source", lambda *_: source)
    first = poll.visit("markt", None, clock=clock)
    assert (first.due, first.looked_at) == (Due("changes", "news"), NOW)
    clock.now = NOW + dt.timedelta(seconds=10)
    assert poll.visit("markt", NOW, clock=clock) == poll.Visit("markt", NOW)
    assert source.asked == 1
    with open_ops(practice) as o:
        assert status(practice, o).last_beat == clock.now
        assert status(practice, o).health.service_alive


@pytest.mark.usefixtures("practice")
def test_a_practice_that_cannot_be_opened_is_reported(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "keys" / "markt.keys").unlink()
    found = poll.visit("markt", None, clock=clock)
    assert found.due is None
    assert str(found.problem).startswith("KeysMissing")


def test_a_run_that_hangs_is_named(practice: Practice, clock: Clock) -> None:
    with open_ops(practice) as o:
        hanging = runs.start_run(o, "changes", NOW)
        clock.now = NOW + health.RUN_LIMIT["changes"] + dt.timedelta(minutes=1)
        stuck = status(practice, o).health.stuck
    assert [(one.run, one.minutes) for one in stuck] == [(str(hanging), 16)]
