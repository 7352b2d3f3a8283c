"""One correction into a practice database: version-checked, exactly one row, in one transaction.

What may be written is what the profile names under `[<record>.writable]` and `[<record>.create]`, on real tables,
through ORM classes of their own. Before: the record must still hold the base of the change. After, and before the
commit: it is read back through the same select as always, and must say what was asked for; else all is rolled back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
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

    def row(name: str) -> tuple[str, str, str]:
        writable = record.writable[name]
        return writable.table, writable.key, repr(sorted(writable.filter.items()))

    return [
        (record.writable[group[0]], group)
        for _, found in groupby(sorted(values, key=row), row)
        for group in [list(found)]
    ]


def _write_row(session: Session, desk: Desk, target: Writable, values: Mapping[str, object], source_id: str) -> None:
    stamps = [stamp for name in values if (stamp := desk.record.writable[name].stamp) is not None]
    mapped = _class(session, desk, target, list(values), stamps)
    table = sa.inspect(mapped).local_table
    row = _encoded(desk, table, values) | _stamped(desk, table, stamps)
    picked = {target.key: _typed(table.c[target.key], source_id)} | target.filter
    where = [getattr(mapped, name) == value for name, value in picked.items()]
    version = getattr(mapped, target.version) if target.version is not None else sa.null()
    versions = session.execute(sa.select(version).where(*where)).all()
    if not versions and target.on_missing == "insert":
        session.add(mapped(**picked, **row))
        session.flush()
        return
    if len(versions) != 1:
        reason = f"found {len(versions)} rows in {target.table}, expected one"
        raise _Stopped(Receipt("refused", source_id, reason=reason))
    unmoved = version.is_not_distinct_from(versions[0][0])
    update = sa.update(mapped).where(*where, unmoved).values(row).execution_options(synchronize_session=False)
    if cast("sa.CursorResult[Any]", session.execute(update)).rowcount != 1:
        raise _Stopped(Receipt("conflict", source_id, reason="the record changed while it was written"))


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
    row = creation.defaults | _encoded(desk, table, values) | _stamped(desk, table, creation.stamps)
    made = mapped(**{creation.reference: change.key}, **row)
    session.add(made)
    session.flush()
    return _read_back(session, desk, str(getattr(made, creation.key)), values)


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
    columns |= set(target.filter) | ({target.version} if target.version is not None else set())
    return orm.table_class(session.connection(), target.table, target.key, columns, f"{desk.place} writable")


def _creation_class(session: Session, desk: Desk, creation: Creation, fields: list[str]) -> type[Any]:
    columns = {desk.record.writable[name].column for name in fields} | {stamp.column for stamp in creation.stamps}
    columns |= {creation.reference, *creation.defaults}
    return orm.table_class(session.connection(), creation.table, creation.key, columns, f"{desk.place} create")


def _stamped(desk: Desk, table: sa.FromClause, stamps: list[Stamp] | tuple[Stamp, ...]) -> dict[str, object]:
    return {
        stamp.column: _typed(table.c[stamp.column], orm.moment_value(stamp.kind, desk.now, desk.zone))
        for stamp in stamps
    }


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
        written = _code(shared, values) if mapping.map is not None else _plain(mapping, value, desk.zone)
        row[writable.column] = _typed(table.c[writable.column], written)
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


def _plain(mapping: FieldMapping, value: object, zone: str) -> object:
    """Without a map: moments in the vendor's zone, as text where the profile reads text in a format of its own."""
    if isinstance(value, dt.datetime):
        value = orm.moment_value(mapping.type or "local", value, zone)
    if mapping.formats and isinstance(value, dt.date):
        return value.strftime(mapping.formats[0])
    return int(value) if isinstance(value, bool) else value


def _typed(column: sa.ColumnElement[Any], value: object) -> object:
    """Text of ours as the column's own type: keys and codes are text here and often numbers there."""
    if isinstance(value, str) and isinstance(column.type, sa.Integer):
        return int(value) if value.lstrip("-").isdigit() else value
    if isinstance(value, dt.date) and isinstance(column.type, sa.String):
        return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value.isoformat()
    return value
