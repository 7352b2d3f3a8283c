"""What stands in raw of one source: the newest row per key, how far it was read, what is set aside."""

from __future__ import annotations

import datetime as dt
from functools import cached_property

import duckdb
import polars as pl

from connectors import records
from connectors.source import UNMAPPED_SCHEMA, Window
from pipelines.comparison import NOTED_SCHEMA, UNMAPPED_KEY, Reading
from pipelines.files import identifier


class Standing:
    """One source's part of raw, as it stood when the run began.

    :param con: a `files.raw_connection`.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, source: str) -> None:
        self.con = con
        self.source = source

    @cached_property
    def positions(self) -> dict[str, str | None]:
        """The watermark by record type; one that was landed and has no cursor is there with None."""
        query = "SELECT resource, arg_max_null(position, run) FROM raw.watermark WHERE source = ? GROUP BY resource"
        return dict(self.con.execute(query, [self.source]).fetchall())

    def rows(self, reading: Reading) -> pl.DataFrame:
        """The newest row of each source_id that a reading may touch: the record's columns and `removed`."""
        schema = records.schema(reading.resource)
        touched = pl.concat([reading.frame["source_id"], pl.Series("source_id", list(reading.removed), pl.String)])
        if reading.scope == "changes" and touched.is_empty():
            return pl.DataFrame(schema={**schema, "removed": pl.Boolean})
        table = f"raw.{identifier(reading.resource)}"
        restriction, values = _restriction(table, reading)
        columns = ", ".join(identifier(column) for column in (*schema, "removed"))
        newest = (
            f"SELECT source_id, max(run) AS run FROM {table} WHERE source = $source {restriction} GROUP BY source_id"
        )
        query = f"SELECT {columns} FROM {table} SEMI JOIN ({newest}) USING (source_id, run) WHERE source = $source"
        if restriction:
            self.con.register("touched", touched.to_frame())
        found = self.con.execute(query, {"source": self.source, **values}).pl()
        self.con.unregister("touched")
        return found.cast(pl.Schema({**schema, "removed": pl.Boolean()}))

    def live(self, resource: str, window: Window | None = None) -> int:
        """How many rows stand, of those that start in a window if one is given."""
        values = {"source": self.source} | _edges(window)
        query = (
            f"SELECT count(*) FROM (SELECT * FROM raw.{identifier(resource)} WHERE source = $source "
            "QUALIFY row_number() OVER (PARTITION BY source_id ORDER BY run DESC) = 1) "
            f"WHERE NOT removed {'' if window is None else 'AND start >= $first AND start < $last'}"
        )
        return sum(count for (count,) in self.con.execute(query, values).fetchall())

    def rejected(self, resource: str) -> pl.DataFrame:
        """Rows set aside and doubts that still stand so, with the columns of `NOTED_SCHEMA`."""
        return self._rejected.filter(pl.col("resource") == resource)

    def unmapped(self, resource: str) -> pl.DataFrame:
        """Codes that still have no mapping, with the columns of `UNMAPPED_SCHEMA`."""
        return self._unmapped.filter(pl.col("resource") == resource)

    @cached_property
    def _rejected(self) -> pl.DataFrame:
        return self._open("rejected", NOTED_SCHEMA, NOTED_SCHEMA.names())

    @cached_property
    def _unmapped(self) -> pl.DataFrame:
        return self._open("unmapped", UNMAPPED_SCHEMA, UNMAPPED_KEY)

    def _open(self, table: str, schema: pl.Schema, key: list[str]) -> pl.DataFrame:
        """The newest row per key that is not closed."""
        by, columns = (", ".join(identifier(name) for name in names) for names in (key, schema.names()))
        query = (
            f"SELECT {columns} FROM (SELECT * FROM raw.{table} WHERE source = ? "
            f"QUALIFY row_number() OVER (PARTITION BY {by} ORDER BY run DESC) = 1) WHERE NOT removed"
        )
        return self.con.execute(query, [self.source]).pl().cast(schema)


def _restriction(table: str, reading: Reading) -> tuple[str, dict[str, dt.datetime]]:
    """SQL that leaves the rows that a reading is about. A version inside its window names a row, even a moved one."""
    if reading.scope == "full":
        return "", {}
    ids = "SELECT source_id FROM touched"
    if reading.scope == "window":
        ids += f" UNION SELECT source_id FROM {table} WHERE source = $source AND start >= $first AND start < $last"
    return f"AND source_id IN ({ids})", _edges(reading.window)


def _edges(window: Window | None) -> dict[str, dt.datetime]:
    return {} if window is None else {"first": window.start, "last": window.end}
