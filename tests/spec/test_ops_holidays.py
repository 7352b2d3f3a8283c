"""Holidays: what the library says per Land, what a location makes of it, and that the past never changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines import ops
from pipelines.ops import frames, holidays, settings
from tests.kit.ops_db import fresh_ops
from tests.kit.practices import NOON


@pytest.fixture
def o(tmp_path: Path) -> Iterator[ops.Ops]:
    with fresh_ops(tmp_path) as opened:
        yield opened


LIBERATION = "80. Jahrestag der Befreiung vom Nationalsozialismus und der Beendigung des Zweiten Weltkriegs in Europa"

#: Land, day, category in which it is a holiday (None: in none), its name.
DAYS = [
    ("BY", "2026-08-15", "catholic", "Mariä Himmelfahrt"),
    ("BY", "2026-06-04", "public", "Fronleichnam"),
    ("BY", "2026-08-08", None, None),
    ("Augsburg", "2026-08-08", "public", "Augsburger Hohes Friedensfest"),
    ("BE", "2025-05-08", "public", LIBERATION),
    ("BE", "2026-05-08", None, None),
    ("BE", "2026-03-08", "public", "Frauentag"),
    ("SN", "2026-11-18", "public", "Buß- und Bettag"),
    ("NW", "2026-12-24", None, None),
    ("NW", "2026-12-31", None, None),
    ("NW", "2026-10-03", "public", "Tag der Deutschen Einheit"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "day", "category", "name"), DAYS, ids=[f"{day[0]} {day[1]}" for day in DAYS])
def test_what_the_library_says(state: str, day: str, category: str | None, name: str | None) -> None:
    date = dt.date.fromisoformat(day)
    found = {kind: known for (kind, one), known in holidays.days_of(state, date.year).items() if one == date}
    found.pop("school", None)
    assert found == ({} if category is None else {category: name})


@pytest.mark.parametrize(("year", "known"), [(2015, True), (2026, True), (2031, False)])
def test_school_holidays_of_a_far_year_are_unknown_not_none(o: ops.Ops, year: int, known: bool) -> None:
    holidays.ensure(o, "BY", [year], NOON)
    assert (_holidays(o, {}).filter(kind="school").height > 0) is known
    assert _holidays(o, {}).filter(kind="public").height >= 12


def _holidays(o: ops.Ops, location: dict[str, Any]) -> pl.DataFrame:
    table = {"name": "Marktplatz 1", "state": "BY", **location}
    settings.record(o, settings.PRACTICE, {"locations": {"markt": table}}, "run", NOON)
    return frames.frames(o)["holiday"]


#: What a location's table says, a day, and whether it is a public holiday there.
LOCATIONS = [
    ("Mariä Himmelfahrt only where Catholics are the majority", {}, "2026-08-15", None),
    ("and there it is one", {"categories": ["public", "catholic"]}, "2026-08-15", "Mariä Himmelfahrt"),
    ("removed by name", {"holidays_remove": ["Fronleichnam"]}, "2026-06-04", None),
    ("removed by date", {"holidays_remove": ["2026-06-04"]}, "2026-06-04", None),
    ("a name removes all years", {"holidays_remove": ["Fronleichnam"]}, "2027-05-27", None),
    ("a date removes one", {"holidays_remove": ["2026-06-04"]}, "2027-05-27", "Fronleichnam"),
    ("added", {"holidays_add": [{"date": "2026-07-13", "name": "Kinderzeche"}]}, "2026-07-13", "Kinderzeche"),
    (
        "added on a holiday: one day, both names",
        {"holidays_add": [{"date": "2026-10-03", "name": "Kirchweih"}]}, "2026-10-03",
        "Kirchweih; Tag der Deutschen Einheit",
    ),
    ("school categories are no public ones", {"categories": ["public", "school"]}, "2026-08-10", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "location", "day", "expected"), LOCATIONS, ids=[case[0] for case in LOCATIONS])
def test_what_a_location_makes_of_it(
    o: ops.Ops, name: str, location: dict[str, Any], day: str, expected: str | None
) -> None:
    holidays.ensure(o, "BY", [2026, 2027], NOON)
    found = _holidays(o, location).filter(kind="public", date=dt.date.fromisoformat(day))
    assert found.get_column("name").to_list() == ([] if expected is None else [expected])


def test_recording_again_changes_nothing(o: ops.Ops) -> None:
    assert holidays.ensure(o, "BY", [2026], NOON) > 100
    number = ops.number(o)
    assert holidays.ensure(o, "BY", [2026], NOON) == 0
    assert ops.number(o) == number


def test_a_new_library_version_changes_the_future_only(o: ops.Ops, monkeypatch: pytest.MonkeyPatch) -> None:
    holidays.ensure(o, "BY", [2026], NOON)
    before, number = frames_of(o), ops.number(o)

    def other(state: str, year: int) -> dict[tuple[str, dt.date], str]:
        return {("public", dt.date(2026, 1, 2)): "Neu und vergangen", ("public", dt.date(2026, 3, 5)): "Neu und morgen"}

    monkeypatch.setattr(holidays, "days_of", other)
    monkeypatch.setattr(holidays, "_version", lambda: "9.9")
    holidays.ensure(o, "BY", [2026], NOON)
    today = pl.col("date") <= NOON.date()
    assert frames_of(o).filter(today).equals(before.filter(today))
    assert frames_of(o).filter(~today).rows() == [("BY", "public", dt.date(2026, 3, 5), "Neu und morgen", "9.9")]
    assert frames_of(o, number).equals(before), "and a build of then sees what it saw then"


def frames_of(o: ops.Ops, number: int | None = None) -> pl.DataFrame:
    with o.reading() as session:
        return holidays.holidays_at(session, ops.number(o) if number is None else number)


def test_an_unknown_land_is_refused(o: ops.Ops) -> None:
    with pytest.raises(ops.Refused, match="no state 'XX'; known are BB, "):
        holidays.ensure(o, "XX", [2026], NOON)
