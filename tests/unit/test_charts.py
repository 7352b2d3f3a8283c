"""Charts: colours that can be told apart, rows that hold what is printed, sentences that say what is drawn."""

from __future__ import annotations

import datetime as dt
import itertools
import json

import polars as pl
import pytest

from dashboards import charts, figures, formats, trend
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


@pytest.mark.parametrize("low", [0.0, 0.1, 0.3, 0.5])
def test_every_printed_share_can_be_read_on_its_cell(low: float) -> None:
    for percent in range(101):
        fill = charts.amount(percent / 100, low)
        assert charts.contrast(charts.print_on(fill), fill) >= 4.5, percent
    assert charts.contrast(charts.print_on(charts.PALE), charts.PALE) >= 4.5


@pytest.mark.parametrize("low", [0.0, 0.3, 0.5])
def test_the_fuller_the_darker(low: float) -> None:
    shades = [charts.luminance(charts.amount(percent / 100, low)) for percent in range(round(low * 100), 101)]
    assert all(darker < lighter for lighter, darker in itertools.pairwise(shades))
    assert charts.amount(low, low) == charts.AMOUNTS[0]
    assert charts.amount(1, low) == charts.AMOUNTS[-1]
    assert charts.amount(0, low) == charts.AMOUNTS[0], "below the scale it is as light as it gets"


def test_a_half_empty_hour_and_a_full_one_cannot_be_taken_for_each_other() -> None:
    assert charts.contrast(charts.amount(0.61, 0.5), charts.amount(0.96, 0.5)) > 4


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
    assert labels["Sprechzeit laut Plan"] == formats.duration(540)
    assert labels["Gesperrt (Besprechung, Telefon)"] == formats.duration(-60)
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


@pytest.mark.parametrize(
    ("booked", "low", "said"),
    [
        ([600, 480, 360], 0.5, "(50 % und weniger)"),  # nothing emptier than a half
        ([600, 480, 170], 0.2, "(20 % und weniger)"),
        ([600, 480, 60], 0.1, "(10 % und weniger)"),
        ([600, 480, 59], 0.0, "leer (0 %)"),
    ],
)
def test_the_scale_begins_where_the_hours_do(booked: list[int], low: float, said: str) -> None:
    rows = [(1, 9 + hour, 600, minutes) for hour, minutes in enumerate(booked)]
    by_hour = figures.by_hour(hours([*rows, (5, 17, 5, 0)]))
    assert charts.lowest_share(by_hour) == low
    assert said in charts.heatmap_legend(by_hour).replace("\u00a0", " ")
    fills = dict(charts.heatmap_rows(by_hour).filter(weekday=1).select("hour", "fill").iter_rows())
    assert fills[9] == charts.AMOUNTS[-1]
    assert fills[11] == charts.amount(booked[2] / 600, low)


def test_without_any_hours_the_scale_is_the_usual_one() -> None:
    assert charts.lowest_share(figures.by_hour(hours([]))) == charts.EMPTY_UP_TO


def test_the_heatmap_in_one_sentence() -> None:
    by_hour = figures.by_hour(hours([(1, 9, 600, 300), (1, 11, 600, 600), (3, 9, 600, 60), (5, 17, 5, 0)]))
    said = charts.heatmap_sentence(by_hour).replace("\u00a0", " ")
    assert said == "Am vollsten: Mo 11–12 Uhr (100 %). Am leersten: Mi 9–10 Uhr (10 %)."


def weeks(first: dt.date, booked: list[int]) -> pl.DataFrame:
    days = [first + dt.timedelta(weeks=n) for n in range(len(booked))]
    frame = pl.DataFrame(
        {"service_date": days, "booked_min": booked}, schema={"service_date": pl.Date, "booked_min": pl.Int64}
    )
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
    said = trend.sentence(found).replace("\u00a0", " ")
    assert said == (
        "KW 3: 55,0 % gebucht, gegenüber der Woche davor −5,0 Prozentpunkte, gegenüber dem Vorjahr +5,0 Prozentpunkte."
    )
    assert "zu wenige Wochen" in trend.sentence(found.head(1))


def test_trend_rows_leave_out_what_is_not_known() -> None:
    rows = trend.chart_rows(figures.with_year_before(weeks(dt.date(2026, 1, 5), [50, 60])))
    assert set(rows["line"]) == {"Gebucht", "Genutzt"}
    assert rows["Wert"][0] == formats.percent(0.5)
    assert rows["Woche"][0] == "KW 2 (ab 05.01.2026)"
    assert trend.chart_rows(figures.with_year_before(weeks(dt.date(2026, 1, 5), []))).is_empty()


def labels(spec: charts.Spec) -> dict[str, object]:
    """Monday -> what stands below it."""
    axis = spec["encoding"]["x"]["axis"]
    found: dict[str, object] = json.loads(axis["labelExpr"].removeprefix("(").removesuffix(")[datum.value]"))
    assert list(found) == axis["values"]
    return found


def test_the_first_and_the_last_week_have_their_dates() -> None:
    shown = labels(trend.chart(figures.with_year_before(weeks(dt.date(2025, 11, 24), [50] * 52))))
    assert shown.pop("2025-11-24") == [formats.week(48), "24.11.2025"]
    assert shown.pop("2026-11-16") == [formats.week(47), "16.11.2026"]
    assert list(shown.values()) == [formats.week(week) for week in range(3, 47, 4)]


@pytest.mark.parametrize("count", [0, 1, 2, 13, 14, 53])
def test_labels_never_touch(count: int) -> None:
    shown = list(labels(trend.chart(figures.with_year_before(weeks(dt.date(2025, 11, 24), [50] * count)))))
    assert len(shown) <= min(count, 14)
    days = [dt.date.fromisoformat(monday) for monday in shown]
    step = 7 if count <= 13 else 7 * -(-count // 13)
    assert all((later - day).days >= step for day, later in itertools.pairwise(days))


def test_weeks_without_hours_keep_their_place_on_the_axis() -> None:
    both = pl.concat([weeks(dt.date(2026, 1, 5), [50]), weeks(dt.date(2026, 2, 2), [50])])
    domain = trend.chart(figures.with_year_before(both))["encoding"]["x"]["scale"]["domain"]
    assert domain == ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26", "2026-02-02"]


CHANGE = figures.HoursChange(dt.date(2026, 3, 2), 7800, 7200)


def test_a_change_of_the_hours_has_its_line_and_its_words() -> None:
    found = figures.with_year_before(weeks(dt.date(2026, 2, 23), [50, 60]))
    marks = trend.chart_rows(found, [CHANGE]).filter(pl.col("Sprechzeit").is_not_null())
    words = "ab 02.03.2026 120 Std. statt 130 Std. je Woche"
    assert marks.select("monday", "Woche").rows() == [("2026-03-02", "KW\u00a010 (ab 02.03.2026)")]
    assert marks["Sprechzeit"][0].replace("\u00a0", " ") == words
    assert words in trend.legend([CHANGE]).replace("\u00a0", " ")
    assert "2 weitere" in trend.legend([CHANGE] * 5)
    assert "Strich" not in trend.legend([])


@pytest.mark.parametrize("spec", [charts.WATERFALL, charts.HEATMAP, trend.chart(weeks(dt.date(2026, 1, 5), [5, 6]))])
def test_specs_are_plain_data_and_load_nothing(spec: charts.Spec) -> None:
    text = json.dumps(spec).replace(spec["$schema"], "")
    assert "http" not in text
    assert "url" not in text
