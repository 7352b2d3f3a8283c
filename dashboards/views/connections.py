"""The page "Verbindungen": how each source does, why, what to do about it, and "Jetzt synchronisieren"."""

from __future__ import annotations

import datetime as dt
from typing import Final

import streamlit as st

from dashboards import data, formats, header, tables, texts
from dashboards.source_activity import Activity
from dashboards.viewer import Viewer
from pipelines.health import SourceHealth, Stuck
from pipelines.ops.requests import Request
from pipelines.publish import NothingPublished

#: How often the lights look again. The fragment shows no names, and the gate does not count its re-runs as activity.
LOOK_AGAIN: Final = dt.timedelta(seconds=5)


def connections() -> None:
    """Draw the page for whoever is signed in."""
    viewer = header.current_viewer()
    if not viewer.may("connections"):
        header.page_header(texts.CONNECTIONS, data.status().health)
        st.error(texts.NOT_ALLOWED)
        return
    _live(viewer)
    _unmapped(viewer)
    if viewer.may("set_aside_records"):
        _set_aside(viewer)


@st.fragment(run_every=LOOK_AGAIN)
def _live(viewer: Viewer) -> None:
    found = data.status()
    header.page_header(texts.CONNECTIONS, found.health)
    if not found.health.service_alive:
        st.warning(texts.NO_SERVICE.format(practice=data.served().practice.id))
    for stuck in found.health.stuck:
        _stuck(stuck)
    if viewer.may("request_sync") and len(found.health.sources) > 1:
        st.button(texts.SYNC_ALL, key="sync_all", on_click=data.request_sync, args=(viewer, None))
    activities, recognised = data.activities(viewer), _recognised(viewer)
    for source in found.health.sources:
        with st.container(border=True):
            _source(viewer, source, activities[source.source], recognised.get(source.source))


def _stuck(stuck: Stuck) -> None:
    minutes = formats.duration(stuck.minutes)
    st.error(texts.STUCK.format(minutes=minutes, remedy=texts.plain(stuck.remedy)))


def _recognised(viewer: Viewer) -> dict[str, float]:
    """By source; empty before the first build."""
    try:
        return dict(data.read("recognised", viewer).iter_rows())
    except NothingPublished:
        return {}


def _source(viewer: Viewer, source: SourceHealth, activity: Activity, recognised: float | None) -> None:
    name, button = st.columns([4, 1], vertical_alignment="center")
    name.subheader(texts.plain(source.title), anchor=False)
    name.markdown(f"{header.light_word(source.light)} · {header.data_until(source.heard_at)}")
    if viewer.may("request_sync"):
        button.button(
            texts.SYNC_NOW, key=f"sync_{source.source}", on_click=data.request_sync, args=(viewer, source.source),
            width="stretch",
        )  # fmt: skip
    _figures(source, activity, recognised)
    _cause(source)
    request = data.latest_request(source.source)
    if request is not None:
        st.caption(f"{texts.REQUEST}: {request_text(request)}")


def _figures(source: SourceHealth, activity: Activity, recognised: float | None) -> None:
    usual = texts.USUAL.format(span=formats.span(*activity.usual)) if activity.usual else texts.USUAL_UNKNOWN
    took = f"dauerte {formats.number(activity.last_seconds, 1)} s" if activity.last_seconds is not None else ""
    unmapped = formats.counted(source.facts.unmapped, "unbekannter Code", "unbekannte Codes")
    shown = [
        (texts.LAST_RUN, header.stamp(activity.last_run_at), took),
        (texts.CHANGES_TODAY, formats.number(activity.changes_today), usual),
        (texts.RECOGNISED, formats.percent(recognised), f"letzter Lauf: {unmapped}"),
        (texts.SET_ASIDE, formats.number(source.facts.rejected), "beim letzten Lauf"),
    ]
    for place, (label, value, about) in zip(st.columns(4), shown, strict=True):
        place.metric(label, value)
        place.caption(about)


def _cause(source: SourceHealth) -> None:
    if source.light == "green":
        return
    cause, step = texts.REASONS[source.reason]
    lines = [f"**{texts.CAUSE}:** {cause.format(time=header.stamp(source.heard_at))}"]
    if step:
        lines.append(f"**{texts.NEXT_STEP}:** {step}")
    if source.facts.retry_at is not None:
        lines.append(texts.RETRY_AT.format(time=header.stamp(source.facts.retry_at)))
    show = st.error if source.light == "red" else st.warning
    show("  \n".join(lines))
    if source.facts.cause:
        st.caption(texts.TECHNICAL)
        st.code(source.facts.cause, language=None, wrap_lines=True)


def request_text(request: Request) -> str:
    """What became of a press, with its time: "läuft seit 10:41"."""
    moment = request.finished_at or request.claimed_at or request.requested_at
    return texts.REQUESTS[request.state].format(time=header.stamp(moment))


def _unmapped(viewer: Viewer) -> None:
    st.subheader(texts.UNMAPPED, anchor=False, help=texts.UNMAPPED_HELP)
    try:
        rows = data.read("unmapped", viewer)
    except NothingPublished:
        st.caption(texts.NOTHING_BUILT)
        return
    if rows.is_empty():
        st.caption(texts.NO_UNMAPPED)
        return
    columns = ("source", "resource", "field", "code", "rows")
    headings = {name: texts.HEALTH_COLUMNS[name] for name in columns}
    tables.table(tables.in_german(rows), headings, alt=texts.UNMAPPED)


def _set_aside(viewer: Viewer) -> None:
    st.subheader(texts.SET_ASIDE, anchor=False, help=texts.SET_ASIDE_HELP)
    try:
        rows = data.set_aside_records(viewer)
    except NothingPublished:
        st.caption(texts.NOTHING_BUILT)
        return
    if rows.is_empty():
        st.caption(texts.NO_SET_ASIDE)
        return
    columns = ("source", "resource", "source_id", "field", "rule", "expected")
    headings = {name: texts.HEALTH_COLUMNS[name] for name in columns}
    tables.table(tables.in_german(rows), headings, alt=texts.SET_ASIDE)
