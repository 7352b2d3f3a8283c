"""Decisions: the verdict, what it changes and its line in the audit log are one transaction.

A page says "gespeichert" after `decide` returned, not before: then all three are on disk, and after a kill at any
point there are all three or none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from pipelines.files.checkpoints import checkpoint
from pipelines.ops import audit, numbers
from pipelines.ops.database import Ops
from pipelines.ops.errors import Refused
from pipelines.ops.models import Decision, DecisionSubject

#: What a decision changes: called with the session and the decision's number, which its rows carry.
Change = Callable[[Session, int], None]


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision as it is recorded; `subjects` are ids."""

    number: int
    kind: str
    verdict: str
    actor: str
    role: str | None
    reason: str | None
    undoes: int | None
    at: dt.datetime
    subjects: tuple[str, ...]


def decide(
    o: Ops, *, kind: str, verdict: str, actor: str, subjects: Sequence[str], now: dt.datetime,
    role: str | None = None, reason: str | None = None, evidence: str | None = None, undoes: int | None = None,
    change: Change | None = None,
) -> int:  # fmt: skip
    """Record a decision with its change and its audit entry; its number, which is an ops number.

    :param subjects: ids of what it is about (entities, source records, findings, suggestions).
    :param evidence: SHA-256 of what the person saw.
    :param undoes: the number of the decision that this one takes back.
    :param change: what it changes; when it raises, nothing of the decision remains.
    :raises Refused: `undoes` names no decision, or one that is undone already.
    """
    with o.transaction() as session:
        number = numbers.advance(session)
        _refuse_undo(session, undoes)
        session.add(
            Decision(
                number=number, kind=kind, verdict=verdict, actor=actor, role=role, reason=reason,
                evidence=evidence, undoes=undoes, at=now,
            )
        )  # fmt: skip
        session.flush()
        session.add_all(DecisionSubject(decision=number, position=at, subject=one) for at, one in enumerate(subjects))
        session.flush()
        checkpoint("decision.written")
        if change is not None:
            change(session, number)
            session.flush()
        checkpoint("decision.changed")
        audit.append(session, actor, f"decide:{kind}", subjects, {"decision": number, "verdict": verdict}, now=now)
        checkpoint("decision.audited")
    checkpoint("decision.committed")
    return number


def _refuse_undo(session: Session, undoes: int | None) -> None:
    if undoes is None:
        return
    if session.get(Decision, undoes) is None:
        raise Refused(f"decision {undoes}: there is none to undo")
    undone_by = session.scalars(select(Decision.number).where(Decision.undoes == undoes)).first()
    if undone_by is not None:
        raise Refused(f"decision {undoes}: was undone by decision {undone_by} already")


def decisions_about(o: Ops, subject: str) -> tuple[Decided, ...]:
    """All decisions about an id, oldest first."""
    about = select(DecisionSubject.decision).where(DecisionSubject.subject == subject)
    return _decisions(o, about)


def last_decisions(o: Ops, limit: int = 50) -> tuple[Decided, ...]:
    """The newest decisions, oldest of them first."""
    return _decisions(o, select(Decision.number).order_by(Decision.number.desc()).limit(limit))


def _decisions(o: Ops, wanted: Select[int]) -> tuple[Decided, ...]:
    with o.reading() as session:
        rows = session.scalars(select(Decision).where(Decision.number.in_(wanted)).order_by(Decision.number)).all()
        subjects = _subjects(session, [row.number for row in rows])
        return tuple(
            Decided(
                row.number, row.kind, row.verdict, row.actor, row.role, row.reason, row.undoes, row.at,
                tuple(subjects.get(row.number, ())),
            )
            for row in rows
        )  # fmt: skip


def _subjects(session: Session, decisions: Sequence[int]) -> dict[int, list[str]]:
    query = select(DecisionSubject).where(DecisionSubject.decision.in_(decisions))
    found: dict[int, list[str]] = {}
    for row in session.scalars(query.order_by(DecisionSubject.decision, DecisionSubject.position)):
        found.setdefault(row.decision, []).append(row.subject)
    return found
