"""How our sessions behave at a practice's database: named, read-only, in UTC, and never in anybody's way for long.

Drivers have switches for some of this, but most do nothing (`pyodbc.connect(readonly=True)` stops no write), so each
database is told in its own words, by statements, whatever the driver.

https://www.postgresql.org/docs/current/runtime-config-client.html
https://mariadb.com/kb/en/server-system-variables/ and https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html
https://learn.microsoft.com/en-us/sql/t-sql/statements/set-lock-timeout-transact-sql
"""

from __future__ import annotations

from dataclasses import dataclass

#: The name under which the practice's IT finds us among the sessions of its server.
NAME = "praxistakt"

#: How long a database may hold a lock against us before we come back later.
LOCK_SECONDS = 5

#: How long a server may take to let us in, in seconds.
CONNECT_SECONDS = 10

#: Names under which SQLAlchemy knows dialects whose sessions are one.
_SAME = {"mariadb": "mysql"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that the server itself may spend on one statement, and that it waits for us inside a transaction.

    They outlive us: if our process dies or is cut off, no query of ours goes on in the practice's server.
    """

    statement: float
    idle: float


def statements(dialect: str, limits: Limits, *, readonly: bool) -> tuple[str, ...]:
    """What a new session says first; nothing for a system that we do not know."""
    return _SESSIONS.get(_SAME.get(dialect, dialect), _unknown)(limits, readonly)


def snapshot(dialect: str) -> tuple[str, ...]:
    """What begins a transaction in which all statements see the same rows and take no locks."""
    return _SNAPSHOTS.get(_SAME.get(dialect, dialect), ())


_SNAPSHOTS = {
    "postgresql": ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",),
    "mysql": ("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",),
}


def _postgresql(limits: Limits, readonly: bool) -> tuple[str, ...]:
    told = {
        "application_name": f"'{NAME}'",
        "client_encoding": "'UTF8'",
        "datestyle": "'ISO'",
        "timezone": "'UTC'",
        "statement_timeout": _milliseconds(limits.statement),
        "lock_timeout": _milliseconds(LOCK_SECONDS),
        "idle_in_transaction_session_timeout": _milliseconds(limits.idle),
    }
    if readonly:
        told["default_transaction_read_only"] = "on"
    return tuple(f"SET {name} = {value}" for name, value in told.items())


def _mysql(limits: Limits, readonly: bool) -> tuple[str, ...]:
    """MariaDB and MySQL name the limit of a statement differently; each skips what stands in the other's comment."""
    told = (
        f"SET SESSION time_zone = '+00:00', SESSION lock_wait_timeout = {LOCK_SECONDS},"
        f" SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}"
        f" /*M!100101 , SESSION max_statement_time = {limits.statement:.3f} */"
        f" /*!50708 , SESSION max_execution_time = {_milliseconds(limits.statement)} */"
    )
    return (told, "SET SESSION TRANSACTION READ ONLY") if readonly else (told,)


def _mssql(_limits: Limits, _readonly: bool) -> tuple[str, ...]:
    """There is no read-only session and no time limit in it; see `connection_string` for what the connection says."""
    return ("SET NOCOUNT ON", f"SET LOCK_TIMEOUT {_milliseconds(LOCK_SECONDS)}", "SET DEADLOCK_PRIORITY LOW")


def _sqlite(_limits: Limits, readonly: bool) -> tuple[str, ...]:
    told = f"PRAGMA busy_timeout = {_milliseconds(LOCK_SECONDS)}"
    return (told, "PRAGMA query_only = ON") if readonly else (told,)


def _unknown(_limits: Limits, _readonly: bool) -> tuple[str, ...]:
    return ()


_SESSIONS = {"postgresql": _postgresql, "mysql": _mysql, "mssql": _mssql, "sqlite": _sqlite}


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
