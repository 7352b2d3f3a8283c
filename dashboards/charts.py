"""The charts as Vega-Lite specs (plain dicts): built once, filled with frames, each with a sentence in words.

Colours: Okabe-Ito for kinds, cividis for amounts, both readable with colour-blind eyes; each mark has at least 3:1
against white and each printed value at least 4.5:1 against its cell. No colour carries a meaning alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from dashboards import formats, texts
from dashboards.figures import Minutes, Step

Spec = dict[str, Any]

#: Okabe-Ito, without those that fail 3:1 on white (orange, sky blue, yellow).
BLUE, VERMILLION, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#767676"
INK: Final = "#1B2733"
PALE: Final = "#E6EAEE"
KINDS: Final = {"total": BLUE, "plan": GREY, "lost": VERMILLION, "open": PURPLE, "result": GREEN}
#: Ten stops of cividis (Nuñez, Anderton, Renslow 2018), dark to light.
CIVIDIS: Final = (
    "#00224E",
    "#123570",
    "#3B496C",
    "#575D6D",
    "#707173",
    "#8A8678",
    "#A59C74",
    "#C3B369",
    "#E1CC55",
    "#FEE838",
)
#: The fuller, the darker: more ink for more work.
AMOUNTS: Final = CIVIDIS[::-1]
#: The share that has the lightest colour; rooms are emptier than people, so the scale begins at nothing.
EMPTY_FROM: Final = 0.0
#: Black: between it and white there is always one with 4.5:1.
DARK_PRINT: Final = "#000000"
#: Share from which a cell of the heatmap is too dark for dark print.
LIGHT_PRINT_FROM: Final = EMPTY_FROM + (1 - EMPTY_FROM) * 0.53

_FONT: Final = '"Source Sans", "Source Sans Pro", system-ui, sans-serif'
_CONFIG: Final[Spec] = {
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {"labelColor": INK, "titleColor": INK, "labelFontSize": 13, "titleFontSize": 13, "gridColor": PALE},
    "legend": {"labelColor": INK, "labelFontSize": 13, "orient": "top", "title": None},
    "text": {"fontSize": 13, "fill": INK},
    "locale": {
        "number": {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["", " €"]},
    },
}


def _spec(**parts: Any) -> Spec:
    return {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "config": _CONFIG, **parts}


def _scale(mapping: dict[str, str]) -> Spec:
    return {"domain": list(mapping), "range": list(mapping.values())}


_STEP_Y: Final[Spec] = {
    "field": "step",
    "type": "nominal",
    "sort": None,
    "title": None,
    "axis": {"labelLimit": 260, "ticks": False, "domain": False, "labelPadding": 10},
}
_TOOLTIP: Final = [{"field": name, "type": "nominal"} for name in ("Schritt", "Dauer", "Anteil")]
WATERFALL: Final[Spec] = _spec(
    height={"step": 34},
    encoding={"y": _STEP_Y},
    layer=[
        {
            "mark": {"type": "bar", "cornerRadius": 2, "height": {"band": 0.72}},
            "encoding": {
                "x": {"field": "low", "type": "quantitative", "axis": None, "scale": {"nice": False}},
                "x2": {"field": "high"},
                "color": {"field": "kind", "type": "nominal", "scale": _scale(KINDS), "legend": None},
                "tooltip": _TOOLTIP,
            },
        },
        {
            "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 8, "fontWeight": 600},
            "encoding": {
                "x": {"field": "high", "type": "quantitative"},
                "text": {"field": "label", "type": "nominal"},
            },
        },
    ],
)


def waterfall_rows(steps: Sequence[Step], found: Minutes) -> pl.DataFrame:
    """Rows for WATERFALL, and for its table: minutes as hours and minutes, share of the bookable ones."""
    bookable = found["bookable_min"]
    rows = []
    for step in steps:
        share = formats.percent(abs(step.size) / bookable) if bookable else formats.DASH
        sign = "+" if step.kind == "plan" and step.size > 0 else ""
        length = f"{sign}{formats.duration(step.size)}"
        after = step.kind not in {"total", "plan"} or step.name == "bookable_min"
        rows.append(
            {
                "step": texts.STEPS[step.name],
                "kind": step.kind,
                "low": min(step.start, step.end),
                "high": max(step.start, step.end),
                "label": f"{length} · {share}" if after else length,
                "Schritt": texts.STEPS[step.name],
                "Dauer": length,
                "Anteil": f"{share} der buchbaren Zeit",
            }
        )
    return pl.DataFrame(rows)


def waterfall_sentence(found: Minutes) -> str:
    """What the waterfall shows, in words."""
    used = found.share("used_min")
    if used is None:
        return "In diesem Zeitraum gibt es keine buchbare Sprechzeit."
    lost, never = found.share("no_show_min", "late_cancelled_min"), found.share("never_booked_min")
    return (
        f"Von {formats.duration(found['bookable_min'])} buchbarer Zeit waren Patienten "
        f"{formats.duration(found['used_min'])} da ({formats.percent(used)}); {formats.percent(lost)} blieben leer, "
        f"weil jemand nicht kam oder zu spät absagte, {formats.percent(never)} wurden nie gebucht."
    )


_HOUR_X: Final[Spec] = {
    "field": "hour",
    "type": "ordinal",
    "title": None,
    "axis": {"orient": "top", "labelAngle": 0, "labelExpr": "datum.value + ' Uhr'", "ticks": False, "domain": False},
}
_DAY_Y: Final[Spec] = {
    "field": "day",
    "type": "ordinal",
    "sort": list(formats.WEEKDAYS),
    "title": None,
    "axis": {"ticks": False, "domain": False, "labelPadding": 8, "labelFontSize": 14},
}
HEATMAP: Final[Spec] = _spec(
    height={"step": 44},
    encoding={"x": _HOUR_X, "y": _DAY_Y},
    layer=[
        {
            "params": [{"name": "cell", "select": {"type": "point", "fields": ["weekday", "hour"]}}],
            "mark": {
                "type": "rect",
                "invalid": None,
                "stroke": "white",
                "strokeWidth": 2,
                "cornerRadius": 3,
                "cursor": "pointer",
            },
            "encoding": {
                "color": {
                    "field": "share",
                    "type": "quantitative",
                    "scale": {"domain": [EMPTY_FROM, 1], "range": list(AMOUNTS), "clamp": True, "interpolate": "rgb"},
                    "legend": None,
                    "condition": {"test": "!isValid(datum.share)", "value": PALE},
                },
                "tooltip": [{"field": name, "type": "nominal"} for name in ("Zeit", "Gebucht", "Verfügbar")],
            },
        },
        {
            "mark": {"type": "text", "fontWeight": 600, "fontSize": 14, "clip": True},
            "encoding": {
                "text": {"field": "label", "type": "nominal"},
                "color": {
                    "value": INK,
                    "condition": {
                        "test": f"isValid(datum.share) && datum.share > {LIGHT_PRINT_FROM}",
                        "value": "white",
                    },
                },
            },
        },
    ],
)
#: Hatching by print: Vega-Lite has no patterns, and grey alone could be read as a value.
HATCH: Final = "╱╱╱"


def heatmap_rows(hours: pl.DataFrame) -> pl.DataFrame:
    """Rows for HEATMAP from `figures.by_hour`: the full grid of hours, cells without capacity hatched."""
    open_hours = hours.filter(pl.col("bookable_min") > 0)
    if open_hours.is_empty():
        return pl.DataFrame()
    days = range(1, max(5, int(open_hours["weekday"].max())) + 1)  # type: ignore[arg-type]
    times = range(int(open_hours["hour"].min()), int(open_hours["hour"].max()) + 1)  # type: ignore[arg-type]
    shares = {(d, h): (share, minutes) for d, h, minutes, share, _ in open_hours.iter_rows()}
    return pl.DataFrame([_cell(day, hour, *shares.get((day, hour), (None, 0))) for day in days for hour in times])


def _cell(weekday: int, hour: int, share: float | None, bookable: int) -> dict[str, object]:
    return {
        "weekday": weekday,
        "hour": hour,
        "day": formats.weekday(weekday),
        "share": share,
        "label": HATCH if share is None else formats.number(share * 100),
        "Zeit": f"{formats.weekday(weekday)} {hour}–{hour + 1} Uhr",
        "Gebucht": texts.NO_CAPACITY if share is None else formats.percent(share),
        "Verfügbar": formats.duration(bookable),
    }


def heatmap_sentence(hours: pl.DataFrame) -> str:
    """Which hour is fullest and which emptiest, in words. Hours open less than a tenth of the longest do not count."""
    open_hours = hours.filter(pl.col("booked").is_not_null())
    if open_hours.is_empty():
        return "In diesem Zeitraum gibt es keine buchbare Sprechzeit."
    usual = open_hours.filter(pl.col("bookable_min") * 10 >= pl.col("bookable_min").max())
    ordered = usual.sort("booked", "weekday", "hour")
    fullest, emptiest = (_hour_words(ordered.row(at, named=True)) for at in (-1, 0))
    return f"Am vollsten: {fullest}. Am leersten: {emptiest}."


def _hour_words(row: dict[str, Any]) -> str:
    return (
        f"{formats.weekday(row['weekday'])} {row['hour']}–{row['hour'] + 1} Uhr ({formats.percent(row['booked'], 0)})"
    )


_WEEK_X: Final[Spec] = {
    "field": "monday",
    "type": "temporal",
    "title": None,
    "axis": {
        "format": "%V",
        "labelExpr": "'KW ' + datum.label",
        "grid": False,
        "tickCount": {"interval": "week", "step": 4},
    },
}
_BEFORE: Final = texts.COLUMNS["before"]
_LINES: Final = {texts.BOOKED: BLUE, texts.USED: GREEN, _BEFORE: GREY}
_LINE: Final[Spec] = {"field": "line", "type": "nominal"}
_SHARE_Y: Final[Spec] = {
    "field": "share",
    "type": "quantitative",
    "title": None,
    "scale": {"zero": False, "nice": True, "padding": 12},
    "axis": {"labelExpr": "format(datum.value * 100, '.0f') + ' %'", "tickCount": 5, "domain": False, "ticks": False},
}
TREND: Final[Spec] = _spec(
    height=280,
    encoding={"x": _WEEK_X, "y": _SHARE_Y},
    layer=[
        {
            "mark": {"type": "line"},
            "encoding": {
                "color": _LINE | {"scale": _scale(_LINES)},
                "strokeWidth": {"value": 3, "condition": {"test": f"datum.line === '{_BEFORE}'", "value": 1}},
                "strokeDash": _LINE | {"scale": {"domain": list(_LINES), "range": [[1, 0], [6, 3], [1, 0]]}},
            },
        },
        {
            "mark": {"type": "point", "filled": True, "opacity": 0, "size": 160},
            "encoding": {"tooltip": [{"field": name, "type": "nominal"} for name in ("Woche", "Linie", "Wert")]},
        },
    ],
)


def trend_rows(weeks: pl.DataFrame) -> pl.DataFrame:
    """Rows for TREND from `figures.with_year_before`: one row per week and line, weeks without capacity left out."""
    names = {"booked": texts.BOOKED, "used": texts.USED, "before": _BEFORE}
    long = weeks.rename(names).unpivot(list(names.values()), index=["iso_week", "monday"], variable_name="line")
    known = long.rename({"value": "share"}).drop_nulls("share")
    return known.with_columns(
        Linie="line",
        Woche=pl.concat_str(pl.lit("KW "), pl.col("iso_week")),
        Wert=pl.col("share").map_elements(formats.percent, return_dtype=pl.String),
    )


def trend_sentence(weeks: pl.DataFrame) -> str:
    """The newest week against the one before and the same week of the year before, in words."""
    known = weeks.drop_nulls("booked")
    if known.height < 2:
        return "Für einen Verlauf sind noch zu wenige Wochen da."
    last, before = known.row(-1, named=True), known.row(-2, named=True)
    sentence = (
        f"{formats.week(last['iso_week'])}: {formats.percent(last['booked'])} gebucht, gegenüber der Woche davor "
        f"{formats.points(last['booked'] - before['booked'])}"
    )
    if last["before"] is None:
        return f"{sentence}; für das Vorjahr gibt es keine Vergleichswoche."
    return f"{sentence}, gegenüber dem Vorjahr {formats.points(last['booked'] - last['before'])}."


def luminance(colour: str) -> float:
    """Relative luminance of #RRGGBB, 0 to 1 (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
