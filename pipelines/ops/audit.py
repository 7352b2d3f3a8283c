"""The audit log: who did or looked at what, as a chain of hashes.

Each entry's hash covers the entry and the hash before it; the head keeps where the chain ends. So a changed, missing,
swapped or added row is found, also the last one. Whoever holds the key and rewrites the whole chain with its head is
found by comparing with a head that was kept elsewhere (each backup has one): `verify(o, known=...)`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipelines.ops.database import Ops
from pipelines.ops.models import AuditEntry, AuditHead
from pipelines.ops.models.base import canonical_json, to_microseconds

#: The hash before the first entry.
NOTHING = "0" * 64


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ended: the number of its last entry and that entry's hash."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. `subject_ids` and `detail` hold ids, counts and words, never values of a patient."""

    number: int
    at: dt.datetime
    actor: str
    action: str
    subject_ids: tuple[str, ...]
    detail: Mapping[str, Any]


def append(
    session: Session,
    actor: str,
    action: str,
    subject_ids: Sequence[str],
    detail: Mapping[str, Any],
    *,
    now: dt.datetime,
) -> int:
    """Add an entry within the transaction of what it tells about; its number."""
    head = session.get_one(AuditHead, 1)
    entry = AuditEntry(
        number=head.number + 1, at=now, actor=actor, action=action,
        subject_ids=list(subject_ids), detail=dict(detail), previous=head.hash,
    )  # fmt: skip
    entry.hash = _hash(entry)
    session.add(entry)
    head.number, head.hash = entry.number, entry.hash
    session.flush()
    return entry.number


def _hash(entry: AuditEntry) -> str:
    covered = [
        entry.number, to_microseconds(entry.at), entry.actor, entry.action,
        entry.subject_ids, entry.detail, entry.previous,
    ]  # fmt: skip
    return hashlib.sha256(canonical_json(covered).encode()).hexdigest()


def record_view(o: Ops, actor: str, what: str, ids: Sequence[str], now: dt.datetime) -> int:
    """Somebody is about to see persons by name: the entry is on disk when this returns."""
    with o.transaction() as session:
        return append(session, actor, f"view:{what}", ids, {}, now=now)


def head(o: Ops) -> Head:
    """Where the chain ends now, to be kept elsewhere."""
    with o.reading() as session:
        found = session.get_one(AuditHead, 1)
        return Head(found.number, found.hash)


def verify(o: Ops, known: Head | None = None) -> tuple[str, ...]:
    """What is wrong with the chain, in words; nothing when all is well.

    :param known: a head that was kept elsewhere; the chain must still lead through it.
    """
    problems: list[str] = []
    number, previous, hashes = 0, NOTHING, {0: NOTHING}
    with o.reading() as session:
        for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.number)):
            problems += _problems(entry, number + 1, previous)
            number, previous = entry.number, entry.hash
            hashes[number] = previous
        end = session.get(AuditHead, 1)
    if end is None or (end.number, end.hash) != (number, previous):
        problems.append(f"audit: the chain ends at entry {number}, its head says {end and end.number}")
    if known is not None and hashes.get(known.number) != known.hash:
        problems.append(f"audit: entry {known.number} is not the one that was kept elsewhere; the log was rewritten")
    return tuple(problems)


def _problems(entry: AuditEntry, expected: int, previous: str) -> list[str]:
    problems = []
    if entry.number != expected:
        problems.append(f"audit: entry {expected} is missing (the next one is {entry.number})")
    if entry.previous != previous:
        problems.append(f"audit: entry {entry.number} does not follow the one before it")
    if entry.hash != _hash(entry):
        problems.append(f"audit: entry {entry.number} was changed after it was written")
    return problems


def entries(o: Ops, *, limit: int = 200, subject: str | None = None) -> tuple[Entry, ...]:
    """The newest entries, newest first; with a subject, those about it."""
    query = select(AuditEntry).order_by(AuditEntry.number.desc()).limit(limit)
    if subject is not None:
        about = func.json_each(AuditEntry.subject_ids).table_valued("value")
        query = query.where(select(about.c.value).where(about.c.value == subject).exists())
    with o.reading() as session:
        return tuple(_plain(row) for row in session.scalars(query))


def _plain(row: AuditEntry) -> Entry:
    return Entry(row.number, row.at, row.actor, row.action, tuple(row.subject_ids), row.detail)
