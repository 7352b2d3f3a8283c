"""Filters whose choice stands in the address, so that a view can be kept and passed on. Only keys go there, no names.

A widget is bound to the address by hand: Streamlit's own binding would write the text that is shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards import texts
from dashboards.figures import Period


def choice(place: DeltaGenerator, label: str, options: Mapping[str, str], name: str, *, segmented: bool = False) -> str:
    """The chosen key of `options` (key -> plain text shown); the first is the default and stays out of the address."""
    keys, widget = list(options), f"filter_{name}"
    _seed(widget, st.query_params.get(name), keys)
    if segmented:
        found = place.segmented_control(
            label, keys, format_func=lambda key: texts.plain(options[key]), key=widget, required=True
        )
    else:
        found = place.selectbox(label, keys, format_func=lambda key: options[key], key=widget)
    chosen = str(found or keys[0])
    _remember(name, None if chosen == keys[0] else chosen)
    return chosen


def _seed(widget: str, asked: str | None, keys: list[str]) -> None:
    """A first visit starts with what the address says; a key that is no choice any more gives way to the default."""
    if st.session_state.get(widget) not in keys:
        st.session_state[widget] = asked if asked in keys else keys[0]


def _remember(name: str, value: str | None) -> None:
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def day(place: DeltaGenerator, label: str, name: str, within: Period) -> dt.date | None:
    """A day within the period, None if none is chosen."""
    widget = f"filter_{name}"
    if widget not in st.session_state:
        st.session_state[widget] = _date(st.query_params.get(name))
    chosen = st.session_state[widget]
    if chosen is not None and not within.first <= chosen <= within.last:
        st.session_state[widget] = None
    found = place.date_input(
        label, value=None, min_value=within.first, max_value=within.last, key=widget, format="DD.MM.YYYY"
    )
    _remember(name, found.isoformat() if isinstance(found, dt.date) else None)
    return found if isinstance(found, dt.date) else None


def period(place: DeltaGenerator, today: dt.date) -> Period:
    """The chosen span of days: whole ISO weeks, or the viewer's own."""
    chosen = choice(place, texts.PERIOD, texts.PERIODS, "zeitraum")
    return _own_period(place, today) if chosen == "own" else preset(chosen, today)


def preset(key: str, today: dt.date) -> Period:
    """A span of `texts.PERIODS`: the last n whole weeks, or the week that runs."""
    monday = today - dt.timedelta(days=today.weekday())
    if key == "now":
        return Period(monday, monday + dt.timedelta(days=6))
    return Period(monday - dt.timedelta(weeks=int(key.removesuffix("w"))), monday - dt.timedelta(days=1))


def _own_period(place: DeltaGenerator, today: dt.date) -> Period:
    widget, fallback = "filter_eigener", preset("4w", today)
    asked = (_date(st.query_params.get("von")), _date(st.query_params.get("bis")))
    if widget not in st.session_state:
        valid = asked[0] is not None and asked[1] is not None and asked[0] <= asked[1]
        st.session_state[widget] = asked if valid else (fallback.first, fallback.last)
    found: object = place.date_input(texts.OWN_PERIOD, key=widget, format="DD.MM.YYYY")
    if not isinstance(found, tuple) or len(found) != 2:  # the second day is not chosen yet
        return fallback
    _remember("von", found[0].isoformat())
    _remember("bis", found[1].isoformat())
    return Period(*found)


def _date(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text or "")
    except ValueError:  # the address was typed or is old: as if nothing had been asked for
        return None
