"""How long it takes to read a practice's appointments, by each transport, against the fastest thing its server can do.

A PostgreSQL and a MariaDB of our own hold the same 1,000,000 appointments of 11 columns. What counts is the ratio to
`COPY` (`mariadb --quick`) of the same run, and the memory of all our processes together. Landing is the whole way from
the server into an encrypted segment, less the reading.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from measure import Goal, Round, median, once, peak_mb, report
from rich.console import Console
from rich.progress import Progress

from connectors.pvs import engine, orm, profile, transports
from connectors.pvs.source import Login, PvsSource
from connectors.pvs.watchdog import Deadline
from pipelines import land
from pipelines.ops import create, open_ops, runs
from pipelines.practice import Practice, utc_now
from tests.kit.servers import Server, mariadb, odbc_url, postgres

FULL, SMALL = 1_000_000, 50_000
PEAK_MB, LANDING = 600, 2.0

#: Server and transport -> at most this many times the yardstick.
LIMITS = {
    "PostgreSQL adbc": 2.0,
    "PostgreSQL arrow_odbc": 8.0,
    "PostgreSQL sqlalchemy": 12.0,
    "MariaDB arrow_odbc": 5.0,
    "MariaDB sqlalchemy": 28.0,
}

COLUMNS = (
    "id", "patient", "practitioner", "appointment_date", "appointment_date_end", "create_date", "write_date", "state",
    "visit_type", "speciality", "comments",
)  # fmt: skip

_POSTGRESQL = (
    "CREATE TABLE appointment (id integer PRIMARY KEY, patient integer, practitioner integer,"
    " appointment_date timestamp, appointment_date_end timestamp, create_date timestamp, write_date timestamp,"
    " state varchar, visit_type varchar, speciality varchar, comments text)",
    "INSERT INTO appointment SELECT g, g % 50000 + 1, g % 20 + 1, t, t + interval '15 min', t - interval '30 days',"
    " CASE WHEN g % 3 = 0 THEN t END, (ARRAY['done', 'confirmed', 'checked_in', 'no_show'])[g % 4 + 1], 'phone',"
    " 'Fach ' || g % 30, CASE WHEN g % 5 = 0 THEN 'Anmerkung zum Termin ' || g END"
    " FROM (SELECT g, timestamp '2016-01-04 08:00:00' + g * interval '5 min' t FROM generate_series(1, {rows}) g) x",
    "VACUUM ANALYZE appointment",
)
_MYSQL = (
    "CREATE TABLE appointment (id int PRIMARY KEY, patient int, practitioner int, appointment_date datetime,"
    " appointment_date_end datetime, create_date datetime, write_date datetime, state varchar(20),"
    " visit_type varchar(20), speciality varchar(30), comments text)",
    "INSERT INTO appointment SELECT seq, seq % 50000 + 1, seq % 20 + 1, t, t + INTERVAL 15 MINUTE, t - INTERVAL 30 DAY,"
    " CASE WHEN seq % 3 = 0 THEN t END, elt(seq % 4 + 1, 'done', 'confirmed', 'checked_in', 'no_show'), 'phone',"
    " concat('Fach ', seq % 30), CASE WHEN seq % 5 = 0 THEN concat('Anmerkung zum Termin ', seq) END"
    " FROM (SELECT seq, timestamp '2016-01-04 08:00:00' + INTERVAL seq * 5 MINUTE t FROM seq_1_to_{rows}) x",
    "ANALYZE TABLE appointment",
)


@dataclass(frozen=True)
class Place:
    """A filled database: its dialect, and how it is reached."""

    dialect: str
    url: str
    odbc: str

    def reached(self, transport: str) -> sa.URL:
        """By ODBC where the transport needs it."""
        return odbc_url(self.odbc, self.dialect) if transport == "arrow_odbc" else sa.make_url(self.url)


def described(dialect: str) -> profile.Profile:
    """The profile of the table; its state is the only code that is translated."""
    meaning = {"done": "fulfilled", "confirmed": "booked", "checked_in": "arrived", "no_show": "noshow"}
    columns: dict[str, Any] = {
        "patient_id": "a.patient", "practitioner_id": "a.practitioner", "start": "a.appointment_date",
        "end": "a.appointment_date_end", "created_at": "a.create_date", "changed_at": "a.write_date",
        "status": {"expr": "a.state", "map": meaning}, "channel": "a.visit_type", "schedule_id": "a.speciality",
        "series_id": "a.comments",
    }  # fmt: skip
    return profile.parse(
        "extract.toml",
        {
            "profile": "extract", "title": "Termine", "dialect": dialect, "probe": "SELECT 1", "expect": "1",
            "timezone": "UTC", "appointment": {"from": "appointment a", "key": "a.id", "columns": columns},
        },
    )  # fmt: skip


def filled(server: Server, rows: int) -> Place:
    """A new database with so many appointments."""
    database = server.database()
    statements = _POSTGRESQL if server.dialect == "postgresql" else _MYSQL
    database.run(*(statement.replace("{rows}", str(rows)) for statement in statements))
    return Place(server.dialect, database.url.render_as_string(hide_password=False), database.odbc)


def yardstick(place: Place) -> int:
    """The server's own way to tell all rows, to nowhere; how many kilobytes it was."""
    url = sa.make_url(place.url)
    select = f"SELECT {', '.join(COLUMNS)} FROM appointment"
    if place.dialect == "postgresql":
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        command = ["psql", plain, "-qXc", f"COPY ({select}) TO STDOUT"]
    else:
        command = ["mariadb", "--no-defaults", "--quick", "-B", f"-h{url.host}", f"-P{url.port}", f"-u{url.username}"]
        command += [f"-p{url.password}", str(url.database), "-e", select]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return 0


def read(place: Place, transport: str, rows: int) -> dict[str, float]:
    """All appointments into frames, which are counted and let go."""
    reading = engine.reading_engine(place.reached(transport), (), Deadline())
    select = orm.record_select(described(place.dialect).tables["appointment"], "UTC")
    begun, busy = time.monotonic(), time.process_time()
    found = 0
    with reading.connect() as connection:
        for frame in transports.TRANSPORTS[transport](connection, select):
            found += frame.height
    seconds, cpu = time.monotonic() - begun, time.process_time() - busy
    reading.dispose()
    return _told(found, rows, seconds, cpu)


def landed(place: Place, transport: str, rows: int) -> dict[str, float]:
    """All appointments into a segment of a new practice."""
    with tempfile.TemporaryDirectory(prefix="praxistakt-bench-") as home:
        os.environ["PRAXISTAKT_HOME"], os.environ["PRAXISTAKT_KEYS"] = f"{home}/practices", f"{home}/keys"
        practice, _ = Practice.init(Path(home) / "practices" / "bench", _SETTINGS, keystore="file")
        url = place.reached(transport)
        Practice.open_source = lambda _, name: PvsSource(  # type: ignore[method-assign,assignment]
            name, described(place.dialect), Login(url, url), timezone="UTC", now=utc_now, transport=transport
        )
        create(practice.ops_path, practice.key("ops"))
        with open_ops(practice, keep_connection=True) as o:
            run = runs.start_run(o, "full", practice.now(), after=0)
            begun, busy = time.monotonic(), time.process_time()
            done = land.land(practice, o, run, scope="full")
            seconds, cpu = time.monotonic() - begun, time.process_time() - busy
        return _told(done.sources[0].new, rows, seconds, cpu)


_SETTINGS = """name = "Praxis am Markt"
timezone = "Europe/Berlin"

[locations.markt]
name = "Marktplatz 1"
state = "SN"
categories = ["public"]
opening_hours = { mon = ["08:00-12:00"] }

[sources.pvs]
kind = "pvs"
title = "Praxissoftware"
profile = "demo"
url = "sqlite:////nowhere.db"
"""


def _told(found: int, rows: int, seconds: float, cpu: float) -> dict[str, float]:
    if found != rows:
        raise RuntimeError(f"found {found} rows, expected {rows}")
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"seconds": seconds, "cpu": cpu, "mb": peak_mb() + children}


def measured(ways: dict[str, tuple[Any, ...]], rounds: int) -> dict[str, list[Round]]:
    """Rounds of each way in turns, each in a process of its own."""
    out: dict[str, list[Round]] = {name: [] for name in ways}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=rounds * len(ways))
        for _ in range(rounds):
            for name, (work, *args) in ways.items():
                progress.update(task, description=name)
                one = once(work, *args)
                mb = one.result["mb"] if isinstance(one.result, dict) else one.peak_mb
                out[name].append(Round(one.seconds, mb, one.result, one.cpu))
                progress.advance(task)
    return out


def main() -> None:
    """Fill two servers, read them, say what came out."""
    parser = argparse.ArgumentParser(description="Reading appointments from real servers.")
    parser.add_argument("--small", action="store_true", help=f"{SMALL:,} appointments")
    parser.add_argument("--rows", type=int, help=f"default {FULL:,}")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    rows = given.rows or (SMALL if given.small else FULL)
    with ExitStack() as stack:
        servers = {
            "PostgreSQL": stack.enter_context(postgres("shared_buffers=256MB")),
            "MariaDB": stack.enter_context(mariadb("--innodb-buffer-pool-size=512M")),
        }
        places = {name: filled(server, rows) for name, server in servers.items()}
        ways: dict[str, tuple[Any, ...]] = {f"{name} limit": (yardstick, place) for name, place in places.items()}
        for way in LIMITS:
            name, transport = way.split()
            ways[way] = (read, places[name], transport, rows)
        ways["PostgreSQL landed"] = (landed, places["PostgreSQL"], "adbc", rows)
        found = measured(ways, given.rounds)
    said(found, rows)


def said(found: dict[str, list[Round]], rows: int) -> None:
    """Ratios to the yardstick of the same run."""
    spent = {name: median(rounds) for name, rounds in found.items()}
    ratios = {way: spent[way] / spent[f"{way.split()[0]} limit"] for way in LIMITS}
    landing = (spent["PostgreSQL landed"] - spent["PostgreSQL adbc"]) / spent["PostgreSQL limit"]
    goals = [Goal(f"{way}, times the limit", ratio, LIMITS[way]) for way, ratio in ratios.items()]
    goals.append(Goal("landing adds, times the limit", landing, LANDING))
    peak = max(one.peak_mb for name, rounds in found.items() if name in LIMITS for one in rounds)
    goals.append(Goal("most memory of a reading, MB", peak, PEAK_MB))
    report("extract", found, goals, appointments=rows)


if __name__ == "__main__":
    main()
