"""Settings as they were: each run records what differs from the last record, so that an old build can be repeated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.ops import numbers
from pipelines.ops.database import Ops
from pipelines.ops.models import SettingsHistory
from pipelines.ops.models.base import canonical_json

#: The validated practice.toml as JSON, in the shape of the file.
PRACTICE = "practice"
#: The code map in force for a source stands under this and the source's name.
CODE_MAP = "code_map:"


def record(o: Ops, name: str, value: Any, by: str, now: dt.datetime) -> bool:
    """Record a JSON value under a name if it differs from what is recorded; whether it did.

    :param by: who brought it: a user's name, or "run" for what a run found in practice.toml.
    """
    with o.reading() as session:
        if _same(_standing(session, name), value):
            return False
    with o.transaction() as session:
        former = _standing(session, name)
        if _same(former, value):
            return False
        _replace(session, former, SettingsHistory(name=name, value=value, recorded_by=by, recorded_at=now))
    return True


def record_code_map(o: Ops, source: str, code_map: pl.DataFrame, by: str, now: dt.datetime) -> bool:
    """Record the code map of a source (resource, field, code, value) if it differs; whether it did."""
    rows = code_map.select("resource", "field", "code", "value").sort("resource", "field", "code").rows()
    return record(o, f"{CODE_MAP}{source}", [list(row) for row in rows], by, now)


def _standing(session: Session, name: str) -> SettingsHistory | None:
    query = select(SettingsHistory).where(SettingsHistory.name == name, numbers.standing(SettingsHistory))
    return session.scalars(query).one_or_none()


def _same(former: SettingsHistory | None, value: Any) -> bool:
    return former is not None and canonical_json(former.value) == canonical_json(value)


def _replace(session: Session, former: SettingsHistory | None, fresh: SettingsHistory) -> None:
    fresh.number = numbers.advance(session)
    if former is not None:
        former.ended_number = fresh.number
        session.flush()
    session.add(fresh)


def as_of(o: Ops, number: int | None = None) -> Mapping[str, Any]:
    """All recorded values by name, as they stood at a number (or stand now)."""
    with o.reading() as session:
        return as_of_within(session, numbers.current(session) if number is None else number)


def as_of_within(session: Session, number: int) -> dict[str, Any]:
    """`as_of` within a session."""
    query = select(SettingsHistory).where(numbers.valid_at(SettingsHistory, number)).order_by(SettingsHistory.name)
    return {row.name: row.value for row in session.scalars(query)}
