""" "Jetzt synchronisieren": what becomes of a press, as a table. Minutes count from the press at 0."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import ops
from pipelines.ops import requests, runs
from tests.kit.ops_db import fresh_ops
from tests.kit.practices import NOON

#: What happens after the press, and what the page reads at the minute given: state, and when it got there.
CASES = [
    ("nobody came yet", [], 59, ("waiting", None)),
    ("no service runs: after an hour it is expired, though nobody wrote that down", [], 60, ("expired", 60)),
    ("a run took it", [(1, "starts and takes")], 2, ("claimed", None)),
    ("the run went well", [(1, "starts and takes"), (2, "ends ok")], 3, ("done", 2)),
    ("the run found something to look at", [(1, "starts and takes"), (2, "ends attention")], 3, ("done", 2)),
    ("the run failed", [(1, "starts and takes"), (2, "ends failed")], 3, ("failed", 2)),
    ("the run was cut short: it waits again", [(1, "starts and takes"), (5, "is abandoned")], 6, ("waiting", None)),
    (
        "and the next run takes it",
        [(1, "starts and takes"), (5, "is abandoned"), (6, "starts and takes"), (7, "ends ok")], 8, ("done", 7),
    ),
    ("a run that starts after more than an hour does not take it", [(61, "starts and takes")], 62, ("expired", 61)),
    ("a run that does not take requests changes nothing", [(1, "starts"), (2, "ends ok")], 3, ("waiting", None)),
]  # fmt: skip


@pytest.fixture
def o(tmp_path: Path) -> Iterator[ops.Ops]:
    with fresh_ops(tmp_path) as opened:
        yield opened


def at(minutes: float) -> dt.datetime:
    return NOON + dt.timedelta(minutes=minutes)


def happen(o: ops.Ops, what: str, now: dt.datetime) -> None:
    if what.startswith("starts"):
        run = runs.start_run(o, "changes", now)
        if "takes" in what:
            requests.claim(o, run)
    elif what == "is abandoned":
        runs.abandon_unfinished(o, 0, now)
    else:
        state: runs.RunState = what.removeprefix("ends ")  # type: ignore[assignment]
        runs.finish_run(o, runs.last_runs(o)[0].run, state, now)


@pytest.mark.parametrize(("name", "events", "look", "expected"), CASES, ids=[case[0] for case in CASES])
def test_request(
    o: ops.Ops, name: str, events: list[tuple[float, str]], look: float, expected: tuple[str, float | None]
) -> None:
    asked = requests.request_sync(o, "booking", "berta", NOON)
    for minutes, what in events:
        happen(o, what, at(minutes))
    found = requests.latest(o, "booking", at(look))
    assert found is not None
    assert (found.id, found.requested_by, found.requested_at) == (asked, "berta", NOON)
    state, minutes_then = expected
    assert (found.state, found.finished_at) == (state, None if minutes_then is None else at(minutes_then))


def test_pressing_twice_is_one_request(o: ops.Ops) -> None:
    first = requests.request_sync(o, "booking", "berta", NOON)
    assert requests.request_sync(o, "booking", "ali", at(1)) == first
    assert requests.request_sync(o, "pvs", "ali", at(1)) != first
    assert [one.source for one in requests.open_requests(o, at(2))] == ["booking", "pvs"]


def test_a_press_during_the_run_is_a_new_request(o: ops.Ops) -> None:
    first = requests.request_sync(o, None, "berta", NOON)
    requests.claim(o, runs.start_run(o, "changes", at(1)))
    second = requests.request_sync(o, None, "berta", at(2))
    assert second != first
    runs.finish_run(o, 1, "ok", at(3))
    assert [one.id for one in requests.open_requests(o)] == [second]


def test_a_press_after_an_expired_one_is_a_new_request(o: ops.Ops) -> None:
    first = requests.request_sync(o, None, "berta", NOON)
    assert requests.request_sync(o, None, "berta", at(61)) != first


def test_a_cut_short_request_gives_way_to_a_newer_press(o: ops.Ops) -> None:
    first = requests.request_sync(o, None, "berta", NOON)
    requests.claim(o, runs.start_run(o, "changes", at(1)))
    second = requests.request_sync(o, None, "berta", at(2))
    runs.abandon_unfinished(o, 0, at(3))
    assert [one.id for one in requests.open_requests(o)] == [second]
    assert first != second


def test_a_request_for_all_concerns_each_source(o: ops.Ops) -> None:
    assert requests.latest(o, "pvs", NOON) is None
    asked = requests.request_sync(o, None, "berta", NOON)
    found = requests.latest(o, "pvs", NOON)
    assert found is not None
    assert found.id == asked


def test_finishing_by_hand_touches_only_what_was_taken(o: ops.Ops) -> None:
    waiting = requests.request_sync(o, "booking", "berta", NOON)
    requests.finish(o, [waiting], "done", at(1))
    assert [one.id for one in requests.open_requests(o)] == [waiting]
    requests.claim(o, runs.start_run(o, "changes", at(1)))
    requests.finish(o, [waiting], "done", at(2))
    found = requests.latest(o)
    assert found is not None
    assert (found.state, found.run, found.claimed_at, found.finished_at) == ("done", 1, at(1), at(2))


def test_only_a_run_under_way_takes_requests(o: ops.Ops) -> None:
    with pytest.raises(ops.Refused, match="run 7 is not under way"):
        requests.claim(o, 7)
