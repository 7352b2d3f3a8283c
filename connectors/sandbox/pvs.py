"""The practice's software, played: a SQLite database with a vendor's habits, and a desk that works in it by hand.

`create` fills it from records; `PvsDesk` books, cancels, moves, edits and deletes as people at the reception do. Every
write, whoever makes it, leaves a row in the table `protokoll`: what the desk did not do itself is marked `fremd`.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import polars as pl

from connectors import records
from connectors.sandbox.pvs_tables import CONTACTS, TABLES, ZONE, contact_rows, vendor_rows
from connectors.walltime import to_wall

_SCHEMA = Path(__file__).with_name("pvs_schema.sql")

#: Tables that know when they were last touched.
_TOUCHED = ("patient", "bezugsperson", "termin", "besuch", "leistung", "einwilligung", "wiedervorstellung")


def create(path: Path, frames: Mapping[str, pl.DataFrame]) -> None:
    """A new database at `path` from frames in `records.schema`; 70,000 appointments take about a second.

    Keys must be numbers, as the vendor's are. Raises FileExistsError if something lies there.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists; the played practice software is made anew, never over an old one")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA synchronous = OFF;\n" + _SCHEMA.read_text(encoding="utf-8"))
        for resource in TABLES:
            if resource in frames:
                _insert(connection, TABLES[resource].name, vendor_rows(resource, frames[resource]))
        if "patient" in frames:
            _insert(connection, "patient_kontakt", contact_rows(frames["patient"]))
        connection.executescript("".join(_log_triggers(connection)))
        connection.commit()


def _insert(connection: sqlite3.Connection, table: str, rows: pl.DataFrame) -> None:
    marks = ", ".join("?" * rows.width)
    connection.executemany(f"INSERT INTO {table} ({', '.join(rows.columns)}) VALUES ({marks})", rows.iter_rows())


def _log_triggers(connection: sqlite3.Connection) -> Iterator[str]:
    """One trigger per table and kind of write, with the row before and after as JSON."""
    logged = {table.name: table.key for table in TABLES.values()} | {"patient_kontakt": "pat_nr"}
    for table, key in logged.items():
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        before, after = (
            "json_object(" + ", ".join(f"'{name}', {side}.{name}" for name in names) + ")" for side in ("OLD", "NEW")
        )
        for what, side, old, new in (
            ("INSERT", "NEW", "NULL", after),
            ("UPDATE", "NEW", before, after),
            ("DELETE", "OLD", before, "NULL"),
        ):
            yield (
                f"CREATE TRIGGER protokoll_{table}_{what.lower()} AFTER {what} ON {table} BEGIN"
                f" INSERT INTO protokoll (tabelle, schluessel, vorgang, alt, neu)"
                f" VALUES ('{table}', {side}.{key}, '{what}', {old}, {new}); END;\n"
            )


class PvsDesk:
    """The reception at its own software: each call is one transaction at the clock's time.

    `clock` gives aware instants. `touch=False` is a path of the software that forgets `geaendert`.
    """

    def __init__(self, path: Path, clock: Callable[[], dt.datetime]) -> None:
        self._path = path
        self._clock = clock

    def add(self, resource: str, **fields: object) -> str:
        """A new record by the names of its fields; returns its source_id (given, or the next number)."""
        now = self._clock()
        dated = {name: now for name in ("created_at", "changed_at") if name in records.columns(resource)}
        row = _one_row(resource, dated | fields)
        with self._transaction() as connection:
            table = TABLES[resource]
            vendor = vendor_rows(resource, row).row(0, named=True)
            key = self._insert_row(connection, table.name, vendor)
            if resource == "patient":
                _insert(connection, "patient_kontakt", contact_rows(row.with_columns(source_id=pl.lit(str(key)))))
        return str(key)

    def book(self, **fields: object) -> str:
        """A new appointment: at least schedule_id, start and end; booked by the practice unless said otherwise."""
        return self.add("appointment", **({"status": "booked", "booked_by": "practice", "channel": "phone"} | fields))

    def cancel(self, source_id: str, by: str = "patient") -> None:
        """Cancel an appointment now."""
        self.edit("appointment", source_id, status="cancelled", cancelled_by=by, cancelled_at=self._clock())

    def move(self, source_id: str, start: dt.datetime, end: dt.datetime) -> None:
        """The same appointment at another time."""
        self.edit("appointment", source_id, start=start, end=end)

    def arrive(self, source_id: str) -> None:
        """Check in, by the path that does not touch `geaendert`."""
        self.edit("appointment", source_id, touch=False, status="arrived", arrived_at=self._clock())

    def edit(self, resource: str, source_id: str, *, touch: bool = True, **fields: object) -> None:
        """Set fields of a record; a field that shares its column with another needs both."""
        row = _one_row(resource, fields)
        table = TABLES[resource]
        changed = {name: expr for name, expr in table.columns.items() if set(expr.meta.root_names()) & set(fields)}
        vendor = row.select(**changed).row(0, named=True) if changed else {}
        now = self._wall()
        if touch and table.name in _TOUCHED:
            vendor["geaendert"] = now
        with self._transaction() as connection:
            if vendor:
                assignments = ", ".join(f"{name} = :{name}" for name in vendor)
                vendor["key"] = int(source_id)
                connection.execute(f"UPDATE {table.name} SET {assignments} WHERE {table.key} = :key", vendor)
            for field in (name for name in CONTACTS if resource == "patient" and name in fields):
                connection.execute(
                    "INSERT OR REPLACE INTO patient_kontakt (pat_nr, art, wert, geaendert) VALUES (?, ?, ?, ?)",
                    (int(source_id), CONTACTS[field], fields[field], now),
                )

    def delete(self, resource: str, source_id: str) -> None:
        """Patients are marked as deleted; everything else is really gone."""
        table = TABLES[resource]
        with self._transaction() as connection:
            if resource == "patient":
                connection.execute(
                    "UPDATE patient SET geloescht = 1, geaendert = ? WHERE pat_nr = ?", (self._wall(), int(source_id))
                )
            else:
                connection.execute(f"DELETE FROM {table.name} WHERE {table.key} = ?", (int(source_id),))

    def execute(self, statement: str, *values: object) -> None:
        """Anything else that a vendor's software may do to its tables."""
        with self._transaction() as connection:
            connection.execute(statement, values)

    def log(self) -> pl.DataFrame:
        """The table `protokoll`: nr, wer (`tresen` or `fremd`), tabelle, schluessel, vorgang, alt and neu as JSON."""
        names = ("nr", "wer", "tabelle", "schluessel", "vorgang", "alt", "neu")
        with closing(sqlite3.connect(self._path)) as connection:
            rows = connection.execute(f"SELECT {', '.join(names)} FROM protokoll ORDER BY nr").fetchall()
        schema = {name: pl.Int64 if name == "nr" else pl.String for name in names}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def _insert_row(self, connection: sqlite3.Connection, table: str, row: Mapping[str, object]) -> int:
        names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        cursor = connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", row)
        return cursor.lastrowid or 0

    def _wall(self) -> str:
        return to_wall(self._clock(), ZONE).strftime("%Y-%m-%d %H:%M:%S")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction whose rows in the log are the desk's own."""
        with closing(sqlite3.connect(self._path, timeout=10)) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            last = connection.execute("SELECT coalesce(max(nr), 0) FROM protokoll").fetchone()[0]
            yield connection
            connection.execute("UPDATE protokoll SET wer = 'tresen' WHERE nr > ?", (last,))


def _one_row(resource: str, fields: Mapping[str, object]) -> pl.DataFrame:
    """One record's frame from some of its fields; raises KeyError for a field that it does not have."""
    schema = records.schema(resource)
    unknown = sorted(set(fields) - set(schema))
    if unknown:
        raise KeyError(f"{resource} has no {', '.join(unknown)}")
    return pl.DataFrame({name: [fields.get(name)] for name in schema}, schema=schema)
