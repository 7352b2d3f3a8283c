"""The daily count of open slots: what nobody can compute later, because the calendar of that morning is gone.

By calendar, type and day ahead, with the first three starts. Taken once a local day; a day that was missed stays
missing.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass

import polars as pl

from pipelines import files, transform
from pipelines.ops.database import Ops
from pipelines.ops.frames import frames
from pipelines.practice import Practice

TABLE = "slot_snapshot"
_COUNTED = "core.open_slot_day"


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot: its local day, its run, its rows (0: nothing is open), and the raw segment that holds it."""

    snapshot_date: dt.date
    run: int
    rows: int
    segment: str | None


def take(practice: Practice, ops: Ops, run: int) -> Taken | None:
    """Count the open slots as they stand now, unless the day's snapshot is there already (then None).

    Evaluates the warehouse up to the open slots in memory and writes one raw segment under `run`.
    :raises ModelFailed, StoreError: nothing was written.
    """
    today, now = practice.today(), practice.now()
    manifest = files.read_manifest(practice)
    with contextlib.closing(files.raw_connection(practice, manifest)) as con, files.naming_broken(practice, manifest):
        if con.execute("SELECT 1 FROM raw.slot_snapshot WHERE snapshot_date = $1 LIMIT 1", [today]).fetchone():
            return None
        transform.load_ops(con, frames(ops))
        variables = {"zone": practice.settings.timezone, "run": manifest.run if manifest else 0, "now": now}
        transform.evaluate(con, today=today, variables=variables, targets=[_COUNTED])
        counted = con.execute(f"FROM {_COUNTED}").pl()
    frame = _with_provenance(counted, today, run, now)
    written = files.write_segment(practice, run, {TABLE: frame})
    return Taken(today, run, counted.height, written.segments[-1].name)


def _with_provenance(counted: pl.DataFrame, today: dt.date, run: int, now: dt.datetime) -> pl.DataFrame:
    """The rows as raw keeps them; a day with nothing open has one row without a slot, so that it counts as taken."""
    columns = files.TABLES[TABLE]
    if counted.is_empty():
        counted = pl.DataFrame({"open_slots": [0]})
    stamped = counted.with_columns(
        pl.lit(today).alias("snapshot_date"), pl.lit(run, pl.Int64).alias("run"), pl.lit(now).alias("taken_at")
    )
    missing = [pl.lit(None).alias(name) for name in columns if name not in stamped.columns]
    return stamped.with_columns(missing).select(columns.names()).cast(columns)
