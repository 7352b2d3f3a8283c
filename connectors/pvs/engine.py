"""A URL to an Engine that is safe to point at a practice's database.

Reading engines cannot write: SQLite files are opened with `mode=ro`, and the profile's session statements run after
every connect. A reading that stands still is broken off (`Deadline`), so that a run never hangs on a sleeping server.
Passwords come by reference and are never part of a message.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from connectors.errors import (
    BadAnswer,
    ConnectorError,
    DriverMissing,
    ProfileError,
    SchemaMismatch,
    SourceAway,
    SourceBusy,
    SourceRefused,
    SourceStalled,
)

#: How long a database may hold a lock against us before we come back later.
LOCK_SECONDS = 5.0
#: SQLite asks whether to go on after so many steps of its machine: some milliseconds.
_STEPS = 100_000

UNIXODBC = "install unixODBC (Debian, Ubuntu: apt install unixodbc)"


@dataclass(slots=True)
class Deadline:
    """Rows must move within `idle` seconds and the whole must end within `total`; both by a clock that never jumps."""

    idle: float = 60.0
    total: float = 900.0
    clock: Callable[[], float] = time.monotonic
    _started: float = field(init=False)
    _moved: float = field(init=False)
    _idle: float = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self, patience: float | None = None) -> None:
        """A new statement: both times begin; with `patience`, rows must move within this if it is shorter."""
        self._started = self._moved = self.clock()
        self._idle = self.idle if patience is None else min(self.idle, patience)

    def moved(self) -> None:
        """Rows arrived."""
        self._moved = self.clock()

    def expired(self) -> bool:
        """Whether to break off now."""
        now = self.clock()
        return now - self._moved > self._idle or now - self._started > self.total


def parse_url(url: str, password: str | None = None) -> sa.URL:
    """The URL with its password put in; raises ProfileError if it is none, or if a password stands in it."""
    try:
        parsed = sa.make_url(url)
    except ArgumentError as error:
        raise ProfileError(
            ["url: found text that is no database URL, expected one as sqlite:////path/file.db"]
        ) from error
    if parsed.password is not None:
        raise ProfileError(["url: found a password, expected none in it: name it with password_secret"])
    return parsed if password is None else parsed.set(password=password)


def reading_engine(url: sa.URL, session: tuple[str, ...], deadline: Deadline) -> sa.Engine:
    """An engine that can only read; connects at first use."""
    return _engine(url, session, deadline, readonly=True)


def writing_engine(url: sa.URL, deadline: Deadline) -> sa.Engine:
    """An engine for single corrections: no session statements of the profile, they make a session read-only."""
    return _engine(url, (), deadline, readonly=False)


def _engine(url: sa.URL, session: tuple[str, ...], deadline: Deadline, *, readonly: bool) -> sa.Engine:
    try:
        if url.get_backend_name() == "sqlite":
            return _sqlite_engine(url, session, deadline, readonly=readonly)
        engine = sa.create_engine(url, hide_parameters=True)
    except NoSuchModuleError as error:
        raise DriverMissing(f"found no driver for {url.drivername}, expected one that SQLAlchemy knows") from error
    except ImportError as error:
        remedy = UNIXODBC if "odbc" in url.drivername else f"install the Python driver of {url.drivername}"
        raise DriverMissing(f"the driver of {url.drivername} cannot be loaded ({error}): {remedy}") from error
    _run_at_connect(engine, session)
    return engine


def _sqlite_engine(url: sa.URL, session: tuple[str, ...], deadline: Deadline, *, readonly: bool) -> sa.Engine:
    """SQLite with autocommit of its own turned off: a write begins with the lock, not with the first change."""
    path = Path(url.database or "")

    def connect() -> sqlite3.Connection:
        if not path.is_file():
            raise SourceAway(f"found no file {path}, expected the practice's database there")
        mode = "ro" if readonly else "rw"
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode={mode}",
            uri=True,
            timeout=LOCK_SECONDS,
            check_same_thread=False,
            isolation_level=None,
        )
        connection.set_progress_handler(deadline.expired, _STEPS)
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.NullPool, hide_parameters=True)
    _run_at_connect(engine, session)
    if not readonly:
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _run_at_connect(engine: sa.Engine, statements: tuple[str, ...]) -> None:
    @sa.event.listens_for(engine, "connect")
    def run(connection: Any, _: object) -> None:
        with closing(connection.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)


def file_evidence(url: sa.URL) -> str | None:
    """What changes with every commit of a SQLite file: its change counter and time, its log if it has one; else None.

    https://www.sqlite.org/fileformat2.html#file_change_counter; an empty log is one that a reader's look left behind.
    """
    if url.get_backend_name() != "sqlite":
        return None
    path = Path(url.database or "")
    wal = path.with_name(path.name + "-wal")
    try:
        with path.open("rb") as file:
            file.seek(24)
            counter = int.from_bytes(file.read(4), "big")
        states = [path.stat(), *([wal.stat()] if wal.exists() else [])]
    except OSError as error:
        raise SourceAway(f"{path} cannot be read ({error.strerror}), expected the practice's database there") from error
    return "/".join([str(counter), *(f"{state.st_size}-{state.st_mtime_ns}" for state in states if state.st_size)])


@contextmanager
def speaking(place: str) -> Iterator[None]:
    """Turn a driver's complaint into one of ours; `place` names the profile and the record it is about.

    The driver's own is not chained: it repeats statements and values, and tracebacks reach logs.
    """
    try:
        yield
    except DBAPIError as error:
        complaint = _translated(place, error)
    else:
        return
    raise complaint from None


#: What drivers say -> what it is. The texts are the databases' own words and hold names, never values of rows.
_SAYINGS: tuple[tuple[tuple[str, ...], type[ConnectorError], str], ...] = (
    (("no such table", "no such column", "doesn't exist", "does not exist", "unknown column", "invalid object name",
      "invalid column name"), SchemaMismatch, "the profile names what this database does not have"),
    (("interrupted", "statement timeout", "max_statement_time"), SourceStalled, "nothing moved within the agreed time"),
    (("locked", "lock wait", "deadlock"), SourceBusy, "another program holds a lock"),
    (("unable to open", "could not connect", "can't connect", "connection refused", "server has gone away", "timed out",
      "timeout expired"), SourceAway, "nobody answers"),
    (("denied", "authentication failed", "login failed", "readonly", "read-only", "permission"), SourceRefused,
     "the database says no"),
    (("not a database", "malformed", "disk image"), BadAnswer, "this is no database, or it is broken"),
)  # fmt: skip


def _translated(place: str, error: DBAPIError) -> ConnectorError:
    said = str(error.orig)
    for words, kind, meaning in _SAYINGS:
        if any(word in said.lower() for word in words):
            detail = f" ({said})" if kind is SchemaMismatch else ""
            return kind(f"{place}: {meaning}{detail}")
    if error.connection_invalidated:
        return SourceAway(f"{place}: the connection broke off")
    return BadAnswer(f"{place}: the database reports {type(error.orig).__name__}")
