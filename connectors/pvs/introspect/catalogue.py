"""The tables of an unknown database: columns with the family of their types, keys, references. Names only, no rows.

Asked in plain SQL of the system's own catalogue, two questions for all tables, so that it works over any driver.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from connectors.pvs.fingerprint import family
from connectors.pvs.profile import Family
from connectors.pvs.rights import dbms

#: schema, table, column, type, length, place in the primary key (0: none).
_COLUMNS = {
    "postgresql": """\
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, NULL),
CASE WHEN a.atttypid IN (1042, 1043) AND a.atttypmod > 4 THEN a.atttypmod - 4 END,
coalesce(array_position(k.conkey, a.attnum), 0)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
AND has_column_privilege(c.oid, a.attnum, 'SELECT') ORDER BY 1, 2, a.attnum""",
    "mysql": """\
SELECT c.table_schema, c.table_name, c.column_name, c.column_type, c.character_maximum_length,
coalesce(k.ordinal_position, 0)
FROM information_schema.columns c LEFT JOIN information_schema.key_column_usage k
ON k.table_schema = c.table_schema AND k.table_name = c.table_name AND k.column_name = c.column_name
AND k.constraint_name = 'PRIMARY'
WHERE c.table_schema = DATABASE() ORDER BY c.table_name, c.ordinal_position""",
    "mssql": """\
SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, c.DATA_TYPE, c.CHARACTER_MAXIMUM_LENGTH,
coalesce((SELECT k.ORDINAL_POSITION FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE k
JOIN INFORMATION_SCHEMA.TABLE_CONSTRAINTS t ON t.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND t.CONSTRAINT_SCHEMA =
k.CONSTRAINT_SCHEMA AND t.CONSTRAINT_TYPE = 'PRIMARY KEY' WHERE k.TABLE_SCHEMA = c.TABLE_SCHEMA
AND k.TABLE_NAME = c.TABLE_NAME AND k.COLUMN_NAME = c.COLUMN_NAME), 0)
FROM INFORMATION_SCHEMA.COLUMNS c ORDER BY c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION""",
    "sqlite": """\
SELECT '', m.name, c.name, c.type, NULL, c.pk FROM sqlite_master m, pragma_table_info(m.name) c
WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid""",
}

#: schema, table, column, the schema and table that it refers to; references over several columns are left out.
_REFERENCES = {
    "postgresql": """\
SELECT n.nspname, t.relname, a.attname, fn.nspname, ft.relname FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class t ON t.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_class ft ON ft.oid = k.confrelid JOIN pg_catalog.pg_namespace fn ON fn.oid = ft.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
WHERE k.contype = 'f' AND array_length(k.conkey, 1) = 1""",
    "mysql": """\
SELECT table_schema, table_name, column_name, referenced_table_schema, referenced_table_name
FROM information_schema.key_column_usage WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL""",
    "mssql": """\
SELECT SCHEMA_NAME(t.schema_id), t.name, c.name, SCHEMA_NAME(r.schema_id), r.name FROM sys.foreign_key_columns f
JOIN sys.tables t ON t.object_id = f.parent_object_id JOIN sys.tables r ON r.object_id = f.referenced_object_id
JOIN sys.columns c ON c.object_id = f.parent_object_id AND c.column_id = f.parent_column_id""",
    "sqlite": """\
SELECT '', m.name, f."from", '', f."table" FROM sqlite_master m, pragma_foreign_key_list(m.name) f
WHERE m.type = 'table'""",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `length` in characters where the type has one."""

    name: str
    family: Family
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view. `key` are the columns of its primary key, `refers` leads from a column to a table's `place`."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    refers: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def place(self) -> str:
        """Schema and name; what tells it from all others."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All tables of a database; `home` is the schema that needs no naming."""

    dbms: str
    home: str
    tables: tuple[Table, ...]

    def table(self, place: str) -> Table | None:
        """The table at a place."""
        return next((table for table in self.tables if table.place == place), None)


_HOME = {
    "postgresql": "SELECT current_schema()",
    "mysql": "SELECT DATABASE()",
    "mssql": "SELECT SCHEMA_NAME()",
    "sqlite": "SELECT ''",
}


def read(connection: sa.Connection) -> Catalogue:
    """The catalogue of the database behind a connection; one that is not known here is left to its driver."""
    system = dbms(connection)
    if system not in _COLUMNS:
        return Catalogue("odbc", "", _by_driver(connection))
    home = str(connection.exec_driver_sql(_HOME[system]).scalar() or "")
    columns = connection.execute(sa.text(_COLUMNS[system])).all()
    references = connection.execute(sa.text(_REFERENCES[system])).all()
    return Catalogue(system, home, _tables(columns, references, system))


def _tables(columns: Iterable[Any], references: Iterable[Any], system: str) -> tuple[Table, ...]:
    found: dict[tuple[str, str], list[tuple[Column, int]]] = {}
    for schema, table, name, declared, length, in_key in columns:
        column = Column(str(name), family(str(declared), system), _length(length))
        found.setdefault((str(schema or ""), str(table)), []).append((column, int(in_key or 0)))
    refers: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, name, other_schema, other in references:
        place = f"{other_schema}.{other}" if other_schema else str(other)
        refers.setdefault((str(schema or ""), str(table)), {})[str(name)] = place
    return tuple(
        Table(
            schema,
            name,
            tuple(column for column, _ in own),
            tuple(column.name for column, place in sorted(own, key=lambda one: one[1]) if place),
            refers.get((schema, name), {}),
        )
        for (schema, name), own in found.items()
    )


def _length(value: object) -> int | None:
    return int(str(value)) if value is not None and 0 < int(str(value)) < 2**31 - 1 else None


def _by_driver(connection: sa.Connection) -> tuple[Table, ...]:
    """What the driver itself tells of its tables (ODBC's catalogue functions), for systems that only it knows."""
    asked = sa.inspect(connection)
    columns: list[tuple[object, ...]] = []
    references: list[tuple[object, ...]] = []
    for table in (*asked.get_table_names(), *asked.get_view_names()):
        key = asked.get_pk_constraint(table)["constrained_columns"]
        places = {column: place for place, column in enumerate(key, start=1)}
        columns += [
            ("", table, one["name"], str(one["type"]), None, places.get(one["name"], 0))
            for one in asked.get_columns(table)
        ]
        references += [
            ("", table, one["constrained_columns"][0], "", one["referred_table"])
            for one in asked.get_foreign_keys(table)
            if len(one["constrained_columns"]) == 1
        ]
    return _tables(columns, references, "odbc")
