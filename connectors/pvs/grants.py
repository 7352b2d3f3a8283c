"""The rights that a profile needs, as statements for the database's administrator: to read, and to correct.

Nothing is granted but SELECT on the tables that the profile names, and for a login that carries corrections UPDATE (or
INSERT) on the columns of its writables. The statements are printed and never run by us.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from connectors.errors import ProfileError
from connectors.pvs.engine import dialect_of, parse_url
from connectors.pvs.profile import Profile, RecordProfile, Stamp, Writable, find, load

Role = Literal["reading", "writing"]

#: Stands where the administrator puts a password of their own.
PASSWORD = "<password>"  # noqa: S105 (the opposite of one)

_TOKEN = re.compile(
    r"""\s+|--[^\n]*|/\*.*?\*/
    |(?P<text>'(?:[^']|'')*')
    |(?P<name>(?:"[^"]+"|`[^`]+`|\[[^\]]+\]|[^\W\d][\w$]*)(?:\s*\.\s*(?:"[^"]+"|`[^`]+`|\[[^\]]+\]|[^\W\d][\w$]*))*)
    |(?P<mark>[(),])|.""",
    re.VERBOSE | re.DOTALL,
)

#: Words after which a list of tables is over.
_END = {
    "where", "on", "using", "group", "order", "having", "limit", "offset", "union", "except", "intersect", "fetch",
    "window", "select", "values", "returning", "for",
}  # fmt: skip
_BETWEEN = {"join", "left", "right", "inner", "outer", "full", "cross", "natural", "lateral", "only", "apply"}
#: What every login may read of itself.
_CATALOGUE = ("information_schema.", "pg_catalog.", "sys.", "sqlite_master", "sqlite_schema", "pragma_", "dual")


@dataclass(slots=True)
class _Level:
    """One pair of brackets: whether a SELECT stands in it, and whether a table's name may come next."""

    select: bool = False
    tables: bool = False
    expects: bool = False


def named_in(sql: str, *, clause: bool = False) -> list[str]:
    """Tables that a statement, an expression or (`clause`) a FROM clause reads, as they are written there, in order."""
    found: dict[str, None] = {}
    common: set[str] = set()
    levels = [_Level(select=clause, tables=clause, expects=clause)]
    tokens = [(match["name"], match["mark"]) for match in _TOKEN.finditer(sql) if match["name"] or match["mark"]]
    for position, (name, mark) in enumerate(tokens):
        following = tokens[position + 1] if position + 1 < len(tokens) else (None, None)
        if mark is not None:
            _bracket(levels, mark)
        elif name is not None and _is_table(levels[-1], name, called=following[1] == "("):
            found[re.sub(r"\s*\.\s*", ".", name)] = None
        elif (
            name is not None
            and (following[0] or "").lower() == "as"
            and tokens[position + 2 : position + 3] == [(None, "(")]
        ):
            common.add(name.lower())
    return [name for name in found if name.lower() not in common and not name.lower().startswith(_CATALOGUE)]


def _bracket(levels: list[_Level], mark: str) -> None:
    level = levels[-1]
    if mark == "(":
        levels.append(_Level(select=level.expects, tables=level.expects, expects=level.expects))
        level.expects = False
    elif mark == ")":
        if len(levels) > 1:
            levels.pop()
    else:
        level.expects = level.tables


def _is_table(level: _Level, name: str, *, called: bool) -> bool:
    """Follow one word of a level; true if it is a table's name. `FROM` counts only where a SELECT stands before it:
    `EXTRACT(YEAR FROM x)` names no table.
    """
    word = name.lower()
    if word == "select":
        level.select, level.tables, level.expects = True, False, False
    elif word == "from":
        level.tables = level.expects = level.select
    elif word in _END:
        level.expects, level.tables = False, level.tables and word in ("on", "using")
    elif word in _BETWEEN:
        level.expects = level.tables
    elif level.expects:
        level.expects = False
        return not called
    return False


def tables_read(profile: Profile) -> list[str]:
    """Every table that the profile's selects, probe and version query read, sorted; catalogues of the system aside."""
    found = set(profile.fingerprint)
    for statement in (profile.probe, profile.version):
        found |= set(named_in(statement or ""))
    for record in profile.tables.values():
        found |= set(named_in(record.source, clause=True))
        for expression in _expressions(record):
            found |= set(named_in(expression))
        found |= {writable.through.table for writable in record.writable.values() if writable.through is not None}
    by_plain: dict[str, str] = {}
    for name in sorted(found, key=lambda name: (-len(name), name)):  # a quoted or qualified name says more
        by_plain.setdefault(_plain(name), name)
    return sorted(by_plain.values())


def _plain(name: str) -> str:
    return re.sub(r'["`\[\]]', "", name).rsplit(".", 1)[-1].lower()


def _expressions(record: RecordProfile) -> Iterator[str]:
    yield record.key
    yield from (record.where or "", record.deletes.when or "", record.deletes.query or "")
    yield from (mapping.expr for mapping in record.columns.values() if mapping.expr is not None)
    yield from record.packed.values()
    if record.changed is not None:
        yield record.changed.expr


@dataclass(slots=True)
class Columns:
    """What may be changed in one table; `insert` is None where no row is ever made."""

    update: set[str] = field(default_factory=set)
    insert: set[str] | None = None

    def made_with(self, columns: Iterable[str]) -> None:
        """Rows are made, and these columns are filled then."""
        self.insert = (self.insert or set()) | set(columns)


def tables_written(profile: Profile) -> dict[str, Columns]:
    """Table -> the columns that the profile's writables may change or fill."""
    found: dict[str, Columns] = {}
    for record in profile.tables.values():
        for writable in record.writable.values():
            _allow(found.setdefault(writable.table, Columns()), writable)
        if record.create is not None:
            new = record.create
            columns = {new.reference, *new.defaults, *_stamped(new.stamps)}
            columns |= {writable.column for writable in record.writable.values() if writable.table == new.table}
            found.setdefault(new.table, Columns()).made_with(columns)
    return dict(sorted(found.items()))


def _allow(columns: Columns, writable: Writable) -> None:
    own = {writable.column, *writable.also, *_stamped((writable.stamp,) if writable.stamp else ())}
    columns.update |= own
    if writable.on_missing == "insert":
        columns.made_with(
            {writable.key, *writable.filter, *writable.insert.defaults, *_stamped(writable.insert.stamps), *own}
        )


def _stamped(stamps: Iterable[Stamp]) -> set[str]:
    return {stamp.column for stamp in stamps}


# The statements


def statements(
    profile: Profile, dbms: str, *, login: str, database: str, schema: str | None = None, role: Role = "reading"
) -> list[str]:
    """What the administrator runs, a comment where only a person can act. `dbms` is one of `DBMS`.

    `schema` is put before tables that the profile names without one; without it, the system's own default is.
    """
    named = [_Table(name, _place(name, dbms, schema)) for name in tables_read(profile)]
    changed = tables_written(profile) if role == "writing" else {}
    rights = [f"SELECT ON {table.place}" for table in named]
    known = {_plain(table.name): table.place for table in named}
    for name, columns in changed.items():
        place = known.get(_plain(name), _place(name, dbms, schema))
        if _plain(name) not in known:
            rights.append(f"SELECT ON {place}")
        rights += _column_rights(columns, place, dbms)
    return DBMS[dbms](login, database, rights, sorted({table.schema for table in named}), role)


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    place: str

    @property
    def schema(self) -> str:
        return self.place.rsplit(".", 1)[0] if "." in self.place else ""


_DEFAULT_SCHEMA = {"postgresql": "public", "mssql": "dbo"}


def _place(name: str, dbms: str, schema: str | None) -> str:
    """A table with its schema. MySQL's schema is the database, which its statements put before it."""
    above = schema or _DEFAULT_SCHEMA.get(dbms)
    return name if "." in name or above is None else f"{above}.{name}"


def _column_rights(columns: Columns, place: str, dbms: str) -> Iterator[str]:
    """SQL Server has no right to insert single columns; there it holds for the table."""
    if columns.update:
        yield f"UPDATE ({_list(columns.update)}) ON {place}"
    if columns.insert is not None:
        yield f"INSERT ON {place}" if dbms == "mssql" else f"INSERT ({_list(columns.insert)}) ON {place}"


def _list(columns: Iterable[str]) -> str:
    return ", ".join(sorted(columns))


def _postgresql(login: str, database: str, rights: list[str], schemas: list[str], role: Role) -> list[str]:
    read_only = [f"ALTER ROLE {login} SET default_transaction_read_only = on;"] if role == "reading" else []
    sequences = ["-- if a key is counted up by a sequence: GRANT USAGE ON SEQUENCE ..."] if _inserts(rights) else []
    return [
        f"CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}' NOSUPERUSER NOCREATEDB NOCREATEROLE;",
        *read_only,
        f'GRANT CONNECT ON DATABASE "{database}" TO {login};',
        *(f"GRANT USAGE ON SCHEMA {schema} TO {login};" for schema in schemas),
        *(f"GRANT {right} TO {login};" for right in rights),
        *sequences,
    ]


def _inserts(rights: Iterable[str]) -> bool:
    return any(right.startswith("INSERT") for right in rights)


def _mysql(login: str, database: str, rights: list[str], _schemas: list[str], _role: Role) -> list[str]:
    who = f"'{login}'@'%'"
    return [
        "-- put our machine's address in place of %: then nobody else comes in with this login",
        f"CREATE USER {who} IDENTIFIED BY '{PASSWORD}';",
        *(f"GRANT {_in_database(right, database)} TO {who};" for right in rights),
    ]


def _in_database(right: str, database: str) -> str:
    what, place = right.rsplit(" ON ", 1)
    return f"{what} ON {place}" if "." in place else f"{what} ON `{database}`.{place}"


def _mssql(login: str, database: str, rights: list[str], _schemas: list[str], _role: Role) -> list[str]:
    return [
        f"CREATE LOGIN [{login}] WITH PASSWORD = '{PASSWORD}';",
        f"USE [{database}];",
        f"CREATE USER [{login}] FOR LOGIN [{login}];",
        *(f"GRANT {right.replace(' ON ', ' ON OBJECT::')} TO [{login}];" for right in rights),
    ]


def _sqlite(login: str, database: str, _rights: list[str], _schemas: list[str], role: Role) -> list[str]:
    """A file has no logins: the operating system's rights on the file and its folder are all there is."""
    letter, words = ("r", "(R)") if role == "reading" else ("rw", "(M)")
    return [
        f"-- SQLite knows no logins. Let the account {login} {'read' if role == 'reading' else 'change'} the file:",
        f"--   Linux:   setfacl -m u:{login}:{letter} '{database}'",
        f'--   Windows: icacls "{database}" /grant {login}:{words}',
        "-- A file in WAL mode (a file ...-wal lies beside it) also needs its -wal and -shm files to be readable.",
        "-- Praxistakt itself opens the file with mode=ro.",
    ]


DBMS = {"postgresql": _postgresql, "mysql": _mysql, "mssql": _mssql, "sqlite": _sqlite}


def for_source(table: Mapping[str, Any], *, login: str, schema: str | None = None, role: Role = "reading") -> list[str]:
    """The statements for a `[sources.<name>]` table of kind `pvs`; the profile says which system it speaks to.

    Raises ProfileError for a source of another kind, and for a system that no statements are known for.
    """
    if table.get("kind") != "pvs":
        raise ProfileError([f"kind: found {table.get('kind')!r}, expected 'pvs': only a database has rights to grant"])
    profile = load(find(str(table["profile"])))
    url = parse_url(str(table["url"]))
    dbms = next((name for name in (dialect_of(url), profile.dialect) if name in DBMS), None)
    if dbms is None:
        raise ProfileError([f"url: found {dialect_of(url)}, expected one of {', '.join(DBMS)}"])
    return statements(profile, dbms, login=login, database=url.database or "<database>", schema=schema, role=role)
