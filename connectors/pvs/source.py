"""A practice database as a `Source`: a profile's selects, batch by batch, and version-checked corrections."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import polars as pl
import sqlalchemy as sa

from connectors import records
from connectors.errors import ConnectorError, SchemaMismatch
from connectors.intake import Intake, take_in
from connectors.pvs import engine, orm, writing
from connectors.pvs.engine import Deadline, speaking
from connectors.pvs.orm import Narrowing
from connectors.pvs.profile import Profile, RecordProfile
from connectors.pvs.transports import TRANSPORTS
from connectors.source import Batch, Change, Finding, ReadRequest, Receipt, Scope, Watermark

#: Masters before what refers to them.
READ_ORDER = (
    "location", "practitioner", "healthcare_service", "schedule", "working_hours", "absence", "patient",
    "related_person", "consent", "appointment", "slot", "visit", "billed_service", "recall",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Position:
    """How far a record was read: newest change (as the vendor writes it), rows, and the file's own evidence."""

    changed: str | None
    rows: int
    evidence: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """A position as `str` gave it."""
        return cls(**json.loads(text))

    def __str__(self) -> str:
        return json.dumps({"changed": self.changed, "rows": self.rows, "evidence": self.evidence})


@dataclass(frozen=True, slots=True)
class Login:
    """Where the database is and who asks; `writing` where corrections go under another login."""

    reading: sa.URL
    writing: sa.URL


class PvsSource:
    """Reads and corrects one practice database through its profile. Connects at first use.

    `timezone` is the practice's zone, for naive columns where the profile names none. A `changes` reading follows the
    cursor only where it can be trusted; else the window is read, or all.
    """

    def __init__(
        self,
        name: str,
        profile: Profile,
        login: Login,
        *,
        timezone: str,
        now: Callable[[], dt.datetime],
        transport: str = "sqlalchemy",
        deadline: Deadline | None = None,
    ) -> None:
        self.name = name
        self.resources = tuple(resource for resource in READ_ORDER if resource in profile.tables)
        self._profile = profile
        self._zone = orm.zone_of(profile, timezone)
        self._now = now
        self._login = login
        self._transport = TRANSPORTS[transport]
        self._deadline = deadline or Deadline()
        self._reading = engine.reading_engine(login.reading, profile.session, self._deadline)
        self._writing: sa.Engine | None = None
        self._probed = False

    # Reading

    def read(self, request: ReadRequest) -> Iterator[Batch]:
        """Batches of one record type in the order of their keys; see `connectors.source.Source`."""
        record = orm.checked(self._profile, request.resource)
        scope, narrowing = plan(record, request)
        evidence = engine.file_evidence(self._login.reading)
        with self._connection(request.resource, request.patience) as connection:
            position = self._mark(connection, record, evidence)
            gone = self._tombstones(connection, record)
            select = orm.record_select(record, self._zone, narrowing)
            last_key: str | None = None
            frames = self._moving(self._transport(connection, select))
            for vendor, last in _with_last(frames):
                taken = self._take_in(request.resource, record, vendor, last_key)
                last_key = taken.last_key
                yield _batch(request, scope, taken, gone if last else (), str(position) if last else None, last=last)

    def has_news(self, since: Watermark) -> bool:
        """A SQLite file tells by its change counter; other databases by rows and newest change of each record."""
        if any(resource not in since for resource in self.resources):
            return True
        evidence = engine.file_evidence(self._login.reading)
        if evidence is not None:
            return any(Position.parse(since[resource]).evidence != evidence for resource in self.resources)
        with self._connection("*") as connection:
            return any(
                str(self._mark(connection, self._profile.tables[resource], None)) != since[resource]
                for resource in self.resources
            )

    def look(self, resource: str, source_id: str) -> Mapping[str, object] | None:
        """The record as it stands there now, by field name."""
        orm.checked(self._profile, resource)
        with self._connection(resource) as connection:
            return self._look(connection, resource, source_id)

    def _look(self, connection: sa.Connection, resource: str, source_id: str) -> Mapping[str, object] | None:
        record = self._profile.tables[resource]
        select = orm.record_select(record, self._zone, Narrowing(source_id=source_id))
        frames = [self._take_in(resource, record, vendor, None).frame for vendor in self._transport(connection, select)]
        rows = pl.concat(frames).select(list(records.columns(resource))).to_dicts()
        return rows[0] if rows else None

    def _take_in(self, resource: str, record: RecordProfile, vendor: pl.DataFrame, last_key: str | None) -> Intake:
        return take_in(resource, vendor, record.columns, timezone=self._zone, last_key=last_key)

    def _mark(self, connection: sa.Connection, record: RecordProfile, evidence: str | None) -> Position:
        rows, newest = connection.execute(orm.mark_select(record, self._zone, self._now())).one()
        if isinstance(newest, dt.datetime):
            newest = newest.isoformat(sep=" ")
        return Position(None if newest is None else str(newest), rows, evidence)

    def _tombstones(self, connection: sa.Connection, record: RecordProfile) -> tuple[str, ...]:
        if record.deletes.query is None:
            return ()
        return tuple(sorted({str(row[0]).strip() for row in connection.execute(orm.tombstone_select(record))}))

    def _moving(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        for frame in frames:
            self._deadline.moved()
            yield frame

    @contextmanager
    def _connection(self, resource: str, patience: float | None = None) -> Iterator[sa.Connection]:
        place = f"{self._profile.profile}.toml: [{resource}]"
        self._deadline.start(patience)
        with speaking(place), self._reading.connect() as connection:
            self._probe(connection)
            yield connection

    def _probe(self, connection: sa.Connection) -> None:
        """The version guard of the profile: nothing else is asked before it agrees."""
        if self._probed:
            return
        found = connection.exec_driver_sql(self._profile.probe).scalar()
        if str(found).strip() != self._profile.expect:
            raise SchemaMismatch(
                f"{self._profile.profile}.toml: [probe] found {found!r}, expected {self._profile.expect!r}:"
                " the database is not the version that this profile was written for"
            )
        self._probed = True

    # Writing

    def write(self, change: Change) -> Receipt:
        """Carry one change; see `connectors.pvs.writing`."""
        record = orm.checked(self._profile, change.resource)
        place = f"{self._profile.profile}.toml: [{change.resource}]"
        with self._connection(change.resource):
            pass  # the version guard holds for writing too
        self._deadline.start()
        desk = writing.Desk(
            record, place, self._zone, self._now(), lambda link, key: self._look(link, change.resource, key)
        )
        with speaking(place):
            return writing.carry(self._writer(), desk, change)

    def _writer(self) -> sa.Engine:
        if self._writing is None:
            self._writing = engine.writing_engine(self._login.writing, self._deadline)
        return self._writing

    # The link itself

    def check(self) -> list[Finding]:
        """The connection and version, then every record's select against the tables as they are."""
        findings = [self._finding("connection and version", "*", lambda _: None)]
        if findings[0].level == "error":
            return findings
        for resource in self.resources:
            findings.append(self._finding(f"tables of {resource}", resource, self._asks_nothing(resource)))
        return findings

    def _asks_nothing(self, resource: str) -> Callable[[sa.Connection], object]:
        """The record's select without a row: the database checks every name in it."""
        select = orm.record_select(self._profile.tables[resource], self._zone).limit(0)
        return lambda connection: connection.execute(select)

    def _finding(self, check: str, resource: str, ask: Callable[[sa.Connection], object]) -> Finding:
        try:
            with self._connection(resource) as connection:
                ask(connection)
        except ConnectorError as error:
            return Finding(check, "error", str(error), _REMEDY.get(type(error).__name__))
        return Finding(check, "ok", "as the profile expects")

    def close(self) -> None:
        """Give the connections back."""
        self._reading.dispose()
        if self._writing is not None:
            self._writing.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_REMEDY = {
    "SourceAway": "see that the database runs and that url in practice.toml leads to it",
    "SourceRefused": "see the login's name, password and rights; then set the secret again",
    "SourceBusy": "wait for the other program, then try again",
    "SchemaMismatch": "see whether the vendor's software was updated; the profile must fit its version",
    "BadAnswer": "see whether url in practice.toml leads to the right database",
    "DriverMissing": engine.UNIXODBC,
}


def plan(record: RecordProfile, request: ReadRequest) -> tuple[Scope, Narrowing]:
    """How a request is answered: with the cursor where it says enough, else wider.

    A cursor does not say enough without a position, where some writers do not touch it, and where rows vanish without
    a trace while a window would show it.
    """
    since = Position.parse(request.since).changed if request.since and record.changed is not None else None
    if request.scope == "changes" and since is not None and _cursor_says_enough(record, request):
        return "changes", Narrowing(since=since)
    first = request.scope == "changes" and request.since is None
    if request.scope != "full" and not first and request.window is not None and record.window is not None:
        return "window", Narrowing(window=request.window, since=since)
    return "full", Narrowing()


def _cursor_says_enough(record: RecordProfile, request: ReadRequest) -> bool:
    window_would_show = record.window is not None and request.window is not None and record.deletes.kind == "snapshot"
    return record.changed is not None and record.changed.trust == "strong" and not window_would_show


def _with_last(frames: Iterator[pl.DataFrame]) -> Iterator[tuple[pl.DataFrame, bool]]:
    """Each frame, and whether it is the last one."""
    ahead = next(frames)
    for frame in frames:
        yield ahead, False
        ahead = frame
    yield ahead, True


def _batch(
    request: ReadRequest, scope: Scope, taken: Intake, gone: tuple[str, ...], position: str | None, *, last: bool
) -> Batch:
    """Tombstones count as rows that were read and removed."""
    return Batch(
        resource=request.resource,
        frame=taken.frame,
        scope=scope,
        window=request.window if scope == "window" else None,
        position=position,
        removed=(*taken.removed, *gone),
        rejected=taken.rejected,
        issues=taken.issues,
        unmapped=taken.unmapped,
        read=taken.read + len(gone),
        last=last,
    )
