"""Nobody of the demo is in what analysts get, in what Dagster keeps, in what the command line says.

The tokens are the names, numbers and addresses of everybody in both systems. What is searched is read back the hard
way: bytes as they lie on disk, and values through DuckDB and SQLite. The scanner has to find what is planted first.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from connectors.sandbox.pvs import PvsDesk
from pipelines import files
from pipelines.cli import app
from pipelines.keys import Key
from pipelines.ops import open_ops
from pipelines.ops.frames import frames
from pipelines.practice import Practice
from tests.kit.canary import Found, Scanner, people_of
from tests.kit.practices import Clock

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("canary")]

SIZE = ("--patients", "300", "--years", "0.1", "--disagreements", "0")
#: In the damaged practice software: a name where a date should be, and an address where a code should be.
WRONG_DATE, WRONG_CODE = "Quittenbaum-Beispiel", "Zwetschgenstieg 999"
PEOPLE = ("patient", "related_person", "practitioner")


@dataclass
class Demo:
    """A demo practice that has run twice, the second time over damaged rows; everything that was said, by command."""

    base: Path
    practice: Practice
    scanner: Scanner
    exported: Path
    export_key: Key
    said: dict[str, str] = field(default_factory=dict)


def praxistakt(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    base = tmp_path_factory.mktemp("canary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRAXISTAKT_HOME", str(base / "practices"))
        patch.delenv("PRAXISTAKT_KEYS", raising=False)
        first = praxistakt("demo", "--once", "--home", str(base), *SIZE)
        assert first.exit_code == 0, first.output
        practice = Practice.open("demo")
        _damage(base / "other-side" / "pvs.db")
        yield _talk(Demo(base, practice, _scanner(practice), base / "marts.duckdb", Key.random()), first.output)


def _damage(path: Path) -> None:
    desk = PvsDesk(path, Clock())
    desk.execute("UPDATE patient SET geb_datum = ?, geaendert = '2099-01-01 00:00:00' WHERE pat_nr = 7", WRONG_DATE)
    desk.execute("UPDATE patient SET geschlecht = ?, geaendert = '2099-01-01 00:00:00' WHERE pat_nr = 8", WRONG_CODE)


def _scanner(practice: Practice) -> Scanner:
    """Made from what both systems said, as raw has it."""
    with files.raw_connection(practice, files.read_manifest(practice)) as con:
        people = {name: con.execute(f"FROM raw.{name}").pl().iter_rows(named=True) for name in PEOPLE}
        tokens = people_of(people) | {WRONG_DATE, WRONG_CODE}
        named = con.execute("SELECT name FROM raw.healthcare_service UNION SELECT name FROM raw.location").fetchall()
    own = [row[0] for row in named]
    settings = practice.settings
    with open_ops(practice) as o:
        own += frames(o)["holiday"]["name"].unique().to_list()
    own += [settings.name, *(location.name for location in settings.locations.values())]
    own += [source.title for source in settings.sources.values()]
    own += [calendar.name for calendar in settings.calendars if calendar.kind != "person"]
    return Scanner(tokens, own)


def _talk(demo: Demo, first: str) -> Demo:
    """Every command that says something about a practice, and some that fail; the second run goes over damaged rows."""
    demo.said["demo"] = first
    name, base = demo.practice.id, demo.base
    commands: dict[str, tuple[str, ...]] = {
        "run --json": ("run", name, "--json"),
        "status": ("status", name),
        "status --json": ("status", name, "--json"),
        "doctor": ("doctor", name),
        "query": ("query", name, "FROM marts.fact_appointment LIMIT 50"),
        "query --csv": ("query", name, "FROM marts.dim_person", "--csv"),
        "bad query": ("query", name, "SELECT family_name FROM marts.dim_person"),
        "snapshot export": ("snapshot", "export", name, str(demo.exported), "--json"),
        "snapshot export again": ("snapshot", "export", name, str(demo.exported)),
        "user list": ("user", "list", name),
    }
    for command, words in commands.items():
        demo.said[command] = praxistakt(*words).output
    demo.export_key = Key(json.loads(demo.said["snapshot export"])["key"])
    PvsDesk(base / "other-side" / "pvs.db", Clock()).execute("ALTER TABLE termin RENAME COLUMN beginn TO anfang")
    demo.said["a process of its own, over a schema that differs"] = _process("--debug", "run", name)
    return demo


def _process(*words: str) -> str:
    """A command as a process: standard output and error."""
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), timeout=120, check=False)
    return done.stdout + done.stderr


# --- the scanner finds what is planted -------------------------------------------------------------------------------


def test_the_tokens_are_everybody_and_what_is_left_out_has_a_reason(demo: Demo) -> None:
    wanted = set(demo.scanner.words.values())
    assert len(wanted) > 1_500
    assert len([token for token in wanted if token.startswith("+49")]) > 200
    assert len([token for token in wanted if "@" in token]) > 80
    assert len([token for token in wanted if token[:1].isalpha() and token[1:].isdigit()]) > 150
    reasons = demo.scanner.skipped | demo.scanner.skipped_words
    assert all(reasons.values())
    assert len(demo.scanner.skipped) < len(wanted) / 5
    assert len(demo.scanner.skipped_words) < 20


def test_it_finds_the_practice_software_and_a_planted_file(demo: Demo, tmp_path: Path) -> None:
    assert len({one.token for one in demo.scanner.in_files([demo.base / "other-side" / "pvs.db"])}) > 500
    planted = tmp_path / "planted.log"
    planted.write_bytes(os.urandom(100_000) + WRONG_CODE.encode("utf-16-le") + os.urandom(1_000))
    assert {one.token for one in demo.scanner.in_files([planted])} == {WRONG_CODE}


def test_it_finds_a_planted_table_where_bytes_alone_show_nothing(demo: Demo, tmp_path: Path) -> None:
    """An encrypted file with a person in it: only reading its values finds them."""
    path, key = tmp_path / "planted.duckdb", Key.random()
    with files.connect() as con:
        files.attach(con, path, key, "planted", read_only=False)
        con.execute("CREATE TABLE planted.fact AS SELECT i, $1::VARCHAR AS note FROM range(5000) AS r(i)", [WRONG_CODE])
        con.execute("CHECKPOINT planted")
        found = {(one.place, one.token) for one in demo.scanner.in_duckdb(con, "planted")}
        assert found == {("fact.note", WRONG_CODE)}
    assert demo.scanner.in_files([path]) == set()


def test_it_finds_the_same_people_in_desk(demo: Demo) -> None:
    """The file for staff does hold names: the same way of reading finds them there."""
    with _published(demo, "desk") as con:
        assert len(demo.scanner.in_duckdb(con, "desk")) > 300


# --- and nobody anywhere else ----------------------------------------------------------------------------------------


def test_marts_hold_nobody(demo: Demo) -> None:
    with _published(demo, "marts") as con:
        assert con.execute("SELECT count(*) > 500 FROM marts.fact_appointment").fetchone() == (True,)
        assert _but_for_the_code(demo.scanner.in_duckdb(con, "marts")) == set()


def _but_for_the_code(found: set[Found]) -> set[Found]:
    """A vendor's own code is shown where no map knows it, that is what the list is for: also one that is a text."""
    assert {one.token for one in found if one.place == "unmapped_code.code"} == {WRONG_CODE}
    return {one for one in found if (one.place, one.token) != ("unmapped_code.code", WRONG_CODE)}


def test_the_export_holds_nobody(demo: Demo) -> None:
    with files.connect() as con:
        files.attach(con, demo.exported, demo.export_key, "exported")
        assert con.execute("SELECT count(*) > 100 FROM exported.dim_person").fetchone() == (True,)
        assert _but_for_the_code(demo.scanner.in_duckdb(con, "exported")) == set()
    assert demo.scanner.in_files([demo.exported]) == set()


def test_no_file_of_the_practice_or_its_keys_shows_a_patient(demo: Demo) -> None:
    """Names of staff stand in practice.toml, which a person wrote; all else is encrypted, or ids and counts."""
    folders = (demo.base / "practices", demo.base / "practices-keys")
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    assert {path.suffix for path in paths} >= {".duckdb", ".db", ".toml", ".keys", ".yaml"}
    assert demo.scanner.in_files(path for path in paths if path.name != "practice.toml") == set()


def test_dagsters_storage_holds_nobody(demo: Demo) -> None:
    folder = demo.base / "practices" / ".dagster"
    databases = sorted(folder.rglob("*.db"))
    assert len(databases) >= 3
    assert {one for path in databases for one in demo.scanner.in_sqlite(path)} == set()


def test_no_command_says_a_name(demo: Demo) -> None:
    for command, text in demo.said.items():
        assert text.strip(), command
        assert demo.scanner.in_text(text, command, prose=True) == set()
    assert "schema-mismatch" in demo.said["a process of its own, over a schema that differs"]


def _published(demo: Demo, store: str) -> duckdb.DuckDBPyConnection:
    generation = files.current(demo.practice)
    assert generation is not None
    con = files.connect()
    files.attach(con, generation.folder / f"{store}.duckdb", demo.practice.key(store), store)
    return con
