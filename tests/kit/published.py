"""What lies in published files, as frames or as text, in the order in which it lies there.

Rows of `core` have no order of their own, and are read in that of their columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from pipelines import files
from pipelines.practice import Practice

Tables = dict[str, pl.DataFrame]


def tables(practice: Practice, folder: Path, stores: Iterable[str] = ("marts",)) -> Tables:
    """Every table of these stores in a folder, by `store.table`, rows in the order of the file."""
    found: Tables = {}
    with files.connect() as con:
        for store in stores:
            files.attach(con, folder / f"{store}.duckdb", practice.key(store), store)
            for name in _names(con, store):
                found[f"{store}.{name}"] = con.execute(f"FROM {store}.{name}{_order(store)}").pl()
    return found


def rows_as_text(practice: Practice, folder: Path, stores: Iterable[str]) -> dict[str, list[str]]:
    """The same as one text per row: two values that differ in a single bit read differently."""
    found: dict[str, list[str]] = {}
    with files.connect() as con:
        for store in stores:
            files.attach(con, folder / f"{store}.duckdb", practice.key(store), store)
            for name in _names(con, store):
                rows = con.execute(f"SELECT t::VARCHAR FROM {store}.{name} AS t{_order(store)}").fetchall()
                found[f"{store}.{name}"] = [row[0] for row in rows]
    return found


def _names(con: object, store: str) -> list[str]:
    sql = "SELECT table_name FROM duckdb_tables() WHERE database_name = $1 ORDER BY 1"
    return [row[0] for row in con.execute(sql, [store]).fetchall()]  # type: ignore[attr-defined]


def _order(store: str) -> str:
    return " ORDER BY ALL" if store == "core" else ""


def differing(one: Tables, other: Tables, but: Iterable[str] = ()) -> list[str]:
    """`store.table.column` where two sets of tables differ in their values or types; a missing table is named whole."""
    left_out = set(but)
    missing = sorted(one.keys() ^ other.keys())
    columns = [
        f"{name}.{column}"
        for name in sorted(one.keys() & other.keys())
        for column in dict.fromkeys([*one[name].columns, *other[name].columns])
        if column not in left_out and not _same(one[name], other[name], column)
    ]
    return missing + columns


def _same(one: pl.DataFrame, other: pl.DataFrame, column: str) -> bool:
    if column not in one.columns or column not in other.columns:
        return False
    return one[column].dtype == other[column].dtype and one[column].equals(other[column], null_equal=True)
