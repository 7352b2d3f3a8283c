"""Stations 2, 4 and 5: the SQL files of `sql/` become tables, in the order that the SQL itself asks for.

A model is `sql/<schema>/<table>.sql`: one plain SELECT that builds `<schema>.<table>`. Its head comment has two parts,
divided by an empty comment line; the first is the grain, the second says what the columns hold:

    -- One row per appointment that a source knows.
    --
    -- appointment_key: md5 of source and source_id; the same in every build.
    -- start_at: planned start (UTC), cut to the minute.

Both become COMMENTs in the built file. What a model reads is found by DuckDB's own parser, so that there is no
registry to keep and no order to maintain. A check is `sql/checks/<name>.sql`: it returns the rows that must not exist;
a line `-- severity: warn` in its head makes it a finding instead of a reason not to publish. A line `-- published: no`
in a model's head says that it only serves other models.

Works on any connection that has the schemas `raw` and `ops`; the target schemas may be attached files (one file per
schema, `core` is then the file's alias) or schemas in memory.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import duckdb
import polars as pl

from pipelines.errors import PipelineError

#: Schemas that hold models, in the order in which a record passes them.
SCHEMAS = ("staging", "core", "marts", "desk")
#: Schemas that a build finds: what was read, and what was decided here.
INPUTS = ("raw", "ops")

_COLUMN = re.compile(r"^(?P<name>[a-z][a-z0-9_]*): (?P<text>.+)$")
_UNPUBLISHED = "published: no"
_SEVERITY = re.compile(r"^severity: (?P<severity>error|warn)$")

#: Under which name a frame stands while it becomes a table.
_INCOMING = "incoming"

Severity = Literal["error", "warn"]
Progress = Callable[["ModelResult"], None]


class TransformError(PipelineError):
    """The SQL files do not make a warehouse: a file that is no SELECT, an unknown table, a circle."""


class ModelFailed(TransformError):
    """A model's SELECT failed; names the model. DuckDB's own text is the cause (it may quote a value: never log it)."""


@dataclass(frozen=True, slots=True)
class Model:
    """One SQL file: what it builds, what one row of it is, which tables it reads, and whether a generation holds it."""

    schema: str
    name: str
    sql: str
    grain: str
    columns: Mapping[str, str] = field(hash=False)
    depends: tuple[str, ...] = ()
    is_published: bool = True

    @property
    def table(self) -> str:
        """`schema.name`, as other models write it."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Check:
    """One file of `sql/checks`: rows that must not exist, and what their existence means."""

    name: str
    sql: str
    meaning: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class ModelResult:
    """What became of a model: its table, its rows, and how long it took."""

    name: str
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How many rows a check found that must not exist."""

    name: str
    rows: int
    severity: Severity


def folder() -> Path:
    """Where the SQL files lie: `sql/` beside the package `pipelines`, in a checkout and in an installed wheel."""
    return Path(str(resources.files("pipelines"))).parent / "sql"


def fingerprint() -> str:
    """SHA-256 over names and contents of all SQL files, so that a build can tell that its rules have changed."""
    digest = hashlib.sha256()
    for path in _files("*"):
        name = path.relative_to(folder()).as_posix()
        digest.update(f"{name}\n{path.read_text('utf-8')}\n".encode())
    return digest.hexdigest()


def models() -> tuple[Model, ...]:
    """Every model, each after all that it reads."""
    return _ordered(folder())


def evaluate(
    con: duckdb.DuckDBPyConnection,
    *,
    today: dt.date,
    variables: Mapping[str, object],
    targets: Sequence[str],
    progress: Progress | None = None,
) -> list[ModelResult]:
    """Build the targets (`schema.table`, or a schema for all of its tables) and what they are made of.

    `variables` become DuckDB variables beside `today`; the models need `zone` (IANA name of the practice) and `run`
    (the newest run that counts). Raises ModelFailed with the model's name.
    """
    wanted = needed(targets)
    _set_variables(con, {"today": today, **variables})
    for schema in {model.schema for model in wanted}:
        _make_schema(con, schema)
    results = []
    for model in wanted:
        results.append(_build(con, model))
        if progress:
            progress(results[-1])
    return results


def needed(targets: Sequence[str]) -> list[Model]:
    """The targets and their ancestors among the models, in building order. Raises TransformError for an unknown one."""
    known = {model.table: model for model in models()}
    open_tables = [table for target in targets for table in _target(target, known)]
    wanted: set[str] = set()
    while open_tables:
        table = open_tables.pop()
        if table not in wanted:
            wanted.add(table)
            open_tables.extend(parent for parent in known[table].depends if parent in known)
    return [model for model in models() if model.table in wanted]


def checks(con: duckdb.DuckDBPyConnection) -> list[CheckResult]:
    """Run every check whose tables exist; `rows` is 0 where all is well."""
    ready = [check for check in every_check() if all(_exists(con, table) for table in tables_in(check.sql))]
    return [CheckResult(check.name, _count(con, check.sql), check.severity) for check in ready]


def load_ops(con: duckdb.DuckDBPyConnection, frames: Mapping[str, pl.DataFrame]) -> None:
    """Make frames the tables of schema `ops`; a frame that was there before is replaced."""
    con.execute("CREATE SCHEMA IF NOT EXISTS ops")
    for name, frame in frames.items():
        con.register(_INCOMING, frame)
        con.execute(f"CREATE OR REPLACE TABLE ops.{_identifier(name)} AS SELECT {_as_seen(frame)} FROM {_INCOMING}")
        con.unregister(_INCOMING)


def _as_seen(frame: pl.DataFrame) -> str:
    """The frame's columns; times of day are nanoseconds in polars, a type that DuckDB cannot add to a date."""
    return ", ".join(
        f'"{name}"::TIME AS "{name}"' if dtype == pl.Time() else f'"{name}"' for name, dtype in frame.schema.items()
    )


def copy_published(con: duckdb.DuckDBPyConnection, schema: str, file: str) -> None:
    """Copy what was built of a schema and is to be published into an attached, empty file, comments included.

    In one transaction: each commit waits for the disk, and comments alone would be some three hundred of them.
    """
    con.begin()
    for model in _published(schema):
        con.execute(f'CREATE TABLE {file}."{model.name}" AS FROM {model.table}')
        _comment(con, model, f'{file}."{model.name}"')
    con.commit()


def holds_same(con: duckdb.DuckDBPyConnection, schema: str, file: str) -> bool:
    """Whether an attached file holds the very tables and rows that were just built; small tables are compared first."""
    built = {model.name: model.table for model in _published(schema)}
    found = con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = $1", [file]).fetchall()
    if {name for (name,) in found} != set(built):
        return False
    sizes = {name: _count(con, f"FROM {table}") for name, table in built.items()}
    return all(_is_same(con, built[name], f'{file}."{name}"') for name in sorted(built, key=sizes.__getitem__))


def _is_same(con: duckdb.DuckDBPyConnection, table: str, other: str) -> bool:
    return _columns(con, table) == _columns(con, other) and _digest(con, table) == _digest(con, other)


def _digest(con: duckdb.DuckDBPyConnection, table: str) -> tuple[object, ...] | None:
    """Rows and a sum over them, whatever their order. DuckDB's hash is never stored: another version may differ."""
    return con.execute(f"SELECT count(*), sum(hash(t)::HUGEINT) FROM {table} AS t").fetchone()


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in con.execute(f"DESCRIBE {table}").fetchall()]


def _published(schema: str) -> list[Model]:
    return [model for model in models() if model.schema == schema and model.is_published]


def tables_in(sql: str) -> tuple[str, ...]:
    """The tables that a SELECT reads, as `schema.table`, sorted; names of its own WITH clauses are none.

    Raises TransformError when the text is no SELECT, or reads a table without naming its schema.
    """
    nodes = list(_nodes(_parse(sql)))
    own = {entry["key"].lower() for node in nodes for entry in node.get("cte_map", {}).get("map", ())}
    found = [(node["schema_name"], node["table_name"]) for node in nodes if node.get("type") == "BASE_TABLE"]
    bare = sorted({table for schema, table in found if not schema and table.lower() not in own})
    if bare:
        raise TransformError(f"tables are written with their schema; found without one: {', '.join(bare)}")
    return tuple(sorted({f"{schema}.{table}" for schema, table in found if schema}))


def _parse(sql: str) -> dict[str, Any]:
    """DuckDB's syntax tree of a SELECT."""
    with _parser().cursor() as cursor:
        row = cursor.execute("SELECT json_serialize_sql($1::VARCHAR)", [sql]).fetchone()
    tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if tree["error"]:
        raise TransformError(f"expected one SELECT: {tree.get('error_message')} (position {tree.get('position')})")
    if len(tree["statements"]) != 1:
        raise TransformError(f"expected one SELECT, found {len(tree['statements'])} statements")
    return tree


@lru_cache(maxsize=1)
def _parser() -> duckdb.DuckDBPyConnection:
    """An empty database of its own: opening one costs more than parsing a file."""
    return duckdb.connect()


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    """Every object of a syntax tree."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _files(schema: str) -> list[Path]:
    return sorted(folder().glob(f"{schema}/*.sql"))


@lru_cache(maxsize=4)
def _ordered(_folder: Path) -> tuple[Model, ...]:
    """Cached per folder: parsing some sixty files takes a moment, and they do not change under a running process."""
    known = {model.table: model for schema in SCHEMAS for model in map(_read_model, _files(schema))}
    for model in known.values():
        _check_parents(model, known)
    try:
        order = TopologicalSorter(
            {name: _parents(model, known) for name, model in sorted(known.items())}
        ).static_order()
        return tuple(known[name] for name in order)
    except CycleError as error:
        raise TransformError(f"these models read one another in a circle: {' -> '.join(error.args[1])}") from error


def _parents(model: Model, known: Mapping[str, Model]) -> list[str]:
    return [table for table in model.depends if table in known]


def _check_parents(model: Model, known: Mapping[str, Model]) -> None:
    unknown = [table for table in model.depends if table not in known and table.split(".")[0] not in INPUTS]
    if unknown:
        raise TransformError(f"{model.table} reads {', '.join(unknown)}, and no file in sql/ builds it")


def _read_model(path: Path) -> Model:
    sql = path.read_text("utf-8")
    grain, described = _head(sql)
    columns = dict(_described_columns(described))
    if not grain:
        raise TransformError(f"sql/{path.parent.name}/{path.name}: the first comment must say what one row is")
    published = path.parent.name != "staging" and _UNPUBLISHED not in described
    return Model(path.parent.name, path.stem, sql, grain, columns, _tables_of(path, sql), published)


def _tables_of(path: Path, sql: str) -> tuple[str, ...]:
    try:
        return tables_in(sql)
    except TransformError as error:
        raise TransformError(f"sql/{path.parent.name}/{path.name}: {error}") from error


def _head(sql: str) -> tuple[str, list[str]]:
    """The head comment: its first paragraph as one line, and the lines after it."""
    lines: list[str] = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").removeprefix(" "))
    end = next((number for number, line in enumerate(lines) if not line.strip()), len(lines))
    return " ".join(line.strip() for line in lines[:end]), lines[end:]


def _described_columns(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """`name: text` pairs; a line that begins with two blanks goes on with the text before it."""
    name, text = "", ""
    for line in lines:
        if line.startswith("  ") and name:
            text = f"{text} {line.strip()}"
            continue
        if name:
            yield name, text
        match = _COLUMN.match(line) if line != _UNPUBLISHED else None
        name, text = (match["name"], match["text"]) if match else ("", "")
    if name:
        yield name, text


@lru_cache(maxsize=1)
def every_check() -> tuple[Check, ...]:
    """The checks of `sql/checks`, by name."""
    return tuple(_read_check(path) for path in _files("checks"))


def _read_check(path: Path) -> Check:
    sql = path.read_text("utf-8")
    meaning, rest = _head(sql)
    found = [match["severity"] for match in map(_SEVERITY.match, rest) if match]
    return Check(path.stem, sql, meaning, "warn" if found == ["warn"] else "error")


def _target(target: str, known: Mapping[str, Model]) -> list[str]:
    tables = [target] if target in known else [table for table in known if table.split(".")[0] == target]
    if not tables:
        raise TransformError(f"no model {target}; there are: {', '.join(known)}")
    return tables


def _set_variables(con: duckdb.DuckDBPyConnection, variables: Mapping[str, object]) -> None:
    for name, value in variables.items():
        con.execute(f"SET VARIABLE {_identifier(name)} = $1", [value])


def _identifier(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise TransformError(f"a variable's name is made of a-z, 0-9 and _; found {name!r}")
    return name


def _make_schema(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    """A schema in memory, unless a file is attached under that name (`core.x` then is a table of that file)."""
    attached = con.execute("SELECT 1 FROM duckdb_databases() WHERE database_name = $1", [schema]).fetchone()
    if not attached:
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")


def _build(con: duckdb.DuckDBPyConnection, model: Model) -> ModelResult:
    begun = time.monotonic()
    try:
        con.execute(f"CREATE OR REPLACE TABLE {model.table} AS {model.sql}")
    except duckdb.Error as error:
        raise ModelFailed(f"sql/{model.schema}/{model.name}.sql failed ({type(error).__name__})") from error
    _comment(con, model, model.table)
    return ModelResult(model.table, _count(con, f"FROM {model.table}"), time.monotonic() - begun)


def _comment(con: duckdb.DuckDBPyConnection, model: Model, table: str) -> None:
    """All in one go: a statement each costs more than building a small table."""
    columns = (f'COMMENT ON COLUMN {table}."{name}" IS {_quoted(text)}' for name, text in model.columns.items())
    con.execute("; ".join([f"COMMENT ON TABLE {table} IS {_quoted(model.grain)}", *columns]))


def _quoted(text: str) -> str:
    """COMMENT takes no bound value; the text comes from our own files."""
    return "'" + text.replace("'", "''") + "'"


def _count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(f"SELECT count(*) FROM ({sql}\n)").fetchone()
    return int(row[0]) if row else 0


def _exists(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    schema, name = table.split(".")
    row = con.execute(
        "SELECT 1 FROM duckdb_tables() WHERE table_name = $1 AND (schema_name = $2 OR database_name = $2) LIMIT 1",
        [name, schema],
    ).fetchone()
    return row is not None
