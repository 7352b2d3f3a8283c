"""Land a run as `pipelines.run` does, without the stations after it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from connectors import records
from pipelines import files
from pipelines.land import Landed, land
from pipelines.ops import Ops, runs
from pipelines.practice import Practice
from tests.kit.practices import NOON, rows


def land_once(practice: Practice, ops: Ops, **options: Any) -> Landed:
    """Begin a run, land, end it."""
    manifest = files.read_manifest(practice)
    run = runs.start_run(ops, "changes", practice.now(), after=manifest.run if manifest else 0)
    landed = land(practice, ops, run, **options)
    runs.finish_run(ops, run, "ok", practice.now(), landed.segment)
    return landed


def appointment(source_id: str, *, days: float = 1, **values: Any) -> dict[str, Any]:
    """An appointment of half an hour, so many days after the tests' noon."""
    start = NOON + dt.timedelta(days=days)
    return {
        "source_id": source_id, "status": "booked", "start": start, "end": start + dt.timedelta(minutes=30), **values,
    }  # fmt: skip


def appointments_of(*source_ids: str, **values: Any) -> pl.DataFrame:
    """A frame of such appointments."""
    return rows("appointment", *(appointment(source_id, **values) for source_id in source_ids))


def patients_of(*source_ids: str, **values: Any) -> pl.DataFrame:
    """A frame of patients."""
    return rows("patient", *({"source_id": source_id, "active": True, **values} for source_id in source_ids))


def versions(practice: Practice, resource: str) -> pl.DataFrame:
    """All rows of a record type in raw, oldest first."""
    with files.raw_connection(practice, files.read_manifest(practice)) as con:
        return con.execute(f"SELECT * FROM raw.{resource} ORDER BY run, source, source_id").pl()


def current(practice: Practice, resource: str, source: str = "pvs") -> dict[str, dict[str, Any]]:
    """The rows that stand, by source_id, with the record's columns."""
    newest: dict[str, dict[str, Any]] = {}
    for row in versions(practice, resource).filter(source=source).rows(named=True):
        newest[row["source_id"]] = row
    columns = records.schema(resource).names()
    return {key: {name: row[name] for name in columns} for key, row in newest.items() if not row["removed"]}
