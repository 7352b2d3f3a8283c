"""Findings: what a person should know. One per kind and key; its id stays when it goes and comes back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.ops.database import Ops
from pipelines.ops.errors import Refused
from pipelines.ops.ids import new_id
from pipelines.ops.models import FindingRow
from pipelines.ops.models.operation import Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `detail` holds ids and counts; `times` how often it appeared anew."""

    id: str
    kind: str
    key: str
    source: str | None
    severity: str
    detail: Mapping[str, Any]
    first_seen_at: dt.datetime
    last_seen_at: dt.datetime
    resolved_at: dt.datetime | None
    times: int


def open_finding(
    o: Ops, kind: str, key: str, now: dt.datetime,
    *, severity: Severity = "warn", source: str | None = None, detail: Mapping[str, Any] | None = None,
) -> str:  # fmt: skip
    """Note a finding, or note that it still stands; its id.

    :param key: what it is about, the same text each time ("pvs/appointment").
    """
    with o.transaction() as session:
        row = _find(session, kind, key)
        if row is None:
            row = FindingRow(id=new_id(now), kind=kind, key=key, first_seen_at=now, times=1)
            session.add(row)
        elif row.resolved_at is not None:
            row.resolved_at, row.decision, row.times = None, None, row.times + 1
        row.source, row.severity, row.detail, row.last_seen_at = source, severity, dict(detail or {}), now
        return row.id


def _find(session: Session, kind: str, key: str) -> FindingRow | None:
    return session.scalars(select(FindingRow).where(FindingRow.kind == kind, FindingRow.key == key)).one_or_none()


def resolve(o: Ops, kind: str, key: str, now: dt.datetime) -> bool:
    """It is no longer so; whether it stood. Writes only if it did."""
    with o.reading() as session:
        standing = _find(session, kind, key)
        if standing is None or standing.resolved_at is not None:
            return False
    with o.transaction() as session:
        row = _find(session, kind, key)
        if row is None or row.resolved_at is not None:
            return False
        row.resolved_at = now
    return True


def resolve_by_decision(session: Session, finding: str, decision: int, now: dt.datetime) -> None:
    """A person settled it; for the `change` of `decisions.decide`.

    :raises Refused: there is no such open finding.
    """
    row = session.get(FindingRow, finding)
    if row is None or row.resolved_at is not None:
        raise Refused(f"finding {finding}: is not open")
    row.resolved_at, row.decision = now, decision


def open_findings(o: Ops, *, kind: str | None = None, source: str | None = None) -> tuple[Finding, ...]:
    """Those that stand, the oldest first."""
    query = select(FindingRow).where(FindingRow.resolved_at.is_(None))
    if kind is not None:
        query = query.where(FindingRow.kind == kind)
    if source is not None:
        query = query.where(FindingRow.source == source)
    with o.reading() as session:
        rows = session.scalars(query.order_by(FindingRow.first_seen_at, FindingRow.id))
        return tuple(Finding(**{name: getattr(row, name) for name in Finding.__slots__}) for row in rows)
