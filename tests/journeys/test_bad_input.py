"""What is broken, how a run ends then, what it says, and what goes on all the same: one table, by the command line.

A small practice is made and read once; each case breaks a copy of it, while both systems have one cancellation that is
not read yet. Whatever is broken, what was published before can still be read, or can be once it is mended.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner, Result

from connectors.sandbox.booking import BookingDesk, BookingServer
from connectors.sandbox.booking_faults import FaultKind
from connectors.sandbox.pvs import PvsDesk
from connectors.sandbox.world import WorldPlan
from dashboards import data
from pipelines import files, keys, publish
from pipelines.cli import app, demo_practice
from pipelines.cli.demo_practice import ACCESS_ID, SECRET, Places
from pipelines.cli.sandboxed import BOOKING_FILE, PVS_FILE
from pipelines.keys import Key
from pipelines.ops.database import open_ops
from pipelines.practice import Practice

pytestmark = pytest.mark.journey


@dataclass
class Box:
    """One copy of the practice and of its two systems."""

    places: Places
    stack: ExitStack
    #: The cancellations that are not read yet, by source.
    cancelled: dict[str, str]
    patch: pytest.MonkeyPatch
    original: Places
    undo: list[Callable[[], object]] = field(default_factory=list)

    @property
    def toml(self) -> Path:
        return self.places.practice / "practice.toml"

    @property
    def pvs(self) -> Path:
        return self.places.other_side / PVS_FILE

    @property
    def key_file(self) -> Path:
        return self.places.keys / f"{demo_practice.NAME}.keys"

    def tell(self, *words: str) -> Result:
        """A command as if it were typed."""
        return CliRunner().invoke(app, [words[0], str(self.places.practice), *words[1:]])

    def mend(self) -> None:
        """Settings and keys as they were, and a disk with room."""
        for undo in reversed(self.undo):
            undo()


def edited(old: str, new: str) -> Callable[[Box], None]:
    """A passage of practice.toml is another one."""

    def edit(box: Box) -> None:
        before = box.toml.read_text(encoding="utf-8")
        assert old in before
        box.toml.write_text(before.replace(old, new, 1), encoding="utf-8")
        box.undo.append(lambda: box.toml.write_text(before, encoding="utf-8"))

    return edit


def stored(name: str, value: str | None) -> Callable[[Box], None]:
    """A key or secret is another one, or none."""

    def change(box: Box) -> None:
        before = box.key_file.read_text(encoding="utf-8")
        entries = json.loads(before) | {name: value}
        kept = {name: value for name, value in entries.items() if value is not None}
        box.key_file.write_text(json.dumps(kept), encoding="utf-8")
        box.undo.append(lambda: box.key_file.write_text(before, encoding="utf-8"))

    return change


def other_key(purpose: str) -> Callable[[Box], None]:
    """The key set is whole and fits practice.toml, but the practice's files were written under another key."""

    def change(box: Box) -> None:
        stored(f"key:{purpose}", Key.random().hex)(box)
        entries = json.loads(box.key_file.read_text(encoding="utf-8"))
        check = keys.check_value({one: Key(entries[f"key:{one}"]) for one in keys.PURPOSES})
        edited(str(Practice.open(box.places.practice).settings.key_check), check)(box)

    return change


def in_pvs(statement: str) -> Callable[[Box], None]:
    """An update of the practice software changed its tables."""

    def change(box: Box) -> None:
        with closing(sqlite3.connect(box.pvs)) as connection, connection:
            connection.execute(statement)

    return change


def plays(
    kind: FaultKind = "status", status: int = 0, skip: int = 0, headers: dict[str, str] | None = None
) -> Callable[[Box], None]:
    """The booking platform answers, and every request meets this, after `skip` good ones."""

    def play(box: Box) -> None:
        practice = Practice.open(box.places.practice)
        port = int(str(practice.settings.source_tables["booking"]["base_url"]).split(":")[2].split("/")[0])
        state = box.places.other_side / BOOKING_FILE
        server = box.stack.enter_context(BookingServer(state, ACCESS_ID, practice.secret(SECRET), port=port))
        server.faults.add(kind, times=500, status=status, skip=skip, headers=headers)

    return play


def overwritten(box: Box) -> None:
    box.pvs.write_bytes(b"no database at all" * 400)


def disk_with(free: int) -> Callable[[Box], None]:
    """The disk has so many bytes left: `disk_usage` says so, wherever it is asked."""

    def fill(box: Box) -> None:
        box.patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**12, used=10**12 - free, free=free))
        box.undo.append(box.patch.undo)

    return fill


def both(*broken: Callable[[Box], None]) -> Callable[[Box], None]:
    """One after the other."""

    def all_of_them(box: Box) -> None:
        for one in broken:
            one(box)

    return all_of_them


def damaged(box: Box) -> None:
    """A byte of a segment of raw is another one."""
    segment = min(box.places.practice.joinpath("raw").glob("*.duckdb"))
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)


@dataclass(frozen=True)
class Case:
    """What is broken, how the command ends, words of its message, whose news are published, words of `status`.

    `status` is empty where it says what the command says; `page` are words of the page "Verbindungen", if it opens.
    """

    broken: str
    by: Callable[[Box], None]
    ends: int
    says: tuple[str, ...]
    news: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    command: tuple[str, ...] = ("run",)
    page: tuple[str, ...] = ()


ASK = ("query", "SELECT count(*) FROM marts.fact_appointment")
PVS, BOOKING = ("pvs",), ("booking",)
CASES = [
    # --- one source is broken: the run ends with 1 (somebody should look), the other one goes on
    Case("the platform's secret is wrong", both(plays(), stored(f"secret:{SECRET}", "guessed")), 1,
         ("booking: access-refused: 127.0.0.1: status 401", "secret", "→ check user, password and rights"), PVS,
         ("refused", "access-refused", "resync"),
         page=("lehnt die Anmeldung ab", "praxistakt secret set", "status 401")),
    Case("the platform's secret was never set", stored(f"secret:{SECRET}", None), 1,
         ("booking: secret-missing", "no secret named 'booking-key'", "→ set it with `praxistakt secret set`"), PVS,
         ("refused", "secret-missing"),
         page=("lehnt die Anmeldung ab", "praxistakt secret set", "no secret named")),
    Case("the platform asks for a pause", plays("status", 429, headers={"retry-after": "120"}), 1,
         ("booking: source-busy: 127.0.0.1: status 429", "→ it is tried again by itself"), PVS, ("away", "429"),
         page=("Die Quelle antwortet nicht", "status 429; it asks for a pause", "Nächster Versuch um")),
    Case("the platform breaks down", plays("status", 500), 1,
         ("booking: bad-answer: practitioner, ", "status 500, expected 200", "→ tell whoever looks after it"), PVS,
         ("bad-answer", "status 500"),
         page=("nicht in der vereinbarten Form", "praxistakt doctor", "status 500, expected 200")),
    Case("the platform answers no JSON", plays("invalid-json"), 1,
         ("booking: bad-answer:", "the answer is no valid JSON"), PVS, ("bad-answer", "no valid JSON"),
         page=("nicht in der vereinbarten Form", "praxistakt doctor", "the answer is no valid JSON")),
    Case("the platform stops in the middle of a page", plays("half-page", skip=9), 1,
         ("booking: bad-answer:", "the answer broke off before its end"), PVS, ("bad-answer", "broke off"),
         page=("nicht in der vereinbarten Form", "praxistakt doctor", "the answer broke off before its end")),
    Case("a table of the practice software is gone", in_pvs("ALTER TABLE wiedervorstellung RENAME TO wv"), 1,
         ("pvs: schema-mismatch: recall: demo.toml: [recall]", "no such table: wiedervorstellung",
          "→ its version needs a profile of its own"), PVS + BOOKING, ("bad-answer", "no such table"),
         page=("nicht in der vereinbarten Form", "praxistakt doctor", "no such table: wiedervorstellung")),
    Case("a column of the practice software is gone", in_pvs("ALTER TABLE termin RENAME COLUMN status TO zustand"), 1,
         ("pvs: schema-mismatch: appointment: demo.toml: [appointment]", "no such column: t.status"), BOOKING,
         ("bad-answer", "no such column"),
         page=("nicht in der vereinbarten Form", "praxistakt doctor", "no such column: t.status")),
    Case("the practice software's file is none", overwritten, 1,
         ("pvs: bad-answer:", "this is no database, or it is broken"), BOOKING, ("bad-answer", "no database"),
         page=("nicht in der vereinbarten Form", "praxistakt doctor", "this is no database, or it is broken")),
    Case("the practice software's file is gone", lambda box: box.pvs.unlink(), 1,
         ("pvs: source-away:", "expected the practice's database there", "→ it is tried again"), BOOKING,
         ("away", "source-away"),
         page=("Die Quelle antwortet nicht", "expected the practice's database there")),
    # --- the practice itself is broken: the run ends with 2 (failed) before it changes anything
    Case("practice.toml has an unknown key", edited("poll_seconds", "pol_seconds"), 2,
         ("practice.toml: [schedule] pol_seconds: unknown key; did you mean poll_seconds?",)),
    Case("a source's table has an unknown key", edited('profile = "demo"', 'profile = "demo"\nfax = 1'), 2,
         ("practice.toml: [sources.pvs.fax] found a key that is not known here, expected one of kind, title",)),
    Case("practice.toml is no TOML", edited("name = ", "name "), 2, ("practice.toml: not TOML",)),
    Case("the keys are another practice's", stored("key:raw", Key.random().hex), 2,
         ("demo.keys: the keys there do not belong to this practice",)),
    Case("the key file lacks a key", stored("key:ops", None), 2, ("no key for ops; `praxistakt restore-keys`",)),
    Case("raw was written under another key", other_key("raw"), 2, (".duckdb: was written under another key",),
         status=("error: run-failed", ".duckdb: was written under another key → bring the practice's keys back"),
         page=("brechen seit", "Schlüssel dieser Praxis passen nicht", "praxistakt restore-keys")),
    Case("ops.db was written under another key", other_key("ops"), 2, ("ops.db: this key opens none of its",)),
    Case("a published file was written under another key", other_key("marts"), 2,
         ("marts.duckdb: was written under another key",), status=("current",), command=ASK,
         page=("Schlüssel auf diesem Rechner passen nicht", "marts.duckdb: was written under another key")),
    Case("the disk has no room for a segment", disk_with(1_000), 2, ("0.0 MB free, a segment of run 2 needs",),
         status=("error: run-failed", "a segment of run 2 needs", "→ make room"),
         page=("brechen seit", "zu wenig Platz", "a segment of run 2 needs")),
    Case("the disk has no room for a generation", disk_with(1_000_000), 2, ("1.0 MB free, a build needs",),
         status=("error: run-failed", "a build needs", "→ make room"),
         page=("brechen seit", "zu wenig Platz", "a build needs")),
    Case("a segment of raw is damaged", damaged, 2, ("differs from what was written",),
         status=("error: run-failed", "differs from what was written", "restore a backup"),
         page=("brechen seit", "beschädigt oder fehlt", "differs from what was written")),
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Places, dict[str, str]]]:
    """The practice, read and built once; and an appointment ahead in each system."""
    places = Places(tmp_path_factory.mktemp("made"))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PRAXISTAKT_KEYS", raising=False)
        patch.setenv("PRAXISTAKT_HOME", str(places.home))
        plan = WorldPlan(dt.datetime.now(dt.UTC).date(), patients=120, years=0.1, months_ahead=1, disagreements=0)
        practice, _ = demo_practice.make(places, plan, "demo", 8501)
        first = CliRunner().invoke(app, ["run", str(places.practice), "--full"])
        assert first.exit_code < 2, first.output
        yield places, _ahead(practice)


_AHEAD = """
SELECT source, arg_max(source_id, (start, source_id)) FROM raw.appointment WHERE status = 'booked' GROUP BY source
"""


def _ahead(practice: Practice) -> dict[str, str]:
    """By source, the last appointment that is booked."""
    with files.raw_connection(practice, files.read_manifest(practice)) as con:
        return dict(con.execute(_AHEAD).fetchall())


@pytest.fixture
def box(made: tuple[Places, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    """A copy in which both systems cancelled an appointment since the last run."""
    original, cancelled = made
    copy = Places(tmp_path)
    for folder in (original.home, original.keys, original.other_side):
        shutil.copytree(folder, tmp_path / folder.name)
    toml = copy.practice / "practice.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(text.replace(original.base.as_posix(), tmp_path.as_posix()), encoding="utf-8")
    monkeypatch.delenv("PRAXISTAKT_KEYS", raising=False)
    monkeypatch.setenv("PRAXISTAKT_HOME", str(copy.home))
    now = dt.datetime.now(dt.UTC)
    PvsDesk(copy.other_side / PVS_FILE, lambda: now).cancel(cancelled["pvs"])
    with BookingDesk(copy.other_side / BOOKING_FILE) as desk:
        desk.cancel_online(cancelled["booking"], now)
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        yield Box(copy, stack, cancelled, patch, original)


_OUTCOME = """
    SELECT outcome FROM marts.fact_appointment WHERE appointment_key = (md5_number_lower(?) >> 1)::BIGINT
"""


def published_news(box: Box) -> set[str]:
    """The sources whose cancellation is published."""
    with publish.connect(Practice.open(box.places.practice)) as con:
        found = {
            source: con.execute(_OUTCOME, [f"{source}/{source_id}"]).fetchall()
            for source, source_id in box.cancelled.items()
        }
    assert all(len(rows) == 1 for rows in found.values())
    return {source for source, rows in found.items() if rows == [("cancelled_patient",)]}


def page_of(box: Box) -> str:
    """What the page "Verbindungen" tells somebody of the IT."""
    practice = Practice.open(box.places.practice)
    with open_ops(practice, keep_connection=True) as o:
        data.serve_from(practice, o, lambda _: None)
        page = AppTest.from_string(_PAGE, default_timeout=30)
        page.user = {"name": "Ada", "roles": "it", "session": "digest"}
        page.run()
    assert not page.exception
    told = (*page.error, *page.warning, *page.markdown, *page.caption, *page.code)
    return "\n".join(str(element.value) for element in told)


_PAGE = "from dashboards.views.connections import connections\nconnections()"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.broken)
def test_bad_input(box: Box, case: Case) -> None:
    case.by(box)

    said = box.tell(*case.command)
    assert said.exit_code == case.ends, said.output
    for words in case.says:
        assert words in said.output
    assert "Traceback" not in said.output
    if case.ends == 2:
        assert len(said.stderr.strip().splitlines()) == 1
        assert said.stderr.startswith("error: ")

    if case.page:
        shown = page_of(box)
        for words in case.page:
            assert words in shown

    status = box.tell("status")
    for words in case.status or case.says:
        assert words in status.output
    assert "Traceback" not in status.output

    box.mend()
    assert published_news(box) == set(case.news)


def test_a_published_file_that_does_not_open_is_written_anew(box: Box) -> None:
    other_key("marts")(box)
    assert box.tell(*ASK).exit_code == 2
    done = box.tell("run")
    assert done.exit_code == 0, done.output
    assert published_news(box) == {"pvs", "booking"}
