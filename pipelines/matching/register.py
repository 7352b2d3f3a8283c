"""Every source record gets an identity of its own, from the first run on.

Until matching links it to another one, a person of a source is alone. Ids come from the ledger, never from content, so
that a corrected name moves nothing. Schedules that practice.toml names under one calendar share that calendar's id.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import duckdb
import polars as pl

from pipelines import files
from pipelines.ops import ledger
from pipelines.ops.database import Ops
from pipelines.practice import Practice

#: Which source records there are, per kind of entity. Removed ones count: their history still points to them. A
#: schedule that appointments name is one, also where the source has no list of schedules.
_KEYS = MappingProxyType(
    {
        "person": "SELECT source, source_id FROM raw.patient",
        "practitioner": "SELECT source, source_id FROM raw.practitioner",
        "location": "SELECT source, source_id FROM raw.location WHERE kind IS DISTINCT FROM 'room'",
        "room": "SELECT source, source_id FROM raw.location WHERE kind = 'room'",
        "service": "SELECT source, source_id FROM raw.healthcare_service",
        "calendar": """
            SELECT source, source_id FROM raw.schedule
            UNION ALL
            SELECT source, schedule_id FROM raw.appointment WHERE schedule_id IS NOT NULL
        """,
    }
)


@dataclass(frozen=True, slots=True)
class Registered:
    """How many source records got an identity, by kind; kinds without news are left out."""

    new: Mapping[str, int]


def register(practice: Practice, ops: Ops) -> Registered:
    """Give every source record that has no identity one of its own. Doing it again changes nothing.

    :raises FileMissing, BrokenFile, WrongKey: raw cannot be read; the message names the file.
    """
    manifest = files.read_manifest(practice)
    now = practice.now()
    with contextlib.closing(files.raw_connection(practice, manifest)) as con, files.naming_broken(practice, manifest):
        found = {kind: _keys(con, sql) for kind, sql in _KEYS.items()}
    found["calendar"] = found["calendar"].join(_together(practice), on=["source", "source_id"], how="left")
    counts = {kind: ledger.ensure(ops, kind, keys.sort(pl.all()), now) for kind, keys in found.items()}
    return Registered({kind: count for kind, count in counts.items() if count})


def _keys(con: duckdb.DuckDBPyConnection, sql: str) -> pl.DataFrame:
    """Distinct (source, source_id)."""
    return con.execute(f"SELECT DISTINCT source, source_id FROM ({sql})").pl()


def _together(practice: Practice) -> pl.DataFrame:
    """The schedules that practice.toml names: `together` is the key of their calendar."""
    named = [
        (source, schedule, calendar.key)
        for calendar in practice.settings.calendars
        for source, schedule in calendar.schedules.items()
    ]
    schema = {"source": pl.String, "source_id": pl.String, "together": pl.String}
    return pl.DataFrame(named, schema=schema, orient="row")
