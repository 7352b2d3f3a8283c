"""The ledger: every source record has one entity, whoever asks and however often."""

from __future__ import annotations

import datetime as dt
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import polars as pl
import pytest
import ulid

from pipelines import ops
from pipelines.ops import ids, ledger, numbers
from pipelines.practice import Practice
from tests.kit.ops_db import ensure_persons, entity, fresh_ops, records
from tests.kit.practices import NOON


@pytest.fixture
def o(tmp_path: Path) -> Iterator[ops.Ops]:
    with fresh_ops(tmp_path) as opened:
        yield opened


def test_each_record_gets_an_entity_of_its_own(o: ops.Ops) -> None:
    assert ledger.ensure(o, "person", records("1", "2", "3"), NOON) == 3
    found = ledger.links(o)
    assert found.schema == ledger.LINKS
    assert found.get_column("source_id").to_list() == ["1", "2", "3"]
    assert found.get_column("entity_id").n_unique() == 3


def test_asking_again_changes_nothing(o: ops.Ops) -> None:
    ledger.ensure(o, "person", records("1", "2"), NOON)
    before, number = ledger.links(o), ops.number(o)
    assert ledger.ensure(o, "person", records("2", "1", "1"), NOON + dt.timedelta(days=1)) == 0
    assert ledger.links(o).equals(before)
    assert ops.number(o) == number


def test_only_new_records_are_added(o: ops.Ops) -> None:
    ledger.ensure(o, "person", records("1"), NOON)
    before = entity(o, "1")
    assert ledger.ensure(o, "person", records("1", "2", "2"), NOON) == 1
    assert entity(o, "1") == before


def test_kinds_and_sources_are_apart(o: ops.Ops) -> None:
    assert ledger.ensure(o, "person", records("1"), NOON) == 1
    assert ledger.ensure(o, "person", records("1", source="booking"), NOON) == 1
    assert ledger.ensure(o, "practitioner", records("1"), NOON) == 1
    assert ledger.links(o).get_column("entity_id").n_unique() == 3


def test_records_that_belong_together_share_an_entity_also_later(o: ops.Ops) -> None:
    together = records("1", "2", "3").with_columns(together=pl.Series(["demir", "demir", None], dtype=pl.String))
    ledger.ensure(o, "calendar", together, NOON)
    assert entity(o, "1", "calendar") == entity(o, "2", "calendar") != entity(o, "3", "calendar")
    later = records("1", "4").with_columns(together=pl.lit("demir"))
    assert ledger.ensure(o, "calendar", later, NOON) == 1
    assert entity(o, "4", "calendar") == entity(o, "1", "calendar")


def test_nothing_asked_nothing_done(o: ops.Ops) -> None:
    assert ledger.ensure(o, "person", pl.DataFrame(schema={"source": pl.String, "source_id": pl.String}), NOON) == 0
    assert ops.number(o) == 0
    assert ledger.links(o).schema == ledger.LINKS


def test_ids_are_ulids_of_their_time_and_tell_nothing_else() -> None:
    made = ids.new_ids(1000, NOON)
    assert made == sorted(set(made))
    assert {ulid.ULID.from_str(one).datetime for one in made} == {NOON}
    assert not set(made) & set(ids.new_ids(1000, NOON))
    assert ids.new_ids(0, NOON) == []


def test_a_moved_record_keeps_its_history(o: ops.Ops) -> None:
    ledger.ensure(o, "person", records("1", "2"), NOON)
    before, target = ops.number(o), entity(o, "2")
    with o.transaction() as session:
        number = numbers.advance(session)
        ledger.move(session, "person", "pvs", "1", target, rule="review", number=number, now=NOON)
    assert entity(o, "1") == target
    assert ledger.links(o, before).get_column("entity_id").n_unique() == 2


@pytest.mark.parametrize(
    ("source_id", "entity_id", "message"),
    [("9", "its own", "no link that could be moved"), ("1", "its own", "already"), ("1", "X", "there is no person X")],
)
def test_a_move_that_makes_no_sense_is_refused(o: ops.Ops, source_id: str, entity_id: str, message: str) -> None:
    ledger.ensure(o, "person", records("1"), NOON)
    target = entity(o, "1") if entity_id == "its own" else entity_id
    with pytest.raises(ops.Refused, match=message), o.transaction() as session:
        ledger.move(session, "person", "pvs", source_id, target, rule="review", number=2, now=NOON)


def test_redirects_lead_to_the_end_of_their_chain(o: ops.Ops) -> None:
    ledger.ensure(o, "person", records("1", "2", "3", "4"), NOON)
    one, two, three, four = (entity(o, source_id) for source_id in "1234")
    for former, current in ((one, two), (two, three), (three, four)):
        with o.transaction() as session:
            ledger.redirect(session, "person", former, current, number=numbers.advance(session), now=NOON)
    expected = sorted([("person", one, four), ("person", two, four), ("person", three, four)])
    assert ledger.aliases(o).rows() == expected


def test_redirects_never_form_a_circle(o: ops.Ops) -> None:
    ledger.ensure(o, "person", records("1", "2"), NOON)
    one, two = entity(o, "1"), entity(o, "2")
    with o.transaction() as session:
        ledger.redirect(session, "person", one, two, number=numbers.advance(session), now=NOON)
    for former, current, message in (
        (two, one, "circle"),
        (one, one, "circle"),
        (one, two, "already"),
        (two, "X", "there is no person X"),
    ):
        with pytest.raises(ops.Refused, match=message), o.transaction() as session:
            ledger.redirect(session, "person", former, current, number=numbers.advance(session), now=NOON)


def test_an_undone_redirect_is_gone_now_and_there_then(o: ops.Ops) -> None:
    ledger.ensure(o, "person", records("1", "2"), NOON)
    one, two = entity(o, "1"), entity(o, "2")
    with o.transaction() as session:
        ledger.redirect(session, "person", one, two, number=numbers.advance(session), now=NOON)
    merged = ops.number(o)
    with o.transaction() as session:
        ledger.restore(session, "person", one, number=numbers.advance(session))
    assert ledger.aliases(o).is_empty()
    assert ledger.aliases(o, merged).rows() == [("person", one, two)]
    with pytest.raises(ops.Refused, match="does not redirect"), o.transaction() as session:
        ledger.restore(session, "person", one, number=numbers.advance(session))


def test_a_forbidden_pair_stands_once_in_one_order(o: ops.Ops) -> None:
    for pair in ((("pvs", "1"), ("booking", "9")), (("booking", "9"), ("pvs", "1"))):
        with o.transaction() as session:
            ledger.forbid(session, "person", *pair, rule="review", number=numbers.advance(session), now=NOON)
    assert ledger.anti_links(o).select("source_a", "source_id_a", "source_b", "source_id_b").rows() == [
        ("booking", "9", "pvs", "1")
    ]


def test_two_processes_at_once_give_each_record_one_entity(practice: Practice) -> None:
    ops.create(practice.ops_path, practice.key("ops"))
    wanted = [str(number) for number in range(2000)]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        parts = [wanted[start:] for start in (0, 500, 1000)]
        asked = [pool.submit(ensure_persons, practice.ops_path, practice.key("ops").hex, part) for part in parts]
        assert sum(one.result() for one in asked) == 2000
    with ops.open_ops(practice) as o:
        found = ledger.links(o)
    assert sorted(found.get_column("source_id")) == sorted(wanted)
    assert found.get_column("entity_id").n_unique() == 2000
