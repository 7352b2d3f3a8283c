"""Which tables raw has, and their columns.

Every record type is a table: where the row came from, in which run it was seen, whether it is gone, and the record's
columns. The latest row of a (source, source_id) by run is the current one, unless it is `removed`; a removed row keeps
the last known values. Rows are only ever added.
"""

from __future__ import annotations

from types import MappingProxyType

import polars as pl

from connectors import records
from connectors.source import REJECTED_SCHEMA, UNMAPPED_SCHEMA

_INSTANT = pl.Datetime("us", "UTC")

#: Beside each record's columns; `read_at` is when the source was read (`valid_from` is a word of two records).
PROVENANCE = pl.Schema(
    {
        "source": pl.String(),
        "source_id": pl.String(),
        "run": pl.Int64(),
        "read_at": _INSTANT,
        "removed": pl.Boolean(),
    }
)

#: One row per run that landed anything.
RUN = pl.Schema({"run": pl.Int64(), "read_at": _INSTANT, "schema_version": pl.Int64()})

#: How far a source was read; the latest row of a (source, resource) counts. `position` is NULL where it has none.
WATERMARK = pl.Schema({"source": pl.String(), "resource": pl.String(), "run": pl.Int64(), "position": pl.String()})

#: Rows that could not become a record, and (`kept`) doubts about a value of one that did. The latest row of all other
#: columns counts; `removed`: it no longer stands so.
REJECTED = pl.Schema(
    {
        "source": pl.String(),
        "run": pl.Int64(),
        "read_at": _INSTANT,
        "removed": pl.Boolean(),
        **REJECTED_SCHEMA,
        "kept": pl.Boolean(),
    }
)

#: Codes without a mapping. The latest row of (source, resource, field, code) counts; `removed`: no row has it any more.
UNMAPPED = pl.Schema({"source": pl.String(), "run": pl.Int64(), "removed": pl.Boolean(), **UNMAPPED_SCHEMA})

#: Open slots as they stood in the morning: nothing can compute them later.
SLOT_SNAPSHOT = pl.Schema(
    {
        "snapshot_date": pl.Date(),
        "calendar_key": pl.String(),
        "service_key": pl.String(),
        "slot_date": pl.Date(),
        "open_slots": pl.Int64(),
        "first_start_1": _INSTANT,
        "first_start_2": _INSTANT,
        "first_start_3": _INSTANT,
        "run": pl.Int64(),
        "taken_at": _INSTANT,
    }
)


def record_table(resource: str) -> pl.Schema:
    """Columns of a record type's table, provenance first."""
    return pl.Schema({**PROVENANCE, **{n: t for n, t in records.schema(resource).items() if n != "source_id"}})


#: All tables of raw by name.
TABLES = MappingProxyType(
    {
        **{resource: record_table(resource) for resource in records.RECORDS},
        "run": RUN,
        "watermark": WATERMARK,
        "rejected": REJECTED,
        "unmapped": UNMAPPED,
        "slot_snapshot": SLOT_SNAPSHOT,
    }
)
