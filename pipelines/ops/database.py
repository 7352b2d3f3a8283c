"""`Ops`: an open ops.db, and the two ways to work with it: `transaction` and `reading`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pipelines.ops import engine as engines
from pipelines.ops import schema
from pipelines.ops.engine import HexKey
from pipelines.ops.errors import AlreadyThere, ForeignFile


class HasOps(Protocol):
    """What this package needs of a `pipelines.practice.Practice`."""

    @property
    def ops_path(self) -> Path:
        """Where ops.db lies."""
        ...

    def key(self, purpose: str, /) -> HexKey:
        """The key for a purpose."""
        ...


class Ops:
    """An open ops.db. Threads may share it; each transaction has a session of its own."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self.engine = engine
        self._reading = engine.execution_options(**{engines.READING: True})

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that writes: committed at the end of the block, rolled back whole when the block raises.

        What the block did is on disk when it is left (synchronous = FULL), so only then may a page say "gespeichert".
        Writers wait for one another.

        :raises Busy: another one wrote for longer than 30 s.
        """
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            session.connection()  # BEGIN IMMEDIATE now, not at the first statement
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the file, waits for nobody and writes nothing."""
        with Session(self._reading, autoflush=False, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def create(path: Path, key: HexKey) -> None:
    """Make a new, empty ops.db with the newest schema. A kill half-way leaves `ops.db.new` and nothing else.

    :raises AlreadyThere: there is one.
    """
    if path.exists():
        raise AlreadyThere(
            f"{path.name}: there is one in {path.parent} already; it holds decisions and is never replaced"
        )
    fresh = path.with_name(f"{path.name}.new")
    for leftover in (fresh, fresh.with_name(f"{fresh.name}-wal"), fresh.with_name(f"{fresh.name}-shm")):
        leftover.unlink(missing_ok=True)
    engine = engines.open_engine(fresh, key, keep_connection=True)
    try:
        schema.create(engine)
    finally:
        engine.dispose()
    fresh.replace(path)
    _fsync_folder(path.parent)


def _fsync_folder(folder: Path) -> None:
    """Makes the rename last; Windows has no such thing and needs none."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_ops(practice: HasOps, *, keep_connection: bool = False) -> Ops:
    """Open a practice's ops.db and bring its schema up to date.

    :param keep_connection: True in the pipeline: one connection stays open. Pages leave it False.
    :raises FileMissing, WrongKey, ForeignFile, BrokenFile, SchemaNewer, Busy:
    """
    return open_path(practice.ops_path, practice.key("ops"), keep_connection=keep_connection)


def open_path(path: Path, key: HexKey, *, keep_connection: bool = False) -> Ops:
    """`open_ops` for a file that is not a practice's own (a restored copy)."""
    engines.must_exist(path)
    engine = engines.open_engine(path, key, keep_connection=keep_connection)
    try:
        _bring_up_to_date(engine, path)
    except BaseException:
        engine.dispose()
        raise
    return Ops(path, engine)


def _bring_up_to_date(engine: Engine, path: Path) -> None:
    with engine.execution_options(**{engines.READING: True}).connect() as connection:
        ours, found = engines.is_ours(connection), schema.revision(connection)
    if not ours:
        raise ForeignFile(f"{path.name}: the key opens it, but it is another program's file")
    if found != schema.HEAD:
        schema.upgrade(engine, path)
