"""Settings and holidays as they were: a build of an old day must not see today's."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from pipelines.ops.models.base import STANDING, Base, Json, Numbered, ends_after_it_began, one_of, table

#: Categories of the library `holidays` for Germany. `catholic` are days that hold in some municipalities only.
HolidayCategory = Literal["public", "catholic", "school"]


class SettingsHistory(Numbered, Base):
    """One named JSON value: the practice's settings, or the code map of a source."""

    __tablename__ = "settings_history"
    __table_args__ = table(
        ends_after_it_began(),
        Index("uq_settings_history_standing", "name", unique=True, sqlite_where=text(STANDING)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    value: Mapped[Any] = mapped_column(Json())
    recorded_by: Mapped[str]
    recorded_at: Mapped[dt.datetime]


class HolidayRow(Numbered, Base):
    """One holiday of a state (Bundesland or the city of Augsburg), as the library of that version said."""

    __tablename__ = "holiday"
    __table_args__ = table(
        one_of("category", HolidayCategory),
        ends_after_it_began(),
        Index("uq_holiday_standing", "state", "category", "date", unique=True, sqlite_where=text(STANDING)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    category: Mapped[str]
    date: Mapped[dt.date]
    name: Mapped[str]
    version: Mapped[str]


class HolidayYear(Base):
    """Which years are on record, and of which version. `school_days` 0 means that nobody knows of any."""

    __tablename__ = "holiday_year"
    __table_args__ = table(CheckConstraint("school_days >= 0", name="school_days"), without_rowid=True)

    state: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str]
    school_days: Mapped[int]
    recorded_at: Mapped[dt.datetime]
