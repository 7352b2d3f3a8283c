"""From an unknown database to the draft of a profile: names, types, values, and what must never be shown."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from connectors.errors import ProfileError
from connectors.presentable import presentable
from connectors.pvs import profile
from connectors.pvs.introspect import catalogue, introspect, moments
from connectors.pvs.introspect.moments import Part, Span
from connectors.pvs.introspect.shapes import shape
from connectors.pvs.introspect.words import COLUMNS, TABLES, likeness, tokens, without_owner
from tests.kit import unknown_practice
from tests.kit.demo_pvs import made
from tests.kit.servers import Server, sqlite_odbc
from tests.kit.vendors import naive


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("PatNr", ("pat", "nr")),
        ("pat_nachname", ("pat", "nachname")),
        ("GEBDAT", ("gebdat",)),
        ("Straße 1", ("strasse", "1")),
        ("PATNrAlt", ("pat", "nr", "alt")),
    ],
)
def test_names_fall_apart_where_a_reader_would_pause(name: str, parts: tuple[str, ...]) -> None:
    assert tokens(name) == parts


@pytest.mark.parametrize(
    ("table", "column", "field", "surely"),
    [
        ("patient", "pat_nachname", "family_name", True),
        ("person", "LName", "family_name", True),
        ("patient", "geb_datum", "birth_date", True),
        ("termin", "beginn", "start", True),
        ("termin", "farbe", "start", False),
        ("patient", "bemerkung", "given_name", False),
    ],
)
def test_a_columns_name_is_like_its_field(table: str, column: str, field: str, surely: bool) -> None:
    parts = tokens(column)
    found = max(likeness(parts, COLUMNS[field]), likeness(without_owner(parts, tokens(table)), COLUMNS[field]))
    assert (found >= 0.8) == surely


@pytest.mark.parametrize("table", ["agntermine", "tblTermine", "ea_appointments", "gnuhealth_appointment", "Apt"])
def test_tables_of_appointments_are_known_by_their_names(table: str) -> None:
    parts = tokens(table)
    scores = {record: likeness(parts, words) for record, words in TABLES.items()}
    assert max(scores, key=lambda record: scores[record]) == "appointment"


@pytest.mark.parametrize(
    ("values", "looks"),
    [
        (["19610228", "20040229", "19881231", "19751111"], {"date8", "births"}),
        ([dt.date(1961, 2, 28), dt.date(1999, 1, 1), None], {"date", "births"}),
        (["28.02.1961", "01.01.1999"], {"date_german", "births"}),
        ([naive("2026-03-04 08:30")], {"moment", "time_of_day", "lately"}),
        ([naive("2026-03-04")], {"moment"}),
        ([480, 495, 510, 1080], {"minutes_of_day"}),
        ([15, 20, 45], {"duration"}),
        (["0830", "1715"], {"hhmm"}),
        (["08:30", "17:15:00"], {"clock"}),
        (["0151 5550102", "+49 160 5550103"], {"mobile", "phone"}),
        (["jette@example.org"], {"email"}),
        (["20457", "01067"], {"postcode"}),
        (["A123456780"], {"kvnr"}),
        (["J", "N", "J"], {"flag", "few"}),
        ([1_760_000_000_000], {"epoch_ms"}),
    ],
)  # fmt: skip
def test_values_look_like_what_they_are(values: list[object], looks: set[str]) -> None:
    assert looks <= shape(values).looks


@pytest.mark.parametrize("values", [[], [None, None], ["", " "], ["0000-00-00"], [b"\x01"]])
def test_nothing_looks_like_nothing(values: list[object]) -> None:
    assert shape(values).empty


def test_a_midnight_is_no_time_of_day() -> None:
    assert "time_of_day" not in shape([naive("2026-03-04"), naive("2026-03-05")]).looks


@pytest.mark.parametrize(
    ("counts", "shown", "held_back"),
    [
        ([("1", 400), ("2", 3)], ["1", "2"], 0),
        ([("M", 4), ("W", 5), ("D", 1)], ["W", "M", "D"], 0),
        ([("?", 4), ("@", 5), (">", 1)], ["@", "?", ">"], 0),
        ([("geplant", 400), ("verpasst", 30)], ["geplant", "verpasst"], 0),
        ([("geplant", 400), ("Quittenbaum", 1)], ["geplant"], 1),
        ([("Meyer", 1), ("Müller", 1), ("Ole", 1)], [], 3),
        ([("Zwetschgenstieg 999", 400)], [], 1),
        ([("0151 5550102", 50)], [], 1),
        ([("jette@example.org", 50)], [], 1),
        ([(f"{n}", 9) for n in range(40)], [], 40),
    ],
)
def test_only_codes_are_shown(counts: list[tuple[str, int]], shown: list[str], held_back: int) -> None:
    found, hidden = presentable(counts)
    assert ([code for code, _ in found], hidden) == (shown, held_back)


DAY8, MINUTES = Part("d", "day", "date8"), Part("v", "clock", "minutes_of_day")
LENGTH, HHMM = Part("n", "minutes", "duration"), Part("v", "clock", "hhmm")


@pytest.mark.parametrize(
    ("span", "day", "clock", "length"),
    [
        (Span(None, DAY8, MINUTES, LENGTH), "20260304", 510, 20),
        (Span(None, DAY8, HHMM, LENGTH), "20260304", 830, 20),
        (Span(None, Part("d", "day", "date_german"), Part("v", "clock", "clock"), LENGTH), "04.03.2026", "08:30", 20),
        (Span(None, Part("d", "day", "date"), MINUTES, Part("n", "minutes", "seconds")), "2026-03-04", 510, 1200),
    ],
)
def test_day_and_time_become_a_start_and_an_end(span: Span, day: str, clock: object, length: int) -> None:
    """In SQLite's own words, executed by it."""
    quoted = {name: f"x.{name}" for name in ("d", "v", "n")}
    start, end = (
        moments.start_sql("sqlite", span, quoted),
        moments.end_sql("sqlite", span, quoted),
    )
    with sa.create_engine("sqlite://").connect() as connection:
        asked = sa.text(f"SELECT {start}, {end} FROM (SELECT :d AS d, :v AS v, :n AS n) x".replace("':'", r"'\:'"))
        assert connection.execute(asked, {"d": day, "v": clock, "n": length}).one() == (
            "2026-03-04 08:30:00",
            "2026-03-04 08:50:00",
        )


@pytest.mark.parametrize("server", ["postgres_server", "mariadb_server"])
@pytest.mark.parametrize(
    ("clock", "value"), [(MINUTES, "510"), (HHMM, "830"), (Part("v", "clock", "clock"), "'08:30'")]
)
@pytest.mark.engine
def test_servers_put_a_day_and_a_time_together(
    request: pytest.FixtureRequest, server: str, clock: Part, value: str
) -> None:
    running: Server = request.getfixturevalue(server)
    span, quoted = Span(None, DAY8, clock, LENGTH), {"d": "x.d", "v": "x.v", "n": "x.n"}
    start = moments.start_sql(running.dialect, span, quoted)
    end = moments.end_sql(running.dialect, span, quoted)
    ((first, last),) = running.ask(f"SELECT {start}, {end} FROM (SELECT '20260304' AS d, {value} AS v, 20 AS n) x")
    assert (str(first)[:16], str(last)[:16]) == ("2026-03-04 08:30", "2026-03-04 08:50")


_SAME = (
    "CREATE TABLE stamm_patient (pat_id integer PRIMARY KEY, nachname varchar(40), vorname varchar(40), gebdat date,"
    " geschlecht char(1))",
    "CREATE TABLE termine (id integer PRIMARY KEY, pat_id integer REFERENCES stamm_patient (pat_id), beginn timestamp"
    " NULL, ende timestamp NULL, status integer)",
    "INSERT INTO stamm_patient VALUES (1, 'Ahlgrimm', 'Jette', '1961-02-28', 'W'), (2, 'Borowka', 'Ole', '1988-12-31',"
    " 'M')",
    "INSERT INTO termine VALUES (1, 1, '2026-03-04 08:30:00', '2026-03-04 08:50:00', 3)",
)


def without_password(url: sa.URL) -> str:
    """As practice.toml has it."""
    return sa.URL.create(url.drivername, url.username, None, url.host, url.port, url.database).render_as_string()


@pytest.mark.parametrize(
    ("fixture", "kind"), [("postgres_server", "local"), ("mariadb_server", "utc")], ids=["postgresql", "mariadb"]
)
@pytest.mark.engine
def test_servers_are_drafted_and_read(request: pytest.FixtureRequest, fixture: str, kind: str, tmp_path: Path) -> None:
    server: Server = request.getfixturevalue(fixture).database()
    server.run(*_SAME)
    made = introspect(without_password(server.url), server.url.password)
    assert made.records == {"patient": "stamm_patient", "appointment": "termine"}
    assert made.holes == ("appointment.columns.status.map.3",)
    draft = tmp_path / "draft.toml"
    draft.write_text(made.text.replace("???", "fulfilled"), encoding="utf-8")
    found = profile.load(draft)
    appointment = found.tables["appointment"]
    assert found.dialect == server.dialect
    assert appointment.columns["patient_id"].expr == "t.pat_id"
    assert (appointment.columns["start"].type or "local") == kind
    assert server.ask(found.probe.replace("%", "%%")) == [(int(found.expect),)]


@pytest.mark.parametrize("fixture", ["postgres_server", "mariadb_server"], ids=["postgresql", "mariadb"])
@pytest.mark.engine
def test_the_same_is_found_through_odbc(request: pytest.FixtureRequest, fixture: str) -> None:
    """A source that does not say whose SQL it speaks: its driver does."""
    server: Server = request.getfixturevalue(fixture).database()
    server.run(*_SAME)
    native = introspect(without_password(server.url), server.url.password)
    string = ";".join(part for part in server.odbc.split(";") if not part.startswith("PWD="))
    assert introspect(f"odbc:{string}", server.url.password).text == native.text


@pytest.mark.engine
def test_the_same_file_is_found_through_odbc(tmp_path: Path) -> None:
    path = unknown_practice.made(tmp_path / "x.db")
    assert introspect(f"odbc:{sqlite_odbc(path)}", None).text == introspect(f"sqlite:///{path}", None).text


def test_the_demos_software_is_drafted_as_its_profile_has_it(tmp_path: Path) -> None:
    drafted = introspect(f"sqlite:///{made(tmp_path / 'pvs.db')}", None)
    known = profile.load(profile.find("demo"))
    assert set(drafted.records) == set(known.tables) - {"slot"}
    text = drafted.text
    for name in ("family_name", "birth_date", "postal_code", "created_at"):
        expression = known.tables["patient"].columns[name].expr
        assert f'{name} = "{expression}"' in text


def test_a_hole_is_named_when_the_draft_is_loaded(tmp_path: Path) -> None:
    draft = tmp_path / "draft.toml"
    draft.write_text(introspect(f"sqlite:///{made(tmp_path / 'pvs.db')}", None).text.replace('"t.beginn"', '"???"'))
    with pytest.raises(ProfileError) as caught:
        profile.load(draft)
    assert any("[appointment.columns.start] found a hole (???)" in line for line in caught.value.problems)
    assert any("[appointment.columns.status.map.5] found '???'" in line for line in caught.value.problems)


def test_four_hundred_tables_take_seconds(tmp_path: Path) -> None:
    path = unknown_practice.made(tmp_path / "big.db", extra_tables=360)
    began = time.process_time()
    found = introspect(f"sqlite:///{path}", None)
    assert time.process_time() - began < 10
    assert found.tables == 400
    assert found.records["appointment"] == "plan_termin"


def test_rows_are_read_from_few_tables_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of all tables, values of the likely ones; never more rows of one than agreed."""
    asked: list[str] = []
    monkeypatch.setattr(sa.engine.Connection, "execute", _heard(asked, sa.engine.Connection.execute))
    introspect(f"sqlite:///{unknown_practice.made(tmp_path / 'big.db', extra_tables=360)}", None)
    sampled = {line.split("FROM ")[1].split()[0] for line in asked if "LIMIT" in line and "part" not in line}
    assert "plan_termin" in sampled
    assert len(sampled) < 60


def _heard(asked: list[str], execute: object) -> object:
    def hear(self: sa.Connection, statement: object, *given: object, **more: object) -> object:
        asked.append(str(statement))
        return execute(self, statement, *given, **more)  # type: ignore[operator]

    return hear


def test_a_catalogue_knows_keys_and_references(tmp_path: Path) -> None:
    with sa.create_engine(f"sqlite:///{unknown_practice.made(tmp_path / 'x.db')}").connect() as connection:
        found = catalogue.read(connection)
    table = found.table("plan_termin")
    assert table is not None
    assert (table.key, table.refers) == (("ter_id",), {"ts_id": "plan_terminstatus"})
