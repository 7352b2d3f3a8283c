"""The whole demo, landed and built once: its waterfall against the slow reference, to the minute, and its checks.

12,000 patients, three years, six calendars, two Länder, and twenty disagreements of each kind between the two systems.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl
import pytest

from connectors.sandbox.world import WorldPlan
from pipelines import files, publish, transform
from pipelines.land import land
from pipelines.matching.register import register
from pipelines.ops import runs
from pipelines.ops.frames import frames
from pipelines.run import remember
from tests.kit.reference_practice import Practice as Plain
from tests.kit.reference_utilisation import capacity_days
from tests.kit.two_systems import TwoSystems, two_systems

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("whole_demo")]

TODAY = dt.date(2026, 11, 25)
PLAN = WorldPlan(TODAY, 1, 12_000, 3.0, disagreements=20)
PARTS = ("attended", "ahead", "no_show", "unknown", "late_cancelled", "other_cancelled", "never_booked")
COLUMNS = (
    "template_min", "holiday_min", "closure_min", "extra_min", "absence_min", "gross_min", "block_min", "bookable_min",
    *(f"{part}_min" for part in PARTS), "booked_min", "used_min", "outside_min", "double_booked_min", "free_min",
    "usable_min",
)  # fmt: skip
#: What the reference looks at.
RAW = ("appointment", "schedule", "working_hours", "absence", "healthcare_service")


@dataclass(frozen=True)
class Whole:
    """The demo in one connection: raw, ops, and all that the SQL makes of them."""

    con: duckdb.DuckDBPyConnection
    plain: Plain


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PRAXISTAKT_KEYS", raising=False)
        with two_systems(tmp_path_factory.mktemp("whole-demo"), PLAN) as systems:
            _land(systems)
            said = frames(systems.ops)
            practice = systems.practice
            with files.raw_connection(practice, files.read_manifest(practice)) as con:
                raw = {name: con.execute(f"FROM raw.{name}").pl() for name in RAW}
                pseudonyms = publish.pseudonyms(said["link"], said["alias"], practice.key("pseudonym"))
                transform.load_ops(con, {**said, "pseudonym": pseudonyms})
                variables = {"zone": practice.settings.timezone, "run": 1}
                transform.evaluate(con, today=TODAY, variables=variables, targets=publish.STORES)
                yield Whole(con, Plain.of_frames(raw, said))


def _land(systems: TwoSystems) -> None:
    practice, o, now = systems.practice, systems.ops, systems.clock.at
    remember(practice, o, now)
    landed = land(practice, o, runs.start_run(o, "full", now), scope="full")
    assert [read.state for read in landed.sources] == ["ok", "ok"]
    register(practice, o)


def test_the_waterfall_equals_the_reference_for_every_calendar_and_day(whole: Whole) -> None:
    found = whole.con.execute(f"SELECT calendar_key, service_date, {', '.join(COLUMNS)} FROM marts.fact_capacity_day")
    rows = found.pl().rows(named=True)
    days = sorted({row["service_date"] for row in rows})
    expected = capacity_days(whole.plain, TODAY, days)
    assert len(rows) == len(expected) > 10_000
    assert [one for row in rows for one in _differing(row, expected[row["calendar_key"], row["service_date"]])] == []


def _differing(row: dict[str, Any], expected: dict[str, int]) -> list[tuple[Any, ...]]:
    """Calendar, day, column, found and expected minutes, where they differ."""
    place = row["calendar_key"], row["service_date"]
    return [(*place, name, row[name], expected[name]) for name in COLUMNS if row[name] != expected[name]]


def test_every_check_is_empty(whole: Whole) -> None:
    assert [check for check in transform.checks(whole.con) if check.rows] == []
    assert len(transform.checks(whole.con)) == len(transform.every_check())


#: They compare days, calendars, locations or the one row of rules with each other; none of these grows with a practice.
SMALL = {"core.availability_source", "core.day", "core.location_link", "core.open_slot", "core.working_day"}


def test_no_model_compares_every_appointment_with_every_other(whole: Whole) -> None:
    """Such a join is fast on a small practice and takes hours on a large one."""
    plans = {model.table: whole.con.execute(f"EXPLAIN {model.sql}").fetchall()[0][1] for model in transform.models()}
    assert {table for table, plan in plans.items() if "NL_JOIN" in plan or "NESTED_LOOP_JOIN" in plan} == SMALL


def test_every_part_of_the_waterfall_occurs(whole: Whole) -> None:
    found = whole.con.execute("SELECT part, count(*) AS stretches FROM core.capacity_part GROUP BY part").pl()
    assert set(found["part"]) == set(PARTS)
    assert found.filter(pl.col("stretches") < 20).is_empty()


@pytest.mark.parametrize("moved", ["start_at = start_at + INTERVAL 1 MINUTE, ", ""], ids=["whole", "its end"])
@pytest.mark.parametrize("part", PARTS)
def test_a_stretch_of_a_part_moved_by_a_minute_is_found(whole: Whole, part: str, moved: str) -> None:
    """The middle one of its kind; moved whole, all sums stay equal, and only the sweep over the instants sees it."""
    with whole.con.cursor() as con:
        con.begin()
        count = con.execute("SELECT count(*) FROM core.capacity_part WHERE part = $1", [part]).fetchone()
        assert count is not None
        con.execute(
            f"UPDATE core.capacity_part SET {moved} end_at = end_at + INTERVAL 1 MINUTE WHERE rowid = ("
            "SELECT rowid FROM core.capacity_part WHERE part = $1 ORDER BY calendar_key, start_at LIMIT 1 OFFSET $2)",
            [part, count[0] // 2],
        )
        broken = {check.name for check in transform.checks(con) if check.rows and check.severity == "error"}
        con.rollback()
    assert "waterfall_tiles_bookable" in broken
