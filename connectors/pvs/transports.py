"""Who carries the rows of a select into frames. Every transport must give the frame that `sqlalchemy` gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl
import sqlalchemy as sa

#: Rows per frame: large enough for whole-column work, small enough for a few dozen megabytes.
PARTITION = 50_000

Transport = Callable[[sa.Connection, sa.Select[Any]], Iterator[pl.DataFrame]]


def sqlalchemy(connection: sa.Connection, select: sa.Select[Any]) -> Iterator[pl.DataFrame]:
    """SQLAlchemy Core in partitions: always there, and the reference for the others.

    Yields at least one frame, so that an empty table has its columns too. Types are as the driver gave them.
    """
    names = [column.key or "" for column in select.selected_columns]
    result = connection.execution_options(stream_results=True).execute(select)
    yielded = False
    for rows in result.partitions(PARTITION):
        yielded = True
        yield pl.DataFrame([column(name, values) for name, values in zip(names, zip(*rows, strict=True), strict=True)])
    if not yielded:
        yield pl.DataFrame(schema=dict.fromkeys(names, pl.String))


def column(name: str, values: Sequence[Any]) -> pl.Series:
    """A driver's values as a column; a database that mixes types in one column gives text."""
    try:
        return pl.Series(name, values)
    except TypeError:
        return pl.Series(name, values, dtype=pl.String, strict=False)


TRANSPORTS: dict[str, Transport] = {"sqlalchemy": sqlalchemy}
