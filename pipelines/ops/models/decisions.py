"""What people (or rules that the practice switched on) decided, and what is to be carried to a source for it."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from pipelines.ops.models.base import Base, Json, flag, one_of, table

SuggestionState = Literal["open", "later", "accepted", "rejected", "superseded"]
SuggestionKind = Literal["changed", "conflict", "cleared"]

#: `accepted` waits; `sent` is committed before the request leaves; `written` was answered; `confirmed` was read back;
#: `uncertain` is looked up before anything is sent again; `failed` is tried again, `dead` is not.
OutboxState = Literal[
    "accepted", "sent", "written", "confirmed", "uncertain", "conflict", "failed", "dead", "discarded"
]
ChangeKind = Literal["create", "update", "cancel", "move"]

SHA256 = "length({column}) = 64"


class Decision(Base):
    """One verdict. Its number is the ops number of the transaction that also holds what it changed."""

    __tablename__ = "decision"
    __table_args__ = table(CheckConstraint("undoes < number", name="undoes"), Index("ix_decision_at", "at"))

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    verdict: Mapped[str]
    actor: Mapped[str]
    role: Mapped[str | None]
    reason: Mapped[str | None]
    #: SHA-256 of what the person saw, where the page knows it
    evidence: Mapped[str | None]
    undoes: Mapped[int | None] = mapped_column(ForeignKey("decision.number"))
    at: Mapped[dt.datetime]


class DecisionSubject(Base):
    """What a decision is about: ids of entities, source records, findings or suggestions, never values."""

    __tablename__ = "decision_subject"
    __table_args__ = table(Index("ix_decision_subject_subject", "subject"), without_rowid=True)

    decision: Mapped[int] = mapped_column(ForeignKey("decision.number"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]


class Suggestion(Base):
    """One field differs between two sides. It names the values by their hashes; the values stand in `core`."""

    __tablename__ = "suggestion"
    __table_args__ = table(
        one_of("kind", SuggestionKind),
        one_of("state", SuggestionState),
        CheckConstraint("(state IN ('open', 'later')) = (settled_at IS NULL)", name="settled"),
        Index(
            "uq_suggestion_open",
            "resource", "target_source", "target_source_id", "field",
            unique=True, sqlite_where=text("state IN ('open', 'later')"),
        ),
        Index("ix_suggestion_entity", "entity_id"),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    resource: Mapped[str]
    field: Mapped[str]
    entity_id: Mapped[str]
    origin_source: Mapped[str]
    origin_source_id: Mapped[str]
    target_source: Mapped[str]
    target_source_id: Mapped[str]
    base_hash: Mapped[str | None]
    old_hash: Mapped[str | None]
    new_hash: Mapped[str | None]
    rule: Mapped[str | None]
    state: Mapped[str]
    decision: Mapped[int | None] = mapped_column(ForeignKey("decision.number"))
    created_at: Mapped[dt.datetime]
    settled_at: Mapped[dt.datetime | None]


class OutboxEntry(Base):
    """One write to a source, until the read-back proves it. The idempotency key makes it happen once."""

    __tablename__ = "outbox"
    __table_args__ = table(
        one_of("change", ChangeKind),
        one_of("state", OutboxState),
        flag("dry_run"),
        CheckConstraint(SHA256.format(column="idempotency_key"), name="idempotency_key"),
        CheckConstraint("attempts >= 0", name="attempts"),
        CheckConstraint("state IN ('accepted', 'discarded') OR sent_at IS NOT NULL", name="sent_before_answered"),
        CheckConstraint("change = 'create' OR source_id IS NOT NULL", name="target"),
        Index("ix_outbox_due", "source", "next_attempt_at", sqlite_where=text("state IN ('accepted', 'failed')")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    decision: Mapped[int] = mapped_column(ForeignKey("decision.number"), index=True)
    suggestion: Mapped[str | None] = mapped_column(ForeignKey("suggestion.id"))
    source: Mapped[str]
    resource: Mapped[str]
    source_id: Mapped[str | None]
    change: Mapped[str]
    # `values` is a word of SQL, so the column says whose they are.
    new_values: Mapped[Any] = mapped_column(Json())
    base_values: Mapped[Any] = mapped_column(Json())
    expected_version: Mapped[str | None]
    state: Mapped[str]
    dry_run: Mapped[bool]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    next_attempt_at: Mapped[dt.datetime | None]
    cause: Mapped[str | None]
    receipt: Mapped[Any | None] = mapped_column(Json())
    created_at: Mapped[dt.datetime]
    sent_at: Mapped[dt.datetime | None]
    settled_at: Mapped[dt.datetime | None]


class FieldBase(Base):
    """The last value of a field that was proven equal on both sides: the middle of the three-way comparison."""

    __tablename__ = "field_base"
    __table_args__ = table(Index("ix_field_base_entity", "entity_id"), without_rowid=True)

    resource: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    other_source: Mapped[str] = mapped_column(primary_key=True)
    other_source_id: Mapped[str] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    entity_id: Mapped[str]
    value: Mapped[Any | None] = mapped_column(Json())
    hash: Mapped[str]
    proven_at: Mapped[dt.datetime]
