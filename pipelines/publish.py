"""Station 6: a build, checked inside and then published as three encrypted files; and the ways to read them.

A build is a function of one manifest of raw, one ops number, one local day and the SQL files: the same four give the
same rows at any later time. It is made in memory of one hardened connection; only when no check with severity `error`
found a row are the files written and the pointer moved. Published files are never opened for writing again.

    core.duckdb    identified, for matching and jobs
    desk.duckdb    names that staff must read
    marts.duckdb   pseudonymous: all that analysts and pages read
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import duckdb
import polars as pl

from pipelines import files, transform
from pipelines.errors import FileMissing, PipelineError, StoreError, WrongKey
from pipelines.files import Generation, Manifest
from pipelines.keys import Key
from pipelines.ops import numbers
from pipelines.ops.database import Ops
from pipelines.ops.frames import frames
from pipelines.practice import Practice
from pipelines.transform import CheckResult, ModelResult

_Opened = TypeVar("_Opened")

Store = Literal["marts", "desk"]
STORES = ("core", "desk", "marts")

#: Called with "build", the table that was just built and its rows.
Progress = Callable[[str, str, int], None]

#: Under which name the file at hand is attached.
_FILE = "file"

#: A fifth fewer bytes than with DuckDB's own 262,144, read as fast.
_BLOCK = 65_536

#: Digits of a pseudonym: half of an HMAC-SHA-256, enough that no two persons of a practice ever share one.
_PSEUDONYM_DIGITS = 32

#: How often a reader follows the pointer to a newer generation before it gives up.
_TRIES = 5


class BuildFailed(PipelineError):
    """Checks found rows that must not exist, so nothing was published; `broken` names them with their counts."""

    def __init__(self, broken: Sequence[CheckResult]) -> None:
        self.broken = tuple(broken)
        found = ", ".join(f"{check.name} ({check.rows} rows)" for check in broken)
        super().__init__(f"nothing was published: {found} found rows that must not exist; expected none")


class NothingPublished(PipelineError):
    """There is no published generation to read yet."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did. `generation` is None when the published one already stands for the same inputs."""

    generation: Generation | None
    run: int
    ops_number: int
    today: dt.date
    models: tuple[ModelResult, ...]
    checks: tuple[CheckResult, ...]
    seconds: float
    carried_over: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What a build is a function of."""

    manifest: Manifest | None
    run: int
    ops_number: int
    today: dt.date
    fingerprint: str


def build(
    practice: Practice,
    ops: Ops,
    *,
    run: int | None = None,
    ops_number: int | None = None,
    today: dt.date | None = None,
    out: Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Built:
    """Build and publish, unless what is published stands for the same inputs.

    :param run: rows up to this run; None for all that raw holds.
    :param ops_number: decisions up to this number; None for all.
    :param today: local day of the build; None for the practice's clock.
    :param out: an existing folder for the files; then nothing is published, and the practice stays as it is.
    :param force: build even if nothing differs.
    :raises BuildFailed: a check found rows; what was published stays.
    :raises Busy, DiskFull, FileMissing, BrokenFile, WrongKey, ModelFailed: likewise.
    """
    begun = time.monotonic()
    with files.lock(practice, "build"):
        inputs = _inputs(practice, ops, run, ops_number, today)
        published = files.current(practice)
        if published is not None and out is None and not force and _stands_for(published, inputs):
            return _built(inputs, begun)
        with contextlib.closing(files.raw_connection(practice, inputs.manifest)) as con:
            models, checks = _evaluate(practice, ops, inputs, con, progress)
            files.checkpoint("build.checked")
            folder = out or _room_for_generation(practice, published)
            written, carried = _write(practice, con, folder, None if out else published)
        files.checkpoint("build.written")
        generation = _generation(practice, inputs, folder, written)
        if out is None:
            files.publish_generation(practice, generation)
    return _built(inputs, begun, generation=generation, models=models, checks=checks, carried=carried)


def is_current(practice: Practice, ops: Ops) -> bool:
    """Whether what is published stands for all that raw and ops.db hold, and for today."""
    published = files.current(practice)
    return published is not None and _stands_for(published, _inputs(practice, ops, None, None, None))


def _inputs(practice: Practice, ops: Ops, run: int | None, ops_number: int | None, today: dt.date | None) -> _Inputs:
    manifest = files.read_manifest(practice, run)
    return _Inputs(
        manifest=manifest,
        run=manifest.run if manifest else 0,
        ops_number=numbers.number(ops) if ops_number is None else ops_number,
        today=today or practice.today(),
        fingerprint=transform.fingerprint(),
    )


def _stands_for(published: Generation, inputs: _Inputs) -> bool:
    return (published.run, published.ops_number, published.today, published.fingerprint) == (
        inputs.run,
        inputs.ops_number,
        inputs.today,
        inputs.fingerprint,
    )


def _evaluate(
    practice: Practice, ops: Ops, inputs: _Inputs, con: duckdb.DuckDBPyConnection, progress: Progress | None
) -> tuple[list[ModelResult], list[CheckResult]]:
    """Everything in memory, and the checks on it. Raises BuildFailed when one with severity `error` found a row."""
    said = frames(ops, number=inputs.ops_number, run=inputs.run)
    transform.load_ops(con, {**said, "pseudonym": pseudonyms(said["link"], said["alias"], practice.key("pseudonym"))})
    with files.naming_broken(practice, inputs.manifest):
        models = transform.evaluate(
            con,
            today=inputs.today,
            variables={"zone": practice.settings.timezone, "run": inputs.run},
            targets=STORES,
            progress=None if progress is None else lambda made: progress("build", made.name, made.rows),
        )
        checks = transform.checks(con)
    broken = [check for check in checks if check.rows and check.severity == "error"]
    if broken:
        raise BuildFailed(broken)
    return models, checks


def pseudonyms(links: pl.DataFrame, aliases: pl.DataFrame, key: Key) -> pl.DataFrame:
    """`entity_id`, `person_key` (32 hexadecimal digits of an HMAC-SHA-256) of every person, merged ones included."""
    named = pl.concat(
        [
            links.filter(pl.col("kind") == "person").select("entity_id"),
            aliases.filter(pl.col("kind") == "person").select("entity_id"),
            aliases.filter(pl.col("kind") == "person").select(pl.col("current_id").alias("entity_id")),
        ]
    )
    ids = named.get_column("entity_id").unique().sort()
    keys = [key.digest(entity.encode())[:_PSEUDONYM_DIGITS] for entity in ids]
    return pl.DataFrame({"entity_id": ids, "person_key": pl.Series(keys, dtype=pl.String)})


def _room_for_generation(practice: Practice, published: Generation | None) -> Path:
    """A new folder, if the disk can take about as much as is published now."""
    needed = sum((published.folder / name).stat().st_size for name in published.files) if published else 0
    files.require_space(practice.folder, needed, "a build")
    return files.new_generation(practice)


def _write(
    practice: Practice, con: duckdb.DuckDBPyConnection, folder: Path, published: Generation | None
) -> tuple[dict[str, str], list[str]]:
    """The three files, whole and on disk: SHA-256 by name, and the names of those that were carried over.

    First it is found out what did not change, one file after the other: a comparison looks through all that is
    attached, and a file that is finished meanwhile would fail. The rest is written side by side: what takes time is
    compressing, which DuckDB does in one thread for tables of this size.
    """
    keys = {store: practice.key(store) for store in STORES}
    carried: dict[str, str] = {}
    if published is not None:
        same = [store for store in STORES if _is_unchanged(con, store, published.folder, keys[store])]
        carried = {_file_of(store): files.carry_over(published, _file_of(store), folder) for store in same}
    changed = [store for store in STORES if _file_of(store) not in carried]
    with ThreadPoolExecutor(len(STORES), "publish") as pool:
        written = {_file_of(store): pool.submit(_write_store, con, store, keys[store], folder) for store in changed}
    return carried | {name: done.result() for name, done in written.items()}, list(carried)


def _file_of(store: str) -> str:
    return f"{store}.duckdb"


def _write_store(con: duckdb.DuckDBPyConnection, store: str, key: Key, folder: Path) -> str:
    """One file: its SHA-256."""
    path, alias = folder / _file_of(store), f"{_FILE}_{store}"
    with con.cursor() as cursor:
        files.attach(cursor, path, key, alias, read_only=False, block_size=_BLOCK)
        transform.copy_published(cursor, store, alias)
        cursor.execute(f"CHECKPOINT {alias}")
        cursor.execute(f"DETACH {alias}")
        return files.close_file(path, key, cursor)


def _is_unchanged(con: duckdb.DuckDBPyConnection, store: str, folder: Path, key: Key) -> bool:
    """Whether a published file holds the very rows that were just built; one that does not open is written anew."""
    alias = f"published_{store}"
    try:
        files.attach(con, folder / _file_of(store), key, alias)
    except (StoreError, WrongKey):
        return False
    try:
        return transform.holds_same(con, store, alias)
    finally:
        con.execute(f"DETACH {alias}")


def _generation(practice: Practice, inputs: _Inputs, folder: Path, written: Mapping[str, str]) -> Generation:
    return Generation(
        name=folder.name,
        folder=folder,
        run=inputs.run,
        ops_number=inputs.ops_number,
        today=inputs.today,
        fingerprint=inputs.fingerprint,
        files=written,
        built_at=practice.now(),
    )


def _built(
    inputs: _Inputs,
    begun: float,
    *,
    generation: Generation | None = None,
    models: Sequence[ModelResult] = (),
    checks: Sequence[CheckResult] = (),
    carried: Sequence[str] = (),
) -> Built:
    return Built(
        generation=generation,
        run=inputs.run,
        ops_number=inputs.ops_number,
        today=inputs.today,
        models=tuple(models),
        checks=tuple(checks),
        seconds=time.monotonic() - begun,
        carried_over=tuple(carried),
    )


def connect(practice: Practice) -> duckdb.DuckDBPyConnection:
    """For analysts: the published marts as `marts.<table>`, pseudonymous, read-only, no way to any other file.

    :raises NothingPublished: there was no build yet.
    """
    return _following(practice, lambda generation: _opened(practice, generation, "marts"))


class Reader:
    """One published generation for the pages: rows of its marts, and of desk where names are needed.

    Threads may share it; each question has a cursor of its own. What it reads never changes; `reader` gives the
    next one once a newer generation is published.
    """

    def __init__(self, generation: Generation, connections: Mapping[Store, duckdb.DuckDBPyConnection]) -> None:
        self.generation = generation
        self._connections = dict(connections)

    def frame(self, store: Store, sql: str, params: Sequence[object] | Mapping[str, object] = ()) -> pl.DataFrame:
        """The rows of a SELECT on one store (`marts.<table>` or `desk.<table>`), values bound (`$1`, `$name`)."""
        with self._connections[store].cursor() as cursor:
            return cursor.execute(sql, params or None).pl()

    def close(self) -> None:
        """Give the files back; pages that still hold this reader get an error."""
        for con in self._connections.values():
            con.close()


_readers: dict[Path, Reader] = {}
_readers_guard = threading.Lock()


def reader(practice: Practice) -> Reader:
    """The published generation, open. The same reader as before until a newer one is published.

    The one before stays open for the pages that are still reading it, and goes when they let go of it.
    :raises NothingPublished: there was no build yet.
    """
    with _readers_guard:
        known = _readers.get(practice.folder)
        published = files.current(practice)
        if known is None or published is None or known.generation.name != published.name:
            known = _readers[practice.folder] = _following(practice, lambda found: _reader(practice, found))
        return known


def _reader(practice: Practice, generation: Generation) -> Reader:
    stores: tuple[Store, ...] = ("marts", "desk")
    return Reader(generation, {store: _opened(practice, generation, store) for store in stores})


def _opened(practice: Practice, generation: Generation, store: str) -> duckdb.DuckDBPyConnection:
    con = files.connect(locked=False)
    try:
        files.attach(con, generation.folder / f"{store}.duckdb", practice.key(store), store)
        files.seal(con)
    except BaseException:
        con.close()
        raise
    return con


def _following(practice: Practice, open_it: Callable[[Generation], _Opened]) -> _Opened:
    """Open what the pointer names; what it names now, if that went before its files were open."""
    for _ in range(_TRIES):
        try:
            generation = files.current(practice)
            if generation is None:
                raise NothingPublished(f"{practice.id}: nothing is published yet; `praxistakt run {practice.id}` does")
            return open_it(generation)
        except FileMissing as error:
            missing = error
    raise missing


def export(practice: Practice, path: Path) -> str:
    """Write the published marts into a file of their own; returns its new key, which is kept nowhere.

    :raises StoreError: there is a file of this name, or no folder for it.
    :raises NothingPublished: there was no build yet.
    """
    if path.exists() or not path.parent.is_dir():
        raise StoreError(f"{path}: found {'a file' if path.exists() else 'no folder'}, expected a new file's name")
    key = Key.random()
    fresh = path.with_name(f"{path.name}.new")
    with contextlib.closing(_following(practice, lambda generation: _exported(practice, generation, fresh, key))):
        pass
    files.close_file(fresh, key)
    fresh.replace(path)
    return key.hex


def _exported(practice: Practice, generation: Generation, fresh: Path, key: Key) -> duckdb.DuckDBPyConnection:
    con = files.connect()
    try:
        files.attach(con, generation.folder / "marts.duckdb", practice.key("marts"), "marts")
        fresh.unlink(missing_ok=True)
        files.attach(con, fresh, key, _FILE, read_only=False)
        con.execute(f"COPY FROM DATABASE marts TO {_FILE}")
        con.execute(f"CHECKPOINT {_FILE}")
        con.execute(f"DETACH {_FILE}")
    except BaseException:
        con.close()
        raise
    return con
