"""The page "Verbindungen": lights, causes and next steps in words, and what becomes of "Jetzt synchronisieren"."""

from __future__ import annotations

import datetime as dt
import re
from types import ModuleType
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboards import formats, source_activity, texts
from pipelines.health import Reason
from pipelines.ops import audit, breaker, requests, runs, service


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
        (texts.SET_ASIDE, "2"),
    } <= values
    assert re.search(r"üblich \d+–\d+", words(at))
    assert texts.CAUSE not in words(at)


def test_the_reasons_for_set_aside_records_are_for_it_and_the_look_is_written_down(pages: Any) -> None:
    assert len(pages.open("connections", "manager").dataframe) == 1
    at = pages.open("connections", "it")
    rows = at.dataframe[1].value
    assert list(rows.columns) == ["source", "resource", "source_id", "field", "rule", "expected"]
    assert audit.entries(pages.ops)[0].subject_ids == ("b-17",)


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
    assert "steht seit 2 Std." in words(pages.open("connections", "it"))


def test_hostile_codes_stand_in_the_table_only(pages: Any) -> None:
    at = pages.open("connections", "it")
    assert "evil.example" not in words(at)
    assert "evil.example" in str(at.dataframe[0].value["code"][0])


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
