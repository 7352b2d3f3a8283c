"""What `doctor` says of a practice's database, and that `run` keeps to the same rule about logins that can write."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from connectors.pvs import engine, examination
from pipelines import doctor
from pipelines.ops import create, open_ops
from pipelines.practice import Practice
from pipelines.run import run
from tests.kit.demo_pvs import made
from tests.kit.practices import Clock, make_practice
from tests.kit.servers import Server, odbc_driver

PROFILE = """\
profile = "klein"
title = "Klein"
dialect = "postgresql"
probe = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'patient' AND column_name = 'nachname'"
expect = "1"

[patient]
from = "patient p"
key = "p.id"

[patient.columns]
family_name = "p.nachname"
"""

SETTINGS = """\
name = "Praxis am Markt"
timezone = "Europe/Berlin"

[locations.markt]
name = "Marktplatz 1"
state = "BY"

[sources.pvs]
kind = "pvs"
title = "Praxissoftware"
"""


@pytest.fixture
def database(postgres_server: Server) -> Server:
    server = postgres_server.database()
    server.run(
        "CREATE TABLE patient (id integer PRIMARY KEY, nachname text)", "INSERT INTO patient VALUES (1, 'Ahlgrimm')"
    )
    return server


def practice_of(folder: Path, patch: pytest.MonkeyPatch, server: Server, more: str = "", clock: Clock | None = None):
    """A practice whose login is the server's superuser."""
    (folder / "klein.toml").write_text(PROFILE, encoding="utf-8")
    url = server.url
    settings = (
        f'{SETTINGS}profile = "{folder}/klein.toml"\n'
        f'url = "{url.drivername}://{url.username}@{url.host}:{url.port}/{url.database}"\n'
        f'password_secret = "pvs-password"\n{more}\n'
    )
    practice = make_practice(folder, patch, settings=settings, clock=clock)
    practice.set_secret("pvs-password", str(url.password))
    create(practice.ops_path, practice.key("ops"))
    return practice


def found(practice: Practice) -> dict[str, tuple[str, str]]:
    """Check of the source -> level and message."""
    return {
        one.check.removeprefix("pvs: "): (one.level, one.message)
        for one in doctor.examine(practice)
        if one.check.startswith("pvs: ")
    }


@pytest.mark.engine
def test_run_refuses_a_login_that_can_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Server) -> None:
    practice = practice_of(tmp_path, monkeypatch, database)
    with open_ops(practice) as o:
        done = run(practice, o)
    (read,) = done.landed.sources
    assert (done.state, read.state, read.read) == ("attention", "refused", 0)
    assert read.cause is not None
    assert "the login is a superuser" in read.cause
    assert "accept_writable_login" in read.cause
    level, message = found(practice)["rights"]
    assert (level, "superuser" in message) == ("error", True)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("more", "level"),
    [('accept_writable_login = "der Hersteller gibt keine andere"', "warn"), ("write_back = true", "ok")],
)
def test_a_practice_may_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Server, more: str, level: str
) -> None:
    practice = practice_of(tmp_path, monkeypatch, database, more)
    with open_ops(practice) as o:
        done = run(practice, o)
    assert [(read.state, read.new) for read in done.landed.sources] == [("ok", 1)]
    assert found(practice)["rights"][0] == level


@pytest.mark.engine
@pytest.mark.parametrize(
    ("off", "level", "said"),
    [(0, "ok", "like ours"), (30, "warn", "30 min behind ours"), (-30, "warn", "30 min ahead of ours")],
)
def test_the_databases_clock_is_compared_with_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Server, off: int, level: str, said: str
) -> None:
    ((now,),) = database.ask("SELECT now()")
    assert isinstance(now, dt.datetime)
    clock = Clock(now.astimezone(dt.UTC) + dt.timedelta(minutes=off))
    practice = practice_of(tmp_path, monkeypatch, database, "write_back = true", clock)
    told = found(practice)["clock"]
    assert (told[0], said in told[1]) == (level, True)


def test_a_file_is_opened_for_reading_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = f'{SETTINGS}profile = "demo"\nurl = "sqlite:///{made(tmp_path / "pvs.db")}"\n'
    practice = make_practice(tmp_path, monkeypatch, settings=settings)
    told = found(practice)
    assert {level for level, _ in told.values()} == {"ok"}
    assert told["rights"][1] == "the file is opened for reading only"
    assert {"driver", "rights", "clock", "connection and version", "tables of patient"} <= set(told)


def test_a_source_that_is_away_is_one_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = f'{SETTINGS}profile = "demo"\nurl = "sqlite:///{tmp_path}/away.db"\n'
    told = found(make_practice(tmp_path, monkeypatch, settings=settings))
    assert [check for check, (level, _) in told.items() if level == "error"] == ["connection"]


PE = b"MZ" + bytes(58) + (64).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("head", "bits"),
    [
        (b"\x7fELF\x01" + bytes(60), 32),
        (b"\x7fELF\x02" + bytes(60), 64),
        (PE + b"PE\0\0" + (0x014C).to_bytes(2, "little"), 32),
        (PE + b"PE\0\0" + (0x8664).to_bytes(2, "little"), 64),
        (b"#!/bin/sh\n", None),
    ],
)
def test_the_bitness_of_a_driver_is_read_from_its_file(tmp_path: Path, head: bytes, bits: int | None) -> None:
    library = tmp_path / "driver.so"
    library.write_bytes(head)
    assert examination.bitness(library) == bits


@pytest.mark.skipif(sys.platform == "win32", reason="odbcinst.ini is unixODBC's")
def test_a_driver_of_the_wrong_bitness_is_named(tmp_path: Path) -> None:
    (tmp_path / "old.so").write_bytes(b"\x7fELF\x01" + bytes(60))
    (tmp_path / "odbcinst.ini").write_text(f"[Alt]\nDriver = {tmp_path}/old.so\n")
    told = examination.driver(engine.parse_url("odbc:DRIVER={Alt};SERVER=x"), tmp_path / "odbcinst.ini")
    assert (told.level, "Alt is a 32-bit driver" in told.message) == ("error", True)
    assert told.remedy == "install its 64-bit version"


@pytest.mark.engine
def test_an_odbc_driver_is_found_or_those_that_are_there_are_named() -> None:
    name = odbc_driver("postgresql")
    assert examination.driver(engine.parse_url(f"odbc:DRIVER={{{name}}};SERVER=x")).level == "ok"
    missing = examination.driver(engine.parse_url("odbc:DRIVER={Nix};SERVER=x"))
    assert (missing.level, name in missing.message) == ("error", True)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:////x.db", "part of Python"),
        ("postgresql+psycopg://h/d", "psycopg"),
        ("mysql+pymysql://h/d", "pymysql"),
    ],
)
def test_drivers_of_python_say_their_version(url: str, said: str) -> None:
    told = examination.driver(sa.make_url(url))
    assert (told.level, said in told.message) == ("ok", True)
