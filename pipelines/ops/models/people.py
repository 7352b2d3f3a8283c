"""What was said to people, and what they allowed."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from pipelines.ops.models.base import STANDING, Base, Numbered, ends_after_it_began, one_of, table

ContactState = Literal["queued", "sent", "delivered", "failed", "withdrawn"]
ConsentState = Literal["given", "withdrawn"]


class Contact(Base):
    """One message or call to a person, from the queue to its end: also the proof that consent was looked at."""

    __tablename__ = "contact"
    __table_args__ = table(
        one_of("state", ContactState),
        CheckConstraint("(state = 'queued') = (settled_at IS NULL)", name="settled"),
        Index("ix_contact_entity", "entity_id", "queued_at"),
        Index("ix_contact_queued", "queued_at", sqlite_where=text("state = 'queued'")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    entity_id: Mapped[str]
    purpose: Mapped[str]
    channel: Mapped[str]
    rule: Mapped[str | None]
    state: Mapped[str]
    cause: Mapped[str | None]
    actor: Mapped[str]
    decision: Mapped[int | None] = mapped_column(ForeignKey("decision.number"))
    queued_at: Mapped[dt.datetime]
    settled_at: Mapped[dt.datetime | None]


class Consent(Numbered, Base):
    """What a person allowed or withdrew for one purpose and channel; the stricter of two sources wins."""

    __tablename__ = "consent"
    __table_args__ = table(
        one_of("state", ConsentState),
        ends_after_it_began(),
        CheckConstraint("(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn"),
        Index("uq_consent_standing", "entity_id", "purpose", "channel", "source", unique=True,
              sqlite_where=text(STANDING)),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    entity_id: Mapped[str]
    purpose: Mapped[str]
    channel: Mapped[str]
    source: Mapped[str]
    state: Mapped[str]
    recorded_by: Mapped[str]
    decision: Mapped[int | None] = mapped_column(ForeignKey("decision.number"))
    given_at: Mapped[dt.datetime | None]
    withdrawn_at: Mapped[dt.datetime | None]
    recorded_at: Mapped[dt.datetime]
