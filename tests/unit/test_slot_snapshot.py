"""The open slots of a morning are counted once and never again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import polars as pl
import pytest

from pipelines import files
from pipelines.matching.register import register
from pipelines.ops import database, open_ops, settings
from pipelines.ops.database import Ops
from pipelines.practice import Practice
from pipelines.slot_snapshot import Taken, take
from tests.kit.practices import NOON, Clock
from tests.kit.segments import land_rows, raw_rows

MONDAY = dt.date(2026, 3, 9)


@pytest.fixture
def ops(practice: Practice) -> Iterator[Ops]:
    database.create(practice.ops_path, practice.key("ops"))
    with open_ops(practice, keep_connection=True) as opened:
        settings.record(opened, settings.PRACTICE, practice.settings.model_dump(mode="json"), "test", NOON)
        yield opened


def _rows(table: str, *found: dict[str, object]) -> pl.DataFrame:
    known = {"source": "pvs", "run": 1, "read_at": NOON, "removed": False}
    schema = files.TABLES[table]
    return pl.DataFrame([{name: (known | row).get(name) for name in schema} for row in found], schema=schema)


def _land(practice: Practice, ops: Ops) -> None:
    """Open by practice.toml: Monday 08-12 and 14-18, Tuesday 08-12. A type of an hour; Monday 08-10 is taken."""
    start = dt.datetime(2026, 3, 9, 7, tzinfo=dt.UTC)
    land_rows(
        practice,
        1,
        schedule=_rows("schedule", {"source_id": "1"}),
        healthcare_service=_rows("healthcare_service", {"source_id": "t", "minutes": 60}),
        appointment=_rows(
            "appointment",
            {
                "source_id": "a",
                "schedule_id": "1",
                "status": "booked",
                "start": start,
                "end": start + dt.timedelta(hours=2),
            },
        ),
    )
    register(practice, ops)


def test_a_snapshot_counts_what_is_open_by_calendar_type_and_day(practice: Practice, ops: Ops) -> None:
    _land(practice, ops)

    taken = take(practice, ops, 2)

    assert taken is not None
    assert (taken.snapshot_date, taken.run, taken.segment) == (dt.date(2026, 3, 4), 2, "00000002-1.duckdb")
    rows = raw_rows(practice, "slot_snapshot")
    assert rows.height == taken.rows > 200
    monday = rows.filter(pl.col("slot_date") == MONDAY).row(0, named=True)
    assert (monday["calendar_key"], monday["service_key"], monday["open_slots"]) == ("demir", "s1", 6)
    assert [monday[f"first_start_{n}"].hour for n in (1, 2, 3)] == [9, 10, 13]
    assert monday["taken_at"] == NOON


def test_a_day_is_counted_once(practice: Practice, ops: Ops, clock: Clock) -> None:
    _land(practice, ops)
    take(practice, ops, 2)
    before = raw_rows(practice, "slot_snapshot")

    assert take(practice, ops, 3) is None
    assert raw_rows(practice, "slot_snapshot").equals(before)

    clock.move(days=1)
    assert isinstance(take(practice, ops, 3), Taken)


def test_a_day_with_nothing_open_counts_as_counted(practice: Practice, ops: Ops) -> None:
    land_rows(practice, 1, healthcare_service=_rows("healthcare_service", {"source_id": "t"}))

    taken = take(practice, ops, 2)

    assert taken is not None
    assert taken.rows == 0
    assert raw_rows(practice, "slot_snapshot").get_column("open_slots").to_list() == [0]
    assert take(practice, ops, 3) is None
