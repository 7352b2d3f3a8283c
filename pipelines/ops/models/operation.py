"""How the pipeline does: runs, requests, breakers, signs of life, findings."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from pipelines.ops.models.base import Base, Json, flag, one_of, table

RunState = Literal["running", "ok", "attention", "failed", "abandoned"]
SourceState = Literal["ok", "away", "refused", "bad-answer", "stopped"]
RequestState = Literal["waiting", "claimed", "done", "failed", "expired"]
BreakerState = Literal["closed", "open", "half-open"]
Severity = Literal["info", "warn", "error"]


class SyncRun(Base):
    """One run over the sources of the practice. AUTOINCREMENT: a run number is never given twice."""

    __tablename__ = "sync_run"
    __table_args__ = (
        one_of("state", RunState),
        CheckConstraint("(state = 'running') = (finished_at IS NULL)", name="finished"),
        {"sqlite_strict": True, "sqlite_autoincrement": True},
    )

    run: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    started_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]
    segment: Mapped[str | None]


class SyncRunSource(Base):
    """What one run read from one source: counts only."""

    __tablename__ = "sync_run_source"
    __table_args__ = table(
        one_of("state", SourceState),
        CheckConstraint(
            "min(read, new, changed, removed, rejected, unmapped, late) >= 0 AND seconds >= 0", name="counts"
        ),
        CheckConstraint("min(statements, busy_seconds) >= 0", name="load"),
        without_rowid=True,
    )

    run: Mapped[int] = mapped_column(ForeignKey("sync_run.run"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    read: Mapped[int]
    new: Mapped[int]
    changed: Mapped[int]
    removed: Mapped[int]
    rejected: Mapped[int]
    unmapped: Mapped[int]
    late: Mapped[int]
    seconds: Mapped[float]
    cause: Mapped[str | None]
    remedy: Mapped[str | None]
    recorded_at: Mapped[dt.datetime]
    # Last, because they came later: 0 in runs of before.
    statements: Mapped[int] = mapped_column(server_default=text("0"))
    busy_seconds: Mapped[float] = mapped_column(server_default=text("0"))


class SourcePosition(Base):
    """How far a reading without news came: only for the question whether there are news, never for reading.

    It holds for the rows that stood in raw then: those of `manifest_run`, or of `run` itself if that landed no row.
    """

    __tablename__ = "source_position"
    __table_args__ = table(CheckConstraint("manifest_run <= run", name="manifest_run"), without_rowid=True)

    source: Mapped[str] = mapped_column(primary_key=True)
    resource: Mapped[str] = mapped_column(primary_key=True)
    run: Mapped[int] = mapped_column(ForeignKey("sync_run.run"))
    manifest_run: Mapped[int]
    position: Mapped[str]


class SyncRequest(Base):
    """A press of "Jetzt synchronisieren" and what became of it. No source means all of them."""

    __tablename__ = "sync_request"
    __table_args__ = table(
        one_of("state", RequestState),
        CheckConstraint("(state IN ('done', 'failed', 'expired')) = (finished_at IS NOT NULL)", name="finished"),
        CheckConstraint("state IN ('waiting', 'expired') OR run IS NOT NULL", name="claimed"),
        CheckConstraint("(run IS NULL) = (claimed_at IS NULL)", name="claimed_at"),
        Index(
            "uq_sync_request_waiting_one",
            "source",
            unique=True,
            sqlite_where=text("state = 'waiting' AND source IS NOT NULL"),
        ),
        Index(
            "uq_sync_request_waiting_all",
            "state",
            unique=True,
            sqlite_where=text("state = 'waiting' AND source IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str | None]
    requested_by: Mapped[str]
    requested_at: Mapped[dt.datetime]
    state: Mapped[str] = mapped_column(server_default=text("'waiting'"))
    run: Mapped[int | None] = mapped_column(ForeignKey("sync_run.run"))
    claimed_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]


class BreakerRow(Base):
    """Whether a source is asked at all: RELIABILITY of the link, not of the data."""

    __tablename__ = "breaker"
    __table_args__ = table(
        one_of("state", BreakerState),
        flag("needs_person"),
        CheckConstraint("failures >= 0", name="failures"),
        CheckConstraint("probes >= 0", name="probes"),
        CheckConstraint("(state = 'closed') = (opened_at IS NULL)", name="opened_at"),
        without_rowid=True,
    )

    source: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    failures: Mapped[int]
    #: probes that failed since it opened
    probes: Mapped[int]
    needs_person: Mapped[bool]
    opened_at: Mapped[dt.datetime | None]
    #: when the next probe may go out; the probe under way, when half-open, is given up at this time
    next_try_at: Mapped[dt.datetime | None]
    changed_at: Mapped[dt.datetime]


class ServiceBeat(Base):
    """The last sign of life of the service that polls."""

    __tablename__ = "service_beat"
    __table_args__ = table(without_rowid=True)

    service: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime]


class FindingRow(Base):
    """Something that a person should know. `key` says what it is about; the id stays when it comes back."""

    __tablename__ = "finding"
    __table_args__ = table(
        one_of("severity", Severity),
        CheckConstraint("times >= 1", name="times"),
        CheckConstraint("resolved_at >= first_seen_at", name="resolved_at"),
        Index("uq_finding_key", "kind", "key", unique=True),
        Index("ix_finding_open", "kind", sqlite_where=text("resolved_at IS NULL")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    key: Mapped[str]
    source: Mapped[str | None]
    severity: Mapped[str]
    #: ids and counts, never values of a patient
    detail: Mapped[Any] = mapped_column(Json())
    first_seen_at: Mapped[dt.datetime]
    last_seen_at: Mapped[dt.datetime]
    resolved_at: Mapped[dt.datetime | None]
    decision: Mapped[int | None] = mapped_column(ForeignKey("decision.number"))
    #: how often it appeared anew
    times: Mapped[int]
