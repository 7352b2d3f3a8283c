"""What a login may do at a practice's database, and whether it may be used.

Praxistakt reads with a login that can do nothing else: a fault of ours must not be able to reach the practice's data.
A login that can write is refused, unless write-back is configured or the practice says why it must be so
(`accept_writable_login`); then the session is read-only where the database has such a thing, and `doctor` stays amber.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.exc import NotSupportedError, ProgrammingError

from connectors.errors import SourceRefused
from connectors.source import Finding

CHECK = "rights"

#: ODBC's number for "what is the name of this database system" (sql.h: SQL_DBMS_NAME).
_DBMS_NAME = 17

#: What drivers call a system -> SQLAlchemy's word for it.
_DBMS = {
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "microsoft sql server": "mssql",
    "mssql": "mssql",
}

#: Systems whose sessions can be made read-only whatever the login may do. SQL Server has no such thing.
READ_ONLY_SESSIONS = ("postgresql", "mysql", "sqlite")


@dataclass(frozen=True, slots=True)
class Rights:
    """Whether a login can write (None: the database would not say), and what it was that said so."""

    writes: bool | None
    found: str
    dbms: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What the practice says about a login that can write: corrections go that way, or why it cannot be helped."""

    write_back: bool = False
    accepted: str | None = None


def dbms(connection: sa.Connection) -> str:
    """The database system behind a connection as SQLAlchemy calls it, `mysql` for MariaDB too; `""` if unknown."""
    name = connection.dialect.name
    if name not in _DBMS:
        dbapi = connection.connection.dbapi_connection
        ask = getattr(dbapi, "getinfo", None)
        name = str(ask(_DBMS_NAME)).lower() if callable(ask) else name
    return _DBMS.get(name, "")


def look(connection: sa.Connection) -> Rights:
    """What the login of a connection may do to the practice's own tables. Reads the catalogue, changes nothing."""
    system = dbms(connection)
    ask = _ASK.get(system)
    if ask is None:
        return Rights(None, "this database cannot be asked", system)
    try:
        return ask(connection)
    except (ProgrammingError, NotSupportedError) as error:  # the catalogue itself is closed to this login
        connection.rollback()
        return Rights(None, f"the database would not say ({type(error.orig).__name__})", system)


def _sqlite(connection: sa.Connection) -> Rights:
    """Files that we open ourselves are opened with `mode=ro` (`connectors.pvs.engine`); an ODBC driver may do as it
    likes, unless the session says `query_only`.
    """
    if connection.dialect.driver == "pysqlite" or connection.exec_driver_sql("PRAGMA query_only").scalar() in (1, "1"):
        return Rights(False, "the file is opened for reading only", "sqlite")
    return Rights(None, "the file's driver may open it for writing", "sqlite")


_POSTGRESQL = """\
SELECT count(*), current_setting('is_superuser') = 'on'
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
AND (has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
OR has_any_column_privilege(c.oid, 'INSERT, UPDATE'))"""


def _postgresql(connection: sa.Connection) -> Rights:
    """https://www.postgresql.org/docs/current/functions-info.html: a list of rights asks for any of them."""
    tables, superuser = connection.execute(sa.text(_POSTGRESQL)).one()
    if superuser:
        return Rights(True, "the login is a superuser", "postgresql")
    return _counted(tables, "postgresql")


#: https://learn.microsoft.com/sql/t-sql/functions/has-perms-by-name-transact-sql
_MSSQL = """\
SELECT count(*) FROM sys.tables t
WHERE 1 IN (HAS_PERMS_BY_NAME(QUOTENAME(SCHEMA_NAME(t.schema_id)) + '.' + QUOTENAME(t.name), 'OBJECT', 'INSERT'),
HAS_PERMS_BY_NAME(QUOTENAME(SCHEMA_NAME(t.schema_id)) + '.' + QUOTENAME(t.name), 'OBJECT', 'UPDATE'),
HAS_PERMS_BY_NAME(QUOTENAME(SCHEMA_NAME(t.schema_id)) + '.' + QUOTENAME(t.name), 'OBJECT', 'DELETE'))"""


def _mssql(connection: sa.Connection) -> Rights:
    return _counted(connection.execute(sa.text(_MSSQL)).scalar_one(), "mssql")


def _counted(tables: int, system: str) -> Rights:
    if tables:
        return Rights(True, f"the login may change rows of {tables} table(s)", system)
    return Rights(False, "the login may read and nothing else", system)


#: `GRANT SELECT, UPDATE (a, b) ON `praxis`.* TO ...`
_GRANT = re.compile(r"GRANT (?P<rights>.+?) ON (?:TABLE )?(?P<on>\S+) TO ", re.IGNORECASE)
_CHANGING = {"ALL", "ALL PRIVILEGES", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP"}


def _mysql(connection: sa.Connection) -> Rights:
    database = connection.exec_driver_sql("SELECT DATABASE()").scalar() or ""
    lines = [str(row[0]) for row in connection.exec_driver_sql("SHOW GRANTS")]
    return mysql_rights(lines, str(database))


def mysql_rights(grants: list[str], database: str) -> Rights:
    """What the lines of `SHOW GRANTS` allow in one database; those for other databases do not count."""
    found: set[str] = set()
    for line in grants:
        match = _GRANT.match(line)
        if match and _concerns(match["on"], database):
            named = re.sub(r"\([^)]*\)", "", match["rights"]).upper().split(",")
            found |= {right.strip() for right in named} & _CHANGING
    if found:
        return Rights(True, f"the login may {', '.join(sorted(found))}", "mysql")
    return Rights(False, "the login may read and nothing else", "mysql")


def _concerns(on: str, database: str) -> bool:
    """`*.*`, a database, a table of it, or a pattern of names (`%` and `_`; a backslash takes their meaning away)."""
    name = on.replace("`", "").rsplit(".", 1)[0]
    pattern = re.sub(r"(?<!\\)%", "*", re.sub(r"(?<!\\)_", "?", name)).replace("\\", "")
    return fnmatchcase(database, pattern)


_ASK: dict[str, Callable[[sa.Connection], Rights]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mysql": _mysql,
    "mssql": _mssql,
}


def finding(rights: Rights, rule: Rule) -> Finding:
    """What `doctor` says about a login under the practice's rule."""
    if rights.writes is None:
        return _said("warn", rights.found, "see that the login can only read; it could not be asked here")
    if not rights.writes:
        return _said("ok", rights.found, None)
    if rule.write_back:
        return _said("ok", f"{rights.found}; corrections are carried with it", None)
    if rule.accepted is not None:
        return _said("warn", f"{rights.found}; accepted: {rule.accepted}; {_session(rights)}", REMEDY)
    return _said("error", f"{rights.found}, and nothing is to be written", f"{REMEDY}; {ESCAPE}")


REMEDY = "give Praxistakt a login that can only read (`praxistakt grants` prints how)"
ESCAPE = 'or say why it must be this one: accept_writable_login = "<reason>"'


def _session(rights: Rights) -> str:
    if rights.dbms in READ_ONLY_SESSIONS:
        return "the session is read-only"
    return "this database has no read-only sessions, so nothing but our care protects it"


def _said(level: Literal["ok", "warn", "error"], message: str, remedy: str | None) -> Finding:
    return Finding(CHECK, level, message, remedy)


def require(connection: sa.Connection, rule: Rule, place: str) -> None:
    """Refuse a login that can write before anything else is asked. `place` names the source.

    :raises SourceRefused: it can, and the practice neither wants corrections written nor said why it must be this one.
    """
    found = finding(look(connection), rule)
    if found.level == "error":
        raise SourceRefused(f"{place}: {found.message}: {found.remedy}")
