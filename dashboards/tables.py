"""Tables and charts on a page: numbers that sort as numbers and read as German, and a table beside every chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
import streamlit as st
from pandas.io.formats.style import Styler  # type: ignore[import-untyped]

from dashboards import formats, texts
from dashboards.charts import Spec

Write = Callable[[Any], str]

#: How a column is written, by its name; others are written as they are.
WRITTEN: Mapping[str, Write] = {
    "booked": formats.percent,
    "used": formats.percent,
    "before": formats.percent,
    "share": formats.percent,
    "service_date": formats.weekday_date,
    "birth_date": formats.date,
    "start_local": formats.clock,
    "end_local": formats.clock,
    "rows": formats.number,
    "monday": formats.date,
    "last_at": formats.date_clock,
}

#: More rows than these scroll within a plain table of this many pixels.
_ROWS_WHOLE: Final = 12
_SCROLLED: Final = 420


def table(frame: pl.DataFrame, headings: Mapping[str, str], *, alt: str, key: str | None = None, **more: Any) -> Any:
    """`st.dataframe` with German headings and values; returns the selection if one was asked for by `on_select`.

    Foreign text is safe here: a data frame draws cells as text. Columns without a heading are left out.
    """
    shown = frame.select(name for name in headings if name in frame.columns)
    return st.dataframe(
        _styled(shown),
        hide_index=True,
        column_config={name: st.column_config.Column(headings[name]) for name in shown.columns},
        alt=alt,
        key=key,
        **more,
    )


def static_table(frame: pl.DataFrame, headings: Mapping[str, str], *, alt: str) -> None:
    """The same as a plain HTML table, which screen readers read as it is written. For words of ours only.

    Cells are read as Markdown, so nothing that others wrote may stand in one.
    """
    shown = frame.select(name for name in headings if name in frame.columns)
    written = {headings[name]: write for name, write in _writers(shown).items()}
    styled = shown.to_pandas().rename(columns=dict(headings)).style.format(written, na_rep=formats.DASH)
    st.table(styled, hide_index=True, alt=alt, height=_SCROLLED if shown.height > _ROWS_WHOLE else "content")


def _styled(frame: pl.DataFrame) -> Styler:
    """The only way to keep a number's order and give it German writing."""
    # missing values go to na_rep, so a writer never sees NaN or NaT
    return frame.to_pandas().style.format(_writers(frame), na_rep=formats.DASH)


def _writers(frame: pl.DataFrame) -> dict[str, Write]:
    columns = (name for name in frame.columns if name in WRITTEN or name.endswith("_min"))
    return {name: WRITTEN.get(name, formats.duration) for name in columns}


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart: its title, the sentence that says it, the spec with its rows, the same as a table, how to read it."""

    key: str
    title: str
    sentence: str
    spec: Spec
    rows: pl.DataFrame
    as_table: pl.DataFrame
    headings: Mapping[str, str]
    legend: str = ""


def figure(shown: Figure) -> Mapping[str, Any]:
    """Draw a chart with the switch to its table; what was picked in it (`selection` by name), empty if nothing."""
    bar = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    bar.subheader(shown.title, anchor=False, width="content")
    as_table = bar.toggle(texts.AS_TABLE, key=f"{shown.key}_table")
    st.markdown(shown.sentence)
    if shown.rows.is_empty():
        return {}
    if as_table:
        static_table(shown.as_table, shown.headings, alt=shown.sentence)
        return {}
    found = _chart(shown)
    if shown.legend:
        st.caption(shown.legend)
    return found


def _chart(shown: Figure) -> Mapping[str, Any]:
    alt = f"{shown.title} {shown.sentence}"
    if "params" not in shown.spec["layer"][0]:
        st.vega_lite_chart(shown.rows, shown.spec, width="stretch", theme=None, alt=alt, key=shown.key)
        return {}
    picked = st.vega_lite_chart(
        shown.rows, shown.spec, width="stretch", theme=None, alt=alt, key=shown.key, on_select="rerun"
    )
    return dict(picked.get("selection", {}))
