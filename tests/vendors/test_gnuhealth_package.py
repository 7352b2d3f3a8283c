"""GNU Health as its makers ship it: installed from its packages, filled by its own clients' way, read by our profile.

`make test-vendors` makes its environment (`.venv/gnuhealth`, from tests/vendors/gnuhealth/requirements.lock). Its
clients keep what they do in Tryton's models; here only what stands in PostgreSQL afterwards counts.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from connectors.pvs import grants, profile
from pipelines.cli import app
from pipelines.ops import create, open_ops
from pipelines.practice import Practice
from pipelines.run import RunResult, run
from tests.kit.landing import current, versions
from tests.kit.practices import Clock, make_practice
from tests.kit.servers import Server

pytestmark = [pytest.mark.vendors, pytest.mark.xdist_group("gnuhealth")]

ROOT = Path(__file__).parent.parent.parent
HOME = ROOT / ".venv" / "gnuhealth" / "bin"
FILL = Path(__file__).parent / "gnuhealth" / "fill.py"

SETTINGS = """\
name = "MVZ Am Hafen"
timezone = "Europe/Berlin"

[locations.hafen]
name = "Kaistraße"
state = "HH"

[sources.pvs]
kind = "pvs"
title = "GNU Health"
profile = "gnuhealth"
url = "{url}"
password_secret = "pvs-password"
"""

#: Status and who cancelled, by GNU Health's own word for the state. `free` is an open slot and no appointment.
STATES = {
    "confirmed": ("booked", None),
    "checked_in": ("arrived", None),
    "done": ("fulfilled", None),
    "user_cancelled": ("cancelled", "patient"),
    "center_cancelled": ("cancelled", "practice"),
    "no_show": ("noshow", None),
}


def at(day: dt.date, clock: str, minutes: int = 0) -> dt.datetime:
    """A UTC moment as fill.py wrote it."""
    start = dt.datetime.combine(day, dt.time.fromisoformat(clock), dt.UTC)
    return start + dt.timedelta(minutes=minutes)


def command(*words: str | Path, **more: str) -> str:
    """One of GNU Health's own programs; its failure is told with what it said last."""
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False, timeout=400,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": str(HOME.parent), **more},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@dataclass(frozen=True)
class Filled:
    """A filled database, what fill.py says about it, the first day of its appointments, and a login that reads."""

    server: Server
    told: dict[str, Any]
    day: dt.date
    reader: str

    @property
    def url(self) -> str:
        """The reading login's URL without its password."""
        url = self.server.url
        return f"{url.drivername}://{self.reader}@{url.host}:{url.port}/{url.database}"


@pytest.fixture(scope="module")
def gnuhealth(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """A database made by trytond-admin and filled through proteus."""
    if not (HOME / "trytond-admin").exists():
        pytest.skip("GNU Health's environment .venv/gnuhealth is missing: `make test-vendors` makes it")
    server, folder = postgres_server.database(), tmp_path_factory.mktemp("gnuhealth")
    url = server.url.set(drivername="postgresql", database="")
    conf, password = folder / "trytond.conf", folder / "password"
    conf.write_text(f"[database]\nuri = {url.render_as_string(hide_password=False)}\npath = {folder}/files\n")
    password.write_text("only-for-this-test")
    name = str(server.url.database)
    modules = ("-u", "health", "health_calendar", "--activate-dependencies", "--all", "--email", "it@example.org", "-p")
    command(HOME / "trytond-admin", "-c", conf, "-d", name, *modules, TRYTONPASSFILE=str(password))
    day = dt.datetime.now(dt.UTC).date()  # Tryton stamps rows by the server's clock, so the calendar is around it
    told = json.loads(command(HOME / "python", FILL, conf, name, day.isoformat()).splitlines()[-1])
    reader = f"leser_{name}"
    statements = grants.statements(described(), "postgresql", login=reader, database=name)
    server.run(*(line.replace(grants.PASSWORD, "nur-lesen") for line in statements))
    return Filled(server, told, day, reader)


def described() -> profile.Profile:
    """The shipped profile."""
    return profile.load(profile.find("gnuhealth"))


def aged(server: Server, patient: int) -> None:
    """Everybody but one patient was entered days ago, so that the cursor of the patients stands behind the others."""
    for table, of in (
        ("gnuhealth_patient", "party"), ("party_party", "id"), ("party_address", "party"),
        ("party_contact_mechanism", "party"),
    ):  # fmt: skip
        server.run(
            f"UPDATE {table} SET create_date = create_date - interval '2 days',"
            f" write_date = write_date - interval '2 days'"
            f" WHERE {of} <> (SELECT party FROM gnuhealth_patient WHERE id = {patient})"
        )


@pytest.fixture(scope="module")
def hafen(gnuhealth: Filled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    """A practice that reads it with its own login, at the time of the database's server."""
    with pytest.MonkeyPatch.context() as patch:
        ((now,),) = gnuhealth.server.ask("SELECT now() AT TIME ZONE 'UTC'")
        assert isinstance(now, dt.datetime)
        aged(gnuhealth.server, gnuhealth.told["patients"][0])
        clock = Clock(now.replace(tzinfo=dt.UTC) + dt.timedelta(minutes=1))
        settings = SETTINGS.format(url=gnuhealth.url)
        practice = make_practice(tmp_path_factory.mktemp("practice"), patch, settings=settings, clock=clock)
        practice.set_secret("pvs-password", "nur-lesen")
        create(practice.ops_path, practice.key("ops"))
        ran(practice)
        yield practice


def ran(practice: Practice, scope: Any = "changes") -> RunResult:
    """One run."""
    with open_ops(practice) as o:
        return run(practice, o, scope=scope)


def test_patients_are_who_they_are(gnuhealth: Filled, hafen: Practice) -> None:
    found = current(hafen, "patient")
    assert list(found) == [str(key) for key in gnuhealth.told["patients"]]
    shown = [
        (row["family_name"], row["given_name"], row["gender"], row["birth_date"], row["phone"], row["mobile_e164"])
        for row in found.values()
    ]
    assert shown == [
        ("Ahlgrimm", "Jette", "female", dt.date(1961, 2, 28), "030 5550101", "+491515550102"),
        ("Borowka", "Ole", "male", dt.date(1988, 12, 31), None, "+491515550103"),
        ("Öztürk-Łęski", "Mira", "other", dt.date(2004, 2, 29), "030 5550104", None),
        ("D'Aubigné", "Rosa", "unknown", None, None, None),
    ]
    first = found["1"]
    assert (first["email"], first["street"], first["postal_code"], first["city"], first["active"]) == (
        "jette@example.org", "Kaistr. 1", "20457", "Hamburg", True,
    )  # fmt: skip


def test_practitioners_and_their_calendars(gnuhealth: Filled, hafen: Practice) -> None:
    found = current(hafen, "practitioner")
    assert list(found) == [str(key) for key in gnuhealth.told["practitioners"]]
    assert [(row["family_name"], row["given_name"], row["active"]) for row in found.values()] == [
        ("Thal", "Cora", True),
        ("Uhde", "Finn", True),
    ]
    assert {row["practitioner_id"] for row in current(hafen, "schedule").values()} == set(found)


def test_appointments_have_all_states(gnuhealth: Filled, hafen: Practice) -> None:
    found = current(hafen, "appointment")
    told = {str(one["id"]): one["state"] for one in gnuhealth.told["appointments"]}
    assert set(told.values()) == set(STATES)
    assert {key: (row["status"], row["cancelled_by"]) for key, row in found.items()} == {
        key: STATES[state] for key, state in told.items()
    }
    assert {row["status_code"] for row in found.values()} == set(STATES)


@pytest.mark.parametrize(
    ("state", "patient", "practitioner", "day", "clock", "minutes"),
    [
        ("checked_in", "2", "1", 0, "08:30", 20),
        ("done", "3", "2", 0, "09:00", 45),
        ("user_cancelled", "1", "2", 1, "09:15", 15),
        ("center_cancelled", "2", "1", 2, "10:00", 30),
        ("no_show", "4", "1", 0, "11:00", 20),
    ],
)
def test_appointments_are_with_whom_and_when(
    gnuhealth: Filled, hafen: Practice, state: str, patient: str, practitioner: str, day: int, clock: str, minutes: int
) -> None:
    key = next(str(one["id"]) for one in gnuhealth.told["appointments"] if one["state"] == state)
    row, date = current(hafen, "appointment")[key], gnuhealth.day + dt.timedelta(days=day)
    assert (row["patient_id"], row["practitioner_id"], row["schedule_id"]) == (patient, practitioner, practitioner)
    assert (row["start"], row["end"]) == (at(date, clock), at(date, clock, minutes))


def test_a_check_in_has_its_time(gnuhealth: Filled, hafen: Practice) -> None:
    key = next(str(one["id"]) for one in gnuhealth.told["appointments"] if one["state"] == "checked_in")
    arrived = current(hafen, "appointment")[key]["arrived_at"]
    assert abs(arrived - hafen.now()) < dt.timedelta(hours=1)


def test_an_appointment_without_an_end_stands_with_its_start(gnuhealth: Filled, hafen: Practice) -> None:
    key = str(gnuhealth.told["open_ended"])
    row = current(hafen, "appointment")[key]
    assert row["start"] == row["end"] == at(gnuhealth.day + dt.timedelta(days=2), "12:00")


def test_open_slots_are_offers_of_their_calendar(gnuhealth: Filled, hafen: Practice) -> None:
    found = current(hafen, "slot")
    assert sorted(found, key=int) == [str(key) for key in gnuhealth.told["free"]]
    day = dt.date.fromisoformat(gnuhealth.told["free_day"])
    nine = dt.datetime.combine(day, dt.time(9), ZoneInfo("Europe/Berlin"))
    half, rows = dt.timedelta(minutes=30), sorted(found.values(), key=lambda row: row["start"])
    assert [(row["status"], row["schedule_id"], row["start"], row["end"]) for row in rows] == [
        ("free", "2", nine + step * half, nine + (step + 1) * half) for step in range(4)
    ]


def test_the_reading_login_can_write_nothing(gnuhealth: Filled, hafen: Practice) -> None:
    told = json.loads(CliRunner().invoke(app, ["doctor", str(hafen.folder), "--json"]).stdout)
    rights = [one for one in told["findings"] if one["check"] == "pvs: rights"]
    assert [one["level"] for one in rights] == ["ok"]


def test_what_tryton_did_not_stamp_and_what_it_deleted_is_found_at_night(gnuhealth: Filled, hafen: Practice) -> None:
    """Behind Tryton's back: no write_date moves, and a row outside the window of every poll is gone."""
    old = str(gnuhealth.told["old"])
    before = current(hafen, "appointment")[old]
    gnuhealth.server.run(
        "UPDATE party_party SET lastname = 'Borowka-Neu' WHERE lastname = 'Borowka'",
        f"DELETE FROM gnuhealth_appointment WHERE id = {old}",
    )
    ran(hafen)
    assert current(hafen, "patient")["2"]["family_name"] == "Borowka"
    assert old in current(hafen, "appointment")

    night = ran(hafen, "full")
    assert [(read.changed, read.removed) for read in night.landed.sources] == [(1, 1)]
    assert current(hafen, "patient")["2"]["family_name"] == "Borowka-Neu"
    assert old not in current(hafen, "appointment")
    tombstone = versions(hafen, "appointment").filter(source_id=old, removed=True).to_dicts()
    assert len(tombstone) == 1
    assert {name: tombstone[0][name] for name in before} == before
