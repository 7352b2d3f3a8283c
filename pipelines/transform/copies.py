"""What was built goes into a published file, comments included, unless the one before holds the same."""

from __future__ import annotations

import duckdb

from pipelines.transform.building import comment, count
from pipelines.transform.sql_files import Model, models


def copy_published(con: duckdb.DuckDBPyConnection, schema: str, file: str) -> None:
    """Copy what was built of a schema and is to be published into an attached, empty file, comments included.

    In one transaction: each commit waits for the disk, and comments alone would be some three hundred of them.
    """
    con.begin()
    for model in _published(schema):
        con.execute(f'CREATE TABLE {file}."{model.name}" AS FROM {model.table}')
        comment(con, model, f'{file}."{model.name}"')
    con.commit()


def holds_same(con: duckdb.DuckDBPyConnection, schema: str, file: str) -> bool:
    """Whether an attached file holds the very tables and rows that were just built; small tables are compared first."""
    built = {model.name: model.table for model in _published(schema)}
    found = con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = $1", [file]).fetchall()
    if {name for (name,) in found} != set(built):
        return False
    sizes = {name: count(con, f"FROM {table}") for name, table in built.items()}
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
