"""From a figure to what stands behind it: the days of the period, and the appointments of one day with names."""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards import data, figures, filters, formats, tables, texts
from dashboards.figures import Period
from dashboards.viewer import Viewer

_DAY: Final = "tag"
#: More days than these scroll within the table.
_ROWS_SHOWN: Final = 8
_COLUMNS: Final = (
    "service_date",
    "bookable_min",
    "booked",
    "used",
    "no_show_min",
    "lost_min",
    "outside_min",
    "free_min",
)


def day_list(
    viewer: Viewer, period: Period, days: pl.DataFrame, cell: tuple[int, int] | None, person: str | None
) -> None:
    """Days of `days` (rows of capacity_day) and, once one is opened, its appointments.

    A cell of the heatmap or a practitioner of the table picks; the same can be picked by the boxes, with the keyboard.
    """
    st.subheader(texts.DRILL_DOWN, anchor=False)
    of_people = bool((days["resource_kind"] == "person").any())
    by_name = of_people and viewer.may("appointments_by_name")
    places = iter(st.columns(3, vertical_alignment="bottom"))
    if of_people and viewer.may("utilisation_per_person"):
        days = _of_person(next(places), viewer, days, person)
    _follow("wochentag", str(cell[0]) if cell else None)
    weekdays = {"": texts.ANY_WEEKDAY} | {str(n): name for n, name in enumerate(formats.WEEKDAYS, start=1)}
    weekday = filters.choice(next(places), texts.WEEKDAY, weekdays, "wochentag")
    if weekday:
        days = days.filter(pl.col("service_date").dt.weekday() == int(weekday))
    _days(days, can_open=by_name)
    if by_name:
        _appointments(viewer, days, filters.day(next(places), texts.DAY, _DAY, period))
    else:
        st.caption(texts.NO_NAMES if of_people else texts.ROOMS_NO_NAMES)


def _of_person(place: DeltaGenerator, viewer: Viewer, days: pl.DataFrame, picked: str | None) -> pl.DataFrame:
    """The days of the practitioner who is chosen in the box; all days if nobody is."""
    _follow("behandler", picked)
    names = dict(data.read("persons", viewer).iter_rows())
    present = days["person"].unique().sort().to_list()
    options = {"": texts.EVERYBODY} | {key: names.get(key, key) for key in present}
    chosen = filters.choice(place, texts.PERSON, options, "behandler")
    return days.filter(pl.col("person") == chosen) if chosen else days


def _follow(name: str, picked: str | None) -> None:
    """A new pick in a chart or table moves the box; the box can then be changed by hand."""
    seen = f"picked_{name}"
    if picked != st.session_state.get(seen):
        st.session_state[seen] = picked
        st.session_state[f"filter_{name}"] = picked or ""


def _days(days: pl.DataFrame, *, can_open: bool) -> None:
    rows = figures.by_group(days.filter(pl.col("bookable_min") + pl.col("outside_min") > 0), "service_date")
    rows = rows.sort("service_date", descending=True)
    if rows.is_empty():
        st.caption(texts.NO_DAYS)
        return
    headings = {name: texts.COLUMNS[name] for name in _COLUMNS}
    height = 320 if rows.height > _ROWS_SHOWN else "auto"
    if not can_open:
        tables.table(rows, headings, alt=texts.DRILL_DOWN, height=height)
        return
    picked = tables.table(
        rows,
        headings,
        alt=texts.DRILL_DOWN,
        key="days",
        on_select="rerun",
        selection_mode="single-row",
        height=height,
    )
    chosen = picked["selection"]["rows"]
    found: dt.date | None = rows["service_date"][chosen[0]] if chosen else None
    if found != st.session_state.get("picked_day"):
        st.session_state["picked_day"] = found
        st.session_state[f"filter_{_DAY}"] = found


def _appointments(viewer: Viewer, days: pl.DataFrame, day: dt.date | None) -> None:
    if day is None:
        st.caption(texts.OPEN_DAY_HINT)
        return
    rows = data.appointments_of_day(viewer, day, frozenset(days["calendar_key"].unique().to_list()))
    title = texts.APPOINTMENTS_OF.format(day=formats.weekday_date(day))
    st.subheader(title, anchor=False)
    if rows.is_empty():
        st.caption(texts.NO_APPOINTMENTS)
        return
    calendars = dict(data.read("calendar_names", viewer).iter_rows())
    written = rows.with_columns(
        calendar=pl.col("calendar_key").replace_strict(calendars, default="", return_dtype=pl.String),
        outcome=pl.col("outcome").replace_strict(dict(texts.OUTCOMES), default=pl.col("outcome")),
    )
    names = ("family_name", "given_name", "birth_date", "type_name", "outcome", "calendar")
    headings = {"start_local": texts.COLUMNS["start"], "end_local": texts.COLUMNS["end"]}
    tables.table(written, headings | {name: texts.COLUMNS[name] for name in names}, alt=title)
