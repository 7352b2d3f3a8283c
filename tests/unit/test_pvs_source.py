"""Reading a practice database: scopes, positions, partitions, and what is said when the link is not well."""

import sqlite3
import traceback

import polars as pl
import pytest

from connectors.errors import (
    BadAnswer,
    ProfileError,
    SchemaMismatch,
    SourceAway,
    SourceBusy,
    SourceStalled,
)
from connectors.mapping import FieldMapping
from connectors.pvs import engine, profile, transports
from connectors.pvs.source import Login, Position, PvsSource, plan
from connectors.sandbox.pvs import PvsDesk
from connectors.source import ReadRequest, Source
from tests.kit.demo_pvs import NOW, WINDOW, at, frame, made, opened, read


@pytest.fixture
def path(tmp_path):
    return made(tmp_path / "pvs.db")


@pytest.fixture
def desk(path):
    return PvsDesk(path, lambda: NOW)


@pytest.fixture
def source(path):
    with opened(path) as source:
        yield source


def positions(source):
    return {resource: read(source, resource)[-1].position for resource in source.resources}


def demo(**changes):
    """The demo profile with other values for keys of its head or of its tables."""
    described = profile.load(profile.find("demo"))
    return described.model_copy(update=changes)


def table(resource, **changes):
    """The demo profile with one record's table changed."""
    described = profile.load(profile.find("demo"))
    return demo(tables=described.tables | {resource: described.tables[resource].model_copy(update=changes)})


def test_it_is_a_source(source):
    assert isinstance(source, Source)
    assert source.resources.index("patient") < source.resources.index("appointment")


# What is read


@pytest.mark.parametrize(
    ("resource", "scope", "known", "answer"),
    [
        ("patient", "full", True, "full"),
        ("patient", "changes", False, "full"),
        ("patient", "changes", True, "changes"),
        ("patient", "window", True, "full"),
        ("practitioner", "changes", True, "full"),
        ("appointment", "changes", False, "full"),
        ("appointment", "changes", True, "window"),
        ("appointment", "window", False, "window"),
        ("absence", "changes", True, "window"),
        ("visit", "changes", True, "changes"),
    ],
)
def test_a_reading_is_as_wide_as_it_must_be(resource, scope, known, answer):
    record = profile.load(profile.find("demo")).tables[resource]
    since = str(Position("2026-03-01T08:00:00", 1, None)) if known else None
    assert plan(record, ReadRequest(resource, scope, since, WINDOW))[0] == answer


def test_a_window_holds_what_starts_in_it(source):
    (batch,) = read(source, "appointment", "window")
    assert batch.frame["source_id"].to_list() == ["1", "2", "3"]
    assert (batch.scope, batch.window) == ("window", WINDOW)


def test_changes_since_the_watermark_with_overlap(source, desk):
    since = positions(source)["patient"]
    assert read(source, "patient", "changes", since)[0].read == 3  # all were touched within the overlap of the newest
    desk.edit("patient", "1", city="Pirna")
    since = read(source, "patient")[-1].position
    desk.edit("patient", "3", mobile="0171 7654321")
    (batch,) = read(source, "patient", "changes", since)
    assert batch.scope == "changes"
    assert batch.frame.select("source_id", "city", "mobile_e164").rows() == [
        ("1", "Pirna", "+491712345678"),
        ("3", None, "+491717654321"),
    ]


def test_a_row_that_moved_out_of_the_window_is_seen_where_it_went(source, desk):
    since = positions(source)["appointment"]
    desk.move("3", at("2025-03-03 09:00"), at("2025-03-03 09:30"))
    (batch,) = read(source, "appointment", "changes", since)
    assert batch.frame.filter(pl.col("source_id") == "3")["start"].to_list() == [at("2025-03-03 09:00")]


def test_a_soft_deleted_patient_is_removed_and_counted(source, desk):
    desk.delete("patient", "2")
    (batch,) = read(source, "patient")
    assert batch.removed == ("2",)
    assert batch.read == batch.frame.height + len(batch.removed) == 3


def test_tombstones_count_as_rows_that_were_read(path):
    query = "SELECT schluessel FROM protokoll WHERE tabelle = 'termin' AND vorgang = 'DELETE'"
    deletes = profile.Deletes(kind="tombstone", query=query)
    PvsDesk(path, lambda: NOW).delete("appointment", "2")
    with opened(path, described=table("appointment", deletes=deletes)) as source:
        (batch,) = read(source, "appointment")
    assert batch.removed == ("2",)
    assert batch.read == batch.frame.height + 1


def test_partitions_add_up_and_only_the_last_one_is_last(path, source, monkeypatch):
    monkeypatch.setattr(transports, "PARTITION", 3)
    batches = read(source, "appointment")
    assert [batch.last for batch in batches] == [False, True]
    assert [batch.position is None for batch in batches] == [True, False]
    assert pl.concat([batch.frame for batch in batches])["source_id"].to_list() == ["1", "2", "3", "4"]


def test_a_change_dated_ahead_does_not_hide_the_ones_after_it(source, desk):
    before = Position.parse(read(source, "patient")[-1].position)
    desk.execute("UPDATE patient SET geaendert = '2099-01-01 00:00:00' WHERE pat_nr = 1")
    after = Position.parse(read(source, "patient")[-1].position)
    assert before.changed == after.changed == "2026-02-20 11:30:00"


def test_look_gives_a_record_by_its_fields(source):
    found = source.look("appointment", "2")
    assert (found["status"], found["cancelled_by"], found["start"]) == ("cancelled", "patient", at("2026-03-03 08:00"))
    assert "status_code" not in found
    assert source.look("appointment", "999") is None


# News


def test_nothing_new_after_everything_was_read(source):
    assert not source.has_news(positions(source))


def test_any_commit_is_news_also_one_that_touches_no_timestamp(source, desk):
    known = positions(source)
    desk.arrive("3")
    assert source.has_news(known)


def test_a_record_that_was_never_read_is_news(source):
    known = positions(source)
    del known["recall"]
    assert source.has_news(known)


def test_without_a_file_rows_and_newest_change_tell(source, desk, monkeypatch):
    monkeypatch.setattr(engine, "file_evidence", lambda _: None)
    known = positions(source)
    assert not source.has_news(known)
    desk.delete("appointment", "4")
    assert source.has_news(known)


def test_a_write_ahead_log_is_evidence_too(path, source):
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    known = positions(source)
    assert not source.has_news(known)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE termin SET ankunft = '2026-03-02 08:00:00' WHERE termin_nr = 3")
        connection.commit()
        assert source.has_news(known)


# When it is not well


def test_a_missing_file(tmp_path):
    with opened(tmp_path / "nothing.db") as source:
        with pytest.raises(SourceAway, match=r"found no file .*nothing\.db|cannot be read"):
            read(source, "patient")
        with pytest.raises(SourceAway):
            source.has_news(dict.fromkeys(source.resources, str(Position(None, 0, "1"))))
        assert not (tmp_path / "nothing.db").exists()
        (finding,) = source.check()
        assert finding.level == "error"
        assert "url in practice.toml" in finding.remedy


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "pvs.db").write_bytes(b"Herzlich willkommen " * 100)
    with opened(tmp_path / "pvs.db") as source, pytest.raises(BadAnswer, match="no database"):
        read(source, "patient")


def test_another_version_of_the_vendors_software(path, desk, source):
    desk.execute("UPDATE system_info SET wert = '5.0' WHERE name = 'datenbank_version'")
    with pytest.raises(SchemaMismatch, match=r"\[probe\] found '5.0', expected '4.2'"):
        read(source, "patient")


@pytest.mark.parametrize(
    ("found", "well"), [("4.2", True), ("4.10.1", True), ("4.1", False), ("3.9", False), ("", False)]
)
def test_a_version_that_is_too_old(path, desk, found, well):
    desk.execute(f"INSERT INTO system_info VALUES ('programm_version', '{found}')")
    query = "SELECT wert FROM system_info WHERE name = 'programm_version'"
    with opened(path, described=demo(version=query, min_version="4.2")) as source:
        if well:
            assert read(source, "patient")
            return
        with pytest.raises(SchemaMismatch, match=rf"\[min_version\] found '{found}', expected at least 4.2: .* older"):
            read(source, "patient")


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("ALTER TABLE termin RENAME COLUMN beginn TO anfang", "t.beginn"),
        ("DROP TABLE termin", "termin"),
    ],
)
def test_a_column_or_table_that_is_not_there(path, source, statement, named):
    with sqlite3.connect(path) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
    with pytest.raises(SchemaMismatch, match=rf"demo.toml: \[appointment\].*{named}"):
        read(source, "appointment")
    levels = {finding.check: finding.level for finding in source.check()}
    assert levels["tables of appointment"] == "error"
    assert levels["tables of patient"] == "ok"


def test_a_record_that_the_profile_lacks(source):
    with pytest.raises(ProfileError, match=r"\[slot\]"):
        read(source, "slot")


def test_a_lock_that_does_not_go_away(path, source, monkeypatch):
    monkeypatch.setattr(engine, "LOCK_SECONDS", 0.0)
    with sqlite3.connect(path) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SourceBusy, match="holds a lock"):
            read(source, "patient")


def test_a_reading_that_stands_still_is_broken_off(path):
    def ticking():
        moment = 0.0
        while True:
            yield moment
            moment += 1000.0

    ticks = ticking()
    url = engine.parse_url(f"sqlite:///{path}")
    endless = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS nr FROM n) x"
    described = table(
        "patient",
        source=endless,
        key="x.nr",
        changed=None,
        deletes=profile.Deletes(kind="snapshot"),
        columns={"family_name": FieldMapping(expr="x.nr")},
    )
    deadline = engine.Deadline(clock=lambda: next(ticks))
    with (
        PvsSource("pvs", described, Login(url, url), timezone="UTC", now=lambda: NOW, deadline=deadline) as source,
        pytest.raises(SourceStalled, match="nothing moved"),
    ):
        read(source, "patient")


def test_reading_cannot_write(path):
    reading = engine.reading_engine(engine.parse_url(f"sqlite:///{path}"), (), engine.Deadline())
    with reading.connect() as connection, pytest.raises(engine.DBAPIError, match="readonly"):
        connection.exec_driver_sql("DELETE FROM patient")


def test_rows_that_are_no_records_are_set_aside(source, desk):
    desk.execute("UPDATE termin SET ende = NULL WHERE termin_nr = 2")
    desk.execute("UPDATE patient SET geb_datum = '19500000' WHERE pat_nr = 1")
    (appointments,), (patients,) = read(source, "appointment"), read(source, "patient")
    assert appointments.rejected.select("source_id", "field", "rule").rows() == [("2", "end", "missing")]
    assert appointments.read == appointments.frame.height + 1
    assert patients.issues.select("source_id", "field", "found").rows() == [("1", "birth_date", "19500000")]
    assert patients.frame.height == 3


def test_a_database_that_mixes_types_in_a_column_is_read_all_the_same(tmp_path):
    rows = [{"source_id": str(number), "name": "Kontrolle", "minutes": 15} for number in (1, 2)]
    path = made(tmp_path / "pvs.db", {"healthcare_service": frame("healthcare_service", *rows)})
    PvsDesk(path, lambda: NOW).execute("UPDATE terminart SET dauer_min = 'ca. 15' WHERE art_nr = 2")
    with opened(path) as source:
        (batch,) = read(source, "healthcare_service")
    assert batch.frame["minutes"].to_list() == [15, None]
    assert batch.issues.select("source_id", "field", "found").rows() == [("2", "minutes", "ca. 15")]


def test_a_complaint_of_the_database_holds_no_value_and_no_statement(path, source):
    described = table("patient", where="p.nachname = 'Yılmaz' AND p.gibt_es_nicht = 1")
    with opened(path, described=described) as source, pytest.raises(SchemaMismatch) as caught:
        read(source, "patient")
    assert "gibt_es_nicht" in str(caught.value)
    assert "Yılmaz" not in "".join(traceback.format_exception(caught.value))
