"""One correction into a practice database: version-checked, exactly one row, in one transaction.

What may be written is what the profile names under `[<record>.writable]` and `[<record>.create]`, on real tables,
through ORM classes of their own. Before: the record must still hold the base of the change. After, and before the
commit: it is read back through the same select as always, and must say what was asked for; else all is rolled back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from connectors.mapping import FieldMapping
from connectors.pvs import orm
from connectors.pvs.profile import Creation, RecordProfile, Stamp, Writable
from connectors.source import Change, Receipt

#: Reads the record with this source_id on the given connection, by field name; None if it is not there.
Look = Callable[[sa.Connection, str], Mapping[str, object] | None]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a change is carried to: the record's profile, the zone of its naive columns, the present time."""

    record: RecordProfile
    place: str
    zone: str
    now: dt.datetime
    look: Look


class _Stopped(Exception):
    """Rolls the transaction back and brings the answer."""

    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt


def carry(engine: sa.Engine, desk: Desk, change: Change) -> Receipt:
    """Write one change, or say why not; nothing stays written unless the receipt says `written`."""
    refusal = _not_allowed(desk.record, change)
    if refusal is not None:
        return Receipt("refused", change.source_id, reason=refusal)
    try:
        with engine.begin() as connection, Session(connection) as session:
            return _create(session, desk, change) if change.source_id is None else _update(session, desk, change)
    except _Stopped as stopped:
        return stopped.receipt
    except IntegrityError as error:
        name = type(error.orig).__name__
        return Receipt("refused", change.source_id, reason=f"a rule of the database forbids it ({name})")


def wanted(change: Change) -> dict[str, object]:
    """The values that shall stand there; a cancellation says so itself."""
    return ({"status": "cancelled"} if change.kind == "cancel" else {}) | dict(change.values)


def _not_allowed(record: RecordProfile, change: Change) -> str | None:
    locked = sorted(name for name in wanted(change) if name not in record.writable)
    if locked:
        return f"the profile has no writable {', '.join(locked)}"
    if (change.kind == "create") != (change.source_id is None):
        return f"a {change.kind} {'with' if change.source_id else 'without'} a source_id"
    if change.kind == "create" and record.create is None:
        return "the profile does not let records be created"
    return None


def _update(session: Session, desk: Desk, change: Change) -> Receipt:
    source_id, values = change.source_id or "", wanted(change)
    standing = desk.look(session.connection(), source_id)
    if standing is None:
        raise _Stopped(Receipt("conflict", source_id, reason="the record is gone"))
    if _holds(standing, values):
        return Receipt("already", source_id, version_of(standing), _shown(standing, values))
    moved = change.version is not None and change.version != version_of(standing)
    if moved or not _holds(standing, change.base):
        found = _shown(standing, {**change.base, **values})
        raise _Stopped(Receipt("conflict", source_id, version_of(standing), found, "the record changed meanwhile"))
    for target, fields in _targets(desk.record, values):
        _write_row(session, desk, target, {name: values[name] for name in fields}, source_id)
    return _read_back(session, desk, source_id, values)


def _targets(record: RecordProfile, values: Mapping[str, object]) -> list[tuple[Writable, list[str]]]:
    """The rows that are written, each once, with the fields that go into it."""

    def row(name: str) -> tuple[str, str, str, str]:
        writable = record.writable[name]
        return writable.table, writable.key, repr(sorted(writable.filter.items())), repr(writable.through)

    return [
        (record.writable[group[0]], group)
        for _, found in groupby(sorted(values, key=row), row)
        for group in [list(found)]
    ]


def _write_row(session: Session, desk: Desk, target: Writable, values: Mapping[str, object], source_id: str) -> None:
    stamps = [stamp for name in values if (stamp := desk.record.writable[name].stamp) is not None]
    mapped = _class(session, desk, target, list(values), stamps)
    table = sa.inspect(mapped).local_table
    key = _reached(session, desk, target, source_id)
    picked = {name: _typed(table.c[name], value) for name, value in ({target.key: key} | target.filter).items()}
    row = _encoded(desk, table, values)
    found = _rows(session, mapped, target, picked)
    if not found and target.on_missing == "insert":
        session.execute(sa.insert(mapped).values(_new_row(desk, table, target, stamps) | picked | row))
        return
    if len(found) != 1 and not (found and target.order):
        reason = f"found {len(found)} rows in {target.table}, expected one"
        raise _Stopped(Receipt("refused", source_id, reason=reason))
    *keys, version = found[0]
    update = sa.update(mapped).where(*_is(mapped, target, keys, version)).values(row | _stamped(desk, table, stamps))
    done = session.execute(update.execution_options(synchronize_session=False))
    if cast("sa.CursorResult[Any]", done).rowcount != 1:
        raise _Stopped(Receipt("conflict", source_id, reason="the record changed while it was written"))


def _reached(session: Session, desk: Desk, target: Writable, source_id: str) -> object:
    """What stands in the key of the table that is written: the record's own key, or what the row between says."""
    if target.through is None:
        return source_id
    through, place = target.through, f"{desk.place} writable through"
    mapped = orm.table_class(session.connection(), through.table, through.key, [through.column], place)
    own = _typed(sa.inspect(mapped).local_table.c[through.key], source_id)
    found = session.execute(sa.select(getattr(mapped, through.column)).where(getattr(mapped, through.key) == own)).all()
    if len(found) != 1:
        raise _Stopped(
            Receipt("refused", source_id, reason=f"found {len(found)} rows in {through.table}, expected one")
        )
    return found[0][0]


def _rows(session: Session, mapped: type[Any], target: Writable, picked: Mapping[str, object]) -> list[Sequence[Any]]:
    """The primary keys and the version of the rows that may be meant, in the order of the profile, nulls first."""
    version = _version(mapped, target)
    where = [getattr(mapped, name) == value for name, value in picked.items()]
    order = [part for name in target.order for part in (getattr(mapped, name).is_not(None), getattr(mapped, name))]
    return [*session.execute(sa.select(*sa.inspect(mapped).primary_key, version).where(*where).order_by(*order)).all()]


def _is(mapped: type[Any], target: Writable, keys: Sequence[object], version: object) -> list[sa.ColumnElement[bool]]:
    """The one row with these keys, if its version did not move."""
    own = [part == key for part, key in zip(sa.inspect(mapped).primary_key, keys, strict=True)]
    return [*own, _version(mapped, target).is_not_distinct_from(version)] if target.version is not None else own


def _version(mapped: type[Any], target: Writable) -> sa.ColumnElement[Any]:
    """As the database writes it, so that a date of zeros is one too."""
    return sa.null() if target.version is None else sa.cast(getattr(mapped, target.version), sa.String())


def _new_row(desk: Desk, table: sa.FromClause, target: Writable, stamps: list[Stamp]) -> dict[str, object]:
    """What a new row gets beside its key, its filter and its value."""
    new = target.insert
    defaults = {name: _typed(table.c[name], value) for name, value in new.defaults.items()}
    return defaults | _stamped(desk, table, new.stamps or stamps)


def _create(session: Session, desk: Desk, change: Change) -> Receipt:
    creation, values = desk.record.create, wanted(change)
    if creation is None:
        raise _Stopped(Receipt("refused", None, reason="the profile does not let records be created"))
    elsewhere = sorted(name for name in values if desk.record.writable[name].table != creation.table)
    if elsewhere:
        raise _Stopped(Receipt("refused", None, reason=f"{', '.join(elsewhere)} is not in {creation.table}"))
    mapped = _creation_class(session, desk, creation, list(values))
    key, reference = getattr(mapped, creation.key), getattr(mapped, creation.reference)
    there = session.execute(sa.select(key).where(reference == change.key)).scalars().all()
    if there:
        standing = desk.look(session.connection(), str(there[0])) or {}
        return Receipt("already", str(there[0]), version_of(standing), _shown(standing, values))
    table = sa.inspect(mapped).local_table
    defaults = {name: _typed(table.c[name], value) for name, value in creation.defaults.items()}
    row = defaults | _encoded(desk, table, values) | _stamped(desk, table, creation.stamps)
    session.execute(sa.insert(mapped).values({creation.reference: change.key} | row))
    made = session.execute(sa.select(key).where(reference == change.key)).scalar_one()
    return _read_back(session, desk, str(made), values)


def _read_back(session: Session, desk: Desk, source_id: str, values: Mapping[str, object]) -> Receipt:
    found = desk.look(session.connection(), source_id)
    if found is None or not _holds(found, values):
        reason = "the record does not read as it was written, so nothing was kept"
        raise _Stopped(Receipt("refused", source_id, found=_shown(found or {}, values), reason=reason))
    return Receipt("written", source_id, version_of(found), _shown(found, values))


def version_of(standing: Mapping[str, object]) -> str | None:
    """The version of a record as changes name it: the instant of its last change, where the profile maps one."""
    changed = standing.get("changed_at")
    return changed.isoformat() if isinstance(changed, dt.datetime) else None


def _holds(standing: Mapping[str, object], values: Mapping[str, object]) -> bool:
    return all(standing.get(name) == value for name, value in values.items())


def _shown(standing: Mapping[str, object], values: Mapping[str, object]) -> dict[str, object]:
    return {name: standing.get(name) for name in values}


def _class(session: Session, desk: Desk, target: Writable, fields: list[str], stamps: list[Stamp]) -> type[Any]:
    columns = {desk.record.writable[name].column for name in fields} | {stamp.column for stamp in stamps}
    columns |= {*target.filter, *target.order} | ({target.version} if target.version is not None else set())
    columns |= {other for name in fields for other in desk.record.writable[name].also}
    if target.on_missing == "insert":
        columns |= {*target.insert.defaults, *(stamp.column for stamp in target.insert.stamps)}
    return orm.table_class(session.connection(), target.table, target.key, columns, f"{desk.place} writable")


def _creation_class(session: Session, desk: Desk, creation: Creation, fields: list[str]) -> type[Any]:
    columns = {desk.record.writable[name].column for name in fields} | {stamp.column for stamp in creation.stamps}
    columns |= {creation.reference, *creation.defaults}
    return orm.table_class(session.connection(), creation.table, creation.key, columns, f"{desk.place} create")


def _stamped(desk: Desk, table: sa.FromClause, stamps: list[Stamp] | tuple[Stamp, ...]) -> dict[str, object]:
    return {
        stamp.column: _typed(table.c[stamp.column], _moment(table.c[stamp.column], stamp.kind, desk.now, desk.zone))
        for stamp in stamps
    }


def _moment(column: sa.ColumnElement[Any], kind: str, moment: dt.datetime, zone: str) -> dt.datetime | int:
    """An instant for a column: as it is where the column has a zone of its own, else as the vendor writes it."""
    aware = isinstance(column.type, sa.DateTime) and column.type.timezone
    return moment if aware else orm.moment_value(kind, moment, zone)


def _encoded(desk: Desk, table: sa.FromClause, values: Mapping[str, object]) -> dict[str, object]:
    """Our values as the vendor writes them, by column; several coded fields may share one."""
    row: dict[str, object] = {}
    for name, value in values.items():
        writable, mapping = desk.record.writable[name], desk.record.columns[name]
        shared = {
            other: desk.record.columns[other]
            for other, place in desk.record.writable.items()
            if (place.table, place.column, place.filter) == (writable.table, writable.column, writable.filter)
        }
        column = table.c[writable.column]
        written = _code(shared, values) if mapping.map is not None else _plain(column, mapping, value, desk.zone)
        row |= {place: _typed(table.c[place], written) for place in (writable.column, *writable.also)}
    return row


def _code(shared: Mapping[str, FieldMapping], values: Mapping[str, object]) -> str:
    """The one vendor code that means all the values given for the fields of its column.

    Where several do, the one that says least about the fields that were not given.
    """

    def meaning(field: str, code: str) -> str | None:
        return (shared[field].map or {}).get(code) or None

    codes = {code for mapping in shared.values() for code in (mapping.map or {})}
    fitting = [code for code in sorted(codes) if all(meaning(f, code) == values[f] for f in shared if f in values)]
    modest = [code for code in fitting if all(meaning(f, code) in (None, "unknown") for f in shared if f not in values)]
    chosen = modest or fitting
    if len(chosen) != 1:
        wish = ", ".join(f"{field}={values[field]}" for field in shared if field in values)
        raise _Stopped(Receipt("refused", None, reason=f"the profile has {len(chosen)} codes for {wish}, expected one"))
    return chosen[0]


def _plain(column: sa.ColumnElement[Any], mapping: FieldMapping, value: object, zone: str) -> object:
    """Without a map: moments in the vendor's zone, as text where the profile reads text in a format of its own."""
    if isinstance(value, dt.datetime):
        value = _moment(column, mapping.type or "local", value, zone)
    if mapping.formats and isinstance(value, dt.date):
        return value.strftime(mapping.formats[0])
    return int(value) if isinstance(value, bool) else value


def _typed(column: sa.ColumnElement[Any], value: object) -> object:
    """Text of ours as the column's own type: keys and codes are text here and often numbers there."""
    if isinstance(value, int) and isinstance(column.type, sa.Boolean):
        return bool(value)
    if isinstance(value, str) and isinstance(column.type, sa.Integer):
        return int(value) if value.lstrip("-").isdigit() else value
    if isinstance(value, dt.date) and isinstance(column.type, sa.String):
        return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value.isoformat()
    return value
