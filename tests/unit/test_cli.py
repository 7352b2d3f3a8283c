"""The command line on a small practice of its own: what it says, as text and as JSON, and how it ends."""

from __future__ import annotations

import io
import json
import logging
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from pipelines.cli import app, explore, process, say
from pipelines.cli.template import Wishes, practice_toml

PASSWORD = "correct horse battery"
RUNNER = CliRunner()


def praxistakt(*words: str, given: str | None = None) -> Result:
    """Run a command as if it were typed."""
    return RUNNER.invoke(app, list(words), input=given)


def told(result: Result) -> dict[str, Any]:
    """The one JSON object that a command printed."""
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without practices."""
    monkeypatch.setenv("PRAXISTAKT_HOME", str(tmp_path / "practices"))
    monkeypatch.setenv("PRAXISTAKT_KEYS", str(tmp_path / "keys"))
    return tmp_path


@pytest.fixture
def markt(home: Path) -> Path:
    """A practice whose practice software is not there."""
    made = praxistakt(
        *("init", "markt", "--name", "Praxis Test", "--state", "BY", "--user", "chef", "--password-stdin"),
        *("--pvs-url", f"sqlite:///{home}/away.db", "--pvs-profile", "demo", "--keystore", "file"),
        *("--sheet", str(home / "sheet.txt"), "--json"),
        given=f"{PASSWORD}\n",
    )
    assert made.exit_code == 0, made.output
    return home / "practices" / "markt"


def test_init_makes_all_that_a_practice_needs(home: Path, markt: Path) -> None:
    assert {path.name for path in markt.iterdir()} >= {"practice.toml", "ops.db"}
    sheet = home / "sheet.txt"
    assert "Wiederherstellungsblatt" in sheet.read_text()
    assert sheet.stat().st_mode & 0o077 == 0
    assert told(praxistakt("user", "list", "markt", "--json")) == {
        "users": [{"user": "chef", "roles": ["it", "manager"], "state": "active"}]
    }


def test_lost_keys_come_back_from_the_sheet(home: Path, markt: Path) -> None:
    (home / "keys" / "markt.keys").unlink()
    lost = praxistakt("user", "list", "markt", "--json")
    assert lost.exit_code == 2
    assert "restore-keys" in told(lost)["message"]
    back = praxistakt("restore-keys", "markt", f"{home}/sheet.txt", "--keystore", "file", "--json")
    assert (back.exit_code, told(back)) == (0, {"practice": "markt"})
    assert praxistakt("user", "list", "markt", "--json").exit_code == 0


def test_a_mistyped_sheet_brings_nothing_back(home: Path, markt: Path) -> None:
    sheet = home / "sheet.txt"
    sheet.write_text(sheet.read_text().replace("Praxis Test", "").translate(str.maketrans("0123456789", "1234567890")))
    assert praxistakt("restore-keys", "markt", str(sheet), "--keystore", "file", "--json").exit_code == 2


def test_init_asks_nobody_where_there_is_no_terminal(home: Path) -> None:
    found = praxistakt("init", "markt", "--json")
    assert found.exit_code == 2
    assert "--name: missing" in told(found)["message"]
    assert not (home / "practices").exists()


def test_a_bad_password_is_told_before_anything_is_made(home: Path) -> None:
    words = ("init", "markt", "--name", "Praxis Test", "--state", "BY", "--pvs-url", "sqlite:///x.db", "--user", "chef")
    refused = praxistakt(*words, "--password-stdin", "--keystore", "file", given="kurz\n")
    assert refused.exit_code == 2
    assert "4 characters, expected at least 10" in refused.output
    assert not (home / "practices").exists()
    assert not (home / "keys").exists()
    assert praxistakt(*words, "--password-stdin", "--keystore", "file", given=PASSWORD).exit_code == 0


def test_a_wide_table_is_whole_in_a_narrow_window() -> None:
    columns = [f"minutes_of_kind_{number}" for number in range(30)]
    window = io.StringIO()
    narrow = Console(width=40, soft_wrap=True, file=window)
    narrow.print(say.table(*columns, rows=[tuple(f"value-{number}" for number in range(30))]))
    header, values, *rest = window.getvalue().splitlines()
    assert (header.split(), rest) == (columns, [])
    assert values.split() == [f"value-{number}" for number in range(30)]


def test_init_never_writes_over_a_sheet(home: Path) -> None:
    (home / "sheet.txt").write_text("another practice's")
    found = praxistakt(
        "init", "x", "--name", "X", "--state", "BY", "--pvs-url", "sqlite:///x", "--sheet", f"{home}/sheet.txt"
    )
    assert found.exit_code == 2
    assert (home / "sheet.txt").read_text() == "another practice's"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "nowhere"), "no practice in"),
        (("run", "markt", "--source", "nix"), "there is none; there are pvs"),
        (("query", "markt", "SELECT 1"), "nothing is published yet"),
        (("user", "lock", "markt", "nobody"), "there is none of this name"),
        (("snapshot", "export", "markt", "/nowhere/x.duckdb"), "/nowhere"),
    ],
)
@pytest.mark.usefixtures("markt")
def test_a_failure_is_one_line_and_code_2(words: tuple[str, ...], message: str) -> None:
    text = praxistakt(*words)
    assert text.exit_code == 2
    assert message in text.stderr
    assert "Traceback" not in text.output
    assert len(text.stderr.strip().splitlines()) == 1
    as_json = praxistakt(*words, "--json")
    assert as_json.exit_code == 2
    assert message in told(as_json)["message"]


@pytest.mark.usefixtures("markt")
def test_debug_shows_where_it_came_from() -> None:
    assert "Traceback" in praxistakt("--debug", "run", "nowhere").output


@pytest.mark.usefixtures("markt")
def test_a_source_that_is_away_fails_a_run_and_shows_red() -> None:
    run = praxistakt("run", "markt", "--json")
    assert run.exit_code == 2
    assert [(read["source"], read["state"]) for read in told(run)["landed"]["sources"]] == [("pvs", "away")]
    status = praxistakt("status", "markt", "--json")
    assert status.exit_code == 2
    assert told(status)["health"]["light"] == "red"
    assert told(status)["health"]["sources"][0]["reason"] == "away"
    assert told(status)["published"] is None


HOLDING = """
import os, sys
from pipelines import files
from pipelines.practice import Practice
with files.lock(Practice.open(sys.argv[1]), "raw"):
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


def test_a_run_beside_another_process_names_it_and_changes_nothing(markt: Path) -> None:
    command = [sys.executable, "-c", HOLDING, str(markt)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        pid = other.stdout.readline().strip()
        refused = praxistakt("run", "markt")
        as_json = praxistakt("run", "markt", "--json")
        other.communicate()
    assert (refused.exit_code, as_json.exit_code) == (2, 2)
    named = rf"markt: raw is locked by process {pid} on {re.escape(socket.gethostname())} since 20\d\d-\d\d-\d\dT"
    assert re.search(named, refused.stderr)
    assert len(refused.stderr.strip().splitlines()) == 1
    assert told(as_json)["error"] == "Busy"
    status = told(praxistakt("status", "markt", "--json"))
    assert (status["runs"], status["findings"]) == ([], [])


@pytest.mark.usefixtures("home")
def test_status_without_practices_is_no_failure() -> None:
    assert told(praxistakt("status", "--json")) == {"practices": []}
    assert "no practice in" in praxistakt("status").output


@pytest.mark.usefixtures("markt")
def test_status_says_why_somebody_should_look_at_a_run() -> None:
    assert praxistakt("run", "markt").exit_code == 2
    assert re.search(r"run 1 changes: failed, started .* UTC; pvs: away$", praxistakt("status").output, re.MULTILINE)


@pytest.mark.usefixtures("markt")
def test_doctor_names_what_is_wrong_and_a_remedy() -> None:
    found = praxistakt("doctor", "markt", "--json")
    assert found.exit_code == 2
    findings = told(found)["findings"]
    wrong = [finding for finding in findings if finding["level"] == "error"]
    assert wrong
    assert all(finding["check"].startswith("pvs") and finding["remedy"] for finding in wrong)
    assert {"duckdb", "keys", "ops.db", "files"} <= {
        finding["check"] for finding in findings if finding["level"] == "ok"
    }


@pytest.mark.usefixtures("markt")
def test_users_come_and_go() -> None:
    assert (
        praxistakt("user", "add", "markt", "anna", "--role", "reception", "--password-stdin", given=PASSWORD).exit_code
        == 0
    )
    assert praxistakt("user", "lock", "markt", "anna").exit_code == 0
    states = {one["user"]: one["state"] for one in told(praxistakt("user", "list", "markt", "--json"))["users"]}
    assert states == {"anna": "locked", "chef": "active"}
    assert praxistakt("user", "unlock", "markt", "anna").exit_code == 0
    assert praxistakt("user", "reset", "markt", "anna", "--password-stdin", given=f"{PASSWORD} 2").exit_code == 0
    link = told(praxistakt("user", "link", "markt", "anna", "--json"))["link"]
    assert link.startswith("http://127.0.0.1:8501/einmal?schluessel=")


@pytest.mark.usefixtures("markt")
def test_secrets_are_listed_without_values(markt: Path) -> None:
    toml = markt / "practice.toml"
    toml.write_text(toml.read_text().replace("# password_secret", "password_secret"))
    missing = praxistakt("secret", "list", "markt", "--json")
    assert (missing.exit_code, told(missing)) == (1, {"secrets": {"pvs-password": False}})
    assert praxistakt("secret", "set", "markt", "pvs-password", "--stdin", given="s3cret-value").exit_code == 0
    there = praxistakt("secret", "list", "markt", "--json")
    assert (there.exit_code, told(there)) == (0, {"secrets": {"pvs-password": True}})
    assert "s3cret-value" not in there.output


def test_a_new_practice_toml_says_what_was_told_and_holds_no_password() -> None:
    wishes = Wishes(
        pvs_url="sqlite:///x.db", pvs_profile="demo", booking_url="https://p.example/fhir", booking_access_id="we"
    )
    text = practice_toml('Praxis "Am Markt"', "BY", wishes)
    assert 'name = "Praxis \\"Am Markt\\""' in text
    assert 'auth = { kind = "apiauth", access_id = "we", secret = "booking-key" }' in text
    assert "[sources.booking]" not in practice_toml("P", "BY", Wishes(pvs_url="sqlite:///x.db"))


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("Demir", "Demir"),
        (-1, -1),
    ],
)
def test_csv_cells_are_never_formulas(value: object, cell: object) -> None:
    assert explore._cell(value) == cell


def test_a_mark_that_the_terminal_lacks_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252", write_through=True))
    process.print_anything()
    sys.stdout.write("● Präsenz → ok\n")
    assert written.getvalue().decode("cp1252").strip() == "? Präsenz ? ok"


@pytest.mark.parametrize(
    ("logger", "shown"),
    [
        ("praxistakt.run", "run 17 of Mustermann"),
        ("pipelines.land", "run 17 of Mustermann"),
        ("sqlalchemy.engine", "run %d of %s"),
        ("dagster", "run %d of %s"),
    ],
)
def test_what_others_log_comes_without_their_values(logger: str, shown: str) -> None:
    record = logging.LogRecord(logger, logging.WARNING, "x.py", 1, "run %d of %s", (17, "Mustermann"), None)
    assert process.IdsAndCounts().filter(record)
    assert record.getMessage() == shown


def test_an_exception_is_logged_by_its_type_alone() -> None:
    error = ValueError("Mustermann")
    record = logging.LogRecord("pipelines", logging.ERROR, "x.py", 1, "failed", (), (ValueError, error, None))
    process.IdsAndCounts().filter(record)
    assert logging.Formatter().format(record) == "failed (ValueError)"
