"""Rows for raw and files for a generation, as small as they can be."""

from __future__ import annotations

import datetime as dt

import polars as pl

from pipelines import files
from pipelines.practice import Practice
from tests.kit.practices import NOON


def appointments(run: int, *source_ids: str) -> pl.DataFrame:
    """Rows of `raw.appointment` of source `pvs`, half an hour long, an hour after noon."""
    start = NOON + dt.timedelta(hours=1)
    known = {"source": "pvs", "run": run, "read_at": NOON, "removed": False, "status": "booked"}
    found = [known | {"source_id": one, "start": start, "end": start + dt.timedelta(minutes=30)} for one in source_ids]
    return pl.DataFrame(found, schema=files.TABLES["appointment"])


def land_rows(practice: Practice, run: int, **tables: pl.DataFrame) -> files.Manifest:
    """Write a segment with these tables and the row of its run."""
    row = pl.DataFrame({"run": [run], "read_at": [NOON], "schema_version": [1]}, schema=files.TABLES["run"])
    return files.write_segment(practice, run, {**tables, "run": row})


def raw_rows(practice: Practice, table: str, run: int | None = None) -> pl.DataFrame:
    """All rows of a table of raw, in the order of all its columns."""
    with files.raw_connection(practice, files.read_manifest(practice, run)) as con:
        return con.execute(f"SELECT * FROM raw.{files.identifier(table)} ORDER BY ALL").pl()


def write_generation(practice: Practice, run: int) -> files.Generation:
    """An unpublished generation whose files each hold a table `t` with the run in it."""
    folder = files.new_generation(practice)
    sums = {}
    for purpose in ("core", "desk", "marts"):
        path = folder / f"{purpose}.duckdb"
        with files.connect() as con:
            files.attach(con, path, practice.key(purpose), "made", read_only=False, block_size=16_384)
            con.execute(f"CREATE TABLE made.t AS SELECT {run:d} AS a")
            con.execute("CHECKPOINT made")
            con.execute("DETACH made")
        sums[path.name] = files.close_file(path, practice.key(purpose))
    return files.Generation(folder.name, folder, run, run * 10, practice.today(), "sql", sums, practice.now())
