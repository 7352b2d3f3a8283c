"""A build is checked, published as three files, repeatable, and readable in three ways."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines import files, publish, transform
from pipelines.errors import StoreError, WrongKey
from pipelines.matching.register import register
from pipelines.ops import database, ledger, numbers, open_ops, settings
from pipelines.ops.database import Ops
from pipelines.practice import Practice
from pipelines.publish import BuildFailed, NothingPublished
from pipelines.slot_snapshot import take
from pipelines.transform import CheckResult
from tests.kit.practices import NOON, Clock
from tests.kit.reference_practice import instant
from tests.kit.segments import land_rows

DAY = dt.timedelta(days=1)


@pytest.fixture
def ops(practice: Practice) -> Iterator[Ops]:
    database.create(practice.ops_path, practice.key("ops"))
    with open_ops(practice, keep_connection=True) as opened:
        settings.record(opened, settings.PRACTICE, practice.settings.model_dump(mode="json"), "test", NOON)
        yield opened


def _rows(table: str, run: int, *found: dict[str, object], removed: bool = False) -> pl.DataFrame:
    known = {"source": "pvs", "run": run, "read_at": NOON, "removed": removed}
    schema = files.TABLES[table]
    return pl.DataFrame([{name: (known | row).get(name) for name in schema} for row in found], schema=schema)


def _appointment(number: int, wall: str = "2026-03-09 09:00", **more: object) -> dict[str, object]:
    start = instant(wall)
    row = {"source_id": f"a{number}", "schedule_id": "1", "patient_id": "p1", "healthcare_service_id": "t1"}
    return row | {"status": "booked", "start": start, "end": start + dt.timedelta(minutes=30)} | more


def _first_run(practice: Practice, ops: Ops) -> None:
    patient = {
        "source_id": "p1",
        "family_name": "Quittenbaum",
        "birth_date": dt.date(1980, 5, 1),
        "postal_code": "80331",
    }
    land_rows(
        practice,
        1,
        patient=_rows("patient", 1, patient),
        schedule=_rows(
            "schedule", 1, {"source_id": "1", "name": "Dr. Demir", "kind": "person", "practitioner_id": "d"}
        ),
        practitioner=_rows("practitioner", 1, {"source_id": "d", "family_name": "Demir", "given_name": "Elif"}),
        healthcare_service=_rows("healthcare_service", 1, {"source_id": "t1", "name": "Kontrolle", "minutes": 30}),
        appointment=_rows("appointment", 1, _appointment(1), _appointment(2, "2026-03-03 09:00")),
    )
    register(practice, ops)


def _marts(folder: Path, practice: Practice, *, without: tuple[str, ...] = ()) -> dict[str, pl.DataFrame]:
    with files.connect() as con:
        files.attach(con, folder / "marts.duckdb", practice.key("marts"), "marts")
        names = [row[0] for row in con.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()]
        return {name: con.execute(f"FROM marts.{name}").pl().drop(without, strict=False) for name in names}


def _same(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> None:
    assert one.keys() == other.keys()
    for name, frame in one.items():
        assert frame.equals(other[name]), name


def test_a_build_publishes_three_files_and_the_next_one_has_nothing_to_do(practice: Practice, ops: Ops) -> None:
    _first_run(practice, ops)
    said: list[tuple[str, str, int]] = []

    built = publish.build(practice, ops, progress=lambda *what: said.append(what))

    assert built.generation == files.current(practice)
    assert built.generation is not None
    assert set(built.generation.files) == {"core.duckdb", "desk.duckdb", "marts.duckdb"}
    assert (built.run, built.ops_number, built.today) == (1, numbers.number(ops), dt.date(2026, 3, 4))
    assert ("build", "marts.fact_appointment", 2) in said
    assert {model.table for model in transform.models()} == {made.name for made in built.models}

    again = publish.build(practice, ops)

    assert again.generation is None
    assert files.current(practice) == built.generation


def test_two_builds_of_the_same_are_equal_row_by_row(practice: Practice, ops: Ops, tmp_path: Path) -> None:
    _first_run(practice, ops)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        publish.build(practice, ops, out=folder)

    one, two = (_marts(folder, practice) for folder in folders)

    _same(one, two)
    assert one["fact_capacity_day"].height > 700
    assert files.current(practice) is None


def test_what_did_not_change_is_carried_over(practice: Practice, ops: Ops) -> None:
    _first_run(practice, ops)
    publish.build(practice, ops)

    assert publish.build(practice, ops, force=True).carried_over == ("core.duckdb", "desk.duckdb", "marts.duckdb")

    # A changed birthday is on nobody's list of appointments but in the identified and the pseudonymous persons.
    land_rows(practice, 2, practitioner=_rows("practitioner", 2, {"source_id": "d", "family_name": "Demir"}))
    assert publish.build(practice, ops).carried_over == ()


def test_a_day_that_is_over_can_be_built_again(practice: Practice, ops: Ops, clock: Clock, tmp_path: Path) -> None:
    """Six days of changes in the source and decisions here; then the third day once more from what is kept."""
    _first_run(practice, ops)
    published, asked = {}, {}
    for number in range(2, 7):
        clock.at = NOON + (number - 1) * DAY
        _day(practice, ops, number)
        built = publish.build(practice, ops)
        assert built.generation is not None
        published[number] = _marts(built.generation.folder, practice)
        asked[number] = (built.run, built.ops_number, built.today)
    files.compact(practice, 6)

    for number in (3, 5):
        folder = tmp_path / f"day-{number}"
        folder.mkdir()
        run, ops_number, today = asked[number]
        publish.build(practice, ops, run=run, ops_number=ops_number, today=today, out=folder)
        _same(_marts(folder, practice), published[number])
    assert not published[3]["fact_appointment"].equals(published[5]["fact_appointment"])


def _day(practice: Practice, ops: Ops, number: int) -> None:
    """A new appointment, one moved, one gone; a new patient; a setting changed; the morning's open slots."""
    land_rows(
        practice,
        number,
        patient=_rows("patient", number, {"source_id": f"p{number}", "postal_code": f"8033{number}"}),
        appointment=pl.concat(
            [
                _rows(
                    "appointment",
                    number,
                    _appointment(10 + number, f"2026-03-{9 + number:02d} 10:00", patient_id=f"p{number}"),
                    _appointment(1, f"2026-03-09 1{number}:00"),
                ),
                _rows("appointment", number, _appointment(8 + number), removed=True),
            ]
        ),
    )
    register(practice, ops)
    take(practice, ops, number)
    changed = practice.settings.model_dump(mode="json")
    changed["closures"] = [{"start": f"2026-04-0{number}", "end": f"2026-04-0{number}", "name": "zu"}]
    settings.record(ops, settings.PRACTICE, changed, "test", practice.now())
    if number == 4:
        links = ledger.links(ops).filter(pl.col("kind") == "person").get_column("entity_id")
        with ops.transaction() as session:
            ledger.redirect(session, "person", links[1], links[0], number=numbers.advance(session), now=practice.now())


def test_merged_persons_are_one_and_their_old_pseudonym_leads_to_them(practice: Practice, ops: Ops) -> None:
    _first_run(practice, ops)
    _day(practice, ops, 4)
    publish.build(practice, ops)

    with publish.connect(practice) as con:
        alias = con.execute("FROM marts.person_alias").fetchall()
        persons = con.execute("SELECT person_key FROM marts.dim_person").fetchall()
        appointments = con.execute("SELECT DISTINCT person_key FROM marts.fact_appointment").fetchall()

    assert len(alias) == len(persons) == 1
    assert alias[0][1] == persons[0][0] == appointments[0][0]
    assert alias[0][0] != alias[0][1]


def test_a_broken_check_publishes_nothing(practice: Practice, ops: Ops, monkeypatch: pytest.MonkeyPatch) -> None:
    _first_run(practice, ops)
    before = publish.build(practice, ops).generation
    broken = [CheckResult("waterfall_sums", 3, "error"), CheckResult("record_unlinked", 2, "warn")]
    monkeypatch.setattr(transform, "checks", lambda con: broken)

    with pytest.raises(BuildFailed, match=r"nothing was published: waterfall_sums \(3 rows\) found rows"):
        publish.build(practice, ops, force=True)

    assert files.current(practice) == before


def test_a_warning_is_told_and_published(practice: Practice, ops: Ops, monkeypatch: pytest.MonkeyPatch) -> None:
    _first_run(practice, ops)
    monkeypatch.setattr(transform, "checks", lambda con: [CheckResult("record_unlinked", 2, "warn")])

    built = publish.build(practice, ops)

    assert built.generation is not None
    assert built.checks == (CheckResult("record_unlinked", 2, "warn"),)


def test_nothing_landed_yet_builds_empty_marts(practice: Practice, ops: Ops) -> None:
    built = publish.build(practice, ops)

    assert (built.run, built.generation is None) == (0, False)
    with publish.connect(practice) as con:
        assert con.execute("SELECT count(*) FROM marts.fact_appointment").fetchone() == (0,)


def test_pseudonyms_are_keyed_and_stable(practice: Practice) -> None:
    links = pl.DataFrame({"kind": ["person", "room"], "entity_id": ["01A", "01B"]})
    aliases = pl.DataFrame({"kind": ["person"], "entity_id": ["01C"], "current_id": ["01A"]})

    found = publish.pseudonyms(links, aliases, practice.key("pseudonym"))

    assert found.get_column("entity_id").to_list() == ["01A", "01C"]
    assert found.get_column("person_key").str.len_chars().to_list() == [32, 32]
    assert not found.equals(publish.pseudonyms(links, aliases, practice.key("marts")))


def test_before_the_first_build_there_is_nothing_to_read(practice: Practice) -> None:
    for read in (publish.connect, publish.reader, lambda it: publish.export(it, it.folder / "x.duckdb")):
        with pytest.raises(NothingPublished, match="praxistakt run markt"):
            read(practice)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "ATTACH '/tmp/other.duckdb'",
        "COPY marts.dim_date TO '/tmp/dates.csv'",
        "INSERT INTO marts.dim_room VALUES ('r', 'x', 'y')",
        "SET enable_external_access = true",
        "INSTALL spatial",
    ],
)
def test_analysts_reach_the_marts_and_nothing_else(practice: Practice, ops: Ops, statement: str) -> None:
    _first_run(practice, ops)
    publish.build(practice, ops)

    with publish.connect(practice) as con:
        assert con.execute("SELECT count(*) FROM marts.fact_appointment").fetchone() == (2,)
        comment = con.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'dim_room'").fetchone()
        assert comment == ("One row per room.",)
        with pytest.raises(duckdb.Error):
            con.execute(statement)


def test_a_reader_stays_on_its_generation_until_there_is_a_newer_one(
    practice: Practice, ops: Ops, clock: Clock
) -> None:
    _first_run(practice, ops)
    publish.build(practice, ops)
    first = publish.reader(practice)
    named = first.frame("desk", "SELECT family_name FROM desk.appointment WHERE family_name = $1", ["Quittenbaum"])

    assert named.height == 2
    assert publish.reader(practice) is first

    for number in range(2, 7):
        clock.move(days=1)
        land_rows(practice, number, appointment=_rows("appointment", number, _appointment(10 + number)))
        publish.build(practice, ops)
    second = publish.reader(practice)

    count = "SELECT count(*) AS n FROM marts.fact_appointment"
    assert not first.generation.folder.exists()
    assert (first.frame("marts", count).item(), second.frame("marts", count).item()) == (2, 7)
    assert second.generation == files.current(practice)


def test_threads_share_a_reader(practice: Practice, ops: Ops) -> None:
    _first_run(practice, ops)
    publish.build(practice, ops)
    found: list[int] = []

    def ask() -> None:
        for _ in range(20):
            frame = publish.reader(practice).frame(
                "marts", "SELECT count(*) AS n FROM marts.dim_date WHERE state = $s", {"s": "BY"}
            )
            found.append(frame.item())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 80
    assert len(set(found)) == 1


def test_an_export_opens_with_its_own_key_only(practice: Practice, ops: Ops, tmp_path: Path) -> None:
    _first_run(practice, ops)
    publish.build(practice, ops)
    path = tmp_path / "marts-export.duckdb"

    key = publish.export(practice, path)

    with files.connect() as con:
        con.execute(f"ATTACH '{path}' AS exported (READ_ONLY, ENCRYPTION_KEY '{key}')")
        assert con.execute("SELECT count(*) FROM exported.fact_appointment").fetchone() == (2,)
        comments = con.execute("SELECT count(comment), count(*) FROM duckdb_columns() WHERE database_name = 'exported'")
        row = comments.fetchone()
        assert row is not None
        assert row[0] == row[1] > 100
    with files.connect() as con, pytest.raises(WrongKey):
        files.attach(con, path, practice.key("marts"), "exported")
    with pytest.raises(StoreError, match="found a file, expected a new file's name"):
        publish.export(practice, path)
    with pytest.raises(StoreError, match="found no folder"):
        publish.export(practice, tmp_path / "nowhere" / "x.duckdb")
