"""What stands above every page: its name, the practice, and how old the figures are (icon, word and time)."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from dashboards import data, formats, texts
from dashboards.viewer import Viewer, viewer_from
from pipelines.health import PracticeHealth


def current_viewer() -> Viewer:
    """The person whom the gate let in; NotAllowedError if nobody came through it."""
    return viewer_from({key: st.user.get(key) for key in ("name", "roles", "session")})


def page_header(title: str, found: PracticeHealth) -> None:
    """Title and practice on the left, the light and the age of the data on the right."""
    name, light = st.columns([3, 2], vertical_alignment="bottom")
    name.title(title, anchor=False)
    name.caption(texts.plain(data.served().practice.settings.name))
    light.markdown(light_line(found), text_alignment="right")


def light_line(found: PracticeHealth) -> str:
    """Markdown: "● Aktuell · Daten bis 10:40"."""
    return f"{light_word(found.light)} · {data_until(oldest(found))}"


def oldest(found: PracticeHealth) -> dt.datetime | None:
    """When the source that is furthest behind was last heard; None if one never was."""
    heard = [source.heard_at for source in found.sources]
    known = [at for at in heard if at is not None]
    return min(known) if known and len(known) == len(heard) else None


def light_word(light: str) -> str:
    """Markdown: icon and word of a light, in its colour."""
    icon, word, colour = texts.LIGHTS[light]
    return f":{colour}[**{icon}{formats.NBSP}{word}**]"


def data_until(instant: dt.datetime | None) -> str:
    """Text: "Daten bis 10:40"."""
    if instant is None:
        return texts.NO_DATA_YET
    return texts.DATA_UNTIL.format(time=stamp(instant))


def stamp(instant: dt.datetime | None) -> str:
    """An instant (UTC, or None) as the practice's wall time: "10:40", "Di 24.11. 18:05"."""
    return formats.stamp(data.local(instant), data.served().practice.today())


def moment(instant: dt.datetime | None) -> str:
    """The same within a sentence: "um 10:40", "am Di 24.11. um 18:05"."""
    return formats.moment(data.local(instant), data.served().practice.today())
