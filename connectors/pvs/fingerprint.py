"""The tables and columns that a profile reads, as they were and as they are: an update of the vendor's is named first.

A profile's `[fingerprint.<table>]` lists its columns with the family of their types. Before a record is read, what the
database says about these tables is compared; a table or column that moved stops the records whose SQL names it, and no
others. One question for all tables, in plain SQL, so that it works over any driver.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from connectors.pvs import rights
from connectors.pvs.profile import Family, Profile, RecordProfile

#: Table -> column -> family. Names as the profile or the database writes them.
Print = Mapping[str, Mapping[str, Family]]

#: The database's catalogue by the profile's dialect; `near`: the table needs no schema before its name.
_CATALOGUES = {
    "postgresql": "SELECT table_schema AS place, table_name AS relation, column_name AS field, data_type AS declared,"
    " CASE WHEN table_schema = ANY (current_schemas(false)) THEN 1 ELSE 0 END AS near FROM information_schema.columns",
    "mysql": "SELECT table_schema AS place, table_name AS relation, column_name AS field, column_type AS declared,"
    " CASE WHEN table_schema = DATABASE() THEN 1 ELSE 0 END AS near FROM information_schema.columns",
    "mssql": "SELECT TABLE_SCHEMA AS place, TABLE_NAME AS relation, COLUMN_NAME AS field, DATA_TYPE AS declared,"
    " CASE WHEN TABLE_SCHEMA = SCHEMA_NAME() THEN 1 ELSE 0 END AS near FROM INFORMATION_SCHEMA.COLUMNS",
    "sqlite": "SELECT 'main' AS place, m.name AS relation, c.name AS field, c.type AS declared, 1 AS near"
    " FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type IN ('table', 'view')",
}

#: The database's word for a type, from its beginning -> family; the first that fits holds.
_FAMILIES: tuple[tuple[str, Family], ...] = (
    (r"timestamp with time zone|timestamptz|datetimeoffset", "instant"),
    (r"tinyint\(1\)|bit|bool", "boolean"),
    (r"(tiny|small|medium|big)?int(eger|\d)?\b|(big|small)?serial|year", "integer"),
    (r"numeric|decimal|real|double|float|(small)?money|number", "number"),
    (r"(var|n|nvar)?char|character|(tiny|medium|long|n)?text|enum|set\b|clob|name|citext|uuid|uniqueidentifier|json|xml",
     "text"),
    (r"date\b", "date"),
    (r"(small)?datetime2?|timestamp", "datetime"),
    (r"time", "time"),
    (r"bytea|(tiny|medium|long)?blob|(var)?binary|image|rowversion", "binary"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moved:
    """A table (without `column`) or a column that is not what the profile was written for; `found` None: not there."""

    table: str
    column: str | None
    found: Family | None
    expected: Family | None

    def __str__(self) -> str:
        if self.column is None:
            return f"no table {self.table}"
        if self.found is None:
            return f"no column {self.table}.{self.column}"
        return f"column {self.table}.{self.column} is {self.found}, expected {self.expected}"


def family(declared: str, dialect: str = "") -> Family:
    """The family of a type as the database calls it; a word that nobody knows is `any`."""
    word = declared.strip().lower()
    if dialect == "mysql" and word.startswith("timestamp"):
        return "instant"  # kept in UTC and shown in the zone of the session
    if dialect == "mssql" and word == "timestamp":
        return "binary"  # an old name of rowversion
    return next((kind for pattern, kind in _FAMILIES if re.match(pattern, word)), "any")


def standing(connection: sa.Connection, dialect: str, tables: Iterable[str]) -> dict[str, dict[str, Family]]:
    """These tables as the database has them now; one that it lacks is not in the answer.

    `schema.table` is looked up there, a bare name where the login looks for it. Letter case of tables does not count.
    """
    wanted = {table.lower(): table for table in tables}
    names = sorted({table.rpartition(".")[2] for table in wanted})
    columns = "place, relation, field, declared, near"
    question = sa.text(f"SELECT {columns} FROM ({_CATALOGUES[dialect]}) known WHERE lower(relation) IN :names")
    rows = connection.execute(question.bindparams(sa.bindparam("names", names, expanding=True)))
    found: dict[str, dict[str, Family]] = {}
    for schema, relation, column, declared, near in rows:
        for name in (f"{schema}.{relation}", relation if near else ""):
            if name.lower() in wanted:
                found.setdefault(wanted[name.lower()], {})[str(column)] = family(str(declared), dialect)
    return found


def moved(expected: Print, found: Print) -> list[Moved]:
    """What differs, in the order of the profile. A column more is no trouble, and `any` is any family."""
    out: list[Moved] = []
    for table, columns in expected.items():
        if table not in found:
            out.append(Moved(table, None, None, None))
            continue
        there = {name.lower(): kind for name, kind in found[table].items()}
        for column, kind in columns.items():
            now = there.get(column.lower())
            if now is None or (now != kind and "any" not in (now, kind)):
                out.append(Moved(table, column, now, kind))
    return out


def of_record(record: RecordProfile, expected: Print) -> dict[str, dict[str, Family]]:
    """The part of a fingerprint that the record's own SQL names: `alias.column`, or the column alone."""
    sql = " ".join(_texts(record)).lower()
    words = set(re.findall(r"\w+", sql))
    pairs = set(re.findall(r"(\w+)\W?\.\W?(\w+)", sql))
    alone = set(re.findall(r"(?<![\w.])\w+(?![\w.])", sql))
    part: dict[str, dict[str, Family]] = {}
    for table, columns in expected.items():
        if set(re.findall(r"\w+", table.lower())) <= words:
            name = table.lower().rpartition(".")[2]
            aliases = {name, *re.findall(rf"\b{re.escape(name)}\W?\s+(?:as\s+)?(\w+)", sql)}
            named = alone | {column for alias, column in pairs if alias in aliases}
            part[table] = {column: kind for column, kind in columns.items() if column.lower() in named}
    return part


def _texts(record: RecordProfile) -> list[str]:
    """Everything in a record that is SQL or names what SQL will name."""
    texts = [record.source, record.key, record.where, record.deletes.when, record.deletes.query]
    texts += [record.changed.expr if record.changed else None, *record.packed.values()]
    texts += [field.expr for field in record.columns.values()]
    return [text for text in texts if text is not None]


def of_profile(connection: sa.Connection, profile: Profile, tables: Iterable[str]) -> dict[str, dict[str, Family]]:
    """A fingerprint to write into a profile: these tables, with the columns that its SQL names."""
    found = standing(connection, rights.dbms(connection) or profile.dialect, tables)
    named: dict[str, set[str]] = {}
    for record in profile.tables.values():
        for table, columns in of_record(record, found).items():
            named.setdefault(table, set()).update(columns)
    return {
        table: {column: kind for column, kind in sorted(columns.items()) if column in named.get(table, ())}
        for table, columns in sorted(found.items())
    }


def as_toml(found: Print) -> str:
    """A fingerprint as it stands in a profile."""
    return "\n".join(
        f"[fingerprint.{_key(table)}]\n" + "".join(f'{_key(column)} = "{kind}"\n' for column, kind in columns.items())
        for table, columns in found.items()
    )


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'
