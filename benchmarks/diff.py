"""The nightly comparison of 1,000,000 appointments with what stands, against the fastest that polars can do.

`pipelines.comparison` compares column by column, because a stored hash must not depend on a library's version. The
measure beside it is not allowed to us: rows hashed by polars, yesterday's hashes kept, one full join. Planted today:
70 new, 50 gone, some 262 changed, of which one in a field that no cursor shows; both ways must find them all.
`--small` compares 100,000 rows, for a look.
"""

from __future__ import annotations

import datetime as dt
import sys
from time import monotonic, process_time
from typing import Any

import polars as pl
from measure import Goal, interleaved, median, report

from connectors import records
from connectors.source import REJECTED_SCHEMA, UNMAPPED_SCHEMA
from pipelines import comparison
from pipelines.comparison import Reading

ROWS, SMALL = 1_000_000, 100_000
NEW, GONE, CHANGED = 70, 50, 262
ROUNDS = 5
LIMIT = 4.0
START = dt.datetime(2020, 1, 2, 8, tzinfo=dt.UTC)


def yesterday(rows: int) -> pl.DataFrame:
    """Appointments as they stand: the record's columns, half of them filled."""
    number = pl.int_range(rows, dtype=pl.Int64)
    start = pl.lit(START) + number * pl.duration(minutes=5)
    filled = {
        "source_id": number.cast(pl.String),
        "schedule_id": (number % 12).cast(pl.String),
        "patient_id": (number * 7919 % 60_000).cast(pl.String),
        "practitioner_id": (number % 12).cast(pl.String),
        "room_id": (number % 5).cast(pl.String),
        "healthcare_service_id": (number % 9).cast(pl.String),
        "status": pl.when(number % 11 == 0).then(pl.lit("cancelled")).otherwise(pl.lit("fulfilled")),
        "status_code": pl.when(number % 11 == 0).then(pl.lit("5")).otherwise(pl.lit("3")),
        "start": start,
        "end": start + pl.duration(minutes=15),
        "arrived_at": pl.when(number % 3 > 0).then(start - pl.duration(minutes=7)),
        "created_at": start - pl.duration(days=21),
        "changed_at": start + pl.duration(minutes=16),
    }
    schema = records.schema("appointment")
    columns = [filled.get(name, pl.lit(None)).cast(dtype).alias(name) for name, dtype in schema.items()]
    return pl.select(number.alias("number")).select(columns).sort("source_id")


def today(before: pl.DataFrame) -> pl.DataFrame:
    """The same with what was planted, spread over the whole."""
    at = pl.int_range(pl.len())
    step = before.height // CHANGED
    gone = before.height // GONE
    edited = before.with_columns(
        pl.when(at % step == 1).then(pl.lit("99")).otherwise("room_id").alias("room_id"),
        pl.when(at == 2).then(pl.lit("other")).otherwise("channel").alias("channel"),
    )
    kept = edited.filter(~((at % gone == 0) & (at // gone < GONE)))
    new = before.head(NEW).with_columns(source_id="n" + pl.col("source_id"))
    return pl.concat([kept, new]).sort("source_id")


def reading(frame: pl.DataFrame) -> Reading:
    """Today's rows as the landing has them."""
    nothing = pl.DataFrame(schema=REJECTED_SCHEMA)
    unmapped = pl.DataFrame(schema=UNMAPPED_SCHEMA)
    return Reading("appointment", frame, "full", None, None, (), nothing, nothing, unmapped, frame.height)


def ours(rows: int) -> dict[str, Any]:
    """`comparison.compare`, as every landing calls it."""
    before = yesterday(rows)
    read, standing = reading(today(before)), before.with_columns(removed=pl.lit(value=False))
    begun, busy = monotonic(), process_time()
    found = comparison.compare(read, standing)
    seconds, cpu = monotonic() - begun, process_time() - busy
    return {"found": (found.new.height, found.gone.height, found.changed.height), "seconds": seconds, "cpu": cpu}


def hashed(rows: int) -> dict[str, Any]:
    """polars' own hash of each row of today, joined with the hashes of yesterday."""
    before = yesterday(rows)
    now, kept = today(before), before.select("source_id", before.hash_rows(seed=7).alias("was"))
    begun, busy = monotonic(), process_time()
    hashes = now.select("source_id", now.hash_rows(seed=7).alias("is"))
    both = hashes.join(kept, on="source_id", how="full", suffix=" before")
    new, gone = both["was"].null_count(), both["is"].null_count()
    changed = both.filter(pl.col("is") != pl.col("was")).height
    seconds, cpu = monotonic() - begun, process_time() - busy
    return {"found": (new, gone, changed), "seconds": seconds, "cpu": cpu}


def main() -> None:
    """Measure, hold against the limit, report."""
    rows = SMALL if "--small" in sys.argv else ROWS
    rounds = interleaved({"comparison": (ours, rows), "hash_rows + full join": (hashed, rows)}, ROUNDS)
    found = {one.result["found"] for measured in rounds.values() for one in measured}
    if len(found) != 1 or found.pop()[:2] != (NEW, GONE):
        raise RuntimeError(f"the ways found {sorted(found)}, expected ({NEW}, {GONE}, about {CHANGED}) from each")
    ratio = median(rounds["comparison"]) / median(rounds["hash_rows + full join"])
    report("diff", rounds, [Goal("comparison, times polars hash_rows + full join", ratio, LIMIT)], compared=rows)


if __name__ == "__main__":
    main()
