"""The page "Auslastung": where the practice's time goes, when it is full, and the days and appointments behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards import charts, data, day_list, figures, filters, formats, header, tables, texts, trend, trouble
from dashboards.figures import Counts, Minutes, Period
from dashboards.tables import Figure
from dashboards.viewer import Viewer
from pipelines.publish import NothingPublished

#: Rooms and devices belong together, people stand apart: their minutes are never added up.
KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "team": ("person", "person"),
    "people": ("person", "person"),
    "rooms": ("room", "device"),
}
DOUBLE_BOOKED: Final = ("double_booked_min", "double_booked_intended_min")
TREND_WEEKS: Final = 52
_ARROWS: Final[Mapping[str, Literal["up", "down"]]] = {"+": "up", "−": "down"}


@dataclass(frozen=True, slots=True)
class Scope:
    """What the viewer chose, and the days that it covers: `days` of the period, `all_days` of all time."""

    viewer: Viewer
    view: str
    location: str
    period: Period
    today: dt.date
    all_days: pl.DataFrame

    @property
    def days(self) -> pl.DataFrame:
        """Rows of capacity_day within the period."""
        return self.period.of(self.all_days)

    def appointments(self, period: Period) -> Counts:
        """Appointments of the scope's resources and location in a period."""
        rows = period.of(data.read("appointment_day", self.viewer))
        rows = rows.filter(pl.col("resource_kind").is_in(KINDS[self.view]))
        return figures.counts(rows.filter(pl.col("location_key") == self.location) if self.location else rows)


@trouble.told()
def utilisation() -> None:
    """Draw the page for whoever is signed in."""
    viewer = header.current_viewer()
    health = data.health()
    header.page_header(texts.UTILISATION, health)
    if not viewer.may("utilisation"):
        st.error(texts.NOT_ALLOWED)
        return
    try:
        scope = _scope(viewer)
    except NothingPublished:
        st.info(texts.NOTHING_BUILT)
        return
    _tiles(scope, header.data_until(header.oldest(health)))
    _waterfall(scope)
    cell = _heatmap(scope)
    _trend(scope)
    person = _groups(scope)
    day_list.day_list(scope.viewer, scope.period, scope.days, cell, person)


def _scope(viewer: Viewer) -> Scope:
    today = data.served().practice.today()
    days = data.read("capacity_day", viewer)
    rooms = bool(days["resource_kind"].is_in(KINDS["rooms"]).any())
    views = {k: v for k, v in texts.VIEWS.items() if (k != "people" or viewer.may("utilisation_per_person"))}
    views = {k: v for k, v in views.items() if k != "rooms" or rooms}
    places = st.columns([2, 2, 3], vertical_alignment="bottom")
    names = dict(data.read("locations", viewer).iter_rows())
    location = filters.choice(places[0], texts.LOCATION, {"": texts.ALL_LOCATIONS} | names, "standort")
    period = filters.period(places[1], today)
    view = filters.choice(places[2], texts.VIEW, views, "ansicht", segmented=True)
    chosen = days.filter(pl.col("resource_kind").is_in(KINDS[view]))
    if location:
        chosen = chosen.filter(pl.col("location_key") == location)
    return Scope(viewer, view, location, period, today, chosen)


# --- tiles -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Tile:
    """One figure: `about` says of how many and what is in it, `grey` why it must not be read, if so."""

    name: str
    value: str
    about: str
    change: float | None = None
    grey: str | None = None


def _tiles(scope: Scope, until: str) -> None:
    found, counted = figures.minutes(scope.days), scope.appointments(scope.period)
    before = scope.period.year_before()
    earlier = figures.minutes(before.of(scope.all_days)) if before else None
    estimated = figures.is_estimated(scope.days)
    tiles = [*_share_tiles(found, earlier, counted), *_minute_tiles(found, counted), _free_tile(scope)]
    st.caption(_span_line(scope.period, before, estimated=estimated))
    for row in (tiles[:3], tiles[3:]):
        for place, tile in zip(st.columns(3), row, strict=True):
            _draw(place.container(border=True, height="stretch", gap="xsmall"), tile, until, estimated=estimated)
    if estimated:
        st.info(texts.ESTIMATED_HOURS)


def _span_line(period: Period, before: Period | None, *, estimated: bool) -> str:
    parts = [formats.dates(period.first, period.last)]
    parts.append(f"Vorjahr: {formats.dates(before.first, before.last)}" if before else "KW 53 hat kein Vorjahr")
    return " · ".join([*parts, texts.ESTIMATED] if estimated else parts)


def _share_tiles(found: Minutes, earlier: Minutes | None, counted: Counts) -> list[_Tile]:
    booked, used = found.share("booked_min"), found.share("used_min")
    of = texts.OF_APPOINTMENTS.format(n=formats.counted(counted.booked, "Termin", "Terminen"))
    return [
        _Tile("booked", formats.percent(booked), of, _change(booked, earlier, "booked_min"), _too_few(counted)),
        _Tile("used", formats.percent(used), of, _change(used, earlier, "used_min"), _unreliable(counted)),
    ]


def _minute_tiles(found: Minutes, counted: Counts) -> list[_Tile]:
    missed = found["no_show_min"] + found["late_cancelled_min"] + found["other_cancelled_min"]
    no_shows = formats.counted(counted["no_show"], "Patient kam nicht", "Patienten kamen nicht")
    cancelled = formats.counted(counted.cancelled, "Absage", "Absagen")
    lost = found.share("no_show_min", "late_cancelled_min")
    minutes = formats.duration(found["no_show_min"] + found["late_cancelled_min"])
    grey = _unreliable(counted)
    return [
        _Tile("missed", formats.duration(missed), f"{no_shows}, {cancelled}", grey=grey),
        _Tile("lost", formats.percent(lost), f"nicht gekommen, zu spät abgesagt: {minutes}", grey=grey),
        _Tile("outside", formats.duration(found["outside_min"]), "zusätzlich zur Sprechzeit gearbeitet"),
    ]


def _free_tile(scope: Scope) -> _Tile:
    ahead = figures.free_ahead(scope.all_days, scope.today)
    usable, bookable = (formats.duration(ahead[name]) for name in ("usable_min", "bookable_min"))
    about = f"davon nutzbar {usable}; buchbar sind {bookable}"
    return _Tile("free", formats.duration(ahead["free_min"]) if ahead["bookable_min"] else formats.DASH, about)


def _change(now: float | None, earlier: Minutes | None, name: str) -> float | None:
    before = earlier.share(name) if earlier else None
    return None if now is None or before is None else now - before


def _too_few(counted: Counts) -> str | None:
    return texts.GREY_FEW.format(n=formats.number(counted.booked)) if counted.too_few else None


def _unreliable(counted: Counts) -> str | None:
    if counted.too_unknown:
        return texts.GREY_UNKNOWN.format(share=formats.percent(counted.unknown_share, 0))
    return _too_few(counted)


def _draw(place: DeltaGenerator, tile: _Tile, until: str, *, estimated: bool) -> None:
    label, definition = texts.TILES[tile.name]
    hours = data.served().practice.settings.rules.late_cancel_hours
    change = formats.points(tile.change)
    place.metric(
        label,
        f":gray[{tile.value}]" if tile.grey else tile.value,
        delta=None if tile.change is None else f"{change} zum Vorjahr",
        delta_color="off",  # fuller is not better by itself
        delta_arrow=_ARROWS.get(change[0], "off"),
        help=f"{definition.format(hours=hours)} {until}.",
    )
    mark = f":orange-badge[{texts.ESTIMATED}] " if estimated and tile.value.endswith("%") else ""
    place.caption(f"{mark}{tile.about}")
    if tile.grey:
        place.caption(f"{texts.GREYED} {tile.grey}")


# --- charts ----------------------------------------------------------------------------------------------------------


def _waterfall(scope: Scope) -> None:
    found = figures.minutes(scope.days)
    rows = charts.waterfall_rows(figures.waterfall(found), found) if found["template_min"] else pl.DataFrame()
    sentence = charts.waterfall_sentence(found)
    headings = {name: name for name in ("Schritt", "Dauer", "Anteil")}
    tables.figure(Figure("waterfall", texts.WATERFALL, sentence, charts.WATERFALL, rows, rows, headings))


def _heatmap(scope: Scope) -> tuple[int, int] | None:
    """The cell (weekday, hour) that was picked, if one was."""
    kind, other = KINDS[scope.view]
    span = {"first": scope.period.first, "last": scope.period.last}
    read = data.read("capacity_hour", scope.viewer, kind=kind, other_kind=other, location=scope.location, **span)
    hours = figures.by_hour(read)
    rows = charts.heatmap_rows(hours)
    headings = {name: name for name in ("Zeit", "Gebucht", "Verfügbar")}
    sentence, legend = charts.heatmap_sentence(hours), charts.heatmap_legend(hours)
    shown = Figure("heatmap", texts.HEATMAP, sentence, charts.HEATMAP, rows, rows, headings, legend)
    picked = tables.figure(shown).get("cell") or []
    return (int(picked[0]["weekday"]), int(picked[0]["hour"])) if picked else None


def _trend(scope: Scope) -> None:
    monday = scope.today - dt.timedelta(days=scope.today.weekday())
    complete = scope.all_days.filter(pl.col("service_date") < monday)
    weeks = figures.with_year_before(figures.by_week(complete)).tail(TREND_WEEKS)
    written = weeks.sort("monday", descending=True).with_columns(
        week=pl.format("KW {} · {}", "iso_week", pl.col("iso_year"))
    )
    headings = {name: texts.COLUMNS[name] for name in ("week", "monday", "booked", "used", "before")}
    changes = figures.hours_changes(scope.all_days, Period(weeks["monday"][0], monday)) if weeks.height else []
    said, rows, legend = trend.sentence(weeks), trend.chart_rows(weeks, changes), trend.legend(changes)
    tables.figure(Figure("trend", texts.TREND, said, trend.chart(weeks), rows, written, headings, legend))


# --- table -----------------------------------------------------------------------------------------------------------


def _groups(scope: Scope) -> str | None:
    """The table of the view; the key of the practitioner that was picked in it, if one was."""
    title, group, names = _grouping(scope)
    st.subheader(title, anchor=False)
    if scope.view == "rooms":
        st.caption(texts.ROOMS_APART)
    elif not scope.viewer.may("utilisation_per_person"):
        st.caption(texts.PER_PERSON_NOTE)
    rows = figures.by_group(scope.days, group).with_columns(
        name=pl.col(group).replace_strict(names, default=pl.col(group), return_dtype=pl.String)
    )
    columns = ("bookable_min", "booked", "used", "no_show_min", "lost_min", "never_booked_min", "outside_min")
    headings = {name: texts.COLUMNS[name] for name in ("name", *columns, *DOUBLE_BOOKED)}
    if scope.view != "people":
        tables.table(rows, headings, alt=title)
        return None
    picked = tables.table(rows, headings, alt=title, key="people", on_select="rerun", selection_mode="single-row")
    chosen = picked["selection"]["rows"]
    return str(rows[group][chosen[0]]) if chosen else None


def _grouping(scope: Scope) -> tuple[str, str, dict[str, str]]:
    """Title, column and names of the groups; names of people only for those who may see figures per person."""
    if scope.view == "people":
        return texts.BY_PERSON, "person", dict(data.read("persons", scope.viewer).iter_rows())
    if scope.view == "rooms":
        return texts.BY_ROOM, "calendar_key", dict(data.read("rooms", scope.viewer).iter_rows())
    return texts.BY_LOCATION, "location_key", dict(data.read("locations", scope.viewer).iter_rows())
