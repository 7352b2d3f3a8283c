"""Fixtures that every folder of tests may use."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.ops import Ops, create, open_ops
from pipelines.practice import Practice
from tests.kit.practices import Clock, ScriptedSource, make_practice

pytest_plugins = ["tests.kit.census", "tests.kit.servers"]


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """Streamlit's AppTest leaves its script behind as `__main__`; a process that a later test spawns would run it."""
    own = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = own


@pytest.fixture
def clock() -> Clock:
    """The practice's clock; it stands still at a Wednesday noon until a test moves it."""
    return Clock()


@pytest.fixture
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Practice:
    """A practice with one location, a PVS and a booking platform (neither is there), its keys in a file."""
    return make_practice(tmp_path, monkeypatch, clock=clock)


@pytest.fixture
def ops(practice: Practice) -> Iterator[Ops]:
    """The practice's ops.db, new and open."""
    create(practice.ops_path, practice.key("ops"))
    with open_ops(practice) as opened:
        yield opened


@pytest.fixture
def sources(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> dict[str, ScriptedSource]:
    """Sources made of frames in place of the practice's own; they have nothing to say until a test fills them."""
    made = {name: ScriptedSource(name) for name in practice.source_names()}
    monkeypatch.setattr(Practice, "open_source", lambda _practice, name: made[name])
    return made
