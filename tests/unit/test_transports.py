"""Transports: what is common to them all, without a server; what they carry is in tests/databases."""

import datetime as dt
import importlib.util

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, postgresql

from connectors.errors import DriverMissing
from connectors.pvs import engine, odbc, orm, profile, transports
from connectors.pvs.watchdog import Deadline


def pieces(*frames):
    return list(transports._partitions(["a", "b"], iter(frames)))


def piece(*rows):
    return pl.DataFrame(rows, schema=["x", "y"], orient="row")


def test_pieces_become_frames_of_one_size(monkeypatch):
    monkeypatch.setattr(transports, "PARTITION", 3)
    found = pieces(*(piece((str(n), "v")) for n in range(7)))
    assert [frame.height for frame in found] == [3, 3, 1]
    assert pl.concat(found)["a"].to_list() == ["0", "1", "2", "3", "4", "5", "6"]
    assert found[0].columns == ["a", "b"]


def test_a_whole_number_of_frames_has_no_empty_one_behind_it(monkeypatch):
    monkeypatch.setattr(transports, "PARTITION", 2)
    assert [frame.height for frame in pieces(piece(("1", "v"), ("2", "v")), piece(("3", "v"), ("4", "v")))] == [2, 2]


@pytest.mark.parametrize("none", [(), (piece().clear(),)])
def test_nothing_is_one_empty_frame_of_text(none):
    (frame,) = pieces(*none) if none and none[0].width else pieces()
    assert frame.schema == pl.Schema({"a": pl.String, "b": pl.String})


def test_a_column_without_a_value_is_text_whatever_the_driver_says():
    (frame,) = pieces(pl.DataFrame({"x": [1, 2], "y": [None, None]}, schema={"x": pl.Int32, "y": pl.Int32}))
    assert frame.schema == pl.Schema({"a": pl.Int64, "b": pl.String})


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (pl.Series([1], dtype=pl.Int8), pl.Int64()),
        (pl.Series([1], dtype=pl.UInt64), pl.Int64()),
        (pl.Series([2**64 - 1], dtype=pl.UInt64), pl.String()),
        (pl.Series([1.5], dtype=pl.Float32), pl.Float64()),
        (pl.Series([dt.datetime.fromisoformat("2026-03-02")], dtype=pl.Datetime("ms")), pl.Datetime("us")),
        (pl.Series(["a"]), pl.String()),
    ],
)
def test_one_meaning_has_one_type(values, dtype):
    (frame,) = pieces(pl.DataFrame({"x": values, "y": values}))
    assert frame.schema == pl.Schema({"a": dtype, "b": dtype})


def test_pieces_of_different_types_become_text():
    (frame,) = pieces(
        pl.DataFrame({"x": [1], "y": [None]}), pl.DataFrame({"x": ["b"], "y": [7]}), pl.DataFrame({"x": [2], "y": [8]})
    )
    assert frame["a"].to_list() == ["1", "b", "2"]
    assert frame["b"].to_list() == [None, 7, 8]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((None, "a"), pl.Series("x", [None, "a"])),
        ((1, "a"), pl.Series("x", ["1", "a"])),
        ((1, 1.5), pl.Series("x", ["1", "1.5"])),
        ((2**64 - 1, None), pl.Series("x", [2**64 - 1, None], dtype=pl.UInt64)),
    ],
)
def test_a_drivers_values_as_a_column(values, expected):
    assert transports.column("x", values).equals(expected, check_dtypes=True, null_equal=True)


def test_the_text_of_a_select_has_its_own_values_in_it_and_nothing_doubled():
    select = sa.select(sa.literal_column("a LIKE '5%' AND b::text = 'x'").label("a")).where(
        sa.literal_column("t") >= sa.literal(dt.datetime.fromisoformat("2026-03-02T08:00:00"), orm.MOMENT),
        sa.literal_column("n") == sa.literal("O'Neill"),
    )
    text = transports._literal(select, postgresql.dialect(paramstyle="named"))
    assert text == "SELECT a LIKE '5%' AND b::text = 'x' AS a \nWHERE t >= '2026-03-02 08:00:00' AND n = 'O''Neill'"


@pytest.mark.parametrize(("name", "extra"), [("adbc", "adbc"), ("arrow_odbc", "arrow-odbc")])
def test_a_missing_driver_is_named_with_its_extra(monkeypatch, name, extra):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    transports.require("sqlalchemy")
    with pytest.raises(DriverMissing, match=rf"praxistakt\[{extra}\]"):
        transports.require(name)


def test_a_reading_that_is_left_early_ends_its_connection(tmp_path):
    path = tmp_path / "x.db"
    made = sa.create_engine(f"sqlite:///{path}")
    with made.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a TEXT)")
        connection.exec_driver_sql("INSERT INTO t VALUES ('1'), ('2')")
    made.dispose()
    reading = engine.reading_engine(sa.make_url(f"sqlite:///{path}"), (), Deadline())
    select = sa.select(sa.literal_column("a").label("a")).select_from(sa.text("t"))
    with reading.connect() as connection:
        assert len(list(transports.sqlalchemy(connection, select))) == 1
        assert not connection.invalidated
        frames = transports.sqlalchemy(connection, select)
        next(frames)
        frames.close()
        assert connection.invalidated


# MS SQL: compared as text, there is no server to run against


def test_sql_server_is_asked_for_text_too():
    described = profile.parse(
        "x.toml",
        {
            "profile": "x", "title": "X", "dialect": "mssql", "probe": "SELECT 1", "expect": "1", "timezone": "UTC",
            "appointment": {
                "from": "dbo.Termin t", "key": "t.Nr", "where": "t.Storno = 0",
                "columns": {"start": "t.Beginn", "end": "t.Ende", "patient_id": "t.PatNr"},
            },
        },
    )  # fmt: skip
    select = orm.record_select(described.tables["appointment"], "UTC", orm.Narrowing(source_id="7"))
    assert str(select.compile(dialect=mssql.dialect(paramstyle="qmark"))) == (
        "SELECT CAST(t.Nr AS NVARCHAR(MAX)) AS source_id, CONVERT(NVARCHAR(40), t.Beginn, 121) AS start,"
        " CONVERT(NVARCHAR(40), t.Ende, 121) AS [end], CAST(t.PatNr AS NVARCHAR(MAX)) AS patient_id \n"
        "FROM dbo.Termin t \nWHERE (t.Storno = 0) AND trim(CAST(t.Nr AS VARCHAR(max))) = ? ORDER BY t.Nr"
    )


def test_sql_server_is_reached_by_odbc_in_the_child():
    url = engine.parse_url("mssql+pyodbc://leser@server:1433/pvs?driver=ODBC+Driver+18+for+SQL+Server", "geheim")
    reading = engine.reading_engine(url, (), Deadline())
    assert reading.dialect.dbapi.__name__ == "connectors.pvs.driver_process"
    ((text,), _) = reading.dialect.create_connect_args(reading.url)
    assert odbc.told(text, reading.dialect, readonly=True).split(";") == [
        "DRIVER={ODBC Driver 18 for SQL Server}", "Server=server,1433", "Database=pvs", "UID=leser", "PWD=geheim",
        "APP=praxistakt", "ApplicationIntent=ReadOnly",
    ]  # fmt: skip
