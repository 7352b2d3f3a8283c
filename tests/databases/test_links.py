"""Bad links: every driver ends within its deadline, nothing of a broken reading counts, the next run is whole."""

from __future__ import annotations

import time

import pytest

from connectors.errors import OverBudget
from connectors.pvs import profile, transports
from connectors.pvs.source import Login, PvsSource
from connectors.pvs.watchdog import Deadline
from connectors.sandbox.proxy import FaultProxy, Faults
from connectors.source import ReadRequest
from pipelines.practice import Practice
from tests.kit.demo_pvs import NOW
from tests.kit.landing import current, land_once
from tests.kit.segments import raw_rows
from tests.kit.servers import odbc_url

pytestmark = pytest.mark.engine

ROWS = 8_000
TABLES = (
    "CREATE TABLE pat (nr integer PRIMARY KEY, name varchar(20), strasse varchar(300))",
    "CREATE TABLE art (nr integer PRIMARY KEY)",
    "INSERT INTO art VALUES (1)",
)
FILL = {
    "postgresql": "INSERT INTO pat SELECT g, 'Name', repeat('x', 290) FROM generate_series({0}, {1}) g",
    "mysql": "INSERT INTO pat SELECT seq, 'Name', repeat('x', 290) FROM seq_{0}_to_{1}",
}

#: Seconds in which rows must move, and all of them for a broken reading: a child to start, two seconds for psycopg.
IDLE, WITHIN = 0.7, 6.0

WAYS = [
    ("postgresql", "native", "sqlalchemy"),
    ("postgresql", "native", "adbc"),
    ("postgresql", "odbc", "sqlalchemy"),
    ("postgresql", "odbc", "arrow_odbc"),
    ("mysql", "native", "sqlalchemy"),
    ("mysql", "odbc", "sqlalchemy"),
    ("mysql", "odbc", "arrow_odbc"),
]
FAULTS = {
    "stalls": Faults(stall_after=1_000_000),
    "never greets": Faults(silent=True),
    "stalls in its greeting": Faults(stall_after=20),
    "drips": Faults(drip=0.05),
    "is reset": Faults(reset_after=1_000_000),
    "dies": Faults(close_after=1_000_000),
}
CASES = [
    pytest.param(way, fault, marks=() if fault == "stalls" else pytest.mark.faults) for fault in FAULTS for way in WAYS
]


@pytest.fixture(scope="module")
def filled(postgres_server, mariadb_server):
    """A new database of the dialect, with so many patients."""

    def fill(dialect):
        server = {"postgresql": postgres_server, "mysql": mariadb_server}[dialect].database()
        server.run(*TABLES, FILL[dialect].format(1, ROWS))
        return server

    return fill


def described(dialect):
    return profile.parse(
        "links.toml",
        {
            "profile": "links", "title": "Strecke", "dialect": dialect, "probe": "SELECT count(*) FROM art",
            "expect": "1",
            "patient": {"from": "pat p", "key": "p.nr", "columns": {"family_name": "p.name", "street": "p.strasse"}},
        },
    )  # fmt: skip


#: A healthy link on a machine that has much else to do.
PATIENT = 30


def source(server, driver, transport, port, row_budget=None, idle=PATIENT):
    """The source over the proxy's port."""
    url = server.url.set(port=port) if driver == "native" else odbc_url(server.odbc_at(port), server.dialect)
    return PvsSource(
        "pvs", described(server.dialect), Login(url, url), timezone="Europe/Berlin", now=lambda: NOW,
        transport=transport, deadline=Deadline(idle, 2 * PATIENT), row_budget=row_budget,
    )  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_a_reading_that_is_left_early_leaves_nothing_behind(monkeypatch, filled, way):
    dialect, driver, transport = way
    monkeypatch.setattr(transports, "PARTITION", 1_000)
    monkeypatch.setattr(transports, "_PIECE", 500)
    server = filled(dialect)
    with source(server, driver, transport, server.url.port, row_budget=3 * ROWS) as opened:
        batches = opened.read(ReadRequest("patient", "full"))
        assert next(batches).read == 1_000
        batches.close()
        assert opened.look("patient", "7")["family_name"] == "Name"
        assert sum(batch.read for batch in opened.read(ReadRequest("patient", "full"))) == ROWS
        list(opened.read(ReadRequest("patient", "full")))
        with pytest.raises(OverBudget, match=r"links.toml: \[patient\]: found 2\d{4} rows"):
            list(opened.read(ReadRequest("patient", "full")))
        (asked,) = (one for one in opened.journal() if one.resource == "patient")
        assert asked.milliseconds > 0
        assert asked.rows > 3 * ROWS


@pytest.mark.parametrize(("way", "fault"), CASES, ids=lambda case: case if isinstance(case, str) else "-".join(case))
def test_a_bad_link_ends_in_time_and_the_next_run_is_whole(practice, ops, monkeypatch, filled, way, fault):
    dialect, driver, transport = way
    server = filled(dialect)
    with FaultProxy(("127.0.0.1", server.url.port)) as proxy:
        healthy, broken = (
            lambda _, __, idle=idle: source(server, driver, transport, proxy.port, idle=idle)
            for idle in (PATIENT, IDLE)
        )
        monkeypatch.setattr(Practice, "open_source", healthy)
        assert land_once(practice, ops, only="pvs").sources[0].state == "ok"
        before = raw_rows(practice, "watermark").rows()
        server.run(FILL[dialect].format(ROWS + 1, ROWS + 500))

        proxy.faults = FAULTS[fault]
        monkeypatch.setattr(Practice, "open_source", broken)
        began = time.monotonic()
        landed = land_once(practice, ops, only="pvs", scope="full")
        assert time.monotonic() - began < WITHIN
        assert (landed.segment, landed.sources[0].state) == (None, "away")
        assert raw_rows(practice, "watermark").rows() == before

        proxy.faults = Faults()
        monkeypatch.setattr(Practice, "open_source", healthy)
        assert land_once(practice, ops, only="pvs", scope="full").sources[0].state == "ok"
        assert len(current(practice, "patient")) == ROWS + 500
