"""Decisions and the audit log: one transaction, and a chain that shows what was done to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from pipelines import ops
from pipelines.ops import audit, decisions, findings, ledger
from tests.kit.ops_db import entity, fresh_ops, records
from tests.kit.practices import NOON


@pytest.fixture
def o(tmp_path: Path) -> Iterator[ops.Ops]:
    with fresh_ops(tmp_path) as opened:
        yield opened


def test_a_decision_its_change_and_its_audit_entry(o: ops.Ops) -> None:
    ledger.ensure(o, "person", records("1", "2"), NOON)
    target = entity(o, "2")

    def merge(session: Session, number: int) -> None:
        ledger.move(
            session, "person", "pvs", "1", target, rule="person decided", number=number, now=NOON, decision=number
        )

    made = decisions.decide(
        o, kind="match", verdict="same", actor="berta", role="reception", subjects=["pvs/1", "pvs/2"], now=NOON,
        reason="same phone", change=merge,
    )  # fmt: skip
    assert made == ops.number(o)
    assert ledger.links(o).filter(source_id="1").select("entity_id", "decision").row(0) == (target, made)
    (found,) = decisions.decisions_about(o, "pvs/2")
    assert (found.number, found.verdict, found.subjects) == (made, "same", ("pvs/1", "pvs/2"))
    (entry,) = audit.entries(o, subject="pvs/1")
    assert (entry.actor, entry.action, entry.detail) == ("berta", "decide:match", {"decision": made, "verdict": "same"})


def test_a_change_that_fails_leaves_no_decision(o: ops.Ops) -> None:
    def impossible(session: Session, number: int) -> None:
        ledger.move(session, "person", "pvs", "9", "nobody", rule="r", number=number, now=NOON)

    with pytest.raises(ops.Refused):
        decisions.decide(o, kind="match", verdict="same", actor="b", subjects=["x"], now=NOON, change=impossible)
    assert decisions.last_decisions(o) == ()
    assert audit.entries(o) == ()
    assert ops.number(o) == 0


def test_a_decision_is_undone_once(o: ops.Ops) -> None:
    first = decisions.decide(o, kind="match", verdict="same", actor="b", subjects=["x"], now=NOON)
    decisions.decide(o, kind="match", verdict="undo", actor="b", subjects=["x"], now=NOON, undoes=first)
    with pytest.raises(ops.Refused, match="was undone by decision 2 already"):
        decisions.decide(o, kind="match", verdict="undo", actor="b", subjects=["x"], now=NOON, undoes=first)
    with pytest.raises(ops.Refused, match="there is none to undo"):
        decisions.decide(o, kind="match", verdict="undo", actor="b", subjects=["x"], now=NOON, undoes=99)


def test_a_finding_is_settled_by_a_decision(o: ops.Ops) -> None:
    finding = findings.open_finding(o, "double-booking", "a/b", NOON)

    def settle(session: Session, number: int) -> None:
        findings.resolve_by_decision(session, finding, number, NOON)

    decisions.decide(o, kind="calendar", verdict="wanted", actor="b", subjects=[finding], now=NOON, change=settle)
    assert findings.open_findings(o) == ()
    with pytest.raises(ops.Refused, match="is not open"):
        decisions.decide(o, kind="calendar", verdict="wanted", actor="b", subjects=[finding], now=NOON, change=settle)


@pytest.fixture
def chain(o: ops.Ops) -> ops.Ops:
    for number in range(1, 6):
        audit.record_view(o, f"user {number}", "person", [f"id{number}"], NOON + dt.timedelta(minutes=number))
    return o


TAMPERING = {
    "altered actor": "UPDATE audit SET actor = 'nobody' WHERE number = 3",
    "altered time": "UPDATE audit SET at = at + 1 WHERE number = 1",
    "altered subject": "UPDATE audit SET subject_ids = '[\"id9\"]' WHERE number = 5",
    "altered hash": "UPDATE audit SET hash = replace(hash, substr(hash, 1, 1), 'z') WHERE number = 2",
    "deleted first": "DELETE FROM audit WHERE number = 1",
    "deleted middle": "DELETE FROM audit WHERE number = 3",
    "deleted last": "DELETE FROM audit WHERE number = 5",
    "deleted all": "DELETE FROM audit",
    "deleted head": "DELETE FROM audit_head",
    "swapped": "UPDATE audit SET number = CASE number WHEN 2 THEN -3 ELSE -2 END WHERE number IN (2, 3);"
    "UPDATE audit SET number = -number WHERE number < 0",
    "inserted at the end": "INSERT INTO audit SELECT 6, at, actor, action, subject_ids, detail, hash,"
    " replace(hash, '0', 'f') FROM audit WHERE number = 5",
    "inserted in front": "INSERT INTO audit SELECT 0, at, actor, action, subject_ids, detail, previous,"
    " replace(hash, '0', 'f') FROM audit WHERE number = 1",
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_found(chain: ops.Ops, name: str) -> None:
    assert audit.verify(chain) == ()
    with chain.transaction() as session:
        for statement in TAMPERING[name].split(";"):
            session.execute(text(statement))
    assert audit.verify(chain)


def test_a_chain_that_was_rewritten_as_a_whole_is_found_by_a_kept_head(chain: ops.Ops) -> None:
    kept = audit.head(chain)
    audit.record_view(chain, "later", "person", [], NOON)
    assert audit.verify(chain, kept) == ()
    with chain.transaction() as session:
        session.execute(text("DELETE FROM audit"))
        session.execute(text(f"UPDATE audit_head SET number = 0, hash = '{audit.NOTHING}'"))
    for number in range(6):
        audit.record_view(chain, f"forged {number}", "person", [], NOON)
    assert audit.verify(chain) == ()
    assert audit.verify(chain, kept) == (
        "audit: entry 5 is not the one that was kept elsewhere; the log was rewritten",
    )


def test_the_log_reads_newest_first(chain: ops.Ops) -> None:
    assert [entry.number for entry in audit.entries(chain, limit=2)] == [5, 4]
    assert [entry.actor for entry in audit.entries(chain, subject="id2")] == ["user 2"]
