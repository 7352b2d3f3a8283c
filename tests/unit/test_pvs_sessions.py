"""What each database is told when a session begins, as text: what a practice's IT may read about us."""

import pytest

from connectors.pvs import sessions
from connectors.pvs.sessions import Limits

LIMITS = Limits(statement=60, idle=90)


@pytest.mark.parametrize(
    ("dialect", "told"),
    [
        (
            "postgresql",
            [
                "SET application_name = 'praxistakt'", "SET client_encoding = 'UTF8'", "SET datestyle = 'ISO'",
                "SET timezone = 'UTC'", "SET statement_timeout = 60000", "SET lock_timeout = 5000",
                "SET idle_in_transaction_session_timeout = 90000", "SET default_transaction_read_only = on",
            ],
        ),
        (
            "mysql",
            [
                "SET SESSION time_zone = '+00:00', SESSION lock_wait_timeout = 5, SESSION innodb_lock_wait_timeout = 5"
                " /*M!100101 , SESSION max_statement_time = 60.000 */ /*!50708 , SESSION max_execution_time = 60000 */",
                "SET SESSION TRANSACTION READ ONLY",
            ],
        ),
        ("mssql", ["SET NOCOUNT ON", "SET LOCK_TIMEOUT 5000", "SET DEADLOCK_PRIORITY LOW"]),
        ("sqlite", ["PRAGMA busy_timeout = 5000", "PRAGMA query_only = ON"]),
        ("odbc", []),
    ],
)  # fmt: skip
def test_a_reading_session(dialect, told):
    assert list(sessions.statements(dialect, LIMITS, readonly=True)) == told


def test_mariadb_is_told_the_same_as_mysql():
    assert sessions.statements("mariadb", LIMITS, readonly=True) == sessions.statements("mysql", LIMITS, readonly=True)
    assert sessions.snapshot("mariadb") == ("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",)


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "sqlite"])
def test_a_writing_session_lacks_only_what_forbids_writing(dialect):
    reading = sessions.statements(dialect, LIMITS, readonly=True)
    writing = sessions.statements(dialect, LIMITS, readonly=False)
    assert set(writing) < set(reading)
    assert all("READ ONLY" in told or "read_only" in told or "query_only" in told for told in {*reading} - {*writing})
