"""A practice database as a `Source`: a profile's selects, batch by batch, and version-checked corrections."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import polars as pl
import sqlalchemy as sa

from connectors import records
from connectors.errors import ConnectorError, SchemaMismatch
from connectors.intake import Intake, take_in
from connectors.pvs import engine, examination, fingerprint, orm, rights, transports, writing
from connectors.pvs.complaints import speaking
from connectors.pvs.decoders import EXPANDERS
from connectors.pvs.journal import LINK, Journal
from connectors.pvs.orm import Narrowing
from connectors.pvs.profile import Profile, RecordProfile, numbers
from connectors.pvs.watchdog import Deadline
from connectors.source import Asked, Batch, Change, Finding, ReadRequest, Receipt, Scope, Watermark

#: How far a series without an end is written out: as far as calendars are read, and the rest of that month.
SERIES_AHEAD = dt.timedelta(days=25 * 31)

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
        rule: rights.Rule | None = None,
        row_budget: int | None = None,
    ) -> None:
        self.name = name
        self.resources = tuple(resource for resource in READ_ORDER if resource in profile.tables)
        self._profile = profile
        self._zone = orm.zone_of(profile, timezone)
        self._now = now
        self._login = login
        transports.require(transport)
        self._transport = transports.TRANSPORTS[transport]
        self._deadline = deadline or Deadline()
        self._journal = Journal(row_budget)
        self._reading = engine.reading_engine(login.reading, profile.session, self._deadline)
        sa.event.listen(self._reading, "before_cursor_execute", lambda *_: self._journal.statement())
        self._writing: sa.Engine | None = None
        self._probed = False
        self._rule = rule
        self._standing: fingerprint.Print | None = None

    # Reading

    def read(self, request: ReadRequest) -> Iterator[Batch]:
        """Batches of one record type in the order of their keys; see `connectors.source.Source`."""
        record = orm.checked(self._profile, request.resource)
        scope, narrowing = plan(record, request)
        evidence = engine.file_evidence(self._login.reading)
        with self._connection(request.resource, request.patience) as connection:
            position = self._mark(connection, record, evidence)
            gone = self._tombstones(connection, record, None if scope == "full" else request.since)
            select = orm.record_select(record, self._zone, narrowing)
            last_key: str | None = None
            with closing(self._moving(self._carried(connection, select, scope), request.resource)) as frames:
                for vendor, last in _with_last(frames):
                    taken = self._take_in(request.resource, record, vendor, last_key)
                    last_key = taken.last_key
                    mark, vanished = (str(position), gone) if last else (None, ())
                    with self._at_rest():
                        yield _batch(request, scope, taken, vanished, mark, last=last)

    def has_news(self, since: Watermark) -> bool:
        """A SQLite file tells by its change counter; other databases by rows and newest change of each record."""
        if any(resource not in since for resource in self.resources):
            return True
        evidence = engine.file_evidence(self._login.reading)
        if evidence is not None:
            return any(Position.parse(since[resource]).evidence != evidence for resource in self.resources)
        with self._connection(LINK) as connection:
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
        narrowing = Narrowing() if record.expand is not None else Narrowing(source_id=source_id)
        select = orm.record_select(record, self._zone, narrowing)
        carried = transports.sqlalchemy(connection, select)
        frames = [self._take_in(resource, record, vendor, None).frame for vendor in carried]
        found = pl.concat(frames).filter(pl.col("source_id") == source_id)
        rows = found.select(list(records.columns(resource))).to_dicts()
        return rows[0] if rows else None

    def _take_in(self, resource: str, record: RecordProfile, vendor: pl.DataFrame, last_key: str | None) -> Intake:
        if record.expand is not None:
            vendor = EXPANDERS[record.expand].expand(vendor, self._horizon())
        return take_in(resource, vendor, record.columns, timezone=self._zone, last_key=last_key)

    def _horizon(self) -> dt.date:
        """The day with which an endless series ends: of a month, so that it does not move every day."""
        ahead = self._now().date() + SERIES_AHEAD
        return ahead.replace(day=1) - dt.timedelta(days=1)

    def _mark(self, connection: sa.Connection, record: RecordProfile, evidence: str | None) -> Position:
        rows, newest = connection.execute(orm.mark_select(record, self._zone, self._now())).one()
        if isinstance(newest, dt.datetime):
            newest = newest.isoformat(sep=" ")
        return Position(None if newest is None else str(newest), rows, evidence)

    def _tombstones(self, connection: sa.Connection, record: RecordProfile, since: str | None) -> tuple[str, ...]:
        if record.deletes.query is None:
            return ()
        position = None if since is None else Position.parse(since).changed
        found = connection.execute(orm.tombstone_select(record, position))
        return tuple(sorted({str(row[0]).strip() for row in found}))

    def _carried(
        self, connection: sa.Connection, select: sa.Select[Any], scope: Scope
    ) -> Generator[pl.DataFrame, None, None]:
        """By the chosen transport where there is much to carry; a transport of its own counts as a statement."""
        if scope != "full" or self._transport is transports.sqlalchemy:
            return transports.sqlalchemy(connection, select)
        self._journal.statement()
        return self._transport(connection, select)

    def _moving(
        self, frames: Generator[pl.DataFrame, None, None], resource: str
    ) -> Generator[pl.DataFrame, None, None]:
        """Frames as they come, counted; while one is worked on, the server has nothing to do for us."""
        with closing(frames):
            while True:
                self._journal.resume()
                frame = next(frames, None)
                self._journal.pause()
                if frame is None:
                    return
                self._journal.rows(frame.height, f"{self._profile.profile}.toml: [{resource}]")
                self._deadline.moved()
                yield frame

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        """While whoever asked is busy with what came, nobody waits for the database."""
        self._deadline.rest()
        try:
            yield
        finally:
            self._deadline.moved()

    @contextmanager
    def _connection(self, resource: str, patience: float | None = None) -> Iterator[sa.Connection]:
        place = f"{self._profile.profile}.toml: [{resource}]"
        self._deadline.start(patience)
        with (
            speaking(place, self._deadline),
            self._journal.about(resource),
            self._reading.connect() as connection,
        ):
            self._probe(connection)
            if resource != LINK:
                self._require_unmoved(connection, resource)
            yield connection

    def _probe(self, connection: sa.Connection) -> None:
        """The version guard of the profile: nothing else is asked before it agrees."""
        if self._probed:
            return
        if self._rule is not None:
            rights.require(connection, self._rule, self.name)
        profile, file = self._profile, f"{self._profile.profile}.toml"
        found = connection.exec_driver_sql(profile.probe).scalar()
        if str(found).strip() != profile.expect:
            raise SchemaMismatch(
                f"{file}: [probe] found {found!r}, expected {profile.expect!r}:"
                " the database is not the version that this profile was written for"
            )
        if profile.version is not None and profile.min_version is not None:
            version = str(connection.exec_driver_sql(profile.version).scalar() or "").strip()
            if numbers(version) < numbers(profile.min_version):
                raise SchemaMismatch(
                    f"{file}: [min_version] found {version!r}, expected at least {profile.min_version}:"
                    " the vendor's software is older than this profile"
                )
        self._probed = True

    def _require_unmoved(self, connection: sa.Connection, resource: str) -> None:
        """The tables of the record are what the profile was written for; asked once, for all tables together."""
        expected = self._profile.fingerprint
        if not expected:
            return
        if self._standing is None:
            dialect = rights.dbms(connection) or self._profile.dialect
            self._standing = fingerprint.standing(connection, dialect, expected)
        part = fingerprint.of_record(self._profile.tables[resource], expected)
        moved = fingerprint.moved(part, self._standing)
        if moved:
            raise SchemaMismatch(
                f"{self._profile.profile}.toml: [{resource}] found {', '.join(map(str, moved))}:"
                " the vendor changed its database; this record waits for a profile that fits, the others go on"
            )

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
        with speaking(place, self._deadline):
            return writing.carry(self._writer(), desk, change)

    def _writer(self) -> sa.Engine:
        if self._writing is None:
            self._writing = engine.writing_engine(self._login.writing, self._deadline)
        return self._writing

    # The link itself

    def journal(self) -> tuple[Asked, ...]:
        """What was asked of the database since the source was opened, by record."""
        return self._journal.entries()

    def check(self) -> list[Finding]:
        """Driver, rights and clock, the connection and version, then every record's select against the tables."""
        findings = [] if self._rule is None else self._examined(self._rule)
        if any(finding.level == "error" for finding in findings):
            return findings
        findings.append(self._finding("connection and version", LINK, lambda _: None))
        if findings[-1].level == "error":
            return findings
        for resource in self.resources:
            findings.append(self._finding(f"tables of {resource}", resource, self._asks_nothing(resource)))
        return findings

    def _examined(self, rule: rights.Rule) -> list[Finding]:
        """What can be said before the profile is asked for anything; without a connection, why there is none."""
        findings = [examination.driver(self._login.reading)]
        try:
            self._deadline.start()
            with speaking(self.name), self._reading.connect() as connection:
                findings.append(rights.finding(rights.look(connection), rule))
                findings.append(examination.clock(connection, self._now()))
        except ConnectorError as error:
            findings.append(Finding("connection", "error", str(error), _REMEDY.get(type(error).__name__)))
        return findings

    def _asks_nothing(self, resource: str) -> Callable[[sa.Connection], object]:
        """The record's select without a row: the database checks every name in it."""
        select = orm.record_select(self._profile.tables[resource], self._zone)
        none = select.where(sa.literal_column("1") == sa.literal_column("0"))
        return lambda connection: connection.execute(none)

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
    a trace while a window would show it. A series that began long ago has days in any window, so it is always read.
    """
    if record.expand is not None:
        return "full", Narrowing()
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
