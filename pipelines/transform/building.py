"""Models become tables of a connection, several at a time; then the checks look for rows that must not exist."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter

import duckdb
import polars as pl

from pipelines.transform.sql_files import Model, Severity, TransformError, every_check, needed, tables_in

#: Under which name a frame stands while it becomes a table.
_INCOMING = "incoming"

#: Models under way at a time. Most are too small for DuckDB to spread one over its threads.
_LANES = 2

Progress = Callable[["ModelResult"], None]


class ModelFailed(TransformError):
    """A model's SELECT failed; names the model. DuckDB's own text is the cause (it may quote a value: never log it)."""


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
    (the newest run that counts). Results come in building order. Raises ModelFailed with the model's name.
    """
    wanted = needed(targets)
    told = {"today": today, **variables}
    _set_variables(con, told)
    for schema in {model.schema for model in wanted}:
        _make_schema(con, schema)
    made: dict[str, ModelResult] = {}
    for result in _side_by_side(con, wanted, told):
        made[result.name] = result
        if progress:
            progress(result)
    return [made[model.table] for model in wanted]


def _side_by_side(
    con: duckdb.DuckDBPyConnection, wanted: Sequence[Model], variables: Mapping[str, object]
) -> Iterator[ModelResult]:
    """Each model as soon as all that it reads is there, in cursors of the connection."""
    known = {model.table: model for model in wanted}
    order = TopologicalSorter({model.table: [one for one in model.depends if one in known] for model in wanted})
    order.prepare()
    waiting: list[str] = []
    under_way: dict[Future[ModelResult], duckdb.DuckDBPyConnection] = {}
    with contextlib.ExitStack() as opened, ThreadPoolExecutor(_LANES, "model") as pool:
        free = [opened.enter_context(con.cursor()) for _ in range(_LANES)]
        for cursor in free:
            _set_variables(cursor, variables)
        while order.is_active():
            waiting += order.get_ready()
            while waiting and free:
                cursor = free.pop()
                under_way[pool.submit(_build, cursor, known[waiting.pop(0)])] = cursor
            for done in wait(under_way, return_when=FIRST_COMPLETED).done:
                free.append(under_way.pop(done))
                order.done(done.result().name)
                yield done.result()


def checks(con: duckdb.DuckDBPyConnection) -> list[CheckResult]:
    """Run every check whose tables exist; `rows` is 0 where all is well."""
    ready = [check for check in every_check() if all(_exists(con, table) for table in tables_in(check.sql))]
    return [CheckResult(check.name, count(con, check.sql), check.severity) for check in ready]


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
    comment(con, model, model.table)
    return ModelResult(model.table, count(con, f"FROM {model.table}"), time.monotonic() - begun)


def comment(con: duckdb.DuckDBPyConnection, model: Model, table: str) -> None:
    """All in one go: a statement each costs more than building a small table."""
    columns = (f'COMMENT ON COLUMN {table}."{name}" IS {_quoted(text)}' for name, text in model.columns.items())
    con.execute("; ".join([f"COMMENT ON TABLE {table} IS {_quoted(model.grain)}", *columns]))


def _quoted(text: str) -> str:
    """COMMENT takes no bound value; the text comes from our own files."""
    return "'" + text.replace("'", "''") + "'"


def count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    """Rows of a SELECT."""
    row = con.execute(f"SELECT count(*) FROM ({sql}\n)").fetchone()
    return int(row[0]) if row else 0


def _exists(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    schema, name = table.split(".")
    row = con.execute(
        "SELECT 1 FROM duckdb_tables() WHERE table_name = $1 AND (schema_name = $2 OR database_name = $2) LIMIT 1",
        [name, schema],
    ).fetchone()
    return row is not None
