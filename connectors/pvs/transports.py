"""Who carries the rows of a select into frames. Every transport must give the frames that `sqlalchemy` gives.

`adbc` and `arrow_odbc` are for full readings of large tables: they take the text of the same select, in a process of
their own and on a connection of their own, which is told the same as ours.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

import polars as pl
import polars.selectors as cs
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from connectors.errors import DriverMissing
from connectors.pvs import as_text, odbc
from connectors.pvs.engine import link
from connectors.pvs.sessions import NAME

#: Rows per frame: large enough for whole-column work, small enough for a few dozen megabytes.
PARTITION = 100_000

#: Rows that a driver is asked for at once; each time something has moved.
_PIECE = 10_000

Transport = Callable[[sa.Connection, sa.Select[Any]], Generator[pl.DataFrame, None, None]]


def sqlalchemy(connection: sa.Connection, select: sa.Select[Any]) -> Generator[pl.DataFrame, None, None]:
    """SQLAlchemy Core in pieces: always there, and the reference for the others.

    Yields at least one frame, so that an empty table has its columns too. Left early, the connection ends, because its
    driver would read the rest to the end.
    """
    names = _names(select)
    result = connection.execute(select, execution_options={"stream_results": True})
    with closing(result):
        yield from _whole_or_ended(connection, _partitions(names, _pieces(names, result, link(connection).moved)))


def _whole_or_ended(
    connection: sa.Connection, frames: Generator[pl.DataFrame, None, None]
) -> Generator[pl.DataFrame, None, None]:
    """The frames; if they are not all fetched, for whatever reason, the connection is good for nothing more."""
    finished = False
    try:
        yield from frames
        finished = True
    finally:
        if not finished:
            connection.invalidate()


def _pieces(names: list[str], result: sa.CursorResult[Any], moved: Callable[[], None]) -> Iterator[pl.DataFrame]:
    while rows := result.fetchmany(_PIECE):
        moved()
        columns = zip(*rows, strict=True)
        yield pl.DataFrame([column(name, values) for name, values in zip(names, columns, strict=True)])


def column(name: str, values: Sequence[Any]) -> pl.Series:
    """A driver's values as a column; a database that mixes types in one column gives text."""
    try:
        return pl.Series(name, values)
    except TypeError:
        return pl.Series(name, values, dtype=pl.String, strict=False)


def adbc(connection: sa.Connection, select: sa.Select[Any]) -> Generator[pl.DataFrame, None, None]:
    """Arrow from PostgreSQL's binary COPY: as fast as the server can.

    Whole numbers are asked for as they are, and become text here: nothing can be lost in them, and it is faster.
    """
    found = link(connection)
    whole = _whole_numbers(connection, select)
    uri = found.url.set(drivername="postgresql").update_query_dict({"application_name": NAME})
    dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    statement = _literal(_bared(select, whole), dialect)
    order = ("adbc", uri.render_as_string(hide_password=False), found.session(), statement)
    connection.rollback()  # nothing is held in the practice's server while the other connection reads
    batches = (_frame(batch).with_columns(cs.integer().cast(pl.String)) for batch in found.process.batches(*order))
    return _whole_or_ended(connection, _partitions(_names(select), batches))


#: PostgreSQL's numbers of its whole numbers (pg_type.dat: int8, int2, int4).
_WHOLE_NUMBERS = (20, 21, 23)


def _whole_numbers(connection: sa.Connection, select: sa.Select[Any]) -> set[str]:
    """The columns that are such before they are text, by a question without rows."""
    none = _bared(select, set(_names(select))).order_by(None).where(sa.literal_column("1") == sa.literal_column("0"))
    described = connection.execute(none).cursor
    known = [] if described is None or described.description is None else described.description
    return {name for name, kind, *_ in known if kind in _WHOLE_NUMBERS}


def _bared(select: sa.Select[Any], names: set[str]) -> sa.Select[Any]:
    """The select with the columns of these names as they are, not as text."""
    columns: list[sa.ColumnElement[Any]] = []
    for column in select.selected_columns:
        text = getattr(column, "element", None)
        if isinstance(text, as_text.Text) and column.key in names:
            columns.append(as_text.bare(text).label(column.key))
        else:
            columns.append(column)
    return select.with_only_columns(*columns, maintain_column_froms=True)


def arrow_odbc(connection: sa.Connection, select: sa.Select[Any]) -> Generator[pl.DataFrame, None, None]:
    """Arrow from any ODBC source: rows arrive in columns, without an object for each value."""
    found = link(connection)
    (string, *_), _ = connection.dialect.create_connect_args(found.url)
    order = ("arrow_odbc", odbc.told(string, connection.dialect, readonly=True), found.session(), found.begin)
    statement = _literal(select, connection.dialect)
    connection.rollback()  # nothing is held in the practice's server while the other connection reads
    batches = (_frame(batch) for batch in found.process.batches(*order, statement))
    return _whole_or_ended(connection, _partitions(_names(select), batches))


def _literal(select: sa.Select[Any], dialect: sa.Dialect) -> str:
    """The text of a select; the only values in it are our own (a window, a cursor), never a person's input."""
    return str(select.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _names(select: sa.Select[Any]) -> list[str]:
    return [column.key or "" for column in select.selected_columns]


def _frame(stream: memoryview) -> pl.DataFrame:
    found = pl.from_arrow(pa.ipc.open_stream(stream).read_all())
    if not isinstance(found, pl.DataFrame):
        raise TypeError(f"found {type(found).__name__}, expected a table")
    return found


def _partitions(names: list[str], pieces: Iterator[pl.DataFrame]) -> Generator[pl.DataFrame, None, None]:
    """Frames of `PARTITION` rows, at least one; a column without a value is text, whatever a driver calls it."""
    kept: list[pl.DataFrame] = []
    empty = True
    for piece in pieces:
        kept.append(piece.rename(dict(zip(piece.columns, names, strict=True))))
        while sum(frame.height for frame in kept) >= PARTITION:
            whole = _one(kept)
            yield _settled(whole.head(PARTITION))
            kept, empty = [whole.tail(-PARTITION)], False
    rest = _one(kept) if kept else pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    if rest.height or empty:
        yield _settled(rest)


def _one(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Pieces in one; where a driver's values are of several types, they become text."""
    frames = [frame.with_columns(cs.integer().cast(pl.Int128), cs.decimal().cast(pl.String)) for frame in frames]
    dtypes = {
        name: {frame[name].dtype for frame in frames if frame[name].dtype != pl.Null} for name in frames[0].columns
    }
    mixed = [name for name, found in dtypes.items() if len(found) > 1]
    return pl.concat([frame.with_columns(pl.col(mixed).cast(pl.String)) for frame in frames], how="vertical_relaxed")


def _settled(frame: pl.DataFrame) -> pl.DataFrame:
    """One type for one meaning: drivers differ in units and widths."""
    none = [name for name, column in frame.to_dict().items() if column.null_count() == frame.height]
    return frame.with_columns(
        cs.float().cast(pl.Float64),
        cs.datetime().dt.cast_time_unit("us"),
        *(_narrow(column) for column in frame.select(cs.by_dtype(pl.Int128))),
    ).with_columns(pl.col(none).cast(pl.String))


def _narrow(column: pl.Series) -> pl.Series:
    """Whole numbers as all other numbers are; text if one of them is larger than those can be."""
    narrow = column.cast(pl.Int64, strict=False)
    return narrow if narrow.null_count() == column.null_count() else column.cast(pl.String)


TRANSPORTS: dict[str, Transport] = {"sqlalchemy": sqlalchemy, "adbc": adbc, "arrow_odbc": arrow_odbc}

#: What a transport needs beyond SQLAlchemy: modules, the extra that brings them, the URLs that it can reach.
_NEEDS = {
    "adbc": (("adbc_driver_postgresql", "adbc_driver_manager"), "adbc", ("postgresql",)),
    "arrow_odbc": (("arrow_odbc",), "arrow-odbc", ("odbc", "mssql")),
}


def reaches(name: str) -> tuple[str, ...]:
    """What a URL must begin with for that transport; nothing: it reaches all."""
    return _NEEDS[name][2] if name in _NEEDS else ()


def require(name: str) -> None:
    """Raises DriverMissing, which names the extra, if the transport's driver is not installed."""
    modules, extra, _ = _NEEDS.get(name, ((), "", ()))
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        raise DriverMissing(
            f'found no {", ".join(missing)}, which transport = "{name}" needs:'
            f" pip install 'praxistakt[{extra}]', or leave transport away"
        )
