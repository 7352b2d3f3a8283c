"""Corrections on real servers, by the native driver and by ODBC: written, seen again, refused when something moved."""

from __future__ import annotations

import pytest

from connectors.pvs import profile
from connectors.source import Change
from tests.kit.same_frames import opened

pytestmark = pytest.mark.engine

WAYS = [("postgresql", "native"), ("postgresql", "odbc"), ("mysql", "native"), ("mysql", "odbc")]


@pytest.fixture(scope="module")
def servers(postgres_server, mariadb_server):
    return {server.dialect: server.database() for server in (postgres_server, mariadb_server)}


@pytest.fixture(params=WAYS, ids="-".join)
def place(request, servers):
    """A database with one patient, and the URL of one way to it."""
    dialect, way = request.param
    server = servers[dialect]
    server.run(
        "DROP TABLE IF EXISTS pat",
        "CREATE TABLE pat (nr integer PRIMARY KEY, name varchar(40), ort varchar(40), stand integer)",
        "INSERT INTO pat VALUES (7, 'Łuczak', 'Pirna', 1)",
    )
    return server, server.url if way == "native" else server.odbc_url


def described(dialect):
    writable = {"table": "pat", "key": "nr", "column": "ort"}
    return profile.parse(
        "writing.toml",
        {
            "profile": "writing", "title": "Schreiben", "dialect": dialect, "probe": "SELECT 1", "expect": "1",
            "patient": {
                "from": "pat p", "key": "p.nr", "columns": {"family_name": "p.name", "city": "p.ort"},
                "writable": {"city": writable},
            },
        },
    )  # fmt: skip


def change(base, value):
    return Change("update", "patient", "7", {"city": value}, {"city": base}, key="k")


def test_a_correction_is_written_and_found_again(place):
    server, url = place
    with opened(described(server.dialect), url, "sqlalchemy") as source:
        receipt = source.write(change("Pirna", "Görlitz; 'Zgorzelec'"))
        assert (receipt.outcome, dict(receipt.found)) == ("written", {"city": "Görlitz; 'Zgorzelec'"})
        assert source.look("patient", "7")["city"] == "Görlitz; 'Zgorzelec'"
        assert source.write(change("Pirna", "Görlitz; 'Zgorzelec'")).outcome == "already"
    assert server.ask("SELECT ort FROM pat") == [("Görlitz; 'Zgorzelec'",)]


def test_what_moved_meanwhile_is_a_conflict_and_stays(place):
    server, url = place
    server.run("UPDATE pat SET ort = 'Dresden'")
    with opened(described(server.dialect), url, "sqlalchemy") as source:
        assert source.write(change("Pirna", "Görlitz")).outcome == "conflict"
    assert server.ask("SELECT ort FROM pat") == [("Dresden",)]
