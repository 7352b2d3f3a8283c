"""The audit log: a chain of hashes, so that a changed, missing, swapped or added row is found."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from pipelines.ops.models.base import Base, Json, table


class AuditEntry(Base):
    """Who did or looked at what. `hash` covers all other columns and the hash of the entry before."""

    __tablename__ = "audit"
    __table_args__ = table(CheckConstraint("length(hash) = 64", name="hash"), Index("ix_audit_at", "at"))

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject_ids: Mapped[Any] = mapped_column(Json())
    detail: Mapped[Any] = mapped_column(Json())
    previous: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)


class AuditHead(Base):
    """Where the chain ends: without it, a missing last entry would go unseen. Each backup carries a copy."""

    __tablename__ = "audit_head"
    __table_args__ = table(CheckConstraint("id = 1", name="only_one"))

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]
    hash: Mapped[str]
