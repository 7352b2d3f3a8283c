"""SQL files become tables: order, comments, pruning, and what is refused."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines import transform
from pipelines.transform import ModelFailed, TransformError, sql_files
from tests.kit.reference_practice import Practice, warehouse

TODAY = dt.date(2026, 3, 2)


@pytest.fixture
def sql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of `sql/`."""
    monkeypatch.setattr(sql_files, "folder", lambda: tmp_path)
    transform.every_check.cache_clear()
    yield tmp_path
    transform.every_check.cache_clear()


def _write(folder: Path, table: str, text: str) -> None:
    schema, name = table.split(".")
    (folder / schema).mkdir(exist_ok=True)
    (folder / schema / f"{name}.sql").write_text(text, encoding="utf-8")


TABLES = [
    ("SELECT * FROM raw.a", ("raw.a",)),
    ("SELECT * FROM raw.a AS x JOIN ops.b USING (k)", ("ops.b", "raw.a")),
    ("SELECT * FROM raw.a ASOF JOIN core.b ON a.k = b.k AND a.at >= b.at", ("core.b", "raw.a")),
    ("WITH x AS (SELECT * FROM raw.a), y AS (SELECT * FROM x) SELECT * FROM y", ("raw.a",)),
    ("WITH x AS MATERIALIZED (SELECT 1 AS k) SELECT * FROM x WHERE k IN (SELECT k FROM core.b)", ("core.b",)),
    ("SELECT (SELECT k FROM raw.a), k FROM core.b WHERE EXISTS (FROM ops.c)", ("core.b", "ops.c", "raw.a")),
    ("SELECT 1 UNION ALL (SELECT k FROM raw.a EXCEPT SELECT k FROM ops.b)", ("ops.b", "raw.a")),
    ("FROM raw.a SELECT k QUALIFY row_number() OVER (ORDER BY k) = (SELECT max(k) FROM ops.b)", ("ops.b", "raw.a")),
    ("WITH RECURSIVE t(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM t) SELECT * FROM t, range(3)", ()),
    ("SELECT list(k ORDER BY (SELECT 1 FROM raw.a)) FROM raw.b", ("raw.a", "raw.b")),
]  # fmt: skip


@pytest.mark.parametrize(("sql_text", "expected"), TABLES)
def test_tables_in(sql_text: str, expected: tuple[str, ...]) -> None:
    assert transform.tables_in(sql_text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT 1 FRM x y", "syntax error"),
        ("DELETE FROM raw.a", "SELECT"),
        ("SELECT 1; SELECT 2", "found 2 statements"),
        ("SELECT * FROM bare", "found without one: bare"),
    ],
)
def test_what_is_no_select_is_refused(text: str, says: str) -> None:
    with pytest.raises(TransformError, match=says):
        transform.tables_in(text)


def test_a_model_is_built_after_what_it_reads_and_carries_its_comments(sql: Path) -> None:
    _write(
        sql,
        "marts.a",
        "-- One row per b,\n-- and no more.\n--\n-- k: it's a key,\n--   continued.\nSELECT * FROM core.b",
    )
    _write(sql, "core.b", "-- One row.\nSELECT 1 AS k")
    con = duckdb.connect()

    results = transform.evaluate(con, today=TODAY, variables={}, targets=["marts"])

    assert [(made.name, made.rows) for made in results] == [("core.b", 1), ("marts.a", 1)]
    assert con.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'a'").fetchone() == (
        "One row per b, and no more.",
    )
    assert con.execute("SELECT comment FROM duckdb_columns() WHERE table_name = 'a'").fetchone() == (
        "it's a key, continued.",
    )


def test_only_the_targets_and_their_ancestors_are_built(sql: Path) -> None:
    for table, reads in (("core.a", "raw.x"), ("core.b", "core.a"), ("core.c", "core.b"), ("marts.d", "core.a")):
        _write(sql, table, f"-- One row.\nSELECT * FROM {reads}")

    assert [model.table for model in transform.needed(["core.b"])] == ["core.a", "core.b"]
    assert [model.table for model in transform.needed(["marts"])] == ["core.a", "marts.d"]
    with pytest.raises(TransformError, match=r"no model core\.z"):
        transform.needed(["core.z"])


def test_today_and_other_variables_reach_the_sql(sql: Path) -> None:
    _write(sql, "core.a", "-- One row.\nSELECT getvariable('today') AS today, getvariable('zone') AS zone")
    con = duckdb.connect()

    transform.evaluate(con, today=TODAY, variables={"zone": "Europe/Berlin"}, targets=["core"])

    assert con.execute("FROM core.a").fetchall() == [(TODAY, "Europe/Berlin")]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"core.a": "SELECT 1"}, "sql/core/a.sql: the first comment must say what one row is"),
        ({"core.a": "-- One row.\nSELECT 1 FROM x"}, "sql/core/a.sql: tables are written with their schema"),
        ({"core.a": "-- One row.\nSELECT 1 FROM core.b"}, "core.a reads core.b, and no file in sql/ builds it"),
        (
            {"core.a": "-- One row.\nFROM core.b", "core.b": "-- One row.\nFROM core.a"},
            "these models read one another in a circle",
        ),
    ],
)
def test_files_that_make_no_warehouse_are_named(sql: Path, files: dict[str, str], says: str) -> None:
    for table, text in files.items():
        _write(sql, table, text)

    with pytest.raises(TransformError, match=says):
        transform.models()


def test_a_failing_model_is_named_without_the_value_that_broke_it(sql: Path) -> None:
    _write(sql, "core.a", "-- One row.\nSELECT 'Mustermann'::INTEGER AS k")

    with pytest.raises(ModelFailed) as raised:
        transform.evaluate(duckdb.connect(), today=TODAY, variables={}, targets=["core"])

    assert str(raised.value) == "sql/core/a.sql failed (ConversionException)"


def test_checks_run_where_their_tables_are(sql: Path) -> None:
    _write(sql, "core.a", "-- One row.\nSELECT 1 AS k")
    _write(sql, "checks.found", "-- A row.\n--\n-- severity: warn\nSELECT * FROM core.a")
    _write(sql, "checks.clean", "-- No row.\nSELECT * FROM core.a WHERE k = 2 -- and no more")
    _write(sql, "checks.elsewhere", "-- Another table.\nSELECT * FROM marts.b")
    con = duckdb.connect()
    transform.evaluate(con, today=TODAY, variables={}, targets=["core"])

    assert [(check.name, check.rows, check.severity) for check in transform.checks(con)] == [
        ("clean", 0, "error"),
        ("found", 1, "warn"),
    ]


def test_models_are_built_into_attached_files(sql: Path, tmp_path: Path) -> None:
    _write(sql, "core.a", "-- One row.\nSELECT 1 AS k")
    con = duckdb.connect()
    con.execute(f"ATTACH '{tmp_path / 'core.duckdb'}' AS core")

    transform.evaluate(con, today=TODAY, variables={}, targets=["core"])

    assert con.execute("SELECT database_name, schema_name FROM duckdb_tables()").fetchall() == [("core", "main")]


def test_frames_become_ops_tables_with_times_that_add_to_dates() -> None:
    con = duckdb.connect()
    frame = pl.DataFrame({"t": [dt.time(8, 30)], "n": [1]})

    transform.load_ops(con, {"hours": frame})
    transform.load_ops(con, {"hours": frame})

    assert con.execute("SELECT (DATE '2026-03-02' + t)::VARCHAR, n FROM ops.hours").fetchall() == [
        ("2026-03-02 08:30:00", 1)
    ]


def test_the_fingerprint_is_of_names_and_contents(sql: Path) -> None:
    _write(sql, "core.a", "-- One row.\nSELECT 1")
    first = transform.fingerprint()
    assert transform.fingerprint() == first

    _write(sql, "core.a", "-- One row.\nSELECT 2")
    second = transform.fingerprint()
    (sql / "core" / "a.sql").rename(sql / "core" / "b.sql")

    assert len({first, second, transform.fingerprint()}) == 3


@pytest.fixture(scope="module")
def whole() -> duckdb.DuckDBPyConnection:
    """Everything that sql/ builds, over a small practice."""
    practice = Practice()
    practice.location("markt")
    practice.calendar("demir", location="markt")
    practice.record("patient", "p", family_name="Nachname", birth_date=dt.date(1980, 5, 1), postal_code="80331")
    practice.record("healthcare_service", "t", name="Kontrolle", minutes=20)
    practice.hours("demir", "08:00", "12:00", weekday=1)
    practice.appointment("demir", "2026-02-23 08:00", "2026-02-23 08:20", patient_id="p", healthcare_service_id="t")
    return warehouse(practice, "2026-03-02", "core", "marts", "desk")


def test_every_column_of_marts_and_desk_is_described_and_none_that_is_not_there(
    whole: duckdb.DuckDBPyConnection,
) -> None:
    wrong = {}
    for model in transform.models():
        built = {row[0] for row in whole.execute(f"DESCRIBE {model.table}").fetchall()}
        described = set(model.columns)
        must = built if model.schema in ("marts", "desk") else set()
        if (must - described) | (described - built):
            wrong[model.table] = (sorted(must - described), sorted(described - built))

    assert wrong == {}


def test_every_model_and_check_says_what_its_rows_are() -> None:
    assert all(model.grain.endswith((".", ")")) and model.grain[0].isupper() for model in transform.models())
    assert all(check.meaning for check in transform.every_check())


def test_marts_and_desk_come_in_a_fixed_order() -> None:
    without = [
        model.table
        for model in transform.models()
        if model.schema in ("marts", "desk") and "\nORDER BY " not in model.sql
    ]

    assert without == []


EXAMPLES = sorted((sql_files.folder() / "examples").glob("*.sql"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_examples_for_analysts_run_on_marts_alone(whole: duckdb.DuckDBPyConnection, path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.startswith("-- ")
    assert all(table.startswith("marts.") for table in transform.tables_in(text))
    whole.execute(text).fetchall()


def test_marts_hold_no_name_and_no_key_of_a_source(whole: duckdb.DuckDBPyConnection) -> None:
    assert whole.execute("FROM marts.dim_person").fetchall() == [("key-person:pvs:p", 1980, "803")]
    columns = whole.execute("SELECT count(*) FROM duckdb_columns() WHERE schema_name = 'marts'").fetchone()
    assert columns is not None
    assert columns[0] > 100
