"""Generations: what was built, a folder each, and the pointer `published/current` that moves last.

A generation is written once, like a segment; readers open the one that the pointer names and keep it as long as they
like. Older ones go when the next is published, but for the last few, which a reader may just be opening.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.errors import BrokenFile, FileMissing
from pipelines.files import disk
from pipelines.files.checkpoints import checkpoint
from pipelines.files.duck import attach, connect, identifier
from pipelines.files.locks import lock
from pipelines.files.segments import file_problem, wal_of
from pipelines.keys import Key
from pipelines.practice import Practice

POINTER = "current"
_DESCRIPTION = "generation.json"
_KEPT = 3


@dataclass(frozen=True, slots=True)
class Generation:
    """One build: from which raw (`run`), which decisions (`ops_number`), which day and which SQL (`fingerprint`).

    `files` are the SHA-256 of its files by name. `<purpose>.duckdb` is encrypted with the key of that purpose.
    """

    name: str
    folder: Path
    run: int
    ops_number: int
    today: dt.date
    fingerprint: str
    files: Mapping[str, str]
    built_at: dt.datetime


def current(practice: Practice) -> Generation | None:
    """The published generation, or None before the first.

    :raises BrokenFile: the pointer cannot be read.
    :raises FileMissing: it names a generation that is not there.
    """
    pointer = practice.published_folder / POINTER
    if not pointer.exists():
        return None
    generation = _parse(practice, pointer)
    for name in generation.files:
        if not (generation.folder / name).is_file():
            raise FileMissing(f"{generation.folder / name}: missing, though {pointer} names it")
    return generation


def new_generation(practice: Practice) -> Path:
    """An empty folder for a build; it counts for nothing until `publish_generation`."""
    folder = practice.published_folder
    folder.mkdir(mode=0o700, exist_ok=True)
    stamp = f"{practice.now():%Y%m%dT%H%M%SZ}"
    taken = [int(path.name.rpartition("-")[2]) for path in folder.glob(f"{stamp}-*")]
    made = folder / f"{stamp}-{max(taken, default=0) + 1:04d}"
    made.mkdir(mode=0o700)
    return made


def close_file(path: Path, key: Key, con: duckdb.DuckDBPyConnection | None = None) -> str:
    """Check and fsync a file that was just written, checkpointed and detached; its SHA-256, for `Generation.files`.

    :param con: a connection to read it back with; opening one takes longer than all the rest.
    :raises BrokenFile, WrongKey: it does not open as it should.
    """
    if wal_of(path).exists():
        raise BrokenFile(f"{path}: not finished, a write-ahead log stands beside it")
    with contextlib.nullcontext(con) if con else contextlib.closing(connect()) as reading:
        alias = f"reading_{path.stem}"  # several files may be closed at a time, and names belong to the whole database
        attach(reading, path, key, alias)
        reading.execute(f"DETACH {identifier(alias)}")
    disk.sync_file(path)
    return disk.sha256(path)


def carry_over(previous: Generation, name: str, folder: Path) -> str:
    """Take a file whose content did not change from an earlier generation; its SHA-256, for `Generation.files`.

    :raises FileMissing, BrokenFile: it is not there any more, or not what was written.
    """
    source = previous.folder / name
    problem = file_problem(source, previous.files[name])
    if problem is not None:
        raise BrokenFile(problem)
    disk.link_or_copy(source, folder / name)
    disk.sync_file(folder / name)
    return previous.files[name]


def publish_generation(practice: Practice, generation: Generation) -> None:
    """Let readers see this generation: its files are whole and on disk, the pointer moves last.

    :raises FileMissing, BrokenFile: a file of it is not there or not as described; the pointer stays.
    """
    with lock(practice, "build"):
        for name in generation.files:
            if not (generation.folder / name).is_file():
                raise FileMissing(f"{generation.folder / name}: missing, though the build names it")
        text = _to_json(generation)
        disk.write_text(generation.folder / _DESCRIPTION, text, name="generation")
        disk.sync_folder(generation.folder)
        disk.sync_folder(practice.published_folder)
        checkpoint("generation.complete")
        disk.write_text(practice.published_folder / POINTER, text, name="pointer")
        disk.remove(unused_generations(practice, generation))
        checkpoint("generations.removed")


def unused_generations(practice: Practice, published: Generation | None) -> list[Path]:
    """Folders beside the published one: all that were never published, and the older ones beyond the last few."""
    others = [folder for folder in _folders(practice) if published is None or folder != published.folder]
    finished = [folder for folder in others if (folder / _DESCRIPTION).is_file()]
    return [folder for folder in others if folder not in finished[: _KEPT - 1]]


def complete_generations(practice: Practice) -> list[Generation]:
    """Generations whose files are all there and unchanged, the newest first."""
    out = []
    for folder in _folders(practice):
        with contextlib.suppress(BrokenFile, FileNotFoundError):
            generation = _parse(practice, folder / _DESCRIPTION)
            if not generation_problems(generation):
                out.append(generation)
    return out


def generation_problems(generation: Generation) -> list[str]:
    """Files of a generation that are missing or changed, one line each."""
    found = (file_problem(generation.folder / name, sha256) for name, sha256 in generation.files.items())
    return [problem for problem in found if problem is not None]


def _folders(practice: Practice) -> list[Path]:
    return sorted((path for path in practice.published_folder.glob("*") if path.is_dir()), reverse=True)


def _parse(practice: Practice, path: Path) -> Generation:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        found["folder"] = practice.published_folder / found["name"]
        found["today"] = dt.date.fromisoformat(found["today"])
        found["built_at"] = dt.datetime.fromisoformat(found["built_at"])
        return Generation(**found)
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenFile(f"{path}: describes no generation: {type(error).__name__}") from error


def _to_json(generation: Generation) -> str:
    content = {
        "name": generation.name,
        "run": generation.run,
        "ops_number": generation.ops_number,
        "today": generation.today.isoformat(),
        "fingerprint": generation.fingerprint,
        "files": dict(generation.files),
        "built_at": generation.built_at.isoformat(),
    }
    return json.dumps(content, indent=1)
