"""Segments of raw: each a small encrypted DuckDB file, written once, checked, named in the manifest, never opened for
writing again. Compaction writes all of them into one new file by the same steps.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.errors import BrokenFile, FileMissing, RunRefused, StoreError, WrongKey
from pipelines.files import disk
from pipelines.files.checkpoints import checkpoint
from pipelines.files.duck import SMALL_BLOCK, attach, column_type, connect, identifier
from pipelines.files.locks import lock
from pipelines.files.manifest import Manifest, Segment, read_manifest, write_manifest
from pipelines.files.tables import PROVENANCE, TABLES
from pipelines.practice import Practice

#: Beyond this many segments a run compacts; the nightly run does so with fewer.
COMPACT_BEYOND = 16

#: Rows that DuckDB's threads take at a time: its own row group. From one long chunk only one of them would work.
_CHUNK = 122_880

#: Frames below this size (in memory) go into small blocks; larger ones keep DuckDB's own.
_SMALL_BYTES = 8_000_000

_WRITING = "written"


def write_segment(practice: Practice, run: int, tables: Mapping[str, pl.DataFrame]) -> Manifest:
    """Add what a run found to raw: one new segment, and the manifest that names it.

    :param tables: frames by table, with exactly the columns of `tables.TABLES`; empty ones are left out.
    :raises StoreError: nothing to write, or a frame that is no such table.
    :raises RunRefused: a later run is in raw already.
    :raises DiskFull, Busy: nothing was changed.
    """
    filled = {name: _checked(name, frame) for name, frame in sorted(tables.items()) if frame.height}
    if not filled:
        raise StoreError(f"run {run}: no rows to write; a run without news writes no segment")
    size = int(sum(frame.estimated_size() for frame in filled.values()))

    def fill(con: duckdb.DuckDBPyConnection) -> None:
        for name, frame in filled.items():
            said = _without_silent(frame)
            con.register("frame", _as_arrow(said))
            _create(con, name, said.columns)
            con.execute(f"INSERT INTO {_WRITING}.{identifier(name)} BY NAME SELECT * FROM frame")
            con.unregister("frame")

    with lock(practice, "raw"):
        before = read_manifest(practice)
        if before is not None and run < before.run:
            raise RunRefused(f"{practice.id}: run {run} comes after run {before.run}, which is in raw already")
        disk.require_space(_made(practice.raw_folder), size, f"a segment of run {run}")
        with contextlib.closing(connect(practice.temp_folder)) as con:
            segment = _write_once(practice, con, run, fill, SMALL_BLOCK if size < _SMALL_BYTES else None)
        kept = () if before is None else before.segments
        return _name(practice, Manifest(run, (*kept, segment), practice.now()))


def _checked(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    expected = TABLES.get(name)
    if expected is None:
        raise StoreError(f"raw has no table {name}; expected one of {', '.join(sorted(TABLES))}")
    if dict(frame.schema) != dict(expected):
        differing = sorted({column for column, _ in set(frame.schema.items()) ^ set(expected.items())})
        raise StoreError(f"raw.{name}: the frame's columns differ from the table's in {', '.join(differing)}")
    return frame


def _without_silent(frame: pl.DataFrame) -> pl.DataFrame:
    """Only columns that say something: no system fills all that a record may hold, and views give NULL for the rest."""
    return frame.select(column.name for column in frame.get_columns() if column.null_count() < frame.height)


def _as_arrow(frame: pl.DataFrame) -> pa.Table:
    """The frame without a copy of its texts, in chunks that all of DuckDB's threads can take from."""
    chunks = [frame.slice(at, _CHUNK) for at in range(0, frame.height, _CHUNK)]
    return pl.concat(chunks, rechunk=False).to_arrow(compat_level=pl.CompatLevel.newest())


def needs_compaction(manifest: Manifest, beyond: int = COMPACT_BEYOND) -> bool:
    """Whether there are more segments than readers should have to open."""
    return len(manifest.segments) > beyond


def compact(practice: Practice, run: int) -> Manifest:
    """Write all rows of raw into one new segment, name it alone in the manifest, remove the old ones.

    :param run: the run that compacts; it names the file.
    :raises StoreError: there is nothing yet.
    :raises DiskFull, Busy: nothing was changed.
    """
    with lock(practice, "raw"):
        before = read_manifest(practice)
        if before is None:
            raise StoreError(f"{practice.id}: raw holds no segment to compact")
        disk.require_space(practice.raw_folder, before.bytes, "compaction")
        filled = sorted({table for segment in before.segments for table in segment.tables})

        def fill(con: duckdb.DuckDBPyConnection) -> None:
            for name in filled:
                _create(con, name, TABLES[name].names())
                source = f"SELECT * FROM raw.{identifier(name)} ORDER BY {_order(name)}"
                con.execute(f"INSERT INTO {_WRITING}.{identifier(name)} BY NAME {source}")

        with contextlib.closing(raw_connection(practice, before)) as con, naming_broken(practice, before):
            segment = _write_once(practice, con, run, fill, None)
        return _name(practice, Manifest(before.run, (segment,), practice.now()))


def _order(table: str) -> str:
    """Versions of a row side by side; other tables are small."""
    return "source, source_id, run" if PROVENANCE.items() <= TABLES[table].items() else "ALL"


def _create(con: duckdb.DuckDBPyConnection, name: str, chosen: Iterable[str]) -> None:
    columns = ", ".join(f"{identifier(column)} {column_type(TABLES[name][column])}" for column in chosen)
    con.execute(f"CREATE TABLE {_WRITING}.{identifier(name)} ({columns})")


def _write_once(
    practice: Practice,
    con: duckdb.DuckDBPyConnection,
    run: int,
    fill: Callable[[duckdb.DuckDBPyConnection], None],
    block_size: int | None,
) -> Segment:
    """New file -> filled in one transaction -> checked read-only -> on disk -> renamed. The manifest comes after."""
    path = _free_name(practice.raw_folder, run)
    fresh = path.with_name(f"{path.name}.new")
    disk.remove([fresh, wal_of(fresh)])
    attach(con, fresh, practice.key("raw"), _WRITING, read_only=False, block_size=block_size)
    con.begin()
    fill(con)
    checkpoint("segment.filled")
    con.commit()
    checkpoint("segment.committed")
    written = _census(con, _WRITING)
    con.execute(f"CHECKPOINT {_WRITING}")
    con.execute(f"DETACH {_WRITING}")
    checkpoint("segment.detached")
    _require_same(con, practice, fresh, written)
    disk.sync_file(fresh)
    checkpoint("segment.synced")
    disk.replace(fresh, path)
    checkpoint("segment.renamed")
    disk.sync_folder(path.parent)
    runs = [edge for _, _, low, high in written.values() for edge in (low, high)]
    rows = {table: count for table, (count, *_) in written.items()}
    return Segment(path.name, max(runs), min(runs), path.stat().st_size, disk.sha256(path), rows)


def _name(practice: Practice, manifest: Manifest) -> Manifest:
    write_manifest(practice, manifest)
    checkpoint("manifest.named")
    disk.remove(unnamed_segments(practice, manifest))
    checkpoint("segments.removed")
    return manifest


def unnamed_segments(practice: Practice, manifest: Manifest | None) -> list[Path]:
    """Files in the raw folder that do not count: half-written ones, and those that a compaction replaced."""
    named = set() if manifest is None else {segment.name for segment in manifest.segments}
    return sorted(path for path in practice.raw_folder.glob("*.duckdb*") if path.name not in named)


def wal_of(path: Path) -> Path:
    """Where DuckDB keeps what is not yet in the file; one beside a closed file means that it is not finished."""
    return path.with_name(f"{path.name}.wal")


def _free_name(folder: Path, run: int) -> Path:
    """`00000012-1.duckdb`: a run may write more than one segment (rows, the morning's slots, a compaction).

    Numbers go up: a reader may still know the file that had an earlier one.
    """
    taken = [int(path.stem.rpartition("-")[2]) for path in folder.glob(f"{run:08d}-*.duckdb")]
    return folder / f"{run:08d}-{max(taken, default=0) + 1}.duckdb"


#: Per table: rows, a sum over all values (so that every page is read and decrypted), oldest and newest run.
Census = dict[str, tuple[int, int, int, int]]


def _census(con: duckdb.DuckDBPyConnection, alias: str) -> Census:
    names = con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY 1", [alias]).fetchall()
    out: Census = {}
    for (name,) in names:
        counted = f"SELECT count(*), bit_xor(hash(t)), min(run), max(run) FROM {alias}.{identifier(name)} AS t"
        row = con.execute(counted).fetchone()
        if row is not None:
            out[name] = row
    return out


def _require_same(con: duckdb.DuckDBPyConnection, practice: Practice, path: Path, written: Census) -> None:
    """Read the closed file back: what stands there must be what was written."""
    if wal_of(path).exists():
        raise BrokenFile(f"{path}: not finished, a write-ahead log stands beside it")
    attach(con, path, practice.key("raw"), "reading")
    found = _census(con, "reading")
    con.execute("DETACH reading")
    if found != written:
        differing = sorted(name for name in written if found.get(name) != written[name])
        raise BrokenFile(f"{path}: read back differently from what was written in {', '.join(differing)}")


def raw_connection(practice: Practice, manifest: Manifest | None) -> duckdb.DuckDBPyConnection:
    """A connection with schema `raw`: a view per table over the manifest's segments, typed and empty where none has it.

    A later run's rows do not show. Close it soon: on Windows an open segment cannot be removed after a compaction.

    :param manifest: None gives empty views (nothing landed yet).
    :raises FileMissing, BrokenFile, WrongKey: a segment cannot be opened; the message names it.
    """
    try:
        return _opened(practice, manifest)
    except FileMissing:
        # A compaction may have replaced the segments since the manifest was read: the same rows are elsewhere now.
        newer = None if manifest is None else read_manifest(practice, manifest.run)
        if newer is None or newer == manifest:
            raise
        return _opened(practice, newer)


def _opened(practice: Practice, manifest: Manifest | None) -> duckdb.DuckDBPyConnection:
    con = connect(practice.temp_folder)
    try:
        _attach_all(con, practice, manifest)
        _create_views(con, manifest)
    except BaseException:
        con.close()
        raise
    return con


def _attach_all(con: duckdb.DuckDBPyConnection, practice: Practice, manifest: Manifest | None) -> None:
    for position, segment in enumerate(() if manifest is None else manifest.segments):
        path = practice.raw_folder / segment.name
        if path.is_file() and path.stat().st_size != segment.bytes:
            raise BrokenFile(f"{path}: {path.stat().st_size} bytes, expected {segment.bytes}")
        try:
            attach(con, path, practice.key("raw"), _alias(position))
        except WrongKey as error:
            if disk.sha256(path) != segment.sha256:
                raise BrokenFile(f"{path}: differs from what was written (SHA-256)") from error
            raise


def _alias(position: int) -> str:
    return f"segment_{position}"


def _create_views(con: duckdb.DuckDBPyConnection, manifest: Manifest | None) -> None:
    views = (f"CREATE VIEW raw.{identifier(table)} AS {_view(table, manifest)}" for table in TABLES)
    con.execute("; ".join(["CREATE SCHEMA raw", *views]))


def _view(table: str, manifest: Manifest | None) -> str:
    """Columns that an older segment lacks read as NULL, those that nobody knows any more are left out."""
    schema = TABLES[table]
    typed = ", ".join(f"NULL::{column_type(dtype)} AS {identifier(column)}" for column, dtype in schema.items())
    parts = [f"SELECT {typed} WHERE false"]
    limit = ""
    for position, segment in enumerate(() if manifest is None else manifest.segments):
        if table in segment.tables:
            parts.append(f"SELECT * FROM {_alias(position)}.{identifier(table)}")
    if manifest is not None and any(segment.run > manifest.run for segment in manifest.segments):
        limit = f" WHERE run <= {manifest.run:d}"
    columns = ", ".join(identifier(column) for column in schema)
    return f"SELECT {columns} FROM ({' UNION ALL BY NAME '.join(parts)}){limit}"


@contextlib.contextmanager
def naming_broken(practice: Practice, manifest: Manifest | None) -> Iterator[None]:
    """Around queries on a `raw_connection`: a page that does not decrypt is told as the file that holds it.

    :raises BrokenFile: naming the segments whose bytes are not those that were written.
    """
    try:
        yield
    except duckdb.Error:
        problems = segment_problems(practice, manifest)
        if problems:
            raise BrokenFile("; ".join(problems)) from None
        raise


def segment_problems(practice: Practice, manifest: Manifest | None) -> list[str]:
    """Segments that are missing or whose bytes are not those that were written, one line each."""
    segments = () if manifest is None else manifest.segments
    found = (file_problem(practice.raw_folder / segment.name, segment.sha256) for segment in segments)
    return [problem for problem in found if problem is not None]


def file_problem(path: Path, sha256: str) -> str | None:
    """What is wrong with a write-once file, or None."""
    if not path.is_file():
        return f"{path}: missing"
    if disk.sha256(path) != sha256:
        return f"{path}: differs from what was written (SHA-256)"
    return None


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
