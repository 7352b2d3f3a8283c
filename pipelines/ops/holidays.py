"""Public and school holidays as a table of ours: reports of past days must not change with a new library version.

Source: library `holidays` (pinned), Germany, names in German. Mariä Himmelfahrt in Bavaria is in its category
`catholic` alone (some municipalities); each location says which categories hold for it. School holidays end where the
library's knowledge ends: a year with none is unknown, not free of holidays.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from importlib.metadata import version
from typing import get_args

import holidays as library
import polars as pl
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pipelines.ops import numbers
from pipelines.ops.bulk import insert_rows, read_frame
from pipelines.ops.database import Ops
from pipelines.ops.errors import Refused
from pipelines.ops.models import HolidayRow, HolidayYear
from pipelines.ops.models.settings import HolidayCategory

HOLIDAYS = pl.Schema(
    {"state": pl.String(), "category": pl.String(), "date": pl.Date(), "name": pl.String(), "version": pl.String()}
)
CATEGORIES: tuple[str, ...] = get_args(HolidayCategory)
_COLUMNS = ("state", "category", "date", "name", "version", "number")

Days = dict[tuple[str, dt.date], str]


def ensure(o: Ops, state: str, years: Iterable[int], now: dt.datetime) -> int:
    """Have the holidays of a state and some years on record; the number of days that changed.

    A year that another version of the library recorded is compared anew, but only from tomorrow on: what was a holiday
    up to today stays as it was recorded.

    :param state: a Bundesland ("BY") or "Augsburg".
    :raises Refused: the library knows no such state.
    """
    known_states = library.list_supported_countries(include_aliases=False)["DE"]
    if state not in known_states:
        raise Refused(f"holidays: no state {state!r}; known are {', '.join(known_states)}")
    wanted = sorted(set(years))
    with o.reading() as session:
        stale = _stale(session, state, wanted)
    if not stale:
        return 0
    with o.transaction() as session:
        return sum(_record_year(session, state, year, now) for year in _stale(session, state, wanted))


def _stale(session: Session, state: str, years: list[int]) -> list[int]:
    known = session.scalars(
        select(HolidayYear.year).where(HolidayYear.state == state, HolidayYear.version == _version())
    ).all()
    return [year for year in years if year not in set(known)]


def _version() -> str:
    return version("holidays")


def _record_year(session: Session, state: str, year: int, now: dt.datetime) -> int:
    fresh = days_of(state, year)
    former = session.get(HolidayYear, (state, year))
    first = dt.date.min if former is None else now.date() + dt.timedelta(days=1)
    standing = _standing(session, state, year)
    gone = [key for key, name in standing.items() if key[1] >= first and fresh.get(key) != name]
    come = [key for key, name in fresh.items() if key[1] >= first and standing.get(key) != name]
    if gone or come:
        _replace(session, state, gone, {key: fresh[key] for key in come})
    school_days = sum(category == "school" for category, _ in fresh)
    session.merge(HolidayYear(state=state, year=year, version=_version(), school_days=school_days, recorded_at=now))
    session.flush()
    return len(set(gone) | set(come))


def days_of(state: str, year: int) -> Days:
    """What the library says: (category, date) -> German name."""
    found: Days = {}
    for category in CATEGORIES:
        calendar = library.country_holidays("DE", subdiv=state, years=year, language="de", categories=(category,))
        found |= {(category, day): name for day, name in sorted(calendar.items()) if day.year == year}
    return found


def _standing(session: Session, state: str, year: int) -> Days:
    of_year = HolidayRow.date.between(dt.date(year, 1, 1), dt.date(year, 12, 31))
    rows = session.scalars(select(HolidayRow).where(HolidayRow.state == state, of_year, numbers.standing(HolidayRow)))
    return {(row.category, row.date): row.name for row in rows}


def _replace(session: Session, state: str, gone: list[tuple[str, dt.date]], come: Days) -> None:
    number = numbers.advance(session)
    for category, day in gone:
        same = (HolidayRow.state == state) & (HolidayRow.category == category) & (HolidayRow.date == day)
        session.execute(update(HolidayRow).where(same, numbers.standing(HolidayRow)).values(ended_number=number))
    rows = ((state, category, day.isoformat(), name, _version(), number) for (category, day), name in come.items())
    insert_rows(session, HolidayRow, _COLUMNS, rows)


def holidays_at(session: Session, number: int) -> pl.DataFrame:
    """All recorded holidays at a number: `HOLIDAYS`, ordered."""
    query = select(HolidayRow.state, HolidayRow.category, HolidayRow.date, HolidayRow.name, HolidayRow.version).where(
        numbers.valid_at(HolidayRow, number)
    )
    text = pl.Schema(HOLIDAYS | {"date": pl.String()})
    found = read_frame(session, query.order_by(HolidayRow.state, HolidayRow.category, HolidayRow.date), text)
    return found.with_columns(pl.col("date").str.to_date("%Y-%m-%d"))
