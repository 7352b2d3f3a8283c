"""The line of the weeks: booked and used against the year before, with the weeks in which the plan's hours changed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Final

import polars as pl

from dashboards import formats, texts
from dashboards.charts import BLUE, GREEN, GREY, INK, Spec, scale_of, spec
from dashboards.figures import HoursChange

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
#: Weeks are named by their Mondays as text: no browser's time zone can move them.
_WEEK_X: Final[Spec] = {
    "field": "monday",
    "type": "ordinal",
    "title": None,
    "axis": {"grid": False, "labelAngle": 0, "labelLineHeight": 16},
}
_IS_VALUE: Final = [{"filter": "isValid(datum.share)"}]
_TREND_LAYERS: Final[list[Spec]] = [
    {
        "transform": [{"filter": "isValid(datum.Sprechzeit)"}],
        "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [2, 3], "color": INK},
        "encoding": {"tooltip": [{"field": name, "type": "nominal"} for name in ("Woche", "Sprechzeit")]},
    },
    {
        "transform": _IS_VALUE,
        "mark": {"type": "line"},
        "encoding": {
            "y": _SHARE_Y,
            "color": _LINE | {"scale": scale_of(_LINES)},
            "strokeWidth": {"value": 3, "condition": {"test": f"datum.line === '{_BEFORE}'", "value": 1}},
            "strokeDash": _LINE | {"scale": {"domain": list(_LINES), "range": [[1, 0], [6, 3], [1, 0]]}},
        },
    },
    {
        "transform": _IS_VALUE,
        "mark": {"type": "point", "filled": True, "opacity": 0, "size": 160},
        "encoding": {
            "y": _SHARE_Y,
            "tooltip": [{"field": name, "type": "nominal"} for name in ("Woche", "Linie", "Wert")],
        },
    },
]
#: Labels on the axis at most, the first and the last week among them.
_WEEK_LABELS: Final = 13
#: Changes of the hours that the legend tells, the newest first; each has its line and its tooltip.
_CHANGES_TOLD: Final = 3


def chart(weeks: pl.DataFrame) -> Spec:
    """The spec for `chart_rows` of the same weeks: an axis of all weeks, the first and the last with their dates."""
    mondays = _all_mondays(weeks)
    shown = {monday.isoformat(): formats.week(monday.isocalendar().week) for monday in _labelled(mondays)}
    dated = {
        monday.isoformat(): [shown[monday.isoformat()], formats.date(monday)] for monday in mondays[:1] + mondays[-1:]
    }
    labels = json.dumps(shown | dated, ensure_ascii=False)
    axis = _WEEK_X["axis"] | {"values": list(shown), "labelExpr": f"({labels})[datum.value]"}
    scale = {"domain": [monday.isoformat() for monday in mondays], "type": "point", "padding": 0.5}
    return spec(height=280, encoding={"x": _WEEK_X | {"axis": axis, "scale": scale}}, layer=_TREND_LAYERS)


def _all_mondays(weeks: pl.DataFrame) -> list[dt.date]:
    """Every Monday from the first to the last, also of weeks in which nothing was open."""
    if weeks.is_empty():
        return []
    first, last = weeks["monday"][0], weeks["monday"][-1]
    return [first + dt.timedelta(weeks=n) for n in range((last - first).days // 7 + 1)]


def _labelled(mondays: list[dt.date]) -> list[dt.date]:
    """The first, the last, and every n-th before the last that stands clear of the first."""
    step = -(-len(mondays) // _WEEK_LABELS) or 1
    between = [monday for monday in mondays[::-1][::step] if (monday - mondays[0]).days >= 7 * step]
    return sorted({*mondays[:1], *between})


def chart_rows(weeks: pl.DataFrame, changes: Sequence[HoursChange] = ()) -> pl.DataFrame:
    """Rows for `chart`: one per week and line, weeks without capacity left out; one per change of the hours."""
    names = {"booked": texts.BOOKED, "used": texts.USED, "before": _BEFORE}
    long = weeks.rename(names).unpivot(list(names.values()), index=["iso_week", "monday"], variable_name="line")
    known = long.rename({"value": "share"}).drop_nulls("share")
    if known.is_empty():
        return pl.DataFrame()
    values = known.select(
        pl.col("monday").cast(pl.String),
        "line",
        "share",
        Linie="line",
        Woche=pl.format("KW {} (ab {})", "iso_week", pl.col("monday").dt.to_string("%d.%m.%Y")),
        Wert=pl.col("share").map_elements(formats.percent, return_dtype=pl.String),
        Sprechzeit=pl.lit(None, pl.String),
    )
    marks = [
        {
            "monday": change.monday.isoformat(),
            "Woche": f"{formats.week(change.monday.isocalendar().week)} (ab {formats.date(change.monday)})",
            "Sprechzeit": change_words(change),
        }
        for change in changes
    ]
    return pl.concat([values, pl.DataFrame(marks)], how="diagonal") if marks else values


def change_words(change: HoursChange) -> str:
    """A change of the hours: "ab 24.11.2025 131 Std. statt 128 Std. je Woche"."""
    lengths = {"before": formats.duration(change.before_min), "after": formats.duration(change.after_min)}
    return texts.HOURS_CHANGE.format(day=formats.date(change.monday), **lengths)


def legend(changes: Sequence[HoursChange]) -> str:
    """Which weeks are drawn, and what the vertical lines say."""
    if not changes:
        return texts.TREND_LEGEND
    words = [change_words(change) for change in changes[::-1][:_CHANGES_TOLD]]
    if len(changes) > _CHANGES_TOLD:
        words.append(texts.HOURS_CHANGES_MORE.format(count=formats.number(len(changes) - _CHANGES_TOLD)))
    return f"{texts.TREND_LEGEND} {texts.HOURS_CHANGED.format(changes='; '.join(words))}"


def sentence(weeks: pl.DataFrame) -> str:
    """The newest week against the one before and the same week of the year before, in words."""
    known = weeks.drop_nulls("booked")
    if known.height < 2:
        return "Für einen Verlauf sind noch zu wenige Wochen da."
    last, before = known.row(-1, named=True), known.row(-2, named=True)
    text = (
        f"{formats.week(last['iso_week'])}: {formats.percent(last['booked'])} gebucht, gegenüber der Woche davor "
        f"{formats.points(last['booked'] - before['booked'])}"
    )
    if last["before"] is None:
        return f"{text}; für das Vorjahr gibt es keine Vergleichswoche."
    return f"{text}, gegenüber dem Vorjahr {formats.points(last['booked'] - last['before'])}."
