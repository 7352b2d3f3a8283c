"""When a source is asked, and when it is left alone: a table of what happens and what follows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import ops
from pipelines.ops import breaker
from tests.kit.ops_db import fresh_ops
from tests.kit.practices import NOON

#: Each step: minutes after noon, what happens, and how the breaker stands then.
#: `?yes` and `?no` ask whether the source may be tried.
Steps = list[tuple[float, str, str]]

FAILS = (0.0, "fails", "closed")
OPEN: Steps = [FAILS, FAILS, FAILS, FAILS, (0, "fails", "open")]
PROBE = (1.0, "?yes", "half-open")

CASES: dict[str, Steps] = {
    "a healthy source is always asked": [(0, "?yes", "closed"), (1, "succeeds", "closed"), (2, "?yes", "closed")],
    "four failures do not open it": [*OPEN[:4], (1, "?yes", "closed")],
    "a success in between starts the count anew": [*OPEN[:4], (1, "succeeds", "closed"), *OPEN[:4]],
    "five failures open it for a minute": [*OPEN, (0, "?no", "open"), (0.9, "?no", "open"), PROBE],
    "one probe at a time": [*OPEN, PROBE, (1, "?no", "half-open"), (1.5, "?no", "half-open")],
    "a probe that works closes it": [*OPEN, PROBE, (1.1, "succeeds", "closed"), (2, "?yes", "closed")],
    "failed probes wait 1, 5, 15, 60 and then 60 minutes": [
        *OPEN,
        (1, "?yes", "half-open"), (1, "fails", "open"), (5.9, "?no", "open"),
        (6, "?yes", "half-open"), (6, "fails", "open"), (20.9, "?no", "open"),
        (21, "?yes", "half-open"), (21, "fails", "open"), (80.9, "?no", "open"),
        (81, "?yes", "half-open"), (81, "fails", "open"), (140.9, "?no", "open"),
        (141, "?yes", "half-open"),
    ],
    "a probe that never reports is given up": [*OPEN, PROBE, (1.9, "?no", "half-open"), (2, "?yes", "half-open")],
    "a refusal opens it at once, no time helps": [(0, "is refused", "open"), (60, "?no", "open"), (9e4, "?no", "open")],
    "a refused probe waits for a person too": [*OPEN, PROBE, (1, "is refused", "open"), (600, "?no", "open")],
    "a late success does not outvote a refusal": [(0, "is refused", "open"), (1, "succeeds", "open")],
    "a person resets it": [(0, "is refused", "open"), (9, "is reset", "closed"), (9, "?yes", "closed")],
    "after a reset the count starts anew": [*OPEN, (1, "is reset", "closed"), *OPEN],
    "a source that asks for a pause gets it": [
        (0, "asks for 5 min", "open"), (4.9, "?no", "open"), (5, "?yes", "half-open"), (5, "succeeds", "closed"),
    ],
    "nobody may ask for more than 15 minutes": [(0, "asks for 60 min", "open"), (15, "?yes", "half-open")],
    "nobody may ask for less than the usual wait": [
        *OPEN, PROBE, (1, "asks for 0 min", "open"), (5.9, "?no", "open"), (6, "?yes", "half-open"),
    ],
    "a probe is handed on to the next one who asks": [*OPEN, PROBE, (1, "is handed on", "open"), PROBE],
    "without a probe there is nothing to hand on": [*OPEN, (0, "is handed on", "open"), (0.9, "?no", "open")],
    "a clock set back does not lock it for years": [*OPEN, (-5e5, "?yes", "half-open")],
}  # fmt: skip


@pytest.fixture
def o(tmp_path: Path) -> Iterator[ops.Ops]:
    with fresh_ops(tmp_path) as opened:
        yield opened


def happen(o: ops.Ops, what: str, now: dt.datetime) -> None:
    match what:
        case "?yes" | "?no":
            assert breaker.may_try(o, "booking", now) is (what == "?yes")
        case "fails":
            breaker.failed(o, "booking", now)
        case "is refused":
            breaker.failed(o, "booking", now, needs_person=True)
        case "asks for 0 min" | "asks for 5 min" | "asks for 60 min":
            breaker.failed(o, "booking", now, pause=dt.timedelta(minutes=int(what.split()[2])))
        case "is handed on":
            breaker.hand_on(o, "booking", now)
        case "succeeds":
            breaker.succeeded(o, "booking", now)
        case "is reset":
            breaker.reset(o, "booking", now)


@pytest.mark.parametrize("name", CASES)
def test_breaker(o: ops.Ops, name: str) -> None:
    for minutes, what, expected in CASES[name]:
        happen(o, what, NOON + dt.timedelta(minutes=minutes))
        found = {one.source: one.state for one in breaker.states(o)}.get("booking", "closed")
        assert (minutes, what, found) == (minutes, what, expected)


def test_each_source_has_its_own(o: ops.Ops) -> None:
    breaker.failed(o, "booking", NOON, needs_person=True)
    assert breaker.may_try(o, "pvs", NOON)
    (only,) = breaker.states(o)
    assert (only.source, only.needs_person, only.opened_at, only.next_try_at) == ("booking", True, NOON, None)
