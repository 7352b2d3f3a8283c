"""The one way to ops.db: SQLite through SQLCipher and SQLAlchemy.

The raw key is set by the connection's creator, so it is in no URL, no statement that SQLAlchemy sees and no log. A
write transaction begins with BEGIN IMMEDIATE: two writers then wait for each other instead of failing at the first
write after a read. A reading one begins deferred: WAL readers neither wait nor make anybody wait.

Source: https://www.zetetic.net/sqlcipher/sqlcipher-api/ (raw key, cipher_integrity_check, cipher_memory_security).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import NullPool, QueuePool

from pipelines.errors import BrokenFile, Busy, FileMissing, StoreError, WrongKey
from pipelines.ops import pages
from pipelines.ops.errors import ForeignFile

#: "PxTk": marks a file as ours, so that another SQLCipher file under the same key is told apart.
APPLICATION_ID = 0x5078546B
#: How long a writer waits for another one.
BUSY_SECONDS = 30.0
#: Execution option of a connection that only reads.
READING = "praxistakt_reading"

_RAW_KEY = re.compile(r"[0-9a-f]{64}")
# Few cached statements: each holds slots of SQLite's small preallocated memory, and once that is full every allocation
# locks and wipes memory of its own (cipher_memory_security): 100,000 rows then take 2.7 s instead of 1.
_CACHED = 4
# The order matters: memory security before anything is decrypted, WAL before the first write.
_SETTINGS = (
    "cipher_memory_security = ON",
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",
    "temp_store = MEMORY",
)


class HexKey(Protocol):
    """What this module needs of a `pipelines.keys.Key`."""

    @property
    def hex(self) -> str:
        """64 hexadecimal digits, lower case."""
        ...


def connect(path: Path, key: HexKey) -> sqlcipher.Connection:
    """A new DB-API connection to an existing file (or to a new, empty one), key and settings in force.

    :raises WrongKey, ForeignFile, BrokenFile: the file does not open; told apart by `pages`.
    """
    raw = _checked(key)
    connection = sqlcipher.connect(
        str(path), isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS, cached_statements=_CACHED
    )
    try:
        _unlock(connection, raw)
        for setting in _SETTINGS:
            connection.execute(f"PRAGMA {setting}")
    except sqlcipher.Error as error:
        connection.close()
        raise _why_it_does_not_open(path, raw, error) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _checked(key: HexKey) -> str:
    """A key that is no key would reach SQLite's error message as a syntax error, in full."""
    raw = key.hex
    if not _RAW_KEY.fullmatch(raw):
        raise WrongKey("the key for ops.db is not 64 hexadecimal digits in lower case")
    return raw


def _unlock(connection: sqlcipher.Connection, raw: str) -> None:
    # SQLCipher writes to stderr what we say in our own words.
    connection.execute("PRAGMA cipher_log_level = NONE")
    connection.execute(f"PRAGMA key = \"x'{raw}'\"")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _why_it_does_not_open(path: Path, raw: str, error: Exception) -> StoreError | WrongKey:
    """SQLCipher says "file is not a database" for a wrong key, a foreign file and a broken first page alike."""
    if _is_busy(error):
        return _busy(path)
    state = pages.look(path, raw)
    if state.plain or not state.whole_pages:
        return ForeignFile(f"{path.name}: not an encrypted ops.db ({state.description}); nothing was changed")
    if not state.good:
        return WrongKey(f"{path.name}: this key opens none of its {state.total} pages; it belongs to another file")
    return BrokenFile(
        f"{path.name}: the key is right, but {state.broken_text}; restore the last backup (`praxistakt restore`)"
    )


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlcipher.OperationalError) and "locked" in str(error)


def _busy(path: Path) -> Busy:
    return Busy(f"{path.name}: another process has been writing for more than {BUSY_SECONDS:.0f} s; try again")


def open_engine(path: Path, key: HexKey, *, keep_connection: bool) -> Engine:
    """An Engine on ops.db.

    :param keep_connection: True for the pipeline (one connection stays open: 8 times the commits per second); False
        for pages (a connection per transaction, so that no thread holds the file).
    """
    if keep_connection:
        # A second connection at the same time (a reader inside a writer) is opened and given up again.
        engine = create_engine(
            "sqlite+pysqlite://", module=sqlcipher, creator=lambda: connect(path, key),
            poolclass=QueuePool, pool_size=1, max_overflow=8, hide_parameters=True,
        )  # fmt: skip
    else:
        engine = create_engine(
            "sqlite+pysqlite://", module=sqlcipher, creator=lambda: connect(path, key),
            poolclass=NullPool, hide_parameters=True,
        )  # fmt: skip
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", lambda context: _translate(path, context))
    return engine


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _translate(path: Path, context: ExceptionContext) -> None:
    """Damage and waiting in words; all else stays SQLAlchemy's (without values: `hide_parameters`)."""
    error = context.original_exception
    if _is_busy(error):
        raise _busy(path) from None
    text = str(error)
    if isinstance(error, sqlcipher.DatabaseError) and (
        "malformed" in text or "not a database" in text or "disk I/O" in text
    ):
        raise BrokenFile(f"{path.name}: a page of it cannot be read ({text}); run `praxistakt doctor`") from None


def must_exist(path: Path) -> None:
    """SQLite would make an empty file where there is none.

    :raises FileMissing: there is no file.
    """
    if not path.exists():
        raise FileMissing(f"{path.name}: not in {path.parent}; restore it from a backup (`praxistakt restore`)")


def is_ours(connection: Connection) -> bool:
    """Whether the file carries our mark (a new, empty one does not yet)."""
    return bool(connection.exec_driver_sql("PRAGMA application_id").scalar_one() == APPLICATION_ID)
