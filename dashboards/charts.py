"""The charts as Vega-Lite specs (plain dicts): built once, filled with frames, each with a sentence in words.

Colours: Okabe-Ito for kinds, viridis for amounts, both readable with colour-blind eyes; each mark has at least 3:1
against white and each printed value at least 4.5:1 against its cell. No colour carries a meaning alone.
"""

from __future__ import annotations

import math
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
#: Ten stops of viridis (van der Walt, Smith 2015), dark to light.
VIRIDIS: Final = (
    "#440154",
    "#482878",
    "#3E4A89",
    "#31688E",
    "#26828E",
    "#1F9E89",
    "#35B779",
    "#6DCD59",
    "#B4DE2C",
    "#FDE725",
)
#: The fuller, the darker: more ink for more work.
AMOUNTS: Final = VIRIDIS[::-1]
#: The lightest colour stands for this share or, where an hour is emptier, for that one.
EMPTY_UP_TO: Final = 0.5
#: Between black and white there is always one with 4.5:1.
PRINTS: Final = ("#000000", "#FFFFFF")

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


def spec(**parts: Any) -> Spec:
    """A whole Vega-Lite spec of these parts, in our look."""
    return {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "config": _CONFIG, **parts}


def scale_of(mapping: dict[str, str]) -> Spec:
    """A scale that gives each of these kinds its colour."""
    return {"domain": list(mapping), "range": list(mapping.values())}


_STEP_Y: Final[Spec] = {
    "field": "step",
    "type": "nominal",
    "sort": None,
    "title": None,
    "axis": {"labelLimit": 260, "ticks": False, "domain": False, "labelPadding": 10},
}
_TOOLTIP: Final = [{"field": name, "type": "nominal"} for name in ("Schritt", "Dauer", "Anteil")]
WATERFALL: Final[Spec] = spec(
    height={"step": 34},
    encoding={"y": _STEP_Y},
    layer=[
        {
            "mark": {"type": "bar", "cornerRadius": 2, "height": {"band": 0.72}},
            "encoding": {
                "x": {"field": "low", "type": "quantitative", "axis": None, "scale": {"nice": False}},
                "x2": {"field": "high"},
                "color": {"field": "kind", "type": "nominal", "scale": scale_of(KINDS), "legend": None},
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
HEATMAP: Final[Spec] = spec(
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
                "color": {"field": "fill", "type": "nominal", "scale": None},
                "tooltip": [{"field": name, "type": "nominal"} for name in ("Zeit", "Gebucht", "Verfügbar")],
            },
        },
        {
            "mark": {"type": "text", "fontWeight": 600, "fontSize": 14, "clip": True},
            "encoding": {
                "text": {"field": "label", "type": "nominal"},
                "color": {"field": "print", "type": "nominal", "scale": None},
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
    low = lowest_share(hours)
    return pl.DataFrame([_cell(day, hour, low, *shares.get((day, hour), (None, 0))) for day in days for hour in times])


def lowest_share(hours: pl.DataFrame) -> float:
    """The share that has the lightest colour: a half, or the tenth below the emptiest of the usual hours."""
    emptiest = _usual_hours(hours)["booked"].min()
    return EMPTY_UP_TO if emptiest is None else min(EMPTY_UP_TO, math.floor(float(emptiest) * 10) / 10)  # type: ignore[arg-type]


def _usual_hours(hours: pl.DataFrame) -> pl.DataFrame:
    """Hours with capacity, without those that are open less than a tenth of the longest: a minute is no pattern."""
    open_hours = hours.filter(pl.col("booked").is_not_null())
    return open_hours.filter(pl.col("bookable_min") * 10 >= pl.col("bookable_min").max())


def amount(share: float, low: float) -> str:
    """The colour of a share on the scale from `low` (light) to 1 (dark), between the two stops beside it."""
    at = min(max((share - low) / (1 - low), 0.0), 1.0) * (len(AMOUNTS) - 1)
    stop = min(int(at), len(AMOUNTS) - 2)
    pairs = zip(_channels(AMOUNTS[stop]), _channels(AMOUNTS[stop + 1]), strict=True)
    return "#" + "".join(f"{round(one + (other - one) * (at - stop)):02X}" for one, other in pairs)


def print_on(colour: str) -> str:
    """Black or white, whichever can be read better on a colour."""
    return max(PRINTS, key=lambda ink: contrast(ink, colour))


def _channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def _cell(weekday: int, hour: int, low: float, share: float | None, bookable: int) -> dict[str, object]:
    fill = PALE if share is None else amount(share, low)
    return {
        "weekday": weekday,
        "hour": hour,
        "day": formats.weekday(weekday),
        "share": share,
        "fill": fill,
        "print": print_on(fill),
        "label": HATCH if share is None else formats.number(share * 100),
        "Zeit": f"{formats.weekday(weekday)} {hour}–{hour + 1} Uhr",
        "Gebucht": texts.NO_CAPACITY if share is None else formats.percent(share),
        "Verfügbar": formats.duration(bookable),
    }


def heatmap_sentence(hours: pl.DataFrame) -> str:
    """Which of the usual hours is fullest and which emptiest, in words."""
    ordered = _usual_hours(hours).sort("booked", "weekday", "hour")
    if ordered.is_empty():
        return "In diesem Zeitraum gibt es keine buchbare Sprechzeit."
    fullest, emptiest = (_hour_words(ordered.row(at, named=True)) for at in (-1, 0))
    return f"Am vollsten: {fullest}. Am leersten: {emptiest}."


def heatmap_legend(hours: pl.DataFrame) -> str:
    """What light and dark mean."""
    low = lowest_share(hours)
    return texts.HEATMAP_LEGEND.format(low=formats.percent(low, 0)) if low > 0 else texts.HEATMAP_LEGEND_FROM_ZERO


def _hour_words(row: dict[str, Any]) -> str:
    return (
        f"{formats.weekday(row['weekday'])} {row['hour']}–{row['hour'] + 1} Uhr ({formats.percent(row['booked'], 0)})"
    )


def luminance(colour: str) -> float:
    """Relative luminance of #RRGGBB, 0 to 1 (WCAG 2.2)."""
    channels = [channel / 255 for channel in _channels(colour)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
