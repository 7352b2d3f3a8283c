"""Ten minutes of a newcomer: a practice software that no profile knows, from its URL to published figures.

The same commands, in the same order, stand in docs/connect.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from connectors import registry
from connectors.pvs import profile
from pipelines import files
from pipelines.cli import app
from pipelines.practice import Practice
from tests.kit import unknown_practice
from tests.kit.landing import current

pytestmark = pytest.mark.journey

#: What the practice says about the one code that the draft could not know.
ANSWERS = {"[appointment.columns.status.map.7]": '"7" = "pending"'}


def praxistakt(*words: str, given: str | None = None) -> tuple[int, str]:
    """A command as it is typed: its exit code and what it printed."""
    found = CliRunner().invoke(app, list(words), input=given)
    return found.exit_code, found.output


def told(*words: str) -> tuple[int, dict[str, Any]]:
    """A command with --json."""
    code, text = praxistakt(*words, "--json")
    found: dict[str, Any] = json.loads(text)
    return code, found


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unknown_practice.made(tmp_path_factory.mktemp("unknown") / "praxis.db")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRAXISTAKT_HOME", str(tmp_path / "practices"))
    monkeypatch.setenv("PRAXISTAKT_KEYS", str(tmp_path / "keys"))
    return tmp_path


def test_from_an_unknown_database_to_figures(database: Path, machine: Path) -> None:
    url, draft = f"sqlite:///{database}", machine / "praxis.toml"
    assert unknown_practice.tables(database) == 40

    code, looked = told("map", "introspect", url, "--out", str(draft))
    assert (code, looked["tables"]) == (1, 40)
    assert [f"[{hole}]" for hole in looked["holes"]] == list(ANSWERS)

    init = (
        *("init", "markt", "--name", "Praxis am Markt", "--state", "SH", "--pvs-url", url, "--pvs-profile", str(draft)),
        *("--user", "leitung", "--password-stdin", "--keystore", "file", "--sheet", str(machine / "sheet.txt")),
    )
    code, text = praxistakt(*init, given="correct horse battery\n")
    assert code == 2
    assert all(place in text for place in ANSWERS)

    filled = draft.read_text(encoding="utf-8")
    for answer in ANSWERS.values():
        filled = filled.replace(f'{answer.split(" = ")[0]} = "???"', answer)
    draft.write_text(filled, encoding="utf-8")
    assert praxistakt(*init, given="correct horse battery\n")[0] == 0

    code, tried = told("map", "test", "markt")
    assert code == 1  # the recall of a patient who was deleted: a person should look, and may go on
    assert tried["remarks"] == ["recall.patient_id: 1 of 40 rows refer to a patient that is not there"]
    kept = {one["resource"]: one["kept"] for one in tried["records"]}
    assert (kept["patient"], kept["appointment"]) == (unknown_practice.PATIENTS - 1, unknown_practice.APPOINTMENTS)
    assert not (machine / "practices" / "markt" / "raw").exists()

    assert praxistakt("run", "markt")[0] == 0
    practice = Practice.open("markt")
    appointments, patients = current(practice, "appointment"), current(practice, "patient")
    first = appointments["1"]
    assert (len(appointments), len(patients)) == (unknown_practice.APPOINTMENTS, unknown_practice.PATIENTS - 1)
    assert {row["status"] for row in appointments.values()} >= {"fulfilled", "booked", "cancelled", "noshow", "pending"}
    assert (first["schedule_id"], first["practitioner_id"], first["healthcare_service_id"]) == ("2", "2", "2")
    assert (first["end"] - first["start"]).total_seconds() == 30 * 60
    assert {row["kind"] for row in current(practice, "location").values()} == {"room"}, "a table of rooms"
    described = profile.load(draft)
    assert "geloescht" in described.fingerprint["stamm_patient"], "what says that a row is deleted is watched too"
    assert registry.system(practice.settings.source_tables["pvs"]) == "pvs"
    assert files.current(practice) is not None


def test_nothing_of_a_patient_is_shown_on_the_way(database: Path, machine: Path) -> None:
    draft = machine / "praxis.toml"
    _, printed = praxistakt("map", "introspect", f"sqlite:///{database}")
    praxistakt("map", "introspect", f"sqlite:///{database}", "--out", str(draft))
    shown = printed + draft.read_text(encoding="utf-8")
    assert "plan_terminstatus" in shown
    assert sorted(word for word in unknown_practice.words(database) if len(word) > 3 and word in shown) == []


def test_a_draft_is_never_written_over(database: Path, machine: Path) -> None:
    draft = machine / "praxis.toml"
    draft.write_text("mine", encoding="utf-8")
    code, text = praxistakt("map", "introspect", f"sqlite:///{database}", "--out", str(draft))
    assert (code, draft.read_text(encoding="utf-8")) == (2, "mine")
    assert "never written over" in text
