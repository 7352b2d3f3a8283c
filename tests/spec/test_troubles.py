"""What went wrong at a source, in one line: the gravest names the state, what record types share stands once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from connectors import errors
from pipelines import troubles
from pipelines.errors import SecretMissing
from pipelines.ops import breaker
from pipelines.troubles import Trouble, trouble
from tests.kit.ops_db import fresh_ops
from tests.kit.practices import NOON

BROKEN = errors.BadAnswer("host: status 500, expected 200")
GONE = errors.SchemaMismatch("demo.toml: [visit]: no such table")
AWAY = errors.SourceAway("host: no connection")

#: What happened, in its order -> the state, and the one line.
LINES: list[tuple[list[Trouble], str, str]] = [
    ([trouble(AWAY)], "away", "source-away: host: no connection"),
    ([trouble(BROKEN, "patient")], "bad-answer", "bad-answer: patient: host: status 500, expected 200"),
    ([trouble(BROKEN, "patient"), trouble(BROKEN, "slot")], "bad-answer",
     "bad-answer: patient, slot: host: status 500, expected 200"),
    ([trouble(BROKEN, "patient"), trouble(GONE, "visit"), trouble(BROKEN, "slot")], "bad-answer",
     "bad-answer: patient, slot: host: status 500, expected 200; "
     "schema-mismatch: visit: demo.toml: [visit]: no such table"),
    ([trouble(BROKEN, "patient"), trouble(AWAY)], "away",
     "source-away: host: no connection; bad-answer: patient: host: status 500, expected 200"),
    ([trouble(errors.ProfileError(["one thing", "another thing"]))], "refused",
     "settings-wrong: one thing another thing"),
]  # fmt: skip


@pytest.mark.parametrize(("happened", "state", "line"), LINES)
def test_one_line(happened: list[Trouble], state: str, line: str) -> None:
    found = troubles.gravest(happened)
    assert (found[0].state, troubles.cause(found)) == (state, line)


def test_nothing_happened() -> None:
    assert troubles.cause([]) is None


def test_a_source_that_is_left_alone_says_whether_it_waits_for_a_person() -> None:
    assert troubles.left_alone(NOON).state == "away"
    person = troubles.left_alone(None)
    assert (person.state, "praxistakt resync" in person.remedy) == ("refused", True)


#: An error -> how the breaker stands after a reading, and after a poll: failures, minutes until the next try.
COUNTS: list[tuple[Exception, tuple[int, float | None], tuple[int, float | None]]] = [
    (errors.SourceAway("x"), (1, None), (1, None)),
    (errors.SourceStalled("x"), (1, None), (1, None)),
    (errors.SourceBusy("x"), (1, None), (1, None)),
    (errors.SourceBusy("x", 120), (1, 2), (1, 2)),
    (errors.SourceBusy("x", 86_400), (1, 15), (1, 15)),
    (errors.SourceRefused("x"), (1, None), (1, None)),
    (errors.BadAnswer("x"), (0, None), (1, None)),
    (errors.SchemaMismatch("x"), (0, None), (1, None)),
    (errors.ProfileError(["x"]), (0, None), (0, None)),
    (errors.DriverMissing("x"), (0, None), (0, None)),
    (SecretMissing("x"), (0, None), (0, None)),
]


@pytest.mark.parametrize(("error", "reading", "poll"), COUNTS, ids=lambda value: type(value).__name__)
def test_what_counts_as_a_failure_of_the_link(
    tmp_path: Path, error: Exception, reading: tuple[int, float | None], poll: tuple[int, float | None]
) -> None:
    for name, nonsense_counts, expected in (("reading.db", False, reading), ("poll.db", True, poll)):
        with fresh_ops(tmp_path, name) as o:
            troubles.note_failure(o, "booking", error, NOON, nonsense_counts=nonsense_counts)
            failures, minutes = 0, None
            for link in breaker.states(o):
                failures = link.failures
                minutes = None if link.next_try_at is None else (link.next_try_at - NOON) / dt.timedelta(minutes=1)
                assert link.needs_person == isinstance(error, errors.SourceRefused)
            assert (failures, minutes) == expected
