"""What the files of `sql/` say: models, checks, and the order in which models are built.

A model is `sql/<schema>/<table>.sql`: one plain SELECT that builds `<schema>.<table>`. Its head comment has two parts,
divided by an empty comment line; the first is the grain, the second says what the columns hold:

    -- One row per appointment that a source knows.
    --
    -- appointment_key: of source and source_id; the same in every build.
    -- start_at: planned start (UTC), cut to the minute.

Both become COMMENTs in the built file. What a model reads is found by DuckDB's own parser, so that there is no
registry to keep and no order to maintain. A check is `sql/checks/<name>.sql`: it returns the rows that must not exist;
a line `-- severity: warn` in its head makes it a finding instead of a reason not to publish. A line `-- published: no`
in a model's head says that it only serves other models.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import duckdb

from pipelines.errors import PipelineError

#: Schemas that hold models, in the order in which a record passes them.
SCHEMAS = ("staging", "core", "marts", "desk")
#: Schemas that a build finds: what was read, and what was decided here.
INPUTS = ("raw", "ops")

_COLUMN = re.compile(r"^(?P<name>[a-z][a-z0-9_]*): (?P<text>.+)$")
_UNPUBLISHED = "published: no"
_SEVERITY = re.compile(r"^severity: (?P<severity>error|warn)$")

Severity = Literal["error", "warn"]


class TransformError(PipelineError):
    """The SQL files do not make a warehouse: a file that is no SELECT, an unknown table, a circle."""


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


@lru_cache(maxsize=1)
def every_check() -> tuple[Check, ...]:
    """The checks of `sql/checks`, by name."""
    return tuple(_read_check(path) for path in _files("checks"))


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
