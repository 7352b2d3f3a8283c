"""Every value is asked for as text, in each dialect's own words; an unknown one is asked for it as it is."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, mysql, postgresql, sqlite
from sqlalchemy.engine.default import DefaultDialect

from connectors.pvs.as_text import as_text

DIALECTS = {
    "postgresql": postgresql.dialect(), "mysql": mysql.dialect(), "mssql": mssql.dialect(), "sqlite": sqlite.dialect(),
    "odbc": DefaultDialect(),
}  # fmt: skip

BITS = "REPLACE(REPLACE(CAST(x.a AS CHAR), CHAR(0 USING utf8mb4), '0'), CHAR(1 USING utf8mb4), '1')"


@pytest.mark.parametrize(
    ("dialect", "text", "moment", "yes_no"),
    [
        ("postgresql", "CAST(x.a AS TEXT)", "CAST(x.a AS TEXT)", "CAST(x.a AS TEXT)"),
        ("mysql", "CAST(x.a AS CHAR)", "CAST(x.a AS CHAR)", BITS),
        ("sqlite", "CAST(x.a AS TEXT)", "CAST(x.a AS TEXT)", "CAST(x.a AS TEXT)"),
        ("mssql", "CAST(x.a AS NVARCHAR(MAX))", "CONVERT(NVARCHAR(40), x.a, 121)", "CAST(x.a AS NVARCHAR(MAX))"),
        ("odbc", "x.a", "x.a", "x.a"),
    ],
)
def test_expressions(dialect, text, moment, yes_no):
    told = [
        str(as_text(field, sa.literal_column("x.a")).compile(dialect=DIALECTS[dialect]))
        for field in ("family_name", "start", "active")
    ]
    assert told == [text, moment, yes_no]


@pytest.mark.parametrize(
    ("field", "moment"),
    [("birth_date", True), ("start_time", True), ("changed_at", True), ("minutes", False), ("source_id", False)],
)
def test_days_times_and_moments_are_told_by_the_records_field(field, moment):
    text = str(as_text(field, sa.literal_column("x.a")).compile(dialect=DIALECTS["mssql"]))
    assert text.startswith("CONVERT") == moment
