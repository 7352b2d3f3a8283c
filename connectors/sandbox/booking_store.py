"""The played booking platform's own state: one SQLite file, one row per record, a log of what was written.

The file belongs to the other side and lies outside the practice. Bodies hold the record's fields as JSON; what is
searched has a column. Instants are UTC text of one length, so that text order is time order.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from connectors import records

#: What the platform keeps, in the order in which it is loaded.
RESOURCES = ("practitioner", "location", "healthcare_service", "schedule", "patient", "slot", "appointment")
#: Rows that came without a time of change count as touched then.
LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_INSTANT = "%Y-%m-%dT%H:%M:%S%.6fZ"

_SCHEMA = """
CREATE TABLE record (
    resource TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, updated_at TEXT NOT NULL,
    schedule_id TEXT, patient_id TEXT, start TEXT, end TEXT, status TEXT, change_key TEXT, body TEXT NOT NULL,
    PRIMARY KEY (resource, id)
) WITHOUT ROWID;
CREATE INDEX record_by_change ON record (resource, updated_at);
CREATE INDEX record_by_start ON record (resource, schedule_id, start);
CREATE INDEX record_by_key ON record (change_key) WHERE change_key IS NOT NULL;
CREATE TABLE log (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, method TEXT NOT NULL, resource TEXT NOT NULL,
    source_id TEXT, status INTEGER NOT NULL, change_key TEXT
);
"""
_IDS_AT_ONCE = 500
_COLUMNS = ("schedule_id", "patient_id", "start", "end", "status")
LOG_SCHEMA = pl.Schema(
    {
        "number": pl.Int64,
        "at": pl.String,
        "actor": pl.String,
        "method": pl.String,
        "resource": pl.String,
        "source_id": pl.String,
        "status": pl.Int64,
        "change_key": pl.String,
    }
)

#: When an offer begins; time that somebody took counts as always to come, because it stays visible.
OFFERED_FROM = "CASE status WHEN 'free' THEN start ELSE '9999' END"

#: (column, operator, value); the value of `in` is a sequence.
Condition = tuple[str, str, Any]
_OPERATORS = {"=", "<", ">", "<=", ">=", "<>", "in"}


class Declined(Exception):
    """The platform says no: an HTTP status and a FHIR issue code."""

    def __init__(self, status: int, code: str) -> None:
        self.status = status
        self.code = code
        super().__init__(f"{status} {code}")


@dataclass(frozen=True, slots=True)
class Stored:
    """One record: `body` holds its fields, and for an appointment the ids of its `slots`."""

    resource: str
    id: str
    version: int
    updated_at: str
    change_key: str | None
    body: dict[str, Any]


def text(instant: dt.datetime) -> str:
    """An aware instant as the store writes it."""
    return instant.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Store:
    """One connection, used by the server's thread and the test's in turn."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._lock = threading.RLock()
        self._depth = 0

    def create(self) -> None:
        """Make the empty tables."""
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def restore(self, path: Path) -> None:
        """Take over the state of another file, as it was saved by `save`."""
        with closing(sqlite3.connect(path)) as saved, self._lock:
            saved.backup(self._connection)

    def save(self, path: Path) -> None:
        """Copy the state into another file."""
        with closing(sqlite3.connect(path)) as copy, self._lock:
            self._connection.backup(copy)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; a transaction inside another one is part of it."""
        with self._lock:
            if self._depth:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            else:
                self._connection.execute("COMMIT")
            finally:
                self._depth = 0

    def load(self, resource: str, frame: pl.DataFrame, extra: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Take in a frame of `records.schema(resource)`; `extra` is merged into the bodies, row by row."""
        rows = _rows(resource, frame)
        if extra is not None:
            rows = ({**row, **more} for row, more in zip(rows, extra, strict=True))
        with self.transaction():
            self._connection.executemany(
                f"INSERT INTO record (resource, id, version, updated_at, {', '.join(_COLUMNS)}, body)"
                f" VALUES (?, ?, 1, ?, {', '.join('?' * len(_COLUMNS))}, ?)",
                (_values(resource, row) for row in rows),
            )

    def get(self, resource: str, key: str) -> Stored | None:
        """One record by its id."""
        return next(iter(self.search(resource, [("id", "=", key)], limit=1)), None)

    def get_all(self, resource: str, keys: Sequence[str]) -> list[Stored]:
        """Those of some records that are there."""
        parts = (keys[start : start + _IDS_AT_ONCE] for start in range(0, len(keys), _IDS_AT_ONCE))
        return [stored for part in parts for stored in self.search(resource, [("id", "in", part)])]

    def search(
        self, resource: str, conditions: Iterable[Condition] = (), *, after: str = "", limit: int | None = None
    ) -> list[Stored]:
        """Records in the order of their ids, those behind `after` only."""
        behind: list[Condition] = [("id", ">", after)] if after else []
        where, values = _where([("resource", "=", resource), *behind, *conditions])
        sql = (
            f"SELECT resource, id, version, updated_at, change_key, body FROM record WHERE {where} ORDER BY id LIMIT ?"
        )
        with self._lock:
            found = self._connection.execute(sql, (*values, -1 if limit is None else limit)).fetchall()
        return [Stored(*row[:5], json.loads(row[5])) for row in found]  # type: ignore[call-arg]

    def count(self, resource: str, conditions: Iterable[Condition] = ()) -> int:
        """How many records fulfil the conditions."""
        where, values = _where([("resource", "=", resource), *conditions])
        with self._lock:
            found = self._connection.execute(f"SELECT count(*) FROM record WHERE {where}", values).fetchone()
        return int(found[0])

    def put(
        self, resource: str, key: str, body: Mapping[str, Any], now: dt.datetime, change_key: str | None = None
    ) -> Stored:
        """Write a record as its next version."""
        columns = {name: body.get(name) for name in _COLUMNS}
        with self.transaction():
            self._connection.execute(
                f"INSERT INTO record (resource, id, version, updated_at, change_key, body, {', '.join(columns)})"
                f" VALUES (?, ?, 1, ?, ?, ?, {', '.join('?' * len(columns))})"
                " ON CONFLICT DO UPDATE SET version = version + 1, updated_at = excluded.updated_at,"
                " change_key = coalesce(excluded.change_key, change_key), body = excluded.body,"
                + ", ".join(f"{name} = excluded.{name}" for name in columns),
                (resource, key, text(now), change_key, json.dumps(body), *columns.values()),
            )
            stored = self.get(resource, key)
        if stored is None:
            raise LookupError(f"{resource} was written and is not there")
        return stored

    def delete(self, resource: str, key: str) -> None:
        """Remove a record without a trace, as no platform should."""
        with self.transaction():
            self._connection.execute("DELETE FROM record WHERE resource = ? AND id = ?", (resource, key))

    def new_id(self, resource: str) -> str:
        """An id that was never given: ids of the platform sort behind each other."""
        with self._lock:
            like = f"{resource[:1]}-new-"
            highest = self._connection.execute(
                "SELECT max(id) FROM record WHERE resource = ? AND id BETWEEN ? AND ?", (resource, like, f"{like}~")
            ).fetchone()[0]
        return f"{like}{int(highest.removeprefix(like)) + 1 if highest else 1:08d}"

    def note(
        self,
        now: dt.datetime,
        actor: str,
        method: str,
        resource: str,
        *,
        key: str | None,
        status: int,
        change: str | None,
    ) -> None:
        """Add a line to the log of writes."""
        with self.transaction():
            self._connection.execute(
                "INSERT INTO log (at, actor, method, resource, source_id, status, change_key)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (text(now), actor, method, resource, key, status, change),
            )

    def log(self) -> pl.DataFrame:
        """What was written or refused, in order."""
        with self._lock:
            rows = self._connection.execute(f"SELECT {', '.join(LOG_SCHEMA)} FROM log ORDER BY number").fetchall()
        return pl.DataFrame(rows, schema=LOG_SCHEMA, orient="row")

    def latest(self) -> str:
        """The newest time of change."""
        with self._lock:
            return str(self._connection.execute("SELECT coalesce(max(updated_at), '') FROM record").fetchone()[0])


def _where(conditions: Sequence[Condition]) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    for column, operator, value in conditions:
        if operator not in _OPERATORS:
            raise ValueError(f"operator {operator!r}, expected one of {sorted(_OPERATORS)}")
        given = list(value) if operator == "in" else [value]
        parts.append(f"{column} {operator} " + (f"({', '.join('?' * len(given))})" if operator == "in" else "?"))
        values += given
    return " AND ".join(parts), values


def _rows(resource: str, frame: pl.DataFrame) -> Iterable[Mapping[str, Any]]:
    """Record fields as JSON values; E.164 and the vendor's codes are the reader's work."""
    names = [name for name in records.columns(resource) if not name.endswith("_e164")]
    as_text = frame.select(names).with_columns(
        pl.col(pl.Datetime).dt.convert_time_zone("UTC").dt.strftime(_INSTANT), pl.col(pl.Date).cast(pl.String)
    )
    return as_text.iter_rows(named=True)


def _values(resource: str, row: Mapping[str, Any]) -> tuple[Any, ...]:
    updated = row.get("changed_at") or row.get("created_at") or text(LONG_AGO)
    body = {name: value for name, value in row.items() if value is not None and name not in ("source_id", "changed_at")}
    return (resource, row["source_id"], updated, *(row.get(name) for name in _COLUMNS), json.dumps(body))
