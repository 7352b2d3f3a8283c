"""A URL to an Engine that is safe to point at a practice's database.

Reading engines cannot write: SQLite files are opened with `mode=ro`, other sessions are told to be read-only
(`sessions`). Each connection stands under a watchdog that breaks it off when nothing moves (`watchdog`), so that a run
never hangs on a sleeping server. None is kept open for later. Passwords come by reference and are never part of a
message.
"""

from __future__ import annotations

import importlib
import math
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from connectors.errors import DriverMissing, ProfileError, SourceAway
from connectors.pvs import connection_string, driver_process, odbc, sessions
from connectors.pvs.complaints import speaking
from connectors.pvs.driver_process import DriverProcess
from connectors.pvs.sessions import LOCK_SECONDS, Limits
from connectors.pvs.watchdog import Deadline, SocketWatch, Watch

__all__ = [
    "UNIXODBC", "DBAPIError", "Deadline", "Link", "dialect_of", "file_evidence", "link", "parse_url", "reading_engine",
    "speaking", "writing_engine",
]  # fmt: skip

#: SQLite asks whether to go on after so many steps of its machine: some milliseconds.
_STEPS = 100_000

UNIXODBC = "install unixODBC (Debian, Ubuntu: apt install unixodbc)"

#: The driver that we know how to break off, by what a URL begins with.
_DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql", "mssql": "pyodbc", "odbc": "odbc"}

#: Two connections of one source see the same: PostgreSQL's streams are fetched piece by piece, others run as one.
_FETCHED_IN_PIECES = ("postgresql",)

_Connect = Callable[[sa.Dialect, Any, Any], tuple[Any, Watch | None]]


@dataclass(frozen=True, slots=True)
class Link:
    """What another driver needs to reach the same database in the same manner.

    `session` gives the statements that a session begins with, for one whose reading is one long statement; `begin`
    those that begin its transaction.
    """

    url: sa.URL
    process: DriverProcess
    session: Callable[[], tuple[str, ...]]
    begin: tuple[str, ...] = ()

    def moved(self) -> None:
        """Tell the watchdog that rows came."""
        self.process.deadline.moved()


def parse_url(url: str, password: str | None = None) -> sa.URL:
    """The URL with its password put in; `odbc:` may be followed by an ODBC connection string.

    Raises ProfileError if it is none, or if a password stands in it.
    """
    if url.lower().startswith("odbc:") and not url.lower().startswith("odbc://"):
        text = url[len("odbc:") :].strip()
        if connection_string.has_password(connection_string.parse(text)):
            raise ProfileError([_PASSWORD_IN_IT])
        return sa.URL.create("odbc", password=password, query={"odbc_connect": text})
    try:
        parsed = sa.make_url(url)
    except ArgumentError as error:
        raise ProfileError(
            ["url: found text that is no database URL, expected one as sqlite:////path/file.db"]
        ) from error
    if parsed.password is not None:
        raise ProfileError([_PASSWORD_IN_IT])
    return parsed if password is None else parsed.set(password=password)


_PASSWORD_IN_IT = "url: found a password, expected none in it: name it with password_secret"  # noqa: S105 - a message


def dialect_of(url: sa.URL) -> str:
    """Whose SQL the database speaks, as SQLAlchemy calls it; `odbc` where an ODBC source does not say."""
    backend = url.get_backend_name()
    return (odbc.dialect_of(url) or backend) if backend == "odbc" else backend


def reading_engine(url: sa.URL, session: tuple[str, ...], deadline: Deadline) -> sa.Engine:
    """An engine that can only read; `session` are the profile's statements. Connects at first use."""
    return _engine(url, session, deadline, readonly=True)


def writing_engine(url: sa.URL, deadline: Deadline) -> sa.Engine:
    """An engine for single corrections: no session statements of the profile, they make a session read-only."""
    return _engine(url, (), deadline, readonly=False)


def link(connection: sa.Connection) -> Link:
    """How the connection's database is reached by other drivers."""
    found: Link = connection.get_execution_options()["link"]
    return found


def _engine(url: sa.URL, session: tuple[str, ...], deadline: Deadline, *, readonly: bool) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, session, deadline, readonly=readonly)
    url, dialect = _with_driver(url), dialect_of(url)
    process = DriverProcess(deadline)
    engine = _created(url)

    def told(system: str, statement: float) -> tuple[str, ...]:
        limits = Limits(statement, idle=max(deadline.idle, 60.0))
        return (*sessions.statements(system, limits, readonly=readonly), *session)

    def own(connection: Any) -> tuple[str, ...]:
        system = odbc.system_of(connection) if dialect == "odbc" else dialect
        return told(system, deadline.patience if system in _FETCHED_IN_PIECES else deadline.total)

    begin = sessions.snapshot(dialect) if readonly else ()
    for statement in begin:
        sa.event.listen(engine, "begin", partial(sa.Connection.exec_driver_sql, statement=statement))
    _connect_by(engine, _connector(url, process, deadline, readonly=readonly), own)
    sa.event.listen(engine, "engine_disposed", lambda _: process.stop())
    engine.update_execution_options(link=Link(url, process, lambda: told(dialect, deadline.total), begin))
    return engine


def _with_driver(url: sa.URL) -> sa.URL:
    """The URL with the driver that we can break off; raises DriverMissing for another one."""
    backend, _, named = url.drivername.partition("+")
    known = _DRIVERS.get(backend, named)
    if named and named != known:
        raise DriverMissing(f"found {url.drivername}, expected {backend}+{known}: no other driver can be broken off")
    return url if named or backend == "odbc" or not known else url.set(drivername=f"{backend}+{known}")


def _created(url: sa.URL) -> sa.Engine:
    given: dict[str, Any] = {"poolclass": sa.pool.NullPool, "hide_parameters": True}
    try:
        if url.get_backend_name() in ("odbc", "mssql"):
            importlib.import_module("pyodbc")
        if url.get_backend_name() == "mssql":
            given |= {"module": driver_process, "use_setinputsizes": False}
        if url.get_backend_name() == "postgresql":
            given["use_native_hstore"] = False
        return sa.create_engine(url, **given)
    except NoSuchModuleError as error:
        raise DriverMissing(f"found no driver for {url.drivername}, expected one that SQLAlchemy knows") from error
    except ImportError as error:
        remedy = UNIXODBC if "odbc" in url.drivername else f"install the Python driver of {url.drivername}"
        raise DriverMissing(f"the driver of {url.drivername} cannot be loaded ({error}): {remedy}") from error


# How each driver connects, so that it can be broken off from the first byte on


def _connector(url: sa.URL, process: DriverProcess, deadline: Deadline, *, readonly: bool) -> _Connect:
    if url.get_backend_name() == "postgresql":
        return partial(_psycopg, deadline)
    if url.get_backend_name() in ("mysql", "mariadb"):
        return partial(_pymysql, deadline)
    return partial(_odbc, process, readonly)


def _psycopg(deadline: Deadline, dialect: sa.Dialect, _: Any, given: dict[str, Any]) -> tuple[Any, Watch]:
    """Its own time limit covers the greeting, however slowly it drips; at least two seconds."""
    ours = {"connect_timeout": _seconds(deadline), "application_name": sessions.NAME, "client_encoding": "utf8"}
    connection = dialect.loaded_dbapi.connect(**{**ours, **given})
    return connection, SocketWatch(deadline, connection.pgconn.socket)


def _pymysql(deadline: Deadline, dialect: sa.Dialect, _: Any, given: dict[str, Any]) -> tuple[Any, Watch]:
    """Its time limits do not cover a greeting that drips, so it gets a socket that is watched already."""
    ours = {"charset": "utf8mb4", "program_name": sessions.NAME, "read_timeout": math.ceil(deadline.idle) + 1}
    connection: Any = dialect.loaded_dbapi.connect(**{**ours, **given}, defer_connect=True)
    try:
        wire = socket.create_connection((connection.host, connection.port), _seconds(deadline))
    except OSError as error:
        raise dialect.loaded_dbapi.OperationalError(2003, f"cannot connect ({type(error).__name__})") from None
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    watch = SocketWatch(deadline, wire.fileno())
    try:
        connection.connect(wire)
    except BaseException:
        watch.end()
        raise
    return connection, watch


def _odbc(
    process: DriverProcess, readonly: bool, dialect: sa.Dialect, args: Any, given: dict[str, Any]
) -> tuple[Any, None]:
    """It lives in a process that is ended when it stalls."""
    string = odbc.told(args[0], dialect, readonly=readonly)
    return driver_process.connect(process, string, **given, seconds=_seconds(process.deadline)), None


def _seconds(deadline: Deadline) -> int:
    return max(1, math.ceil(min(deadline.patience, sessions.CONNECT_SECONDS)))


def _connect_by(engine: sa.Engine, connect: _Connect, session: Callable[[Any], tuple[str, ...]]) -> None:
    """Open connections that way, tell the session how to behave, watch it until it is closed."""
    watches: dict[int, Watch] = {}

    @sa.event.listens_for(engine, "do_connect")
    def opened(dialect: sa.Dialect, _: object, args: Any, given: Any) -> Any:
        connection, watch = connect(dialect, args, given)
        try:
            _tell(connection, session(connection))
            connection.commit()  # else PostgreSQL takes it all back with the first rollback
        except BaseException:
            _ended(connection, watch)
            raise
        if watch is not None:
            watches[id(connection)] = watch
        return connection

    @sa.event.listens_for(engine, "close")
    def closed(connection: Any, _: object) -> None:
        _abandon(connection)
        watch = watches.pop(id(connection), None)
        if watch is not None:
            watch.end()


def _abandon(connection: Any) -> None:
    """PyMySQL would read what is left of a result to its end, however long that takes and on a broken link too."""
    result = getattr(connection, "_result", None)
    if result is not None and getattr(result, "unbuffered_active", False):
        result.unbuffered_active = False
        connection._result = None


def _ended(connection: Any, watch: Watch | None) -> None:
    if watch is not None:
        watch.end()
    with suppress(Exception):  # what went wrong before is told; a broken link cannot be closed in good order
        connection.close()


def _tell(connection: Any, statements: tuple[str, ...]) -> None:
    with closing(connection.cursor()) as cursor:
        for statement in statements:
            cursor.execute(statement)


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
        connection.set_progress_handler(deadline.give_up, _STEPS)
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.NullPool, hide_parameters=True)
    sa.event.listen(engine, "connect", lambda connection, _: _tell(connection, session))
    engine.update_execution_options(link=Link(url, DriverProcess(deadline), lambda: session))
    if not readonly:
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


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
