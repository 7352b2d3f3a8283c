"""The page "Verbindungen": how each source does, why, what to do about it, and "Jetzt synchronisieren"."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import polars as pl
import streamlit as st

from dashboards import data, formats, header, record_words, tables, texts, trouble
from dashboards.queries import SET_ASIDE_SHOWN
from dashboards.source_activity import Activity
from dashboards.viewer import Viewer
from pipelines.health import Failure, SourceHealth, Stuck
from pipelines.ops.requests import Request
from pipelines.publish import NothingPublished

#: How often the lights look again. The fragment shows no names, and the gate does not count its re-runs as activity.
LOOK_AGAIN: Final = dt.timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class _Published:
    """What the newest build says of a source: recognised share, codes without a meaning, rows that stand set aside."""

    recognised: float | None = None
    codes: int = 0
    set_aside: int = 0
    set_aside_at: dt.datetime | None = None


@trouble.told()
def connections() -> None:
    """Draw the page for whoever is signed in."""
    viewer = header.current_viewer()
    if not viewer.may("connections"):
        header.page_header(texts.CONNECTIONS, data.health())
        st.error(texts.NOT_ALLOWED)
        return
    _live(viewer)
    try:
        _unmapped(viewer)
        if viewer.may("set_aside_records"):
            _set_aside(viewer)
        _doubtful(viewer)
    except NothingPublished:
        st.caption(texts.NOTHING_BUILT)


@st.fragment(run_every=LOOK_AGAIN)
@trouble.told()
def _live(viewer: Viewer) -> None:
    found = data.health()
    header.page_header(texts.CONNECTIONS, found)
    if not found.service_alive:
        st.warning(texts.NO_SERVICE.format(practice=data.served().practice.id))
    for stuck in found.stuck:
        _stuck(stuck)
    if found.failure is not None:
        _failure(found.failure)
    if viewer.may("request_sync") and len(found.sources) > 1:
        st.button(texts.SYNC_ALL, key="sync_all", on_click=data.request_sync, args=(viewer, None))
    activities, published = data.activities(viewer), _published(viewer)
    for source in found.sources:
        with st.container(border=True):
            _source(viewer, source, activities[source.source], published[source.source] if published else None)


def _stuck(stuck: Stuck) -> None:
    minutes = formats.duration(stuck.minutes)
    st.error(texts.STUCK.format(minutes=minutes, practice=stuck.practice))


def _failure(failure: Failure) -> None:
    cause, step = texts.FAILURES.get(failure.error, texts.FAILED)
    since = texts.FAILED_SINCE.format(time=header.stamp(failure.since))
    st.error(f"{since} **{texts.CAUSE}:** {cause}  \n**{texts.NEXT_STEP}:** {step}")
    st.caption(texts.TECHNICAL)
    st.code(failure.cause, language=None, wrap_lines=True)


def _published(viewer: Viewer) -> dict[str, _Published] | None:
    """By source, for each that practice.toml names; None before the first build."""
    try:
        shares = dict(data.read("recognised", viewer).iter_rows())
        codes = dict(data.read("unmapped", viewer).group_by("source").len().iter_rows())
        noted = {source: (rows, at) for source, rows, at, _ in data.read("noted", viewer).iter_rows()}
    except NothingPublished:
        return None
    return {
        source: _Published(shares.get(source), codes.get(source, 0), *noted.get(source, (0, None)))
        for source in data.served().practice.source_names()
    }


def _source(viewer: Viewer, source: SourceHealth, activity: Activity, published: _Published | None) -> None:
    name, button = st.columns([4, 1], vertical_alignment="center")
    name.subheader(texts.plain(source.title), anchor=False)
    name.markdown(f"{header.light_word(source.light)} · {header.data_until(source.heard_at)}")
    if viewer.may("request_sync"):
        button.button(
            texts.SYNC_NOW, key=f"sync_{source.source}", on_click=data.request_sync, args=(viewer, source.source),
            width="stretch",
        )  # fmt: skip
    took = f"dauerte {formats.number(activity.last_seconds, 1)} s" if activity.last_seconds is not None else ""
    shown = [
        (texts.LAST_RUN, header.stamp(activity.last_run_at), took),
        _changes(activity),
        _recognised(published or _Published()),
        _set_aside_tile(published),
    ]
    for place, (label, value, about) in zip(st.columns(4), shown, strict=True):
        place.metric(label, value)
        place.caption(about)
    if activity.statements_today:
        seconds, statements = formats.number(activity.busy_seconds_today, 1), activity.statements_today
        count = formats.counted(statements, "Abfrage", "Abfragen")
        st.caption(texts.SERVER_LOAD.format(seconds=seconds, statements=count))
    _cause(source)
    request = data.latest_request(source.source)
    if request is not None:
        st.caption(f"{texts.REQUEST}: {request_text(request)}")


def _changes(activity: Activity) -> tuple[str, str, str]:
    if activity.first_records is not None:
        more = activity.changes_today
        since = formats.counted(more, "Änderung", "Änderungen") if more else texts.NO_CHANGES
        about = texts.FIRST_RECORDS.format(changes=since)
        return texts.FIRST_READING, formats.number(activity.first_records), about
    if not activity.open_today:
        about = texts.USUAL_CLOSED
    elif activity.usual:
        about = texts.USUAL.format(span=formats.span(*activity.usual))
    else:
        about = texts.USUAL_UNKNOWN
    return texts.CHANGES_TODAY, formats.number(activity.changes_today), about


def _recognised(published: _Published) -> tuple[str, str, str]:
    if published.recognised is None:
        return texts.RECOGNISED, formats.DASH, ""
    codes = formats.counted(published.codes, "unbekannter Code", "unbekannte Codes")
    about = texts.SEE_BELOW.format(codes=codes) if published.codes else texts.ALL_RECOGNISED
    return texts.RECOGNISED, formats.percent(published.recognised), about


def _set_aside_tile(published: _Published | None) -> tuple[str, str, str]:
    if published is None:
        return texts.SET_ASIDE, formats.DASH, ""
    last = texts.SET_ASIDE_LAST.format(time=header.stamp(published.set_aside_at))
    return texts.SET_ASIDE, formats.number(published.set_aside), last if published.set_aside else texts.SET_ASIDE_NONE


def _cause(source: SourceHealth) -> None:
    if source.light == "green":
        return
    cause, step = texts.REASONS[source.reason]
    lines = [f"**{texts.CAUSE}:** {cause.format(time=header.stamp(source.heard_at))}"]
    if step:
        lines.append(f"**{texts.NEXT_STEP}:** {step}")
    if source.facts.retry_at is not None:
        lines.append(texts.RETRY_AT.format(time=header.moment(source.facts.retry_at)))
    show = st.error if source.light == "red" else st.warning
    show("  \n".join(lines))
    if source.facts.cause:
        st.caption(texts.TECHNICAL)
        st.code(source.facts.cause, language=None, wrap_lines=True)


def request_text(request: Request) -> str:
    """What became of a press, with its time: "läuft seit 10:41", "fertig um 10:42"."""
    moment = request.finished_at or request.claimed_at or request.requested_at
    write = header.stamp if request.state in {"waiting", "claimed"} else header.moment
    return texts.REQUESTS[request.state].format(time=write(moment))


def _unmapped(viewer: Viewer) -> None:
    st.subheader(texts.UNMAPPED, anchor=False, help=texts.UNMAPPED_HELP)
    rows = data.read("unmapped", viewer)
    if rows.is_empty():
        st.caption(texts.NO_UNMAPPED)
        return
    steps = [texts.UNMAPPED_STEP.format(source=data.title_of(source)) for source in rows["source"]]
    written = _in_german(rows).with_columns(step=pl.Series(steps, dtype=pl.String))
    _table(written, ("source", "resource", "field", "code", "rows", "step"), texts.UNMAPPED)


def _set_aside(viewer: Viewer) -> None:
    st.subheader(texts.SET_ASIDE, anchor=False, help=texts.SET_ASIDE_HELP)
    rows = data.set_aside_records(viewer)
    if rows.is_empty():
        st.caption(texts.NO_SET_ASIDE)
        return
    columns = ("source", "resource", "source_id", "field", "rule", "expected", "last_at")
    _table(_in_german(rows), columns, texts.SET_ASIDE)
    total = int(data.read("noted", viewer)["set_aside"].sum())
    if total > rows.height:
        shown = formats.number(SET_ASIDE_SHOWN)
        st.caption(texts.SET_ASIDE_MORE.format(shown=shown, all=formats.number(total)))


def _doubtful(viewer: Viewer) -> None:
    st.subheader(texts.DOUBTFUL, anchor=False, help=texts.DOUBTFUL_HELP)
    total = int(data.read("noted", viewer)["doubtful"].sum())
    if not total:
        st.caption(texts.NO_DOUBTFUL)
        return
    count = texts.DOUBTFUL_ALL.format(count=formats.counted(total, "Angabe", "Angaben"))
    if not viewer.may("set_aside_records"):
        st.caption(f"{count} {texts.REASONS_FOR_IT}")
        return
    st.caption(count)
    columns = ("source", "resource", "field", "rule", "expected", "rows")
    _table(_in_german(data.read("doubtful", viewer)), columns, texts.DOUBTFUL)


def _in_german(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows in words: sources by their titles, record types, fields and rules in German, local times."""
    named = rows.to_dicts()
    words = {
        "source": [data.title_of(row["source"]) for row in named],
        "resource": [record_words.resource(row["resource"]) for row in named],
        "field": [record_words.field(row["resource"], row["field"]) for row in named],
    }
    if "rule" in rows.columns:
        words["rule"] = [record_words.rule(row["rule"]) for row in named]
        words["expected"] = [record_words.expected(row["rule"], row["expected"]) for row in named]
    written = rows.with_columns(pl.Series(name, values, dtype=pl.String) for name, values in words.items())
    if "last_at" not in rows.columns:
        return written
    zone = str(data.served().practice.zone)
    return written.with_columns(pl.col("last_at").dt.convert_time_zone(zone).dt.replace_time_zone(None))


def _table(rows: pl.DataFrame, columns: tuple[str, ...], alt: str) -> None:
    tables.table(rows, {name: texts.HEALTH_COLUMNS[name] for name in columns}, alt=alt)
