"""The ops number: one counter that moves on with each transaction that changes what a build sees.

Links, aliases, anti-links, settings, holidays, consent and decisions carry it; runs, sessions, requests and the audit
log do not. A build takes one number, so that it can be repeated: see `Numbered` for the rule which rows it sees.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from pipelines.ops.database import Ops
from pipelines.ops.models import OpsNumber
from pipelines.ops.models.base import Numbered


def number(o: Ops) -> int:
    """The number of the last change; 0 for an empty file."""
    with o.reading() as session:
        return current(session)


def current(session: Session) -> int:
    """`number` within a session."""
    return session.scalars(select(OpsNumber.value)).one()


def advance(session: Session) -> int:
    """The next number, for what this transaction changes. Writers are one at a time, so numbers commit in order."""
    moved = update(OpsNumber).values(value=OpsNumber.value + 1).returning(OpsNumber.value)
    return session.scalars(moved).one()


def valid_at(table: type[Numbered], at: int) -> ColumnElement[bool]:
    """The rows that a build at this number sees."""
    ended: Any = table.ended_number
    return (table.number <= at) & or_(ended.is_(None), ended > at)


def standing(table: type[Numbered]) -> ColumnElement[bool]:
    """The rows that are valid now."""
    return table.ended_number.is_(None)
