"""Any sequence of changes: what a build saw at a number can be read again later, and the ledger's rules always hold."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from pathlib import Path

import polars as pl
from hypothesis import settings as budget
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from polars.testing import assert_frame_equal

from pipelines import ops
from pipelines.ops import decisions, frames, ledger, numbers, runs, settings
from tests.kit.ops_db import fresh_ops, records
from tests.kit.practices import NOON

KINDS = st.sampled_from(["person", "calendar"])
SOURCES = st.sampled_from(["pvs", "booking"])
IDS = st.integers(1, 6).map(str)
WITHOUT_RUNS = tuple(name for name in frames.SCHEMAS if name != "sync_run")


class Changes(RuleBasedStateMachine):
    """Changes in any order. The reference is a snapshot of all frames, taken when a number was the newest."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.o = fresh_ops(Path(self.folder.name))
        self.seen: dict[int, dict[str, pl.DataFrame]] = {}
        self.known: set[tuple[str, str, str]] = set()

    def teardown(self) -> None:
        for number, expected in self.seen.items():
            found = frames.frames(self.o, number=number)
            for name in WITHOUT_RUNS:
                assert_frame_equal(found[name], expected[name])
        self.o.close()
        self.folder.cleanup()

    @rule(kind=KINDS, source=SOURCES, ids=st.lists(IDS, max_size=4), together=st.booleans())
    def records_are_seen(self, kind: str, source: str, ids: list[str], together: bool) -> None:
        keys = records(*ids, source=source)
        wanted = {(kind, source, one) for one in ids}
        if together:
            keys = keys.with_columns(together=pl.lit("one calendar"))
        assert ledger.ensure(self.o, kind, keys, NOON) == len(wanted - self.known)
        self.known |= wanted

    @rule(kind=KINDS, source=SOURCES, one=IDS, other=IDS)
    def a_person_merges_two(self, kind: str, source: str, one: str, other: str) -> None:
        links = {row[1:3]: row[3] for row in ledger.links(self.o).rows() if row[0] == kind}
        mine, target = links.get((source, one)), links.get((source, other))
        try:
            number = decisions.decide(
                self.o, kind="match", verdict="same", actor="berta", subjects=[one, other], now=NOON,
                change=lambda session, at: ledger.move(
                    session, kind, source, one, target or "nobody", rule="review", number=at, now=NOON, decision=at
                ),
            )  # fmt: skip
        except ops.Refused:
            assert mine is None or target is None or mine == target
        else:
            assert number == ops.number(self.o)

    @rule(kind=KINDS, one=st.integers(0, 9), other=st.integers(0, 9))
    def an_id_redirects(self, kind: str, one: int, other: int) -> None:
        entities = ledger.links(self.o).filter(kind=kind).get_column("entity_id").unique().sort()
        if entities.is_empty():
            return
        former, current = entities[one % entities.len()], entities[other % entities.len()]
        redirecting = set(ledger.aliases(self.o).filter(kind=kind).get_column("entity_id"))
        try:
            with self.o.transaction() as session:
                ledger.redirect(session, kind, former, current, number=numbers.advance(session), now=NOON)
        except ops.Refused:
            assert former in redirecting or former == current or self._end(kind, current) == former
        else:
            assert former not in redirecting

    def _end(self, kind: str, entity: str) -> str:
        with self.o.reading() as session:
            return ledger.resolve(session, kind, entity)

    @rule(kind=KINDS)
    def a_redirect_is_undone(self, kind: str) -> None:
        redirecting = ledger.aliases(self.o).filter(kind=kind).get_column("entity_id")
        if not redirecting.is_empty():
            with self.o.transaction() as session:
                ledger.restore(session, kind, redirecting[0], number=numbers.advance(session))

    @rule(hours=st.integers(0, 3), closed=st.booleans())
    def practice_toml_changes(self, hours: int, closed: bool) -> None:
        closure = {"start": "2026-12-24", "end": "2026-12-31", "name": "Ferien", "location": None}
        value = {"rules": {"late_cancel_hours": hours}, "closures": [closure] * closed}
        settings.record(self.o, settings.PRACTICE, value, "run", NOON)

    @rule()
    def a_run_changes_nothing_that_is_numbered(self) -> None:
        before = ops.number(self.o)
        run = runs.start_run(self.o, "changes", NOON)
        runs.finish_run(self.o, run, "ok", NOON + dt.timedelta(seconds=1))
        assert ops.number(self.o) == before

    @invariant()
    def each_record_has_one_entity_and_no_redirect_leads_to_a_redirect(self) -> None:
        links, aliases = ledger.links(self.o), ledger.aliases(self.o)
        counted = Counter(links.select("kind", "source", "source_id").rows())
        assert set(counted) == self.known
        assert set(counted.values()) <= {1}
        assert not set(aliases.get_column("current_id")) & set(aliases.get_column("entity_id"))

    @invariant()
    def a_number_never_shows_anything_else(self) -> None:
        number, found = ops.number(self.o), frames.frames(self.o)
        expected = self.seen.setdefault(number, found)
        for name in WITHOUT_RUNS:
            assert_frame_equal(found[name], expected[name])


TestChanges = Changes.TestCase
TestChanges.settings = budget(max_examples=30, stateful_step_count=15, deadline=None, report_multiple_bugs=False)
