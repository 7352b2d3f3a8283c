"""Sources are read at the same time: what one of them does costs the others no more than the agreed seconds."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors import errors as foreign
from connectors.source import Asked, Batch, ReadRequest
from pipelines.land import land
from pipelines.ops import Ops, breaker, positions, runs
from pipelines.practice import Practice
from pipelines.reading import FULL
from tests.kit.landing import appointments_of, land_once, patients_of, versions
from tests.kit.practices import SETTINGS, Clock, ScriptedSource, Shelf, batch, make_practice

SILENT, TOTAL = 0.8, 2.0


class SlowSource(ScriptedSource):
    """Waits for an event before it reads a record type, or between any two of its batches."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.event = threading.Event()
        self.waits_at = ""
        self.trickles = False
        self.announce = threading.Event()

    def read(self, request: ReadRequest) -> Iterator[Batch]:
        self.announce.set()
        if request.resource == self.waits_at:
            self.event.wait(20)
        while self.trickles and not self.event.wait(0.02):
            yield batch(request.resource, self.shelves[request.resource].frame, scope="full", last=False)
        yield from super().read(request)


@pytest.fixture
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Practice:
    """A practice that waits shortly."""
    terms = f"[schedule]\nsilent_seconds = {SILENT}\nsource_seconds = {TOTAL}\n"
    return make_practice(tmp_path, monkeypatch, settings=SETTINGS + terms, clock=clock)


@pytest.fixture
def both(practice: Practice, ops: Ops, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, SlowSource]]:
    """Both sources with something in them, landed once; released at the end."""
    made = {name: SlowSource(name) for name in practice.source_names()}
    for name, source in made.items():
        source.shelves = {
            "patient": Shelf(patients_of(f"{name}-1")),
            "appointment": Shelf(appointments_of(f"{name}-1")),
        }
    monkeypatch.setattr(Practice, "open_source", lambda _practice, name: made[name])
    land_once(practice, ops)
    yield made
    for source in made.values():
        source.event.set()


def with_news(both: dict[str, SlowSource]) -> None:
    """One more patient and one more appointment everywhere."""
    for name, source in both.items():
        patients, appointments = patients_of(f"{name}-1", f"{name}-2"), appointments_of(f"{name}-1", f"{name}-2")
        source.shelves = {"patient": Shelf(patients, changed={f"{name}-2"}), "appointment": Shelf(appointments)}


def test_what_a_run_meant_for_a_server_is_on_record(
    practice: Practice, ops: Ops, both: dict[str, SlowSource], clock: Clock
) -> None:
    both["pvs"].asked_of_server = (Asked("patient", 2, 10, 300), Asked("appointment", 3, 900, 1200))
    read = {one.source: one for one in land_once(practice, ops).sources}
    assert (read["pvs"].statements, read["pvs"].busy_seconds) == (5, 1.5)
    assert (read["booking"].statements, read["booking"].busy_seconds) == (0, 0.0)
    assert runs.load_since(ops, clock()) == {"booking": (0, 0.0), "pvs": (5, 1.5)}
    assert runs.load_since(ops, clock() + dt.timedelta(seconds=1)) == {}


@pytest.mark.parametrize("slow", ["pvs", "booking"])
def test_one_that_stands_still_is_left_alone_and_the_others_news_land(
    practice: Practice, ops: Ops, both: dict[str, SlowSource], slow: str
) -> None:
    with_news(both)
    both[slow].waits_at = "appointment"
    began = time.monotonic()
    reads = {read.source: read for read in land_once(practice, ops).sources}
    assert time.monotonic() - began < SILENT + 2
    late, there = reads.pop(slow), next(iter(reads.values()))
    assert (there.state, there.new) == ("ok", 2)
    assert (late.state, late.new) == ("away", 1), "what it said in full before counts"
    assert late.cause == f"source-stalled: {slow}: nothing was heard for {SILENT:g} s; the others go on"
    assert late.seconds >= SILENT
    assert [link.failures for link in breaker.states(ops) if link.source == slow] == [1]


def test_one_that_trickles_is_left_alone_too(practice: Practice, ops: Ops, both: dict[str, SlowSource]) -> None:
    with_news(both)
    both["booking"].trickles = True
    there, late = land_once(practice, ops).sources
    assert (there.new, late.state, late.new) == (2, "away", 0)
    assert f"not at its end after {TOTAL:g} s" in str(late.cause)


def test_what_comes_too_late_is_not_landed(practice: Practice, ops: Ops, both: dict[str, SlowSource]) -> None:
    with_news(both)
    both["booking"].waits_at = "appointment"
    landed = land_once(practice, ops)
    both["booking"].event.set()
    assert versions(practice, "appointment").filter(run=landed.run)["source"].to_list() == ["pvs"]
    both["booking"].waits_at = ""
    assert land_once(practice, ops).sources[1].new == 1


def test_a_full_comparison_takes_its_time(practice: Practice, ops: Ops, both: dict[str, SlowSource]) -> None:
    with_news(both)
    both["booking"].waits_at = "appointment"
    threading.Timer(3 * SILENT, both["booking"].event.set).start()
    assert [read.state for read in land_once(practice, ops, scope="full").sources] == ["ok", "ok"]
    assert {request.patience for request in both["pvs"].asked[-2:]} == {None}


def test_a_first_reading_is_full_and_gets_more_time(practice: Practice, ops: Ops, both: dict[str, SlowSource]) -> None:
    both["booking"].answers["schedule"] = []
    both["booking"].asked.clear()
    land_once(practice, ops)
    asked = {request.resource: request for request in both["booking"].asked}
    assert asked["patient"].patience == 0.75 * SILENT
    assert (asked["schedule"].scope, asked["schedule"].patience) == ("full", pytest.approx(3 * 0.75 * SILENT))


def test_sources_are_told_in_the_order_of_the_settings_whoever_answers_first(
    practice: Practice, ops: Ops, both: dict[str, SlowSource]
) -> None:
    with_news(both)
    both["pvs"].waits_at = "patient"
    both["booking"].event = both["pvs"].event
    threading.Thread(target=_release_after, args=(both["booking"].announce, both["pvs"].event)).start()
    landed = land_once(practice, ops)
    assert [read.source for read in landed.sources] == ["pvs", "booking"]
    assert versions(practice, "patient").filter(run=landed.run)["source_id"].to_list() == ["booking-2", "pvs-2"]


def _release_after(announced: threading.Event, event: threading.Event) -> None:
    announced.wait(5)
    event.set()


def test_progress_is_told_in_the_callers_thread(practice: Practice, ops: Ops, both: dict[str, SlowSource]) -> None:
    threads: set[threading.Thread] = set()
    land_once(practice, ops, progress=lambda *_: threads.add(threading.current_thread()))
    assert threads == {threading.current_thread()}


def test_an_error_that_is_no_sources_own_ends_the_landing(
    practice: Practice, ops: Ops, both: dict[str, SlowSource]
) -> None:
    both["booking"].fails["patient"] = ZeroDivisionError("a mistake of ours")
    run = runs.start_run(ops, "changes", practice.now())
    with pytest.raises(ZeroDivisionError):
        land(practice, ops, run)


def test_a_source_that_asks_for_a_pause_gets_it(
    practice: Practice, ops: Ops, both: dict[str, SlowSource], clock: Clock
) -> None:
    both["booking"].fails[""] = foreign.SourceBusy("429", 120)
    assert land_once(practice, ops).sources[1].cause == "source-busy: 429"
    del both["booking"].fails[""]
    clock.move(seconds=119)
    assert str(land_once(practice, ops).sources[1].cause).startswith("breaker-open")
    clock.move(seconds=1)
    assert land_once(practice, ops).sources[1].state == "ok"


def test_a_reading_without_news_is_noted_for_the_poll_and_never_read_from(
    practice: Practice, ops: Ops, both: dict[str, SlowSource]
) -> None:
    assert positions.of_state(ops, 1) == {}, "what landed has its watermark in raw"
    quiet = land_once(practice, ops)
    noted = positions.of_state(ops, 1)
    assert set(noted) == {"pvs", "booking"}
    assert set(noted["pvs"]) == {"patient", "appointment"}
    assert positions.of_state(ops, quiet.run) == noted, "a snapshot of this run changes no source's rows"
    assert positions.of_state(ops, quiet.run + 1) == {}
    both["pvs"].asked.clear()
    land_once(practice, ops)
    assert both["pvs"].asked[0].since == "p1", "the watermark of raw is where reading goes on"


def test_a_record_type_that_waits_for_a_person_is_noted_too(
    practice: Practice, ops: Ops, both: dict[str, SlowSource]
) -> None:
    with_news(both)
    both["pvs"].shelves["appointment"].frame = appointments_of()
    landed = land_once(practice, ops)
    assert landed.sources[0].state == "stopped"
    assert {source: set(noted) for source, noted in positions.of_state(ops, landed.run).items()} == {
        "pvs": {"appointment"}
    }


def test_the_limit_of_a_full_comparison_lies_within_what_counts_as_stuck() -> None:
    assert FULL.total < 60 * 60
