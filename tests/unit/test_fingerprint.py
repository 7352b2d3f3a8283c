"""The fingerprint: which table or column moved, and which records that stops."""

import sqlite3

import pytest
import sqlalchemy as sa

from connectors.errors import SchemaMismatch
from connectors.pvs import fingerprint, profile
from connectors.pvs.fingerprint import Moved, family, moved
from tests.kit.demo_pvs import made, opened, read

RECORD = profile.RecordProfile.model_validate(
    {
        "from": "termin t JOIN praxis.person p ON p.nr = t.person",
        "key": "t.nr",
        "where": "geloescht = 0",
        "deletes": {"kind": "tombstone", "query": "SELECT zeile FROM protokoll WHERE art = 'D'"},
        "changed": {"expr": "t.geaendert", "kind": "utc"},
        "columns": {"start": "t.beginn", "end": 't."Ende"', "patient_id": "p.nr"},
    }
)

EXPECTED = {
    "termin": {"nr": "integer", "person": "integer", "beginn": "datetime", "Ende": "datetime", "farbe": "text",
               "geaendert": "datetime", "geloescht": "boolean"},
    "praxis.person": {"nr": "integer", "name": "text"},
    "protokoll": {"zeile": "integer", "art": "text", "wann": "datetime"},
    "rechnung": {"nr": "integer"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("declared", "dialect", "expected"),
    [
        ("character varying", "postgresql", "text"),
        ("USER-DEFINED", "postgresql", "any"),
        ("timestamp without time zone", "postgresql", "datetime"),
        ("timestamp with time zone", "postgresql", "instant"),
        ("time without time zone", "postgresql", "time"),
        ("interval", "postgresql", "any"),
        ("double precision", "postgresql", "number"),
        ("bytea", "postgresql", "binary"),
        ("int(10) unsigned", "mysql", "integer"),
        ("tinyint(1)", "mysql", "boolean"),
        ("tinyint(3) unsigned", "mysql", "integer"),
        ("timestamp", "mysql", "instant"),
        ("datetime(6)", "mysql", "datetime"),
        ("date", "mysql", "date"),
        ("enum('a','b')", "mysql", "text"),
        ("bit(1)", "mysql", "boolean"),
        ("longblob", "mysql", "binary"),
        ("datetime2", "mssql", "datetime"),
        ("datetimeoffset", "mssql", "instant"),
        ("timestamp", "mssql", "binary"),
        ("nvarchar", "mssql", "text"),
        ("VARCHAR(20)", "sqlite", "text"),
        ("", "sqlite", "any"),
    ],
)
def test_a_type_belongs_to_a_family(declared, dialect, expected):
    assert family(declared, dialect) == expected


def test_a_record_is_about_the_tables_and_columns_that_its_sql_names():
    assert fingerprint.of_record(RECORD, EXPECTED) == {
        "termin": {key: kind for key, kind in EXPECTED["termin"].items() if key != "farbe"},
        "praxis.person": {"nr": "integer"},
        "protokoll": {"zeile": "integer", "art": "text"},
    }


def test_what_moved_is_told_in_words():
    found = {"termin": {"nr": "text", "BEGINN": "datetime", "neu": "text"}, "protokoll": {"zeile": "any"}}
    expected = {
        "termin": {"nr": "integer", "beginn": "datetime", "Ende": "datetime"},
        "person": {"nr": "integer"},
        "protokoll": {"zeile": "integer"},
    }
    assert moved(expected, found) == [
        Moved("termin", "nr", "text", "integer"),
        Moved("termin", "Ende", None, "datetime"),
        Moved("person", None, None, None),
    ]
    assert [str(one) for one in moved(expected, found)] == [
        "column termin.nr is text, expected integer",
        "no column termin.Ende",
        "no table person",
    ]


def test_the_standing_tables_of_a_file(tmp_path):
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE Termin (nr INTEGER PRIMARY KEY, beginn DATETIME, info)")
        connection.execute("CREATE TABLE other (nr INTEGER)")
    with sa.create_engine(f"sqlite:///{path}").connect() as connection:
        found = fingerprint.standing(connection, "sqlite", ["termin", "gone"])
    assert found == {"termin": {"nr": "integer", "beginn": "datetime", "info": "any"}}


def test_a_fingerprint_as_it_stands_in_a_profile():
    text = fingerprint.as_toml({"termin": {"nr": "integer"}, "aps.person": {"Größe": "number"}})
    assert text == '[fingerprint.termin]\nnr = "integer"\n\n[fingerprint."aps.person"]\n"Größe" = "number"\n'


def known(path):
    """The demo's profile with a fingerprint of a file."""
    described = profile.load(profile.find("demo"))
    with sa.create_engine(f"sqlite:///{path}").connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        return described.model_copy(update={"fingerprint": fingerprint.of_profile(connection, described, tables)})


@pytest.mark.parametrize(
    ("statement", "stopped", "named"),
    [
        ("ALTER TABLE termin RENAME COLUMN beginn TO anfang", {"appointment"}, "no column termin.beginn"),
        ("DROP TABLE besuch", {"visit"}, "no table besuch"),
        ("ALTER TABLE termin RENAME COLUMN notiz TO bemerkung", set(), ""),
        ("ALTER TABLE termin ADD COLUMN farbe TEXT", set(), ""),
    ],
)
def test_a_vendors_update_stops_the_records_that_it_meets(tmp_path, statement, stopped, named):
    path = made(tmp_path / "pvs.db")
    described = known(path)
    with sqlite3.connect(path) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        if "notiz" in statement:
            connection.execute("ALTER TABLE termin ADD COLUMN notiz TEXT")
        connection.execute(statement)
    with opened(path, described=described) as source:
        failed = {}
        for resource in source.resources:
            try:
                assert read(source, resource)
            except SchemaMismatch as error:
                failed[resource] = str(error)
        levels = {finding.check: finding.level for finding in source.check()}
    assert set(failed) == stopped
    assert all(
        f"demo.toml: [{resource}] found {named}: the vendor changed" in text for resource, text in failed.items()
    )
    assert {check for check, level in levels.items() if level != "ok"} == {f"tables of {name}" for name in stopped}


def test_the_tables_are_asked_for_once(tmp_path, monkeypatch):
    path = made(tmp_path / "pvs.db")
    described, asked, ask = known(path), [], fingerprint.standing
    monkeypatch.setattr(fingerprint, "standing", lambda *args: asked.append(1) or ask(*args))
    with opened(path, described=described) as source:
        for resource in source.resources:
            read(source, resource)
    assert len(asked) == 1
