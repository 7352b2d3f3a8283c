"""Who is who: entities, and the source records that are linked to them."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from pipelines.ops.models.base import STANDING, Base, Numbered, ends_after_it_began, one_of, table

EntityKind = Literal["person", "practitioner", "room", "location", "service", "calendar"]


class OpsNumber(Base):
    """The one counter: each transaction that changes what a build sees moves it on."""

    __tablename__ = "ops_number"
    __table_args__ = table(CheckConstraint("id = 1", name="only_one"), CheckConstraint("value >= 0", name="value"))

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int]


class Entity(Base):
    """A person, practitioner, room, location, service or calendar under an id of ours that is never used again."""

    __tablename__ = "entity"
    __table_args__ = table(
        one_of("kind", EntityKind), CheckConstraint("length(id) = 26", name="id"), without_rowid=True
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[dt.datetime]
    number: Mapped[int]


class Link(Numbered, Base):
    """A source record stands for an entity: exactly one at a time."""

    __tablename__ = "link"
    __table_args__ = table(
        ForeignKeyConstraint(["kind", "entity_id"], ["entity.kind", "entity.id"]),
        ends_after_it_began(),
        Index("uq_link_standing", "kind", "source", "source_id", unique=True, sqlite_where=text(STANDING)),
        Index("ix_link_entity", "kind", "entity_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    source: Mapped[str]
    source_id: Mapped[str]
    entity_id: Mapped[str]
    rule: Mapped[str]
    decision: Mapped[int | None] = mapped_column(ForeignKey("decision.number"))
    # Without an index of its own: 100,000 links begin at the same number, and nothing looks one up by it.
    number: Mapped[int]
    created_at: Mapped[dt.datetime]


class AntiLink(Numbered, Base):
    """Two source records are not the same, whatever a model says. The pair is kept in one order."""

    __tablename__ = "anti_link"
    __table_args__ = table(
        one_of("kind", EntityKind),
        ends_after_it_began(),
        CheckConstraint("(source_a, source_id_a) < (source_b, source_id_b)", name="order"),
        Index(
            "uq_anti_link_standing",
            "kind", "source_a", "source_id_a", "source_b", "source_id_b",
            unique=True, sqlite_where=text(STANDING),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    source_a: Mapped[str]
    source_id_a: Mapped[str]
    source_b: Mapped[str]
    source_id_b: Mapped[str]
    rule: Mapped[str]
    decision: Mapped[int | None] = mapped_column(ForeignKey("decision.number"))
    created_at: Mapped[dt.datetime]


class Alias(Numbered, Base):
    """A former id that now means another one (after a merge)."""

    __tablename__ = "alias"
    __table_args__ = table(
        ForeignKeyConstraint(["kind", "entity_id"], ["entity.kind", "entity.id"]),
        ForeignKeyConstraint(["kind", "current_id"], ["entity.kind", "entity.id"]),
        ends_after_it_began(),
        CheckConstraint("entity_id <> current_id", name="not_itself"),
        Index("uq_alias_standing", "kind", "entity_id", unique=True, sqlite_where=text(STANDING)),
        Index("ix_alias_current", "kind", "current_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    entity_id: Mapped[str]
    current_id: Mapped[str]
    decision: Mapped[int | None] = mapped_column(ForeignKey("decision.number"))
    created_at: Mapped[dt.datetime]
