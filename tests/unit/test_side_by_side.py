"""Several are asked at once: who answers is heard, who is late is left alone. Threads are real, and nobody sleeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from connectors.errors import SourceAway, SourceStalled
from pipelines.side_by_side import Heard, LeftAlone, Limits, Speaker, listening

QUICK = Limits(silent=0.3, total=5.0)
Ask = Callable[[Speaker[str]], None]


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Ends those that a test lets stand still."""
    event = threading.Event()
    yield event
    event.set()


def says(*words: str) -> Ask:
    """Says this and comes to its end."""

    def ask(speaker: Speaker[str]) -> None:
        for word in words:
            speaker.tell(word)

    return ask


def stands_still(event: threading.Event, *words: str) -> Ask:
    """Says this, and then nothing until the event."""

    def ask(speaker: Speaker[str]) -> None:
        says(*words)(speaker)
        event.wait()

    return ask


def heard(limits: Limits = QUICK, **asked: Ask) -> dict[str, list[Heard[str]]]:
    """All that was heard, by who said it."""
    with listening(asked, limits) as saying:
        said = list(saying)
    return {name: [one for one in said if one.name == name] for name in asked}


def test_each_is_heard_in_its_order_and_comes_to_one_end() -> None:
    found = heard(pvs=says("a", "b", "c"), booking=says("x"), fax=says())
    assert [one.item for one in found["pvs"]] == ["a", "b", "c", None]
    assert [one.item for one in found["booking"]] == ["x", None]
    assert [one.item for one in found["fax"]] == [None]
    assert {one.error for said in found.values() for one in said} == {None}


def test_they_are_asked_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=5)

    def ask(speaker: Speaker[str]) -> None:
        both.wait()
        speaker.tell("here")

    assert all(said[-1].error is None for said in heard(pvs=ask, booking=ask).values())


def test_all_is_heard_in_the_thread_that_listens() -> None:
    with listening({"pvs": says("a")}, QUICK) as saying:
        assert {threading.current_thread() for _ in saying} == {threading.current_thread()}


def test_who_stands_still_is_left_alone_and_what_it_said_counts(released: threading.Event) -> None:
    began = time.monotonic()
    found = heard(pvs=says("a"), booking=stands_still(released, "x"))
    assert time.monotonic() - began < 2
    assert [one.item for one in found["pvs"]] == ["a", None]
    word, end = found["booking"]
    assert (word.item, end.item, type(end.error)) == ("x", None, SourceStalled)
    assert "nothing was heard for 0.3 s" in str(end.error)
    assert 0.3 <= end.seconds < 2


def test_who_trickles_is_left_alone_too(released: threading.Event) -> None:
    def ask(speaker: Speaker[str]) -> None:
        while not released.wait(0.02):
            speaker.tell("drop")

    found = heard(Limits(silent=5, total=0.3), booking=ask, pvs=says("a"))
    assert [one.item for one in found["pvs"]] == ["a", None]
    assert "not at its end after 0.3 s" in str(found["booking"][-1].error)


def test_who_comes_too_late_stops_at_its_next_word(released: threading.Event) -> None:
    ended: list[type[BaseException]] = []
    over = threading.Event()

    def ask(speaker: Speaker[str]) -> None:
        released.wait()
        try:
            speaker.tell("too late")
        except LeftAlone as error:
            ended.append(type(error))
            over.set()
            raise

    assert len(heard(pvs=ask)["pvs"]) == 1
    released.set()
    assert over.wait(5)
    assert ended == [LeftAlone]


def test_a_thread_may_ask_for_more_time(released: threading.Event) -> None:
    def ask(speaker: Speaker[str]) -> None:
        speaker.limits = Limits(silent=5, total=5)
        released.wait(0.6)
        speaker.tell("at last")

    assert [one.item for one in heard(pvs=ask)["pvs"]] == ["at last", None]


@pytest.mark.parametrize("error", [SourceAway("x"), ZeroDivisionError("x")])
def test_what_goes_wrong_is_handed_over(error: Exception) -> None:
    def ask(speaker: Speaker[str]) -> None:
        speaker.tell("a")
        raise error

    word, end = heard(pvs=ask)["pvs"]
    assert (word.item, end.error) == ("a", error)


def test_when_nobody_listens_any_more_they_stop(released: threading.Event) -> None:
    over = threading.Event()

    def ask(speaker: Speaker[str]) -> None:
        try:
            while not released.is_set():
                speaker.tell("and another thing")
        finally:
            over.set()

    with listening({"pvs": ask}, QUICK) as saying:
        next(saying)
    assert over.wait(5)
