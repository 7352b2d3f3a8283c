"""Drivers that nobody can interrupt, in a process that can be ended: a DBAPI whose connection lives in a child.

ODBC gives no socket to shut and its time limits do nothing in most drivers, so a stalled link would hold us for ever.
Here the watchdog ends the child instead, and whoever waits for it gets an error at once. SQLAlchemy takes this module
for pyodbc (PEP 249); `DriverProcess.batches` is the way for Arrow.
"""

from __future__ import annotations

import datetime as dt
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, Self

from connectors.errors import DriverMissing
from connectors.pvs.driver_child import ANSWER, HEAD
from connectors.pvs.watchdog import Deadline, Watch

apilevel = "2.0"
threadsafety = 1
paramstyle = "qmark"
version = "5.5.0"

Binary = bytes
DateTime = dt.datetime

_ROOT = Path(__file__).parent.parent.parent
_CHUNK = 5_000

#: What kind of message it is, and its content.
_Message = tuple[bytes, memoryview]

#: What an order for batches needs.
_MODULES = {"adbc": ("adbc_driver_postgresql", "pyarrow"), "arrow_odbc": ("arrow_odbc", "pyarrow")}


class Error(Exception):
    """What a driver complains of; `sqlstate` is ODBC's."""

    def __init__(self, text: str, sqlstate: str | None = None) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


class Warning(Exception):  # noqa: A001 - PEP 249 names it so
    """PEP 249."""


class InterfaceError(Error):
    """PEP 249."""


class DatabaseError(Error):
    """PEP 249."""


class DataError(DatabaseError):
    """PEP 249."""


class OperationalError(DatabaseError):
    """PEP 249."""


class IntegrityError(DatabaseError):
    """PEP 249."""


class InternalError(DatabaseError):
    """PEP 249."""


class ProgrammingError(DatabaseError):
    """PEP 249."""


class NotSupportedError(DatabaseError):
    """PEP 249."""


_KINDS: dict[str, type[Error]] = {
    kind.__name__: kind
    for kind in (
        InterfaceError, DatabaseError, DataError, OperationalError, IntegrityError, InternalError, ProgrammingError,
        NotSupportedError,
    )
}  # fmt: skip


class DriverProcess:
    """The child; started by the first order, ended by `stop`, by the watchdog, or with us."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        #: Counts the children: a connection that lived in an earlier one is gone.
        self.number = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def stands(self) -> bool:
        """Whether there is a child."""
        return self._process is not None

    def ask(self, order: str, *values: Any) -> Any:
        """The answer to one order; raises what the driver raised as an `Error` of this module."""
        self._tell(order, values)
        return self._answer()

    def load(self, *modules: str) -> None:
        """Start the child and its drivers; how long that takes is not the database's fault."""
        self.deadline.rest()
        self.ask("load", *modules)

    def batches(self, order: str, *values: Any) -> Iterator[memoryview]:
        """The batches that one order gives, each as Arrow's stream; at least one. Left early, the child ends.

        One batch is read ahead, so that the child is not idle while somebody works on the one before.
        """
        self.load(*_MODULES[order])
        with ThreadPoolExecutor(1, "read-ahead") as ahead:
            watch = Watch(self.deadline, self.kill)
            finished = False
            try:
                self._tell(order, values)
                coming = ahead.submit(self._received)
                while (message := self._arrived(coming))[0] != ANSWER:
                    coming = ahead.submit(self._received)
                    yield message[1]
                self._opened(message[1])
                finished = True
            except Error:
                finished = not self.deadline.broken
                raise
            finally:
                watch.end()
                if not finished:
                    self.stop()

    def _tell(self, order: str, values: tuple[Any, ...]) -> None:
        process = self._process or self._start()
        content = pickle.dumps((order, *values), pickle.HIGHEST_PROTOCOL)
        if process.stdin is None:
            raise TypeError("found a child without a standard input, expected a pipe")
        try:
            process.stdin.write(HEAD.pack(ANSWER, len(content)) + content)
            process.stdin.flush()
        except OSError:
            self.stop()
            raise OperationalError("the driver's process ended", "08S01") from None

    def _start(self) -> subprocess.Popen[bytes]:
        """It says a word when it stands."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "connectors.pvs.driver_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self.number += 1
        self._answer()
        return self._process

    def _arrived(self, coming: Future[_Message]) -> _Message:
        """Only what is taken has moved: what lies here read ahead does not count while its taker is busy."""
        message = coming.result()
        self.deadline.moved()
        return message

    def _received(self) -> _Message:
        kind, length = HEAD.unpack(self._read(HEAD.size))
        return kind, memoryview(self._read(length))

    def _read(self, length: int) -> bytes:
        if self._process is None or self._process.stdout is None:
            raise OperationalError("the driver's process is not there", "08003")
        content = self._process.stdout.read(length)
        if len(content) < length:
            self.stop()
            raise OperationalError("the driver's process ended", "08S01")
        return content

    def _answer(self) -> Any:
        message = self._received()
        self.deadline.moved()
        return self._opened(message[1])

    def _opened(self, content: memoryview) -> Any:
        outcome, value = pickle.loads(content)  # noqa: S301 - from our own child
        if outcome == "ok":
            return value
        kind, state, text = value
        if kind == "DriverMissing":
            raise DriverMissing(text)
        raise _KINDS.get(kind, DatabaseError)(text, state)

    def kill(self) -> None:
        """End the child at once; who waits for its answer gets an error."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """End the child and let go of it; the next order starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def connect(process: DriverProcess, string: str, *, autocommit: bool = False, seconds: int = 0) -> Connection:
    """A connection of pyodbc in the child, under the watchdog from the first byte on."""
    return Connection(process, string, autocommit=autocommit, seconds=seconds)


class Connection:
    """PEP 249, and what pyodbc has beyond it that SQLAlchemy and we use."""

    def __init__(self, process: DriverProcess, string: str, *, autocommit: bool, seconds: int) -> None:
        self.process = process
        self.string = string
        self.autocommit = autocommit
        process.load("pyodbc")
        self._child = process.number
        self._watch = Watch(process.deadline, process.kill)
        try:
            self.ask("connect", string, autocommit, seconds)
        except BaseException:
            self._watch.end()
            raise

    def ask(self, order: str, *values: Any) -> Any:
        """An order to the child in which the connection lives."""
        if not self.lives:
            raise OperationalError("the connection ended with the driver's process", "08003")
        return self.process.ask(order, *values)

    @property
    def lives(self) -> bool:
        """Whether the child in which it lives still stands."""
        return self.process.stands and self.process.number == self._child

    def cursor(self) -> Cursor:
        """A cursor."""
        return Cursor(self)

    def commit(self) -> None:
        """End the transaction."""
        self.ask("commit")

    def rollback(self) -> None:
        """End the transaction without a change."""
        self.ask("rollback")

    def getinfo(self, number: int) -> Any:
        """SQLGetInfo."""
        return self.ask("getinfo", number)

    def add_output_converter(self, number: int, convert: object) -> None:
        """SQLAlchemy's converters stay here: every value is asked for as text."""

    def close(self) -> None:
        """Give the connection back."""
        try:
            if self.lives:
                self.ask("close")
        finally:
            self._watch.end()


class Cursor:
    """PEP 249, and ODBC's catalogue functions as pyodbc has them."""

    _numbers = count(1)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._number = next(Cursor._numbers)
        self._rows: list[tuple[Any, ...]] = []
        self._used = False
        self.description: Any = None
        self.rowcount = -1
        self.arraysize = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Self:
        """Run a statement; values by `?`."""
        return self._ask("execute", statement, tuple(values))

    def executemany(self, statement: str, values: Sequence[Sequence[Any]]) -> Self:
        """Run a statement once for each set of values."""
        return self._ask("executemany", statement, list(map(tuple, values)))

    def tables(self, **values: Any) -> Self:
        """SQLTables."""
        return self._ask("catalogue", "tables", values)

    def columns(self, **values: Any) -> Self:
        """SQLColumns."""
        return self._ask("catalogue", "columns", values)

    def primaryKeys(self, **values: Any) -> Self:  # noqa: N802 - pyodbc names it so
        """SQLPrimaryKeys."""
        return self._ask("catalogue", "primaryKeys", values)

    def foreignKeys(self, **values: Any) -> Self:  # noqa: N802 - pyodbc names it so
        """SQLForeignKeys."""
        return self._ask("catalogue", "foreignKeys", values)

    def _ask(self, order: str, *values: Any) -> Self:
        self.description, self.rowcount = self._connection.ask(order, self._number, *values)
        self._rows, self._used = [], True
        return self

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """The next rows."""
        wanted = self.arraysize if size is None else size
        while len(self._rows) < wanted:
            more = self._connection.ask("fetch", self._number, max(wanted - len(self._rows), _CHUNK))
            if not more:
                break
            self._rows += more
        taken, self._rows = self._rows[:wanted], self._rows[wanted:]
        return taken

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row."""
        return next(iter(self.fetchmany(1)), None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rest."""
        return list(self)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        while rows := self.fetchmany(_CHUNK):
            yield from rows

    def nextset(self) -> bool:
        """There is never another result."""
        return False

    def setinputsizes(self, sizes: Sequence[Any]) -> None:
        """The driver works them out itself."""

    def close(self) -> None:
        """Forget it in the child."""
        if self._used and self._connection.lives:
            self._connection.ask("forget", self._number)
        self._used = False
