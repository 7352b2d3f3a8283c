"""What all tables of ops.db share: types that SQLite keeps exactly, and the words for constraints."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, ClassVar, get_args

from sqlalchemy import REAL, CheckConstraint, Dialect, Integer, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)


def to_microseconds(instant: dt.datetime) -> int:
    """Microseconds since 1970 in UTC, exact (a float of seconds is not)."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a time zone was given to ops.db; UTC is expected")
    return (instant - EPOCH) // MICROSECOND


class Instant(TypeDecorator[dt.datetime]):
    """A moment, kept as integer microseconds since 1970 UTC: it sorts, subtracts and reads into polars as it is."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, _dialect: Dialect) -> int | None:
        """Refuses a naive datetime: nobody knows which moment it means."""
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> dt.datetime | None:
        """Always aware, in UTC."""
        return None if value is None else EPOCH + value * MICROSECOND


class Day(TypeDecorator[dt.date]):
    """A local day, kept as ISO text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dt.date | None, _dialect: Dialect) -> str | None:
        """A datetime is refused: its day depends on a time zone."""
        if isinstance(value, dt.datetime):
            raise TypeError("a datetime was given to ops.db where a local day is expected")
        return None if value is None else value.isoformat()

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> dt.date | None:
        """The day as it was written."""
        return None if value is None else dt.date.fromisoformat(value)


class Flag(TypeDecorator[bool]):
    """True or false as 1 or 0 (a STRICT table knows no BOOLEAN)."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: bool | None, _dialect: Dialect) -> int | None:
        """1 or 0."""
        return None if value is None else int(value)

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> bool | None:
        """True or False."""
        return None if value is None else bool(value)


def canonical_json(value: object) -> str:
    """One text per value (sorted keys, no spaces, no NaN): equal values compare and hash equal."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Json(TypeDecorator[Any]):
    """A JSON value as canonical text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, _dialect: Dialect) -> str | None:
        """None is NULL, not the JSON word null."""
        return None if value is None else canonical_json(value)

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> Any | None:
        """The parsed value."""
        return None if value is None else json.loads(value)


def one_of(column: str, words: Any) -> CheckConstraint:
    """The column holds one of the words of a `Literal` (or nothing, where it may be NULL).

    Not `IN (...)`: SQLite builds a temporary table for that list, for each row anew, and SQLCipher encrypts it: 100,000
    rows then take 5 s instead of 1.
    """
    listed = " OR ".join(f"{column} = '{word}'" for word in get_args(words))
    return CheckConstraint(listed, name=column)


def flag(column: str) -> CheckConstraint:
    """The column holds 0 or 1."""
    return CheckConstraint(f"{column} = 0 OR {column} = 1", name=column)


class Base(DeclarativeBase):
    """All tables of ops.db. STRICT: SQLite then refuses text in a number column instead of keeping it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        dt.datetime: Instant(),
        dt.date: Day(),
        bool: Flag(),
        float: REAL(),
    }
    __table_args__: Any = {"sqlite_strict": True}  # noqa: RUF012  (SQLAlchemy declares it as an instance variable)


def table(*parts: Any, without_rowid: bool = False) -> tuple[Any, ...]:
    """`__table_args__` of one table: its constraints and indexes, STRICT as all tables here."""
    return (*parts, {"sqlite_strict": True, "sqlite_with_rowid": not without_rowid})


class Numbered:
    """A row that a build sees: valid from `number` on, until before `ended_number`.

    Rows are ended, never changed, so that what a build at number n saw can be read again: all rows with
    number <= n and (ended_number IS NULL or ended_number > n).
    """

    number: Mapped[int] = mapped_column(index=True)
    ended_number: Mapped[int | None]


def ends_after_it_began() -> CheckConstraint:
    """For `Numbered` tables."""
    return CheckConstraint("ended_number > number", name="ended_number")


#: SQL of a partial unique index: among the rows that are valid now.
STANDING = "ended_number IS NULL"
