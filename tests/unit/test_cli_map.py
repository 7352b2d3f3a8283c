"""`map test` and `grants` as they are typed: what they show, how they end, and that nobody is in it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pipelines.cli import app
from tests.kit.demo_pvs import made
from tests.kit.practices import make_practice

SETTINGS = """\
name = "Praxis am Markt"
timezone = "{zone}"

[locations.markt]
name = "Marktplatz 1"
state = "BY"

[sources.liste]
kind = "list"
title = "Liste"
profile = "termine"
path = "/nowhere/termine.csv"

[sources.pvs]
kind = "pvs"
title = "Praxissoftware"
profile = "{profile}"
url = "sqlite:///{database}"
"""


def praxistakt(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def told(*words: str) -> tuple[int, dict[str, Any]]:
    found = praxistakt(*words, "--json")
    return found.exit_code, json.loads(found.stdout)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return made(tmp_path / "pvs.db")


def settled(tmp_path: Path, patch: pytest.MonkeyPatch, database: Path, profile: str = "demo") -> None:
    """A practice `markt` whose first source is a list and whose second is a database."""
    settings = SETTINGS.format(zone="Europe/Berlin", profile=profile, database=database)
    make_practice(tmp_path, patch, settings=settings)


def changed(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as con, con:
        for statement in statements:
            con.execute(statement)


def test_a_sound_mapping_ends_with_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Path) -> None:
    settled(tmp_path, monkeypatch, database)
    code, found = told("map", "test", "markt")
    assert (code, found["level"], found["remarks"], found["source"]) == (0, "ok", [], "pvs")
    assert {one["level"] for one in found["findings"]} == {"ok"}
    assert all(one["read"] == one["kept"] + one["removed"] for one in found["records"])
    assert not (tmp_path / "home" / "markt" / "raw").exists()


ODD = {
    "an unknown code": ("UPDATE termin SET status = 99", "appointment.status: codes that the map lacks: '99'", 1),
    "no code at all": (
        "UPDATE patient SET geschlecht = 'Zwetschgenstieg 999'",
        "patient.gender: 1 value(s) that look like no codes",
        1,
    ),
    "an orphan": ("UPDATE termin SET pat_nr = 4711", "rows refer to a patient that is not there", 1),
    "a row set aside": ("UPDATE termin SET beginn = 'Quittenbaum'", "row(s) set aside, start: unreadable", 1),
    "a shifted clock": (
        "UPDATE termin SET beginn = datetime(beginn, '-9 hours'), ende = datetime(ende, '-9 hours')",
        "outside 6-22 h: see `timezone`",
        1,
    ),
    "no length": ("UPDATE termin SET ende = beginn", "have no length", 1),
    "an empty table": ("DELETE FROM terminart", "healthcare_service: no rows", 1),
    "a column that moved": ("ALTER TABLE termin RENAME COLUMN beginn TO anfang", "appointment", 2),
}


@pytest.mark.parametrize("what", ODD)
def test_what_is_odd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Path, what: str) -> None:
    statement, remark, ends = ODD[what]
    changed(database, statement)
    settled(tmp_path, monkeypatch, database)
    code, found = told("map", "test", "markt", "--source", "pvs")
    assert code == ends
    assert any(remark in line for line in found["remarks"]), found["remarks"]
    shown = praxistakt("map", "test", "markt").output
    assert "Zwetschgenstieg" not in shown + json.dumps(found)
    assert "Quittenbaum" not in shown + json.dumps(found)


def test_nobody_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Path) -> None:
    settled(tmp_path, monkeypatch, database)
    with closing(sqlite3.connect(database)) as con:
        people = con.execute("SELECT nachname, vorname, strasse FROM patient").fetchall()
    shown = praxistakt("map", "test", "markt").output + praxistakt("map", "introspect", "markt").output
    assert "[patient]" in shown
    names = {value for row in people for value in row if value and len(value) > 3}
    assert sorted(name for name in names if name in shown) == []


def test_a_profile_with_problems_names_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Path
) -> None:
    settled(tmp_path, monkeypatch, database)
    draft = tmp_path / "draft.toml"
    assert praxistakt("map", "introspect", "markt", "--out", str(draft)).exit_code == 1
    draft.write_text(draft.read_text().replace('start = "t.beginn"', 'start = "???"').replace('"t.ende"', '"???"'))
    toml = tmp_path / "home" / "markt" / "practice.toml"
    toml.write_text(toml.read_text().replace('"demo"', f'"{draft}"'))
    code, found = told("map", "test", "markt")
    assert code == 2
    for place in ("[appointment.columns.start]", "[appointment.columns.end]", "[appointment.columns.status.map.5]"):
        assert place in found["message"]


def test_grants_are_printed_for_the_profiles_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Path
) -> None:
    settled(tmp_path, monkeypatch, database)
    code, found = told("grants", "markt", "--login", "leser")
    assert code == 0
    assert any(f"setfacl -m u:leser:r '{database}'" in line for line in found["statements"])
    assert "setfacl" in praxistakt("grants", "markt").output


@pytest.mark.parametrize("source", ["liste", "nix"])
def test_only_databases_have_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Path, source: str
) -> None:
    settled(tmp_path, monkeypatch, database)
    code, _ = told("grants", "markt", "--source", source)
    assert code == 2
