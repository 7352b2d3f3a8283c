"""The page "Auslastung" in every role: what it says, what it greys, what it must not show, what it writes down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from types import ModuleType
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from dashboards import data, figures, formats, texts
from dashboards.viewer import NotAllowedError, Viewer
from pipelines.ops import audit
from pipelines.publish import NothingPublished

LABELS = [label for label, _ in texts.TILES.values()]


def words(at: AppTest) -> str:
    """All text of a page but its tables."""
    kinds = (at.title, at.subheader, at.markdown, at.caption, at.info, at.warning, at.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def headings(at: AppTest) -> list[str]:
    return [element.value for element in at.subheader]


def tables(at: AppTest) -> list[Any]:
    return [element.value for element in at.dataframe]


@pytest.mark.parametrize("role", ["manager", "reception", "analyst"])
def test_the_page_draws_without_an_error(pages: Any, role: str) -> None:
    at = pages.open("utilisation", role)
    assert not at.exception
    assert [metric.label for metric in at.metric] == LABELS
    assert headings(at)[:3] == [texts.WATERFALL, texts.HEATMAP, texts.TREND]
    assert "Daten bis 10:39" in words(at)


def test_it_has_no_business_here(pages: Any) -> None:
    at = pages.open("utilisation", "it")
    assert texts.NOT_ALLOWED in words(at)
    assert not at.metric


def test_the_figures_are_those_of_the_last_four_whole_weeks(pages: Any, reader: Any) -> None:
    at = pages.open("utilisation", "manager")
    expected = reader.con.execute(
        """
        SELECT sum(booked_min) / sum(bookable_min), sum(used_min) / sum(bookable_min), sum(outside_min)
        FROM marts.fact_capacity_day
        WHERE resource_kind = 'person' AND service_date BETWEEN DATE '2026-10-26' AND DATE '2026-11-22'
        """
    ).fetchone()
    values = [metric.value for metric in at.metric]
    assert values[0] == formats.percent(expected[0])
    assert values[1] == formats.percent(expected[1])
    assert values[4] == formats.duration(expected[2])
    assert "26.10.–22.11.2026" in words(at)


def test_every_figure_says_what_it_is_of_how_many_and_how_old(pages: Any) -> None:
    at = pages.open("utilisation", "manager")
    for metric in at.metric:
        assert "Daten bis 10:39." in metric.help
    assert "von 1.1" in words(at)
    assert all(any(definition[:30] in metric.help for metric in at.metric) for _, definition in texts.TILES.values())


def test_team_view_is_the_default_and_names_are_for_managers(pages: Any) -> None:
    for role, offered in (("manager", ["team", "people", "rooms"]), ("reception", ["team", "rooms"])):
        at = pages.open("utilisation", role)
        assert at.segmented_control[0].value == "team"
        assert at.segmented_control[0].options == [texts.VIEWS[key] for key in offered]
        assert texts.BY_LOCATION in headings(at)
        assert ("behandler" in str([box.key for box in at.selectbox])) == (role == "manager")


def test_the_address_cannot_ask_for_more_than_the_role_allows(pages: Any) -> None:
    at = pages.open("utilisation", "reception", ansicht="people", behandler="p1")
    assert at.segmented_control[0].value == "team"
    assert texts.BY_PERSON not in headings(at)
    assert not any("Demir" in str(table) for table in tables(at))


def test_per_person_figures_by_name_for_the_manager(pages: Any) -> None:
    at = pages.open("utilisation", "manager", ansicht="people")
    assert texts.BY_PERSON in headings(at)
    assert [str(name) for name in tables(at)[0]["name"]] == [
        "Dr. Aylin Demir",
        "Dr. Jonas Weber",
        "Dr. Mira Schulz",
        "Dr. Paul Adler",
    ]


def test_rooms_are_never_summed_with_people(pages: Any, reader: Any) -> None:
    at = pages.open("utilisation", "manager", ansicht="rooms")
    assert texts.ROOMS_APART in words(at)
    assert list(tables(at)[0]["name"]) == ["Labor", "Raum 2"]
    assert texts.ROOMS_NO_NAMES in words(at)


def test_a_location_and_a_span_of_days_from_the_address(pages: Any) -> None:
    at = pages.open("utilisation", "manager", standort="nord", zeitraum="own", von="2026-11-02", bis="2026-11-03")
    assert "02.11.–03.11.2026" in words(at)
    assert list(tables(at)[0]["name"]) == ["Nordstraße 9"]


@pytest.mark.parametrize("query", [{"standort": "nowhere"}, {"zeitraum": "9999w"}, {"tag": "gestern"}, {"von": "x"}])
def test_an_address_that_means_nothing_gives_the_default(pages: Any, query: dict[str, str]) -> None:
    at = pages.open("utilisation", "manager", **query)
    assert not at.exception
    assert "26.10.–22.11.2026" in words(at)


def test_filters_go_into_the_address_as_keys(pages: Any) -> None:
    at = pages.open("utilisation", "manager")
    at.selectbox(key="filter_standort").set_value("nord").run()
    at.segmented_control(key="filter_ansicht").set_value("people").run()
    at.selectbox(key="filter_behandler").set_value("p3").run()
    assert at.query_params == {"standort": "nord", "ansicht": "people", "behandler": "p3"}


def test_a_day_shows_its_appointments_and_the_look_is_written_down(pages: Any) -> None:
    before = len(audit.entries(pages.ops))
    at = pages.open("utilisation", "reception", tag="2026-11-18")
    assert "Termine am Mi 18.11.2026" in headings(at)
    rows = tables(at)[-1]
    assert {"family_name", "given_name", "birth_date"} <= set(rows.columns)
    newest = audit.entries(pages.ops)[0]
    assert len(audit.entries(pages.ops)) == before + 1
    assert newest.actor == "Ada"
    assert len(newest.subject_ids) == len(rows)
    at.run()
    assert len(audit.entries(pages.ops)) == before + 1, "the same look, drawn again, is one look"


def test_an_analyst_sees_no_names_whatever_the_address_says(pages: Any) -> None:
    at = pages.open("utilisation", "analyst", tag="2026-11-18", behandler="p1")
    assert texts.NO_NAMES in words(at)
    assert not any("family_name" in table.columns for table in tables(at))


def test_the_data_layer_asks_for_the_right_again(pages: Any) -> None:
    day = dt.date(2026, 11, 18)
    for role, name in (
        ("analyst", "persons"),
        ("reception", "persons"),
        ("it", "capacity_day"),
        ("manager", "set_aside"),
    ):
        with pytest.raises(NotAllowedError, match=role):
            data.read(name, Viewer("Ada", frozenset({role}), "d"))
    for role in ("analyst", "it"):
        with pytest.raises(NotAllowedError):
            data.appointments_of_day(Viewer("Ada", frozenset({role}), "d"), day, frozenset({"c1"}))
    assert audit.entries(pages.ops) == () or audit.entries(pages.ops)[0].action != "view"


def test_hostile_names_stand_in_tables_only(pages: Any, made: ModuleType) -> None:
    at = pages.open("utilisation", "manager", tag="2026-11-18", zeitraum="12w")
    assert "evil.example" not in words(at)


def test_estimated_hours_are_marked(serve_reader: Callable[[object], Any], made: ModuleType) -> None:
    at = serve_reader(made.make_reader(estimated=True, weeks=8)).open("utilisation", "manager")
    assert texts.ESTIMATED_HOURS in words(at)
    assert sum(f":orange-badge[{texts.ESTIMATED}]" in caption.value for caption in at.caption) == 3


def test_too_many_unknown_outcomes_grey_what_depends_on_them(
    serve_reader: Callable[[object], Any], made: ModuleType
) -> None:
    at = serve_reader(made.make_reader(unknown=0.3, weeks=8)).open("utilisation", "manager")
    greyed = [metric.label for metric in at.metric if metric.value.startswith(":gray[")]
    assert greyed == [texts.TILES[name][0] for name in ("used", "missed", "lost")]
    assert "ist nicht erfasst, ob der Patient kam" in words(at)


def test_too_few_appointments_are_greyed(pages: Any) -> None:
    at = pages.open("utilisation", "manager", zeitraum="own", von="2026-11-20", bis="2026-11-20", standort="nord")
    assert not at.exception
    assert at.metric[0].value.startswith(":gray[")
    assert "zu wenige Termine (" in words(at)


def test_nothing_bookable_is_a_dash(pages: Any) -> None:
    at = pages.open("utilisation", "manager", zeitraum="own", von="2026-11-21", bis="2026-11-22")
    assert not at.exception
    assert at.metric[0].value == ":gray[–]"
    assert "keine buchbare Sprechzeit" in words(at)


def test_before_the_first_build_the_page_says_so(serve_reader: Callable[[object], Any]) -> None:
    class Nothing:
        @property
        def generation(self) -> str:
            return ""

        def frame(self, *_: object) -> pl.DataFrame:
            raise NothingPublished("nothing is published yet")

    at = serve_reader(Nothing()).open("utilisation", "manager")
    assert texts.NOTHING_BUILT in words(at)
    assert not at.exception


def test_each_chart_has_its_table(pages: Any) -> None:
    at = pages.open("utilisation", "manager")
    assert not at.table
    for toggle in at.toggle:
        assert toggle.label == texts.AS_TABLE
        toggle.set_value(True)
    at.run()
    assert [list(table.value.columns) for table in at.table] == [
        ["Schritt", "Dauer", "Anteil"],
        ["Zeit", "Gebucht", "Verfügbar"],
        ["Woche", "ab", "Gebuchte Auslastung", "Genutzte Zeit", "Vorjahr"],
    ]


def test_the_waterfall_meets_its_end(reader: Any, made: ModuleType) -> None:
    days = reader.frame("marts", "SELECT * FROM marts.fact_capacity_day WHERE resource_kind = 'person'")
    steps = figures.waterfall(figures.minutes(days))
    ends = {step.name: step for step in steps}
    before_bookable = steps[[step.name for step in steps].index("bookable_min") - 1]
    assert before_bookable.end == ends["bookable_min"].end
    assert steps[-2].end == ends["used_min"].end


def test_the_week_53_has_no_year_before() -> None:
    assert figures.Period(dt.date(2026, 12, 28), dt.date(2027, 1, 3)).year_before() is None
    monday = figures.Period(dt.date(2026, 11, 16), dt.date(2026, 11, 22)).year_before()
    assert monday == figures.Period(dt.date(2025, 11, 17), dt.date(2025, 11, 23))
