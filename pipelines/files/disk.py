"""Bytes on disk: what must be there after a power cut, and how Windows is told to wait.

A file counts only when its bytes and its name are on disk: write, fsync the file, rename, fsync the folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from pipelines.errors import DiskFull
from pipelines.files.checkpoints import checkpoint

#: A step needs room for what it writes, for a second copy until the first is gone, and some air.
ROOM_FACTOR = 2.5

#: Windows refuses to replace or remove a file while a virus scanner or a reader has it open.
_SHARING_WAITS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0)


def sync_file(path: Path) -> None:
    """Bytes of this file reach the disk before anything that follows."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Names in this folder reach the disk; Windows has no such call and needs none for `os.replace`."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace(source: Path, target: Path) -> None:
    """`os.replace`, tried again for two seconds where another program has the target open."""
    for wait in _SHARING_WAITS:
        try:
            source.replace(target)
        except PermissionError:
            time.sleep(wait)
        else:
            return
    source.replace(target)


def write_text(path: Path, text: str, *, name: str) -> None:
    """Replace a small file as a whole: after a power cut it is the old or the new one.

    :param name: of the checkpoints on the way.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    sync_file(fresh)
    checkpoint(f"{name}.written")
    replace(fresh, path)
    checkpoint(f"{name}.replaced")
    sync_folder(path.parent)


def remove(paths: Iterable[Path]) -> list[Path]:
    """Remove files or folders that nothing names; what another process has open stays and is returned."""
    left = []
    for path in paths:
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except PermissionError:
            left.append(path)
    return left


def sha256(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def link_or_copy(source: Path, target: Path) -> None:
    """The same bytes under a second name, without writing them again where the file system can do that."""
    try:
        os.link(source, target)
    except OSError:  # another volume, or a file system without hard links (FAT, some network shares)
        shutil.copyfile(source, target)


def require_space(folder: Path, needed: int, what: str) -> None:
    """Refuse to begin what could not be ended.

    :param needed: bytes that the step writes.
    :raises DiskFull: less than `ROOM_FACTOR` times that is free; the message says how much there is and must be.
    """
    free = shutil.disk_usage(folder).free
    wanted = int(needed * ROOM_FACTOR)
    if free < wanted:
        raise DiskFull(f"{folder}: {free / 1e6:,.1f} MB free, {what} needs {wanted / 1e6:,.1f} MB")
