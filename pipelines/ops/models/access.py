"""Who may sign in, who is signed in, and who tried."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from pipelines.ops.models.base import Base, flag, one_of, table

Role = Literal["manager", "reception", "it", "analyst"]
UserState = Literal["active", "locked"]
LinkPurpose = Literal["sign-in", "open"]


class UserRow(Base):
    """A person of the practice who may sign in. `name_key` is the name as it is compared (case-folded)."""

    __tablename__ = "user"
    __table_args__ = table(one_of("state", UserState))

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default=text("'active'"))
    created_at: Mapped[dt.datetime]
    password_at: Mapped[dt.datetime | None]


class UserRole(Base):
    """One role of a user; several add up."""

    __tablename__ = "user_role"
    __table_args__ = table(one_of("role", Role), without_rowid=True)

    user_id: Mapped[str] = mapped_column(ForeignKey("user.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)


class SessionRow(Base):
    """A signed-in browser. Only the SHA-256 of its token is kept: a copy of this table signs nobody in."""

    __tablename__ = "session"
    __table_args__ = table(
        CheckConstraint("length(digest) = 64", name="digest"),
        CheckConstraint("seen_at >= opened_at", name="seen_at"),
        Index("ix_session_user", "user_id"),
        without_rowid=True,
    )

    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id"))
    opened_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]
    closed_at: Mapped[dt.datetime | None]


class LoginAttempt(Base):
    """One try to sign in. The name is a digest: people type their password into the wrong field."""

    __tablename__ = "login_attempt"
    __table_args__ = table(
        flag("succeeded"),
        Index("ix_login_attempt_name", "name_digest", "at"),
        Index("ix_login_attempt_address", "address", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name_digest: Mapped[str]
    address: Mapped[str]
    at: Mapped[dt.datetime]
    succeeded: Mapped[bool]


class OneTimeLink(Base):
    """A link that works once: to sign in as a user, or to open one thing after sign-in (`target` holds its ids)."""

    __tablename__ = "one_time_link"
    __table_args__ = table(
        one_of("purpose", LinkPurpose),
        CheckConstraint("length(digest) = 64", name="digest"),
        CheckConstraint("purpose = 'open' OR user_id IS NOT NULL", name="who"),
        CheckConstraint("purpose = 'sign-in' OR target IS NOT NULL", name="what"),
        CheckConstraint("expires_at > created_at", name="expires_at"),
        without_rowid=True,
    )

    digest: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user.id"))
    target: Mapped[str | None]
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]
