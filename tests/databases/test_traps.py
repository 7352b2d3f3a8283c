"""What real practice databases hold and drivers stumble over: each trap, on each system, in every way to read it."""

from __future__ import annotations

import datetime as dt
import sqlite3

import pytest
import sqlalchemy as sa

from tests.databases.traps import LONG, MOST, NAMES, described, statements
from tests.kit.same_frames import everything, same_everywhere, ways
from tests.kit.servers import Server, odbc_url, sqlite_odbc

pytestmark = pytest.mark.engine

WAYS = [
    *(("postgresql", way) for way in ("native", "adbc", "odbc", "arrow_odbc")),
    *(("mysql", way) for way in ("native", "odbc", "arrow_odbc")),
    *(("sqlite", way) for way in ("native", "odbc", "arrow_odbc")),
]


@pytest.fixture(scope="module")
def urls(postgres_server, mariadb_server, tmp_path_factory):
    """Native and ODBC URL of the filled database, by dialect."""
    found = {server.dialect: filled(server) for server in (postgres_server, mariadb_server)}
    urls = {dialect: (server.url, server.odbc_url) for dialect, server in found.items()}
    path = tmp_path_factory.mktemp("traps") / "traps.db"
    with sqlite3.connect(path) as connection:
        for statement in statements("sqlite"):
            connection.execute(statement)
    connection.close()
    return urls | {"sqlite": (sa.URL.create("sqlite", database=str(path)), odbc_url(sqlite_odbc(path), "sqlite"))}


def filled(server: Server) -> Server:
    database = server.database()
    with database.engine() as engine, engine.connect() as connection:
        for statement in statements(server.dialect):
            connection.execution_options(no_parameters=True).exec_driver_sql(statement)
    return database


@pytest.fixture(scope="module")
def readings(urls):
    """A full reading of each way, made when a test first asks for it."""
    made = {}

    def read(dialect, way):
        if (dialect, way) not in made:
            url, transport = ways(*urls[dialect])[way]
            batches = everything(described(dialect), url, transport)
            made[dialect, way] = {resource: batch for resource, (batch,) in batches.items()}
        return made[dialect, way]

    return read


@pytest.fixture(params=WAYS, ids="-".join)
def read(request, readings):
    """The batches of one way; `read.dialect` says on which system."""
    batches = readings(*request.param)
    return type("Read", (), {"dialect": request.param[0], "__getitem__": lambda _, name: batches[name]})()


def column(batch, name):
    return dict(batch.frame.select("source_id", name).rows())


def test_zero_dates_are_no_dates(read):
    births = column(read["patient"], "birth_date")
    assert (births["2"], births["3"], births[str(MOST)]) == (None, None, dt.date(1951, 2, 28))
    half = [] if read.dialect == "postgresql" else [("3", "birth_date", "unreadable", "2026-00-00")]
    assert read["patient"].issues.select("source_id", "field", "rule", "found").rows() == half


def test_a_time_over_24_hours_is_set_aside_with_what_stood_there(read):
    late = "24:00:00" if read.dialect == "postgresql" else "26:30:00"
    rejected = read["working_hours"].rejected.select("source_id", "field", "rule", "found").rows()
    assert rejected == [("2", "end_time", "unreadable", late)]
    assert column(read["working_hours"], "end_time") == {"1": dt.time(12, 30), "3": dt.time(18)}


def test_a_moment_with_a_zone_stays_the_moment_it_was(read):
    assert column(read["patient"], "changed_at")["2"] == dt.datetime(2026, 7, 1, 6, tzinfo=dt.UTC)


def test_wall_time_is_that_of_the_practice(read):
    fraction = 0 if read.dialect == "mysql" else 250_000  # DATETIME without digits keeps none
    assert column(read["patient"], "created_at")["2"] == dt.datetime(2026, 7, 1, 6, 0, 0, fraction, tzinfo=dt.UTC)


def test_yes_and_no_whatever_a_driver_makes_of_them(read):
    assert column(read["patient"], "active") == {"1": None, "2": True, "3": False, str(MOST): None}


def test_padding_is_not_part_of_a_name(read):
    assert column(read["patient"], "given_name")["2"] == "AB"


def test_sums_are_not_those_of_32_bits(read):
    assert read["healthcare_service"].frame["minutes"].sum() == 2 * 2_147_483_647


def test_the_largest_unsigned_number_is_a_key_like_any_other(read):
    assert set(read["patient"].frame["source_id"]) == {"1", "2", "3", str(MOST)}


def test_a_long_text_is_whole(read):
    assert column(read["patient"], "street")["2"] == LONG.strip()


def test_a_first_row_of_nothing_says_nothing_about_the_others(read):
    names = column(read["patient"], "family_name")
    assert names == {"1": None, "2": NAMES[0], "3": NAMES[1], str(MOST): "".join(NAMES[2:])}
    assert column(read["working_hours"], "weekday") == {"1": None, "3": 2}


def test_identifiers_and_decimals_are_whole(read):
    columns = column(read["patient"], "verified_by"), column(read["patient"], "city")
    assert columns[0]["2"] == "0f8fad5b-d9cb-469f-a165-70867728950e"
    assert columns[1]["2"].rstrip("0") == "1.123456789"


def test_an_hour_that_is_missing_and_one_that_comes_twice(read):
    batch = read["appointment"]
    assert batch.rejected.select("source_id", "field", "rule", "found").rows() == [
        ("1", "start", "no-such-hour", batch.rejected["found"][0])
    ]
    assert batch.issues.select("source_id", "field", "rule").rows() == [("2", "start", "hour-comes-twice")]
    starts = column(batch, "start")
    assert starts["2"] == dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)  # the earlier of the two
    assert starts["3"] == dt.datetime(2026, 3, 2, 7, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "sqlite"])
def test_every_way_gives_the_same_frames(urls, dialect):
    same_everywhere(described(dialect), *urls[dialect])


@pytest.mark.parametrize("way", ["native", "odbc", "arrow_odbc"])
def test_tables_in_old_character_sets(mariadb_server, urls, way):
    server = Server("mysql", urls["mysql"][0])
    server.run("UPDATE pat SET alt1 = 'Müßig', alt2 = 'Überweisung äöü' WHERE nr = 2")
    url, transport = ways(*urls["mysql"])[way]
    (batch,) = everything(described("mysql"), url, transport)["patient"]
    assert column(batch, "birth_name")["2"] == "Müßig"
    assert column(batch, "name_prefix")["2"] == "Überweisung äöü"


@pytest.mark.parametrize("way", ["native", "adbc", "odbc", "arrow_odbc"])
def test_a_database_in_an_old_character_set(postgres_server, way):
    server = postgres_server.database("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    server.run(*(statement for statement in statements("postgresql") if statement.startswith("CREATE")))
    server.run("INSERT INTO pat (nr, nachname) VALUES (1, 'Müßig')", "INSERT INTO art (nr) VALUES (1), (2), (3)")
    url, transport = ways(server.url, server.odbc_url)[way]
    (batch,) = everything(described("postgresql"), url, transport)["patient"]
    assert batch.frame["family_name"].to_list() == ["Müßig"]


@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
def test_a_long_text_far_behind_makes_no_row_come_twice(postgres_server, mariadb_server, dialect):
    server = {"postgresql": postgres_server, "mysql": mariadb_server}[dialect].database()
    series = {"postgresql": "generate_series(1, 25000) AS s(seq)", "mysql": "seq_1_to_25000"}[dialect]
    text = f"CASE WHEN seq = 20500 THEN '{LONG}' ELSE 'kurz' END"
    server.run(
        *(statement for statement in statements(dialect) if statement.startswith("CREATE")),
        f"INSERT INTO pat (nr, notiz) SELECT seq, {text} FROM {series}",
        "INSERT INTO art (nr) VALUES (1), (2), (3)",
    )
    url, transport = ways(server.url, server.odbc_url)["arrow_odbc"]
    (batch,) = everything(described(dialect), url, transport)["patient"]
    assert (batch.read, batch.rejected.height) == (25_000, 0)
    assert batch.frame["source_id"].to_list() == [str(number) for number in range(1, 25_001)]
    assert batch.frame["street"].str.len_chars().max() == len(LONG.strip())
