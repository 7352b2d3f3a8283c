"""Any ODBC source as an Engine: a small dialect of SQLAlchemy over pyodbc, which runs in a process of its own.

The URL is `odbc:DSN=...` (see `engine.parse_url`). Its `dialect` says whose SQL the source speaks; without one, it is
the plain SQL that every system understands. Tables are looked up by ODBC's own catalogue functions, so that a vendor's
system tables need not be known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mssql.base import MSDialect
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine.default import DefaultDialect

from connectors.errors import ProfileError
from connectors.pvs import connection_string, driver_process

#: SQLGetInfo: the system's name, the character around names (sql.h).
_SYSTEM, _QUOTE = 17, 29

#: What drivers call a system -> whose SQL it speaks.
_SYSTEMS = {
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "microsoft sql server": "mssql",
}

#: ODBC's numbers of types that a value must be written as (sql.h, sqlext.h); any other is text.
_TYPES: dict[int, sa.types.TypeEngine[Any]] = {
    **dict.fromkeys((-6, 4, 5), sa.Integer()),
    -5: sa.BigInteger(),
    **dict.fromkeys((2, 3), sa.Numeric()),
    **dict.fromkeys((6, 7, 8), sa.Float()),
    -7: sa.Boolean(),
    **dict.fromkeys((9, 91), sa.Date()),
    **dict.fromkeys((10, 92), sa.Time()),
    **dict.fromkeys((11, 93), sa.DateTime()),
    **dict.fromkeys((-2, -3, -4), sa.LargeBinary()),
}


class _Odbc(DefaultDialect):
    """What the dialects below have in common: the driver, the connection, the catalogue."""

    driver = "odbc"
    default_paramstyle = "qmark"
    supports_statement_cache = True
    supports_native_boolean = False
    supports_sane_multi_rowcount = False
    insert_returning = update_returning = delete_returning = False
    postfetch_lastrowid = False
    use_setinputsizes = False

    @classmethod
    def import_dbapi(cls) -> Any:
        """The DBAPI whose connections live in a process that can be ended."""
        return driver_process

    def create_connect_args(self, url: sa.URL) -> Any:
        """The connection string, with login and the driver's settings."""
        return [connection_text(url)], {}

    def initialize(self, connection: sa.Connection) -> None:
        """Only what ODBC tells: a source is asked nothing that its dialect happens to need."""
        quote = connection.connection.dbapi_connection.getinfo(_QUOTE)  # type: ignore[union-attr]
        if isinstance(quote, str) and quote.strip():
            self.identifier_preparer.initial_quote = self.identifier_preparer.final_quote = quote.strip()[0]

    def on_connect(self) -> None:
        """A session is told how to behave by `engine`."""

    def is_disconnect(self, e: Exception, _connection: Any, _cursor: Any) -> bool:
        """SQLSTATE class 08, or the child is gone."""
        return isinstance(e, driver_process.Error) and (e.sqlstate or "").startswith("08")

    # The catalogue

    def get_table_names(self, connection: sa.Connection, schema: str | None = None, **_: Any) -> list[str]:
        """Names of the tables."""
        return [row[2] for row in _catalogue(connection, "tables", tableType="TABLE", schema=schema)]

    def get_view_names(self, connection: sa.Connection, schema: str | None = None, **_: Any) -> list[str]:
        """Names of the views."""
        return [row[2] for row in _catalogue(connection, "tables", tableType="VIEW", schema=schema)]

    def has_table(self, connection: sa.Connection, table_name: str, schema: str | None = None, **_: Any) -> bool:
        """Whether there is a table or a view of that name."""
        return bool(_catalogue(connection, "columns", table=table_name, schema=schema))

    def get_columns(self, connection: sa.Connection, table_name: str, schema: str | None = None, **_: Any) -> Any:
        """Name and type of each column; a system's own counting of keys is not known to ODBC."""
        rows = _catalogue(connection, "columns", table=table_name, schema=schema)
        if not rows:
            raise sa.exc.NoSuchTableError(table_name)
        return [
            {"name": row[3], "type": _TYPES.get(row[4], sa.String()), "nullable": row[10] != 0, "default": None}
            for row in rows
        ]

    def get_pk_constraint(self, connection: sa.Connection, table_name: str, schema: str | None = None, **_: Any) -> Any:
        """The columns of the primary key; none where the driver does not tell."""
        rows = sorted(_catalogue(connection, "primaryKeys", table=table_name, schema=schema), key=lambda row: row[4])
        return {"constrained_columns": [row[3] for row in rows], "name": None}

    def get_foreign_keys(self, connection: sa.Connection, table_name: str, schema: str | None = None, **_: Any) -> Any:
        """References of one column."""
        rows = _catalogue(connection, "foreignKeys", foreignTable=table_name, foreignSchema=schema)
        return [
            {"name": row[11], "constrained_columns": [row[7]], "referred_schema": row[1], "referred_table": row[2],
             "referred_columns": [row[3]], "options": {}}
            for row in rows
        ]  # fmt: skip

    def _nothing(self, *_: Any, **__: Any) -> list[Any]:
        return []

    get_indexes = get_unique_constraints = get_check_constraints = _nothing

    def get_table_comment(self, *_: Any, **__: Any) -> Any:
        """ODBC tells none."""
        return {"text": None}

    def get_table_options(self, *_: Any, **__: Any) -> Any:
        """ODBC knows none."""
        return {}

    get_multi_table_options: Any = DefaultDialect.get_multi_table_options
    get_multi_columns: Any = DefaultDialect.get_multi_columns
    get_multi_pk_constraint: Any = DefaultDialect.get_multi_pk_constraint
    get_multi_foreign_keys: Any = DefaultDialect.get_multi_foreign_keys
    get_multi_indexes: Any = DefaultDialect.get_multi_indexes
    get_multi_unique_constraints: Any = DefaultDialect.get_multi_unique_constraints
    get_multi_check_constraints: Any = DefaultDialect.get_multi_check_constraints
    get_multi_table_comment: Any = DefaultDialect.get_multi_table_comment


def _catalogue(connection: sa.Connection, question: str, **values: str | None) -> list[Any]:
    dbapi: Any = connection.connection.dbapi_connection
    with dbapi.cursor() as cursor:
        ask: Callable[..., Any] = getattr(cursor, question)
        return list(ask(**{name: value for name, value in values.items() if value is not None}))


class OdbcDialect(_Odbc):
    """A source whose SQL we know nothing special about."""

    name = "odbc"
    supports_statement_cache = True

    @classmethod
    def get_dialect_cls(cls, url: sa.URL) -> type[sa.Dialect]:
        """The class for the dialect that the URL names; raises ProfileError for one that we do not know."""
        return DIALECTS[dialect_of(url) or "odbc"]


class OdbcPostgreSQL(_Odbc, PGDialect):
    """PostgreSQL through psqlodbc."""

    supports_statement_cache = True
    supports_native_boolean = True


class OdbcMySQL(_Odbc, MySQLDialect):
    """MySQL or MariaDB through one of their drivers."""

    supports_statement_cache = True


class OdbcSQLite(_Odbc, SQLiteDialect):  # type: ignore[misc]  # its options of sqlite_master are not ODBC's
    """A SQLite file through its ODBC driver."""

    supports_statement_cache = True

    def __init__(self, dbapi: Any = None, **given: Any) -> None:
        super().__init__(**given)  # it would look for the version of Python's own SQLite
        self.dbapi = dbapi


class OdbcMSSQL(_Odbc, MSDialect):
    """SQL Server through one of its drivers."""

    supports_statement_cache = True


DIALECTS: dict[str, type[_Odbc]] = {
    "odbc": OdbcDialect,
    "postgresql": OdbcPostgreSQL,
    "mysql": OdbcMySQL,
    "mariadb": OdbcMySQL,
    "sqlite": OdbcSQLite,
    "mssql": OdbcMSSQL,
}


def dialect_of(url: sa.URL) -> str | None:
    """The dialect that an `odbc:` URL names, or None; raises ProfileError for one that we do not know."""
    named = url.query.get("dialect")
    if named is not None and named not in DIALECTS:
        raise ProfileError([f"url: found dialect {named!r}, expected one of {', '.join(DIALECTS)}"])
    return str(named) if named is not None else None


def spoken(url: sa.URL, dialect: str) -> sa.URL:
    """An `odbc:` URL that says whose SQL the source speaks: that of the profile, unless it says so itself."""
    if url.get_backend_name() != "odbc" or dialect_of(url) is not None:
        return url
    return url.update_query_dict({"dialect": dialect if dialect in DIALECTS else "odbc"})


def system_of(connection: driver_process.Connection) -> str:
    """The dialect of the system behind a connection as its driver names it, or `odbc`."""
    return _SYSTEMS.get(str(connection.getinfo(_SYSTEM)).strip().lower(), "odbc")


def connection_text(url: sa.URL) -> str:
    """The ODBC connection string of a URL, as given or of `odbc://user@dsn`, with login and the driver's settings."""
    given = url.query.get("odbc_connect")
    text = str(given) if given is not None else f"DSN={url.host or url.database or ''}"
    dialect = dialect_of(url) or ""
    return connection_string.complete(text, {"mariadb": "mysql"}.get(dialect, dialect), url.username, url.password)


def told(string: str, dialect: sa.Dialect, *, readonly: bool) -> str:
    """A connection string of any dialect with what the database's driver must be told."""
    return connection_string.complete(string, dialect.name, readonly=readonly)


sa.dialects.registry.register("odbc", __name__, "OdbcDialect")
