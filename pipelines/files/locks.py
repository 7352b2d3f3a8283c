"""One writer per practice: a lock file of our own for raw and one for the build.

DuckDB's own lock is lost as soon as any code of the process that holds it opens and closes the file, so it guards
nothing here. Readers need no lock: what they read is never written again.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import filelock

from pipelines.errors import Busy
from pipelines.practice import Practice

LockName = Literal["raw", "build"]


@contextlib.contextmanager
def lock(practice: Practice, name: LockName, *, wait: float = 0.0) -> Iterator[None]:
    """Hold a practice's lock for one station. The thread that holds it may take it again.

    :param wait: seconds to wait for another holder.
    :raises Busy: somebody else holds it; the message names process, machine and since when.
    """
    folder = practice.folder / "lock"
    folder.mkdir(exist_ok=True)
    holder = folder / f"{name}.holder"
    guard = filelock.FileLock(folder / name, is_singleton=True)
    try:
        guard.acquire(timeout=wait)
    except filelock.Timeout:
        raise Busy(f"{practice.id}: {name} is locked by {_read_holder(holder)}") from None
    try:
        if guard.lock_counter == 1:
            _write_holder(holder, practice)
        yield
    finally:
        if guard.lock_counter == 1:
            holder.unlink(missing_ok=True)
        guard.release()


def _write_holder(path: Path, practice: Practice) -> None:
    """Beside the lock file, because Windows lets nobody read a file that is locked."""
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": practice.now().isoformat(timespec="seconds")}
    path.write_text(json.dumps(holder), encoding="utf-8")


def _read_holder(path: Path) -> str:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return f"process {found['pid']} on {found['host']} since {found['since']}"
    except (OSError, ValueError, KeyError):  # just taken or just given back: there is nothing to tell yet
        return "another process"
