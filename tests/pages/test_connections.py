"""The page "Verbindungen": lights, causes and next steps in words, and what becomes of "Jetzt synchronisieren"."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy
from streamlit.testing.v1 import AppTest

from dashboards import data, formats, source_activity, texts
from dashboards.viewer import Viewer
from pipelines.errors import BrokenFile
from pipelines.health import Reason
from pipelines.ops import audit, breaker, requests, runs, service
from pipelines.publish import NothingPublished


def words(at: AppTest) -> str:
    kinds = (at.title, at.subheader, at.markdown, at.caption, at.info, at.warning, at.error, at.code)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def button(at: AppTest, key: str) -> Any:
    return at.button(key=key)


@pytest.mark.parametrize("role", ["manager", "reception", "it"])
def test_the_page_draws_without_an_error(pages: Any, role: str) -> None:
    at = pages.open("connections", role)
    assert not at.exception
    assert [heading.value for heading in at.subheader][:2] == ["Praxissoftware", "Online\\-Buchung"]
    assert words(at).count("●") == 3, "one light a source, one for the practice"


def test_an_analyst_has_no_business_here(pages: Any) -> None:
    at = pages.open("connections", "analyst")
    assert texts.NOT_ALLOWED in words(at)
    assert not at.button


def test_what_a_source_shows_when_all_is_well(pages: Any, reader: Any) -> None:
    appointments = reader.con.execute("SELECT count(*) FROM marts.fact_appointment").fetchone()[0]
    at = pages.open("connections", "reception")
    newest = runs.last_runs(pages.ops, 1)[0].sources[1]
    assert newest.source == "pvs"
    values = {(metric.label, metric.value.replace("\u00a0", " ")) for metric in at.metric}
    assert {
        (texts.LAST_RUN, "10:39"),
        (texts.CHANGES_TODAY, str(newest.new + newest.changed + newest.removed)),
        (texts.RECOGNISED, formats.percent(1 - 100 / appointments).replace("\u00a0", " ")),
        (texts.RECOGNISED, "–"),
        (texts.SET_ASIDE, "0"),
        (texts.SET_ASIDE, "2"),
    } <= values
    assert re.search(r"üblich \d+–\d+", words(at))
    assert words(at).count("den Server der Quelle 3,1 s lang beschäftigt (60 Abfragen)") == 1, (
        "one is no server of ours"
    )
    assert "zuletzt Sa 21.11. 07:40" in words(at), "another day than today has its name"
    assert "1 unbekannter Code, siehe unten" in words(at)
    assert texts.CAUSE not in words(at)


def test_what_stands_set_aside_now_is_counted_whatever_the_last_run_brought(pages: Any, made: ModuleType) -> None:
    made.record(pages.ops, made.NOW + dt.timedelta(minutes=1), made.Read("booking", rejected=0))
    at = pages.open("connections", "it")
    shown = [metric.value for metric in at.metric if metric.label == texts.SET_ASIDE]
    assert shown == ["0", "2"]
    assert len(at.dataframe[1].value) == 2


def test_before_the_first_build_nothing_is_said_of_the_records(serve_reader: Callable[[object], Any]) -> None:
    class Nothing:
        def frame(self, *_: object) -> object:
            raise NothingPublished("nothing is published yet")

    at = serve_reader(Nothing()).open("connections", "it")
    assert not at.exception
    assert [metric.value for metric in at.metric if metric.label in {texts.SET_ASIDE, texts.RECOGNISED}] == ["–"] * 4
    assert texts.NOTHING_BUILT in words(at)


def test_the_first_reading_of_a_source_is_no_change_of_today(pages: Any, made: ModuleType) -> None:
    with pages.ops.transaction() as session:
        session.execute(sqlalchemy.text("DELETE FROM sync_run_source WHERE source = 'pvs'"))
    made.record(pages.ops, made.NOW, made.Read("pvs", new=232_191, changed=0, removed=0))
    assert (texts.FIRST_READING, "232.191") in {
        (one.label, one.value) for one in pages.open("connections", "it").metric
    }
    assert "Datensätze, seither keine Änderungen" in words(pages.open("connections", "it"))
    made.record(pages.ops, made.NOW + dt.timedelta(minutes=3), made.Read("pvs", new=1, changed=0, removed=0))
    at = pages.open("connections", "it")
    assert "Datensätze, seither 1 Änderung" in words(at)
    assert [metric.label for metric in at.metric].count(texts.CHANGES_TODAY) == 1, "the other source is long known"


def test_unknown_codes_say_where_on_how_many_records_and_what_to_do(pages: Any) -> None:
    rows = pages.open("connections", "manager").dataframe[0].value
    written = rows.sort_values("rows").to_dict("records")
    assert [(row["source"], row["resource"], row["field"], row["rows"]) for row in written] == [
        ("Online-Buchung", "Termin", "Buchungsweg", 7),
        ("Praxissoftware", "Termin", "Status", 100),
    ]
    assert written[1]["step"] == "in der Zuordnung von „Praxissoftware“ ergänzen (IT)"


def test_the_reasons_for_set_aside_records_are_for_it_and_the_look_is_written_down(pages: Any) -> None:
    assert len(pages.open("connections", "manager").dataframe) == 1
    at = pages.open("connections", "it")
    rows = at.dataframe[1].value
    assert [tuple(row) for row in rows.drop(columns="last_at").to_numpy()] == [
        ("Online-Buchung", "Termin", "b-17", "Ende", "Ende liegt vor dem Beginn", "ein Ende nach dem Beginn"),
        ("Online-Buchung", "Termin", "b-18", "Beginn", "a-new-rule", "what nobody translated"),
    ]
    assert str(rows["last_at"][0]) == "2026-11-21 07:40:00", "local time"
    assert audit.entries(pages.ops)[0].subject_ids == ("b-17", "b-18")


def test_doubtful_values_are_counted_apart_and_their_reasons_are_for_it(pages: Any) -> None:
    assert "3 Angaben in allen Quellen zusammen. Die Gründe sieht die IT." in words(
        pages.open("connections", "manager")
    )
    at = pages.open("connections", "it")
    assert "3 Angaben in allen Quellen zusammen." in words(at)
    assert [tuple(row) for row in at.dataframe[2].value.to_numpy()] == [
        ("Praxissoftware", "Patient", "Geburtsdatum", "nicht lesbar", "ein Datum (%d.%m.%Y)", 2),
        (
            "Praxissoftware", "Besuch", "Ankunft", "Uhrzeit gibt es nicht (Zeitumstellung)",
            "eine Uhrzeit, die es an diesem Tag gibt", 1,
        ),
    ]  # fmt: skip


def test_old_data_say_of_which_day_they_are(pages: Any, made: ModuleType) -> None:
    friday = made.NOW - dt.timedelta(days=3)
    with pages.ops.transaction() as session:
        session.execute(sqlalchemy.text("DELETE FROM sync_run_source WHERE run = (SELECT max(run) FROM sync_run)"))
    made.record(pages.ops, friday, made.Read("pvs"), made.Read("booking"))
    for source in ("pvs", "booking"):
        service.beat(pages.ops, friday, f"source:{source}")
    found = words(pages.open("connections", "reception"))
    assert found.count("Daten bis Fr 20.11. 10:40") == 3, "in the header and on both cards"


def test_a_file_that_cannot_be_read_is_told_in_plain_words(serve_reader: Callable[[object], Any]) -> None:
    class Broken:
        def frame(self, *_: object) -> object:
            raise BrokenFile("marts.duckdb: does not open")

    pages = serve_reader(Broken())
    for page in ("connections", "utilisation"):
        at = pages.open(page, "manager")
        assert not at.exception
        assert "Eine Datei dieser Praxis ist beschädigt." in at.error[0].value
        assert "praxistakt doctor" in at.error[0].value
        assert [code.value for code in at.code] == ["marts.duckdb: does not open"] * len(at.error)


STATES: list[tuple[str, str, str, str]] = [
    # state, word of the light, part of the cause, part of the next step
    ("away", "Gestört", "Die Quelle antwortet nicht", "Ist der Server eingeschaltet"),
    ("refused", "Gestört", "lehnt die Anmeldung ab", "Zugang neu zu hinterlegen"),
    ("bad-answer", "Gestört", "nicht in der vereinbarten Form", "Die IT rufen"),
    ("stopped", "Gestört", "auffallend viele Termine als gelöscht", "accept-removals"),
]


@pytest.mark.parametrize(("state", "word", "cause", "step"), STATES)
def test_a_failing_source_in_plain_words(
    pages: Any, made: ModuleType, state: str, word: str, cause: str, step: str
) -> None:
    read = made.Read("booking", state=state, read=0, new=0, changed=0, removed=0, cause="HTTP 503 from /fhir")
    at_time = made.NOW + dt.timedelta(minutes=1)
    made.record(pages.ops, at_time, read)
    at = pages.open("connections", "reception")
    found = words(at)
    assert f"■\u00a0{word}" in found
    assert cause in found
    assert step in found
    assert "HTTP 503" in found
    assert found.count("●") == 1, "the other source stays as it was"


def test_a_breaker_says_when_it_is_tried_again(pages: Any, made: ModuleType) -> None:
    for _ in range(5):
        breaker.failed(pages.ops, "booking", made.NOW)
    made.record(pages.ops, made.NOW + dt.timedelta(minutes=1), made.Read("booking", state="away"))
    assert "Nächster Versuch um 10:41." in words(pages.open("connections", "it"))


def test_every_reason_and_every_light_has_its_words() -> None:
    assert set(texts.REASONS) == set(Reason.__args__)
    assert set(texts.LIGHTS) == {"green", "yellow", "red", "grey"}
    assert len({icon for icon, _, _ in texts.LIGHTS.values()}) == 4, "not by colour alone"


def test_a_request_waits_runs_and_ends(pages: Any, made: ModuleType) -> None:
    at = pages.open("connections", "reception")
    button(at, "sync_pvs").click().run()
    assert "Auftrag: wartet seit 10:40" in words(at)
    asked = requests.open_requests(pages.ops)
    assert [(one.source, one.requested_by) for one in asked] == [("pvs", "Ada")]
    run = runs.start_run(pages.ops, "changes", made.NOW)
    requests.claim(pages.ops, run)
    assert "Auftrag: läuft seit 10:40" in words(at.run())
    runs.finish_run(pages.ops, run, "ok", made.NOW + dt.timedelta(minutes=2))
    assert "Auftrag: fertig um 10:42" in words(at.run())


def test_all_sources_can_be_asked_for_at_once(pages: Any) -> None:
    at = pages.open("connections", "it")
    button(at, "sync_all").click().run()
    assert [one.source for one in requests.open_requests(pages.ops)] == [None]
    assert words(at).count("wartet seit") == 2


def test_without_a_service_the_page_says_so_and_how_to_start_it(pages: Any, made: ModuleType) -> None:
    old = made.NOW - dt.timedelta(hours=3)
    for name in ("poll", "source:pvs", "source:booking"):
        service.beat(pages.ops, old, name)
    at = pages.open("connections", "manager")
    assert "Es läuft gerade kein Dienst" in words(at)
    assert "`praxistakt run markt`" in words(at)


def test_a_run_that_does_not_end_is_named(pages: Any, made: ModuleType) -> None:
    runs.start_run(pages.ops, "full", made.NOW - dt.timedelta(hours=2))
    found = words(pages.open("connections", "it")).replace("\u00a0", " ")
    assert "steht seit 2 Std. und wird nicht fertig. Abhilfe (IT): auf dem Server" in found
    assert "`praxistakt run markt`" in found


def test_hostile_codes_stand_in_the_table_only(pages: Any) -> None:
    at = pages.open("connections", "it")
    assert "evil.example" not in words(at)
    assert "evil.example" in str(at.dataframe[0].value["code"][0])


def test_what_sources_brought_is_read_anew_when_a_run_moved_on_and_only_then(pages: Any, made: ModuleType) -> None:
    viewer = Viewer("Ada", frozenset({"it"}), "d")
    first = data.activities(viewer)
    assert data.activities(viewer) is first
    made.record(pages.ops, made.NOW, made.Read("pvs", new=4, changed=3, removed=0))
    second = data.activities(viewer)
    assert second["pvs"].changes_today == first["pvs"].changes_today + 7
    run = runs.start_run(pages.ops, "changes", made.NOW)
    assert data.activities(viewer) is not second
    runs.record_source(pages.ops, run, made.Read("booking", new=1, changed=0, removed=0), made.NOW)
    assert data.activities(viewer)["booking"].changes_today == first["booking"].changes_today + 1


MONDAY = dt.date(2026, 11, 23)
#: changes on the Mondays before, oldest first -> usual range
USUAL = [
    ([], None),
    ([900, 40, 41, 42], None),
    ([900, 40, 40, 40, 40], (40.0, 40.0)),
    ([900, 0, 10, 20, 30, 40], (4.0, 36.0)),
]


@pytest.mark.parametrize(("mondays", "usual"), USUAL)
def test_what_is_usual_leaves_the_first_day_out(mondays: list[int], usual: tuple[float, float] | None) -> None:
    days = {MONDAY - dt.timedelta(weeks=len(mondays) - n): rows for n, rows in enumerate(mondays)}
    days |= {MONDAY - dt.timedelta(days=3): 999, MONDAY: 999}
    assert source_activity.usual_range(days, MONDAY) == usual


def test_closed_days_say_nothing_about_what_is_usual() -> None:
    mondays = {MONDAY - dt.timedelta(weeks=6 - week): rows for week, rows in enumerate([900, 40, 40, 0, 40, 40])}
    leave = MONDAY - dt.timedelta(weeks=3)
    assert source_activity.usual_range(mondays, MONDAY, lambda day: day != leave) == (40.0, 40.0)
    assert source_activity.usual_range(mondays, MONDAY, lambda day: day != MONDAY) is None
