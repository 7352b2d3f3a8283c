"""The process in which drivers run that nobody can interrupt: ODBC, and those that give Arrow.

Started by `driver_process` as `python -m connectors.pvs.driver_child`. Orders come in through standard input, answers
go out through standard output: a head (kind and length), then the pickled answer or Arrow's stream of one batch. It
holds one connection of pyodbc at a time; an Arrow reading has a connection of its own. It ends with its input: if the
one who asks is gone, so is it, and with it the session in the practice's database.
"""

from __future__ import annotations

import importlib
import os
import pickle
import queue
import re
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, BinaryIO

HEAD = struct.Struct("!cQ")
ANSWER, BATCH = b"P", b"A"

#: Bytes of text that a cell is given room for at first, and how much that grows when one does not fit. A buffer has
#: room for the longest value in every row, so generous room for all would make it large and slow.
_ROOM, _GROWTH, _MOST = 1020, 16, 16 * 2**20
_BUFFER = 32 * 2**20
_ROWS = 10_000

#: arrow-odbc's word for a text without room, and the bytes that it needs where the driver says so.
_NO_ROOM = re.compile(r"too large to be written .*?(?:Some\((\d+)\)|None|$)", re.DOTALL)

#: arrow-odbc tells the state inside its message.
_STATE = re.compile(r"State: (\w{5}), Native error: (-?\d+), Message: (.*)")


@dataclass(slots=True)
class Desk:
    """What the orders work on."""

    out: BinaryIO
    connection: Any = None
    cursors: dict[int, Any] = field(default_factory=dict)

    def tell(self, kind: bytes, content: bytes | memoryview) -> None:
        """One message to whoever asked."""
        self.out.write(HEAD.pack(kind, len(content)))
        self.out.write(content)
        self.out.flush()

    def load(self, *modules: str) -> None:
        """Drivers take their time to load; then a reading begins at once."""
        for module in modules:
            importlib.import_module(module)

    # pyodbc, one order each

    def connect(self, string: str, autocommit: bool, seconds: int) -> None:
        """The connection of this process; without the driver's own pool, which would keep sessions open."""
        pyodbc: Any = importlib.import_module("pyodbc")
        pyodbc.pooling = False
        self.close()
        self.connection = pyodbc.connect(string, autocommit=autocommit, timeout=seconds)

    def execute(self, cursor: int, statement: str, values: tuple[Any, ...]) -> tuple[Any, int]:
        """Description and row count."""
        found = self._cursor(cursor)
        found.execute(statement, *values)
        return found.description, found.rowcount

    def executemany(self, cursor: int, statement: str, values: list[tuple[Any, ...]]) -> tuple[Any, int]:
        """Description and row count."""
        found = self._cursor(cursor)
        found.executemany(statement, values)
        return found.description, found.rowcount

    def catalogue(self, cursor: int, question: str, values: dict[str, Any]) -> tuple[Any, int]:
        """One of ODBC's catalogue functions, as `columns`."""
        found = getattr(self._cursor(cursor), question)(**values)
        return found.description, -1

    def fetch(self, cursor: int, rows: int) -> list[tuple[Any, ...]]:
        """The next rows; none at the end."""
        return list(map(tuple, self._cursor(cursor).fetchmany(rows)))

    def forget(self, cursor: int) -> None:
        """Close a cursor."""
        found = self.cursors.pop(cursor, None)
        if found is not None:
            found.close()

    def commit(self) -> None:
        """End the transaction."""
        self.connection.commit()

    def rollback(self) -> None:
        """End the transaction without a change."""
        self.connection.rollback()

    def getinfo(self, number: int) -> Any:
        """SQLGetInfo."""
        return self.connection.getinfo(number)

    def close(self) -> None:
        """Give the connection back."""
        for cursor in list(self.cursors):
            self.forget(cursor)
        if self.connection is not None:
            connection, self.connection = self.connection, None
            connection.close()

    def _cursor(self, number: int) -> Any:
        if number not in self.cursors:
            self.cursors[number] = self.connection.cursor()
        return self.cursors[number]

    # Arrow

    def arrow_odbc(self, string: str, session: tuple[str, ...], begin: tuple[str, ...], statement: str) -> int:
        """Batches by arrow-odbc; the number of rows."""
        connection = importlib.import_module("arrow_odbc").connect(string, autocommit=False)
        for one in session:
            connection.execute(one)
        connection.commit()
        for one in begin:
            connection.execute(one)
        return self._tell_batches(_whole(connection, statement, _Rows(string, session, begin)))

    def adbc(self, uri: str, session: tuple[str, ...], statement: str) -> int:
        """Batches by ADBC, without its DBAPI, which would load pandas first; the number of rows."""
        names = ("adbc_driver_manager", "adbc_driver_postgresql", "pyarrow")
        manager, driver, pyarrow = map(importlib.import_module, names)
        with driver.connect(uri) as database, manager.AdbcConnection(database) as connection:
            for one in session:
                with manager.AdbcStatement(connection) as told:
                    told.set_sql_query(one)
                    told.execute_update()
            with manager.AdbcStatement(connection) as asked:
                asked.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(2**22)})
                asked.set_sql_query(statement)
                stream, _ = asked.execute_query()
                return self._tell_batches(pyarrow.RecordBatchReader._import_from_c(stream.address))

    def _tell_batches(self, batches: Iterable[Any]) -> int:
        pyarrow = importlib.import_module("pyarrow")
        rows = 0
        for batch in batches:
            sink = pyarrow.BufferOutputStream()
            with pyarrow.ipc.new_stream(sink, batch.schema) as stream:
                stream.write_batch(batch)
            self.tell(BATCH, memoryview(sink.getvalue()))
            rows += batch.num_rows
        return rows


@dataclass(frozen=True, slots=True)
class _Rows:
    """The slow way: rows by pyodbc, for drivers that announce a text as shorter than it is."""

    string: str
    session: tuple[str, ...]
    begin: tuple[str, ...]

    def batches(self, statement: str) -> Iterator[Any]:
        """Arrow's batches of the values as they come."""
        pyarrow, pyodbc = importlib.import_module("pyarrow"), importlib.import_module("pyodbc")
        with closing(pyodbc.connect(self.string)) as connection, closing(connection.cursor()) as cursor:
            for one in (*self.session, *self.begin):
                cursor.execute(one)
            cursor.execute(statement)
            names = [column[0] for column in cursor.description]
            while rows := cursor.fetchmany(_ROWS):
                columns = [pyarrow.array(values) for values in zip(*rows, strict=True)]
                yield pyarrow.RecordBatch.from_arrays(columns, names=names)


def _whole(connection: Any, statement: str, rows: _Rows) -> Iterator[Any]:
    """Batches of a statement; when a text does not fit, it is asked again with more room, or else row by row.

    The order of the rows is fixed by the statement, so those that came already are skipped.
    """
    room, told, last = _ROOM, 0, None
    while True:
        batches = _batches(connection, statement, room) if room <= _MOST else rows.batches(statement)
        try:
            for batch in _unseen(batches, told, last):
                told += batch.num_rows
                last = batch.column(0)[-1].as_py() if batch.num_rows else last
                yield batch
        except Exception as error:
            needed = _NO_ROOM.search(str(error))
            if needed is None:
                raise
            size = int(needed[1] or 0)
            room = _MOST + 1 if size and size <= room else 2 * size or room * _GROWTH
        else:
            return


def _unseen(batches: Iterator[Any], told: int, last: object) -> Iterator[Any]:
    """What comes behind the rows that were told, of which `last` is the key of the last one; raises if it moved.

    An empty batch comes only if there is nothing else.
    """
    skip = told
    for batch in batches:
        seen = min(skip, batch.num_rows)
        if seen and seen == skip and batch.column(0)[seen - 1].as_py() != last:
            raise RuntimeError("rows came or went while the table was read; the next reading may be whole")
        skip -= seen
        if seen < batch.num_rows or not told:
            yield batch.slice(seen)


def _batches(connection: Any, statement: str, room: int) -> Iterator[Any]:
    """At least one batch, so that an empty table has its columns too."""
    reader = connection.read_arrow_batches(
        statement,
        batch_size=_ROWS,
        max_bytes_per_batch=max(_BUFFER, 16 * room),
        max_text_size=room,
        max_binary_size=room,
        fetch_concurrently=False,
    )
    empty = True
    for batch in reader:
        empty = False
        yield batch
    if empty:
        pyarrow = importlib.import_module("pyarrow")
        columns = [pyarrow.nulls(0, column.type) for column in reader.schema]
        yield pyarrow.RecordBatch.from_arrays(columns, schema=reader.schema)


def _complaint(error: BaseException) -> tuple[str, str | None, str]:
    """Kind, SQLSTATE and text of what went wrong; the one who asked decides what of it may be told."""
    kind = "DriverMissing" if isinstance(error, ImportError) else type(error).__name__
    state, text = getattr(error, "sqlstate", None), str(error)
    if type(error).__module__ == "pyodbc" and len(error.args) > 1:
        state, text = error.args[0], str(error.args[1])
    elif told := _STATE.search(text):
        state, text = told[1], f"{told[3]} ({told[2]}) (SQL)"
    return kind, state if isinstance(state, str) else None, text


def _serve(desk: Desk, orders: queue.SimpleQueue[Any]) -> None:
    while (order := orders.get()) is not None:
        name, *values = order
        act: Callable[..., Any] = getattr(desk, name)
        try:
            answer = ("ok", act(*values))
        except Exception as error:  # noqa: BLE001 - it is raised in the process that asked
            answer = ("error", _complaint(error))
        desk.tell(ANSWER, pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))


def _listen(source: BinaryIO, orders: queue.SimpleQueue[Any]) -> None:
    """Orders until the input ends; then the process ends, whatever its driver waits for."""
    while len(head := source.read(HEAD.size)) == HEAD.size:
        orders.put(pickle.loads(source.read(HEAD.unpack(head)[1])))  # noqa: S301 - from the process that started us
    os._exit(0)


def main() -> None:
    """Until standard input ends."""
    out = os.fdopen(os.dup(1), "wb", buffering=2**16)
    os.dup2(2, 1)  # what a driver prints must not get among the answers
    orders: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, orders), daemon=True).start()
    desk = Desk(out)
    desk.tell(ANSWER, pickle.dumps(("ok", None)))
    _serve(desk, orders)


if __name__ == "__main__":
    main()
