"""Every source record has an identity from the first run on."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest

from pipelines import files
from pipelines.matching.register import register
from pipelines.ops import database, ledger, open_ops
from pipelines.ops.database import Ops
from pipelines.practice import Practice
from tests.kit.practices import NOON
from tests.kit.segments import appointments, land_rows


@pytest.fixture
def ops(practice: Practice) -> Iterator[Ops]:
    database.create(practice.ops_path, practice.key("ops"))
    with open_ops(practice, keep_connection=True) as opened:
        yield opened


def _rows(table: str, run: int, *found: dict[str, object], source: str = "pvs", removed: bool = False) -> pl.DataFrame:
    schema = files.TABLES[table]
    known = {"source": source, "run": run, "read_at": NOON, "removed": removed}
    return pl.DataFrame([{name: (known | row).get(name) for name in schema} for row in found], schema=schema)


def _entities(ops: Ops, kind: str) -> dict[tuple[str, str], str]:
    links = ledger.links(ops).filter(pl.col("kind") == kind)
    return {(row["source"], row["source_id"]): row["entity_id"] for row in links.to_dicts()}


def test_each_kind_of_record_is_registered_once(practice: Practice, ops: Ops) -> None:
    land_rows(
        practice,
        1,
        patient=_rows("patient", 1, {"source_id": "1"}, {"source_id": "2"}),
        practitioner=_rows("practitioner", 1, {"source_id": "1"}),
        location=_rows("location", 1, {"source_id": "1", "kind": "site"}, {"source_id": "2", "kind": "room"}),
        healthcare_service=_rows("healthcare_service", 1, {"source_id": "1"}),
        schedule=_rows("schedule", 1, {"source_id": "1"}),
    )

    assert register(practice, ops).new == {
        "person": 2,
        "practitioner": 1,
        "location": 1,
        "room": 1,
        "service": 1,
        "calendar": 1,
    }
    assert register(practice, ops).new == {}
    assert len(set(_entities(ops, "person").values())) == 2


def test_new_versions_and_removals_change_no_identity(practice: Practice, ops: Ops) -> None:
    land_rows(practice, 1, patient=_rows("patient", 1, {"source_id": "1", "family_name": "Alt"}))
    register(practice, ops)
    before = _entities(ops, "person")

    land_rows(practice, 2, patient=_rows("patient", 2, {"source_id": "1", "family_name": "Neu"}, {"source_id": "2"}))
    land_rows(practice, 3, patient=_rows("patient", 3, {"source_id": "1", "family_name": "Neu"}, removed=True))

    assert register(practice, ops).new == {"person": 1}
    assert _entities(ops, "person").items() > before.items()


def test_the_schedules_of_one_calendar_share_its_identity(practice: Practice, ops: Ops) -> None:
    """practice.toml: calendar `demir` is schedule 1 of the PVS and sched-1 of the platform."""
    land_rows(practice, 1, schedule=_rows("schedule", 1, {"source_id": "1"}, {"source_id": "2"}))
    register(practice, ops)
    land_rows(practice, 2, schedule=_rows("schedule", 2, {"source_id": "sched-1"}, source="booking"))
    register(practice, ops)

    found = _entities(ops, "calendar")

    assert found["pvs", "1"] == found["booking", "sched-1"]
    assert found["pvs", "1"] != found["pvs", "2"]


def test_a_schedule_that_only_appointments_name_is_a_calendar(practice: Practice, ops: Ops) -> None:
    rows = appointments(1, "a", "b").with_columns(pl.lit("Zimmer 2").alias("schedule_id"))
    land_rows(practice, 1, appointment=rows)

    assert register(practice, ops).new == {"calendar": 1}


def test_nothing_landed_registers_nothing(practice: Practice, ops: Ops) -> None:
    assert register(practice, ops).new == {}
