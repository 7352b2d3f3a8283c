"""Our sessions on real servers: named, read-only, limited, patient with nobody's lock, and gone when we are."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import psutil
import pytest
import sqlalchemy as sa

from connectors.errors import (
    BadAnswer,
    DriverMissing,
    ProfileError,
    SchemaMismatch,
    SourceAway,
    SourceBusy,
    SourceRefused,
    SourceStalled,
)
from connectors.pvs import engine, sessions
from connectors.pvs.complaints import speaking
from connectors.pvs.watchdog import Deadline
from connectors.source import ReadRequest
from tests.databases.traps import described, statements
from tests.kit.same_frames import opened, ways
from tests.kit.servers import free_port, odbc_url, sqlite_odbc

pytestmark = pytest.mark.engine

LINKS = [("postgresql", "native"), ("postgresql", "odbc"), ("mysql", "native"), ("mysql", "odbc")]


@pytest.fixture(scope="module")
def servers(postgres_server, mariadb_server):
    """Databases with the tables of the traps."""
    found = {server.dialect: server.database() for server in (postgres_server, mariadb_server)}
    for dialect, server in found.items():
        server.run(*(statement for statement in statements(dialect) if statement.startswith("CREATE")))
        server.run("INSERT INTO art (nr) VALUES (1), (2), (3)")
    return found


@pytest.fixture(params=LINKS, ids="-".join)
def server(request, servers):
    """A database, and the URL of one way to it."""
    dialect, way = request.param
    found = servers[dialect]
    return found, found.url if way == "native" else found.odbc_url


@pytest.fixture
def connect(server):
    """Opens a reading connection; the engine is disposed of at the end."""
    made = []

    def opened(url=server[1], session=(), **limits):
        deadline = Deadline(**limits)
        made.append(engine.reading_engine(url, session, deadline))
        deadline.start()
        return speaking("here", deadline), made[-1].connect

    yield opened
    for one in made:
        one.dispose()


ASKED = {
    "postgresql": "SELECT current_setting('application_name'), current_setting('transaction_read_only'),"
    " current_setting('transaction_isolation'), current_setting('timezone'), current_setting('statement_timeout'),"
    " current_setting('lock_timeout')",
    "mysql": "SELECT @@session.tx_read_only, @@session.time_zone, @@session.max_statement_time,"
    " @@session.lock_wait_timeout",
}
TOLD = {
    "postgresql": ("praxistakt", "on", "repeatable read", "UTC", "7s", "5s"),
    "mysql": (1, "+00:00", 70.0, 5),
}


def test_what_the_server_knows_about_a_session(server, connect):
    place, opening = connect(idle=7, total=70)
    with place, opening() as connection:
        for _ in range(2):  # a rollback takes nothing back
            found = connection.exec_driver_sql(ASKED[server[0].dialect]).one()
            assert tuple(found) == TOLD[server[0].dialect]
            connection.rollback()


@pytest.mark.parametrize("attempt", ["INSERT INTO art (nr) VALUES (99)", "DELETE FROM art", "DROP TABLE termin"])
def test_a_reading_session_cannot_write_even_with_a_login_that_may(server, connect, attempt):
    place, opening = connect()
    with pytest.raises(SourceRefused), place, opening() as connection:
        connection.exec_driver_sql(attempt)
    assert server[0].ask("SELECT count(*) FROM art") == [(3,)]


def test_statements_of_the_profile_come_after_ours(server, connect):
    session = {
        "postgresql": ("SET statement_timeout = 123",),
        "mysql": ("SET SESSION max_statement_time = 0.123",),
    }[server[0].dialect]
    asked = {"postgresql": "SELECT current_setting('statement_timeout')", "mysql": "SELECT @@max_statement_time"}
    place, opening = connect(session=session)
    with place, opening() as connection:
        assert connection.exec_driver_sql(asked[server[0].dialect]).scalar() in ("123ms", 0.123)


def test_a_server_that_only_computes_is_left_in_time(server, connect):
    slow = {"postgresql": "SELECT count(*) FROM generate_series(1, 1000000000)", "mysql": "SELECT BENCHMARK(1e10, 1+1)"}
    place, opening = connect(idle=0.5, total=30)
    with pytest.raises(SourceStalled), place, opening() as connection:
        connection.exec_driver_sql(slow[server[0].dialect])


def test_another_programs_lock_makes_us_come_back_later(server, connect, monkeypatch):
    monkeypatch.setattr(sessions, "LOCK_SECONDS", 1)
    found, _ = server
    lock = {"postgresql": "LOCK TABLE termin IN ACCESS EXCLUSIVE MODE", "mysql": "LOCK TABLES termin WRITE"}
    with found.engine() as other, other.connect() as holder:
        if found.dialect == "postgresql":
            holder.exec_driver_sql("BEGIN")
        holder.exec_driver_sql(lock[found.dialect])
        place, opening = connect()
        with pytest.raises(SourceBusy), place, opening() as connection:
            connection.exec_driver_sql("SELECT * FROM termin").all()


def test_nobody_there(server, connect):
    found, _ = server
    url = server[1]
    port = free_port()
    gone = url.set(port=port) if url.get_backend_name() != "odbc" else odbc_url(found.odbc_at(port), found.dialect)
    place, opening = connect(gone)
    with pytest.raises(SourceAway), place, opening():
        pass


def test_a_wrong_password(server, connect):
    found, url = server
    wrong = url.set(password="falsch")
    place, opening = connect(wrong)
    with pytest.raises(SourceRefused) as caught, place, opening():
        pass
    assert "falsch" not in str(caught.value)
    assert found.url.username not in str(caught.value)


def test_a_password_may_hold_anything(server, connect):
    found, url = server
    name, word = f"leser{found.url.database}", "a;b}c{ =d@e'%"
    quoted = word.replace("'", "''").replace("%", "%%") if found.dialect == "mysql" else word.replace("'", "''")
    if found.dialect == "postgresql":
        found.run(f"DROP ROLE IF EXISTS {name}", f"CREATE ROLE {name} LOGIN PASSWORD '{quoted}'")
    else:
        quoted = word.replace("'", "''")
        found.run(f"CREATE OR REPLACE USER {name} IDENTIFIED BY '{quoted}'", f"GRANT SELECT ON *.* TO {name}")
    login = url.set(username=name, password=word)
    if url.get_backend_name() == "odbc":
        bare = found.odbc.split(";UID=")[0]
        login = odbc_url(bare, found.dialect).set(username=name, password=word)
    place, opening = connect(login)
    with place, opening() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1


def test_a_table_that_is_not_there(server, connect):
    place, opening = connect()
    with pytest.raises(SchemaMismatch, match=r"(?i)nix"), place, opening() as connection:
        connection.exec_driver_sql("SELECT a FROM nix")


@pytest.mark.parametrize("way", ["native", "adbc", "odbc", "arrow_odbc"])
def test_nothing_of_us_is_left_when_a_source_is_closed(servers, way):
    found = servers["postgresql"]
    url, transport = ways(found.url, found.odbc_url)[way]
    with opened(described("postgresql"), url, transport) as source:
        for resource in source.resources:
            list(source.read(ReadRequest(resource, "full")))
        used = _children()
    assert bool(used) == (way != "native")
    assert not used & _children()
    ours = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{found.url.database}' AND pid <> pg_backend_pid()"
    until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=5)  # a server takes a moment to notice
    while found.ask(ours) != [(0,)]:
        assert dt.datetime.now(dt.UTC) < until


def _children():
    return {
        child.pid for child in psutil.Process().children() if any("driver_child" in part for part in child.cmdline())
    }


def test_the_child_ends_when_the_one_who_asked_is_killed(servers):
    found = servers["postgresql"]
    code = (
        "import sys; from connectors.pvs import driver_process as d; from connectors.pvs.watchdog import Deadline;"
        f"p = d.DriverProcess(Deadline()); c = d.connect(p, {found.odbc!r});"
        "print(p._process.pid, flush=True); c.cursor().execute('SELECT pg_sleep(60)')"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as asking:
        child = psutil.Process(int(asking.stdout.readline()))
        asking.kill()
    child.wait(timeout=10)


# ODBC without a dialect, and what is missing


def test_a_source_of_an_unknown_dialect_is_read_only_too(servers, connect):
    found = servers["mysql"]
    url = sa.URL.create("odbc", query={"odbc_connect": found.odbc})
    place, opening = connect(url)
    with place, opening() as connection:
        assert connection.dialect.name == "odbc"
        assert connection.execute(sa.text("SELECT count(*) FROM art")).scalar() == 3
        assert "`" in connection.dialect.identifier_preparer.quote("order")
    place, opening = connect(url)
    with pytest.raises(SourceRefused), place, opening() as connection:
        connection.exec_driver_sql("DELETE FROM art")


@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
def test_tables_are_known_by_odbcs_own_catalogue(servers, dialect):
    reading = engine.reading_engine(servers[dialect].odbc_url, (), Deadline())
    try:
        with reading.connect() as connection:
            known = sa.inspect(connection)
            assert {"pat", "zeit", "art", "termin"} <= set(known.get_table_names())
            assert known.get_pk_constraint("art")["constrained_columns"] == ["nr"]
            table = sa.Table("termin", sa.MetaData(), autoload_with=connection)
        assert [column.name for column in table.columns] == ["nr", "beginn", "ende"]
        assert isinstance(table.c.beginn.type, sa.DateTime)
        assert [column.name for column in table.primary_key] == ["nr"]
    finally:
        reading.dispose()


def test_a_driver_that_nobody_installed(connect):
    place, opening = connect(sa.URL.create("odbc", query={"odbc_connect": "DRIVER={Nix};SERVER=x"}))
    with pytest.raises(DriverMissing, match="odbcinst"), place, opening():
        pass


def test_a_sqlite_file_by_odbc_is_not_made_and_not_written(tmp_path, connect):
    place, opening = connect(odbc_url(sqlite_odbc(tmp_path / "nix.db"), "sqlite"))
    with pytest.raises((SourceAway, BadAnswer)), place, opening() as connection:
        connection.exec_driver_sql("SELECT 1 FROM sqlite_master").all()
    assert list(tmp_path.iterdir()) == []


def test_an_odbc_source_says_whose_sql_it_speaks():
    with pytest.raises(ProfileError, match="postgresql"):
        engine.dialect_of(sa.make_url("odbc://pvs?dialect=turbo"))
    assert engine.dialect_of(engine.parse_url("odbc:DSN=pvs")) == "odbc"
    assert engine.dialect_of(engine.parse_url("odbc://leser@pvs?dialect=mysql")) == "mysql"
