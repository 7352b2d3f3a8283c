"""Charts: colours that can be told apart, rows that hold what is printed, sentences that say what is drawn."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
import pytest

from dashboards import charts, figures, formats
from dashboards.figures import Minutes

DAY = dict.fromkeys(figures.MINUTES, 0)


def day(**values: int) -> Minutes:
    return Minutes(DAY | values)


FULL_DAY = day(
    template_min=540,
    holiday_min=0,
    block_min=60,
    bookable_min=480,
    attended_min=300,
    used_min=300,
    no_show_min=30,
    late_cancelled_min=18,
    other_cancelled_min=12,
    unknown_min=20,
    never_booked_min=100,
    booked_min=350,
)


@pytest.mark.parametrize("colour", sorted({*charts.KINDS.values(), charts.INK}))
def test_marks_stand_out_on_white(colour: str) -> None:
    assert charts.contrast(colour, "#FFFFFF") >= 3


def test_contrast_is_that_of_wcag() -> None:
    assert charts.contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert round(charts.contrast("#0072B2", "#FFFFFF"), 1) == 5.2
    assert round(charts.contrast("#D55E00", "#FFFFFF"), 1) == 3.9


def mixed(share: float) -> str:
    """The colour of a share, between the two stops of the scale beside it."""
    at = min(max((share - charts.EMPTY_FROM) / (1 - charts.EMPTY_FROM), 0), 1) * (len(charts.AMOUNTS) - 1)
    low = min(int(at), len(charts.AMOUNTS) - 2)
    one, other = charts.AMOUNTS[low], charts.AMOUNTS[low + 1]
    parts = [(int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * (at - low)):02X}" for a, b in parts)


@pytest.mark.parametrize("percent", range(101))
def test_every_printed_share_can_be_read_on_its_cell(percent: int) -> None:
    share = percent / 100
    ink = "#FFFFFF" if share > charts.LIGHT_PRINT_FROM else charts.DARK_PRINT
    assert charts.contrast(ink, mixed(share)) >= 4.5


def test_the_waterfall_goes_from_the_plan_to_what_was_used() -> None:
    steps = figures.waterfall(FULL_DAY)
    assert [step.name for step in steps] == [
        "template_min",
        "block_min",
        "bookable_min",
        "never_booked_min",
        "other_cancelled_min",
        "late_cancelled_min",
        "no_show_min",
        "unknown_min",
        "used_min",
    ]
    assert [step.size for step in steps] == [540, -60, 480, -100, -12, -18, -30, -20, 300]
    assert steps[-2].end == steps[-1].end


def test_the_waterfall_prints_minutes_and_shares() -> None:
    rows = charts.waterfall_rows(figures.waterfall(FULL_DAY), FULL_DAY)
    labels = dict(rows.select("step", "label").iter_rows())
    assert labels["Sprechzeit laut Plan"] == "9 Std."
    assert labels["Gesperrt (Besprechung, Telefon)"] == "−1 Std."
    assert labels["Nicht erschienen"].replace("\u00a0", " ") == "−30 Min. · 6,2 %"
    sentence = charts.waterfall_sentence(FULL_DAY).replace("\u00a0", " ")
    assert sentence.startswith("Von 8 Std. buchbarer Zeit waren Patienten 5 Std. da (62,5 %); 10,0 % blieben leer")


def test_nothing_bookable_is_said_in_words() -> None:
    assert "keine buchbare Sprechzeit" in charts.waterfall_sentence(day())
    empty = figures.by_hour(hours([]))
    assert charts.heatmap_rows(empty).is_empty()
    assert "keine buchbare Sprechzeit" in charts.heatmap_sentence(empty)


def hours(rows: list[tuple[int, int, int, int]]) -> pl.DataFrame:
    schema = {name: pl.Int64() for name in ("weekday", "hour", "bookable_min", "booked_min")}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(used_min=pl.col("booked_min") // 2)


def test_the_heatmap_is_a_full_grid_and_hatches_what_is_closed() -> None:
    rows = charts.heatmap_rows(figures.by_hour(hours([(1, 9, 60, 30), (1, 11, 120, 120), (3, 9, 60, 0), (6, 9, 0, 0)])))
    labels = {(day, hour): label for day, hour, label in rows.select("weekday", "hour", "label").iter_rows()}
    assert len(labels) == 5 * 3
    assert labels[1, 9], labels[1, 11] == ("50", "100")
    assert labels[3, 9] == "0"
    assert labels[1, 10] == charts.HATCH
    assert labels[5, 9] == charts.HATCH


def test_the_heatmap_in_one_sentence() -> None:
    by_hour = figures.by_hour(hours([(1, 9, 600, 300), (1, 11, 600, 600), (3, 9, 600, 60), (5, 17, 5, 0)]))
    said = charts.heatmap_sentence(by_hour).replace("\u00a0", " ")
    assert said == "Am vollsten: Mo 11–12 Uhr (100 %). Am leersten: Mi 9–10 Uhr (10 %)."


def weeks(first: dt.date, booked: list[int]) -> pl.DataFrame:
    days = [first + dt.timedelta(weeks=n) for n in range(len(booked))]
    frame = pl.DataFrame({"service_date": days, "booked_min": booked})
    return figures.by_week(frame.with_columns(bookable_min=pl.lit(100), used_min=pl.lit(40)))


def test_weeks_are_compared_with_the_same_iso_week_of_the_year_before() -> None:
    # 2020 has a week 53; 2021 has none, so week 53 has no partner and week 1 meets week 1
    found = figures.with_year_before(weeks(dt.date(2019, 12, 30), list(range(1, 107))))
    by_week = {(year, week): (booked, before) for year, week, _, booked, _, before in found.iter_rows()}
    assert by_week[2021, 1] == (0.54, 0.01)
    assert by_week[2021, 52] == (1.05, 0.52)
    assert by_week[2020, 53] == (0.53, None)


def test_the_first_days_of_january_may_belong_to_the_old_iso_year() -> None:
    found = weeks(dt.date(2025, 12, 29), [50])
    assert found.select("iso_year", "iso_week").row(0) == (2026, 1)


def test_the_trend_in_one_sentence() -> None:
    found = figures.with_year_before(weeks(dt.date(2025, 1, 6), [50] * 52 + [60, 55]))
    said = charts.trend_sentence(found).replace("\u00a0", " ")
    assert said == (
        "KW 3: 55,0 % gebucht, gegenüber der Woche davor −5,0 Prozentpunkte, gegenüber dem Vorjahr +5,0 Prozentpunkte."
    )
    assert "zu wenige Wochen" in charts.trend_sentence(found.head(1))


def test_trend_rows_leave_out_what_is_not_known() -> None:
    rows = charts.trend_rows(figures.with_year_before(weeks(dt.date(2026, 1, 5), [50, 60])))
    assert set(rows["line"]) == {"Gebucht", "Genutzt"}
    assert rows["Wert"][0] == formats.percent(0.5)


@pytest.mark.parametrize("spec", [charts.WATERFALL, charts.HEATMAP, charts.TREND])
def test_specs_are_plain_data_and_load_nothing(spec: charts.Spec) -> None:
    text = json.dumps(spec).replace(spec["$schema"], "")
    assert "http" not in text
    assert "url" not in text
