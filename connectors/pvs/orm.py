"""A profile as SQLAlchemy: one `select()` per record for reading, ORM classes on real tables for writing.

The two never meet: a class mapped on a SELECT of expressions would accept a change, commit and change nothing. This is
the only place where SQL for a practice database is made, whichever transport executes it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import registry

from connectors import walltime
from connectors.errors import ProfileError, SchemaMismatch
from connectors.intake import DELETED, KEY
from connectors.pvs.as_text import as_text
from connectors.pvs.profile import Changed, Profile, RecordProfile
from connectors.source import Window

#: SQLite keeps moments as text; whole seconds must stand there as vendors write them, or comparisons go wrong.
MOMENT = sa.DateTime().with_variant(sqlite.DATETIME(truncate_microseconds=True), "sqlite")  # type: ignore[no-untyped-call]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def zone_of(profile: Profile, practice_zone: str) -> str:
    """The zone of the profile's naive columns."""
    return profile.timezone or practice_zone


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which rows a select is for; without anything, all of them.

    `window` and `since` widen each other: a row counts that starts in the window or changed since then, so that one
    which was moved out of the window is seen where it went.
    """

    window: Window | None = None
    since: str | None = None
    source_id: str | None = None


def record_select(record: RecordProfile, zone: str, narrowing: Narrowing | None = None) -> sa.Select[Any]:
    """The one select of a record: `source_id`, `deleted` if it has soft deletes, and its mapped fields, by key."""
    asked: dict[str, sa.ColumnElement[Any]] = {KEY: _sql(record.key)}
    if record.deletes.when is not None:
        asked[DELETED] = sa.case((_sql(record.deletes.when), 1), else_=0)
    asked |= {name: _sql(field.expr) for name, field in record.columns.items() if field.expr is not None}
    asked |= {name: _sql(expression) for name, expression in record.packed.items()}
    columns: list[sa.ColumnElement[Any]] = [as_text(name, expression).label(name) for name, expression in asked.items()]
    select = sa.select(*columns).select_from(_from(record)).order_by(_sql(record.key))
    return select.where(*_conditions(record, zone, narrowing or Narrowing()))


def mark_select(record: RecordProfile, zone: str, now: dt.datetime) -> sa.Select[Any]:
    """Rows and newest change of a record: what tells cheaply whether something happened.

    A change dated after `now` does not count: one row of the year 2099 must not hide all that follow.
    """
    select = sa.select(sa.func.count(), _newest(record.changed, zone, now)).select_from(_from(record))
    return select.where(*([_sql(f"({record.where})")] if record.where else []))


def _newest(changed: Changed | None, zone: str, now: dt.datetime) -> sa.ColumnElement[Any]:
    if changed is None:
        return sa.null()
    moment = _sql(changed.expr)
    if changed.kind == "rowversion":
        return as_text("", sa.func.max(moment))
    return as_text("changed_at", sa.func.max(sa.case((moment <= as_written(changed.kind, now, zone), moment))))


def tombstone_select(record: RecordProfile, since: str | None = None) -> sa.Select[Any]:
    """The source_ids that the vendor's own log calls deleted; those since a position, where the profile can tell."""
    gone = _text(f"({record.deletes.query}) gone")
    select: sa.Select[Any] = sa.select(sa.literal_column("gone.*")).select_from(gone)
    if since is None or not record.deletes.since or record.changed is None:
        return select
    return select.where(_sql("gone.changed") >= since_bound(record.changed, since))


def _conditions(record: RecordProfile, zone: str, narrowing: Narrowing) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [_sql(f"({record.where})")] if record.where else []
    if narrowing.source_id is not None:
        conditions.append(sa.func.trim(sa.cast(_sql(record.key), sa.String)) == narrowing.source_id)
    either: list[sa.ColumnElement[bool]] = []
    if narrowing.window is not None:
        either.append(_in_window(record, zone, narrowing.window))
    if narrowing.since is not None and record.changed is not None:
        either.append(_sql(record.changed.expr) >= since_bound(record.changed, narrowing.since))
    return [*conditions, sa.or_(*either)] if either else conditions


def _in_window(record: RecordProfile, zone: str, window: Window) -> sa.ColumnElement[bool]:
    """Starts in [start, end); the bounds are written as the vendor writes the start, or by whole days."""
    if record.window_day is not None:
        first, last = (walltime.to_wall(moment, zone).strftime("%Y%m%d") for moment in (window.start, window.end))
        day = _sql(record.window_day)
        return sa.and_(day >= sa.literal(first, sa.String()), day <= sa.literal(last, sa.String()))
    mapping = record.columns[record.window or ""]
    start = _sql(mapping.expr or "")
    lower, upper = (as_written(mapping.type or "local", moment, zone) for moment in (window.start, window.end))
    return sa.and_(start >= lower, start < upper)


def as_written(kind: str, moment: dt.datetime, zone: str) -> sa.ColumnElement[Any]:
    """An instant as a vendor's column of that kind has it, as a bound value."""
    return sa.literal(moment_value(kind, moment, zone), sa.BigInteger() if kind == "epoch_ms" else MOMENT)


def moment_value(kind: str, moment: dt.datetime, zone: str) -> dt.datetime | int:
    """An instant as a vendor writes it: milliseconds, or naive in UTC or in the vendor's zone, whole seconds."""
    if kind == "epoch_ms":
        return (moment - _EPOCH) // dt.timedelta(milliseconds=1)
    return walltime.to_wall(moment, "UTC" if kind == "utc" else zone).replace(microsecond=0)


def since_bound(changed: Changed, position: str) -> sa.ColumnElement[Any]:
    """The cursor's position minus the overlap, as the vendor's column has it."""
    if changed.kind == "rowversion":
        return sa.literal(int(position), sa.BigInteger())
    if changed.kind == "epoch_ms":
        return sa.literal(int(position) - changed.overlap * 1000, sa.BigInteger())
    return sa.literal(dt.datetime.fromisoformat(position) - dt.timedelta(seconds=changed.overlap), MOMENT)


def _sql(expression: str) -> sa.ColumnClause[Any]:
    return sa.literal_column(expression)


def _from(record: RecordProfile) -> sa.TextClause:
    return _text(record.source)


def _text(statement: str) -> sa.TextClause:
    """A vendor's text as it stands; a colon in it is no parameter of ours."""
    return sa.text(statement.replace(":", r"\:"))


def table_class(connection: sa.Connection, table: str, key: str, columns: Iterable[str], where: str) -> type[Any]:
    """An ORM class on a real table, with its key and those columns only; their types are the database's own.

    Raises SchemaMismatch if the table or a column is not there. `where` names the place in the profile.
    """
    needed = {key, *columns}
    schema, _, name = table.rpartition(".")
    asked, place = sa.inspect(connection), schema or None
    try:
        there = {column["name"]: column["type"] for column in asked.get_columns(name, place)}
        own = asked.get_pk_constraint(name, place)["constrained_columns"]
    except sa.exc.NoSuchTableError as error:
        raise SchemaMismatch(
            f"{where}: found no table {table}, expected one with {', '.join(sorted(needed))}"
        ) from error
    lacking = sorted(needed - set(there))
    if lacking:
        raise SchemaMismatch(f"{where}: table {table} lacks {', '.join(lacking)}")
    primary = [column for column in own if column in there] or [key]
    parts = [
        sa.Column(column, _type(there[column]), primary_key=column in primary)
        for column in there
        if column in {*needed, *primary}
    ]
    mapped: type[Any] = type(name.title().replace("_", ""), (), {})
    registry().map_imperatively(mapped, sa.Table(name, sa.MetaData(), *parts, schema=place))
    return mapped


def _type(found: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    return MOMENT if isinstance(found, sa.DateTime) and not found.timezone else found


def checked(profile: Profile, resource: str) -> RecordProfile:
    """The record's part of the profile; raises ProfileError for one that it does not speak of."""
    if resource not in profile.tables:
        raise ProfileError([f"{profile.profile}.toml: [{resource}] found nothing, expected a table for this record"])
    return profile.tables[resource]
