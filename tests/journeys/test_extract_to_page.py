"""From the two systems to what a page reads: `demo --once`, then what a desk does, through the command line."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from connectors.sandbox.pvs import PvsDesk
from connectors.source import ReadRequest
from pipelines import files, publish
from pipelines.cli import app
from pipelines.practice import Practice

pytestmark = pytest.mark.journey

RUNNER = CliRunner()
SMALL = ("--patients", "200", "--years", "0.25", "--disagreements", "0")


def praxistakt(*words: str) -> Result:
    """Run a command as if it were typed."""
    return RUNNER.invoke(app, list(words))


def told(result: Result) -> dict[str, Any]:
    """The one JSON object that a command printed."""
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the demo lies."""
    place = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRAXISTAKT_HOME", str(place / "practices"))
        patch.delenv("PRAXISTAKT_KEYS", raising=False)
        yield place


@pytest.fixture(scope="module")
def demo(base: Path) -> Result:
    """The demo, made and run once."""
    found = praxistakt("demo", "--once", "--home", str(base), *SMALL, "--json")
    assert found.exit_code == 0, found.output
    return found


@pytest.fixture
def practice(demo: Result) -> Practice:
    """The practice that the demo made."""
    return Practice.open(told(demo)["practice"])


def marts(practice: Practice, sql: str, *params: object) -> pl.DataFrame:
    """What a page reads."""
    return publish.reader(practice).frame("marts", sql, list(params))


def test_the_demo_ends_well_and_says_what_it_found(demo: Result, practice: Practice) -> None:
    found = told(demo)
    assert found["status"]["health"]["light"] == "green"
    assert {source["source"] for source in found["status"]["health"]["sources"]} == {"pvs", "booking"}
    assert len(found["utilisation"]) == 4
    assert all(0 < week["used_percent"] <= week["booked_percent"] for week in found["utilisation"])
    assert marts(practice, "SELECT count(*) FROM marts.fact_appointment").item() == found["counts"]["appointments"]


def test_a_run_without_news_writes_no_segment_and_no_generation(demo: Result, practice: Practice) -> None:
    before = (files.read_manifest(practice), files.current(practice))
    again = praxistakt("run", practice.id, "--json")
    assert again.exit_code == 0, again.output
    assert told(again)["landed"]["segment"] is None
    assert told(again)["snapshot"] is None
    assert told(again)["built"]["generation"] is None
    assert (files.read_manifest(practice), files.current(practice)) == before


def test_a_cancellation_in_the_practice_software_is_on_the_page_after_a_run(practice: Practice, base: Path) -> None:
    with practice.open_source("pvs") as source:
        frames = [batch.frame for batch in source.read(ReadRequest("appointment", "full"))]
    ahead = pl.concat(frames).filter(pl.col("status") == "booked").sort("start", "source_id")
    booked = ahead["source_id"][-1]
    before = marts(practice, _OUTCOME, booked).row(0, named=True)
    PvsDesk(base / "other-side" / "pvs.db", lambda: dt.datetime.now(dt.UTC)).cancel(booked)

    done = praxistakt("run", practice.id, "--json")
    assert done.exit_code == 0, done.output
    read = {one["source"]: one for one in told(done)["landed"]["sources"]}
    assert (read["pvs"]["changed"], read["pvs"]["new"], read["pvs"]["removed"]) == (1, 0, 0)
    after = marts(practice, _OUTCOME, booked).row(0, named=True)
    assert (before["outcome"], after["outcome"]) == ("booked", "cancelled_patient")


_OUTCOME = """
    SELECT outcome FROM marts.fact_appointment WHERE appointment_key = (md5_number_lower('pvs/' || $1) >> 1)::BIGINT
"""


def test_analysts_ask_by_command(practice: Practice, tmp_path: Path) -> None:
    sql = "SELECT outcome, count(*) AS n FROM marts.fact_appointment GROUP BY ALL ORDER BY ALL"
    as_json = told(praxistakt("query", practice.id, sql, "--json"))
    as_csv = list(csv.DictReader(io.StringIO(praxistakt("query", practice.id, sql, "--csv").stdout)))
    assert [(row["outcome"], row["n"]) for row in as_json["rows"]] == [
        (row["outcome"], int(row["n"])) for row in as_csv
    ]
    assert "row(s)" in praxistakt("query", practice.id, sql).stdout
    exported = praxistakt("snapshot", "export", practice.id, str(tmp_path / "marts.duckdb"), "--json")
    assert exported.exit_code == 0, exported.output
    assert len(told(exported)["key"]) == 64


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "ATTACH '/tmp/x.db'",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "DROP TABLE marts.dim_date",
    ],
)
def test_a_query_reaches_nothing_else(practice: Practice, sql: str) -> None:
    refused = praxistakt("query", practice.id, sql, "--json")
    assert refused.exit_code == 2
    assert set(told(refused)) == {"error", "message"}


def test_no_name_is_said_or_left_in_the_clear(demo: Result, practice: Practice, base: Path) -> None:
    names = _names(base)
    assert _told_names(base / "other-side", names), "the scan must find what lies in the clear"
    said = [
        demo,
        praxistakt("status", practice.id),
        praxistakt("status", practice.id, "--json"),
        praxistakt("run", practice.id),
    ]
    for one in said:
        assert not {name for name in names if name in one.output}
    assert _told_names(base / "practices", names) == set()


def _names(base: Path) -> set[str]:
    """Long family names of the practice's patients: short ones turn up in random bytes."""
    with sqlite3.connect(base / "other-side" / "pvs.db") as con:
        found = con.execute(
            "SELECT DISTINCT rtrim(nachname) FROM patient WHERE length(rtrim(nachname)) >= 8"
        ).fetchall()
    con.close()
    return {name for (name,) in found}


def _told_names(folder: Path, names: set[str]) -> set[str]:
    """Names that stand in any file below a folder as they are."""
    content = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    return {name for name in names if name.encode() in content}
