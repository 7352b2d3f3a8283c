"""A small practice as plain data: what the SQL is given (raw and ops tables), and what the slow reference looks at.

Times are written as people say them, on the practice's clock: `"2026-03-02 09:00"`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from pipelines import files, transform
from pipelines.ops.frames import SCHEMAS

ZONE = ZoneInfo("Europe/Berlin")
SOURCE = "pvs"
READ_AT = dt.datetime(2026, 1, 1, 6, 0, tzinfo=dt.UTC)

#: The ledger's kind for what stands in a raw table.
_KINDS = {
    "patient": "person",
    "practitioner": "practitioner",
    "location": "room",
    "healthcare_service": "service",
    "schedule": "calendar",
}
_PSEUDONYM = pl.Schema({"entity_id": pl.String(), "person_key": pl.String()})


def instant(wall: str, *, fold: int = 0) -> dt.datetime:
    """Wall time of the practice as an instant; `fold=1` is the second pass of the hour that is there twice."""
    return dt.datetime.fromisoformat(wall).replace(tzinfo=ZONE, fold=fold).astimezone(dt.UTC)


@dataclass
class Practice:
    """Rows by table. Every method adds some and names only what a case is about; references need no rows."""

    settings: dict[str, str] = field(default_factory=dict)
    raw: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    ops: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if "source" not in self.ops:
            self.ops["source"] = [{"source": SOURCE, "system": "pvs", "title": "Praxissoftware"}]

    @classmethod
    def of_frames(cls, raw: Mapping[str, pl.DataFrame], ops: Mapping[str, pl.DataFrame]) -> Self:
        """The same from frames of raw and ops, the newest version of each record, for the slow reference."""
        kept = {}
        for name, frame in raw.items():
            if {"source_id", "removed", "run"} <= set(frame.columns) and "field" not in frame.columns:
                newest = frame.sort("run").unique(["source", "source_id"], keep="last", maintain_order=True)
                kept[name] = newest.filter(~pl.col("removed")).to_dicts()
        rows = {name: frame.to_dicts() for name, frame in ops.items()}
        return cls({row["name"]: row["value"] for row in rows.pop("setting")}, kept, rows)

    def location(self, key: str, state: str = "BY") -> None:
        self._ops("location", location_key=key, name=key, state=state)

    def calendar(
        self,
        key: str,
        *,
        capacity: int = 1,
        kind: str = "person",
        location: str | None = None,
        room: str | None = None,
        practitioner: str | None = None,
        leads: str = "pvs",
        schedules: Mapping[str, str] | None = None,
    ) -> None:
        """A calendar that the settings name, and its schedule in each source."""
        self._ops(
            "calendar", calendar_key=key, name=key, kind=kind, location_key=location, capacity=capacity, leads=leads
        )
        for source, schedule in (schedules or {SOURCE: key}).items():
            self._ops("calendar_schedule", calendar_key=key, source=source, schedule_id=schedule)
            self.record(
                "schedule", schedule, source=source, name=key, kind=kind, room_id=room, practitioner_id=practitioner
            )

    def hours(self, schedule: str | None, start: str, end: str, *, kind: str = "regular", **rule: Any) -> None:
        """Working hours; `weekday=1`, or `date="2026-03-02"`."""
        if "date" in rule:
            rule["date"] = dt.date.fromisoformat(rule["date"])
        times = {"start_time": dt.time.fromisoformat(start), "end_time": dt.time.fromisoformat(end)}
        self.record("working_hours", None, schedule_id=schedule, kind=kind, **times, **rule)

    def absence(self, schedule: str | None, start: str, end: str, kind: str = "absence", **more: Any) -> None:
        self.record("absence", None, schedule_id=schedule, kind=kind, start=instant(start), end=instant(end), **more)

    def holiday(self, location: str, date: str, name: str = "Feiertag", kind: str = "public") -> None:
        self._ops("holiday", location_key=location, date=dt.date.fromisoformat(date), name=name, kind=kind)

    def closure(self, location: str | None, start: str, end: str) -> None:
        first, last = dt.date.fromisoformat(start), dt.date.fromisoformat(end)
        self._ops("closure", location_key=location, start_date=first, end_date=last, name="Schließung")

    def appointment(self, schedule: str | None, start: str, end: str, status: str = "fulfilled", **more: Any) -> str:
        """An appointment; its source_id. Instants in `more` may be written as wall time."""
        said = {
            name: instant(value) if name.endswith("_at") or name in ("actual_start", "actual_end") else value
            for name, value in more.items()
            if name not in ("source_id",)
        }
        return self.record(
            "appointment",
            more.get("source_id"),
            schedule_id=schedule,
            status=status,
            start=instant(start),
            end=instant(end),
            **said,
        )

    def visit(self, patient: str, at: str) -> None:
        self.record("visit", patient_id=patient, arrived_at=instant(at))

    def billed(self, patient: str, date: str) -> None:
        self.record("billed_service", patient_id=patient, code="01100", service_date=dt.date.fromisoformat(date))

    def record(self, resource: str, source_id: str | None = None, *, source: str = SOURCE, **columns: Any) -> str:
        """One row of a record type, by default read in run 1; its source_id."""
        found = self.raw.setdefault(resource, [])
        source_id = source_id or f"{len(found) + 1:06d}"
        provenance = {"source": source, "source_id": source_id, "run": 1, "removed": False, "read_at": READ_AT}
        found.append({**provenance, **columns})
        return source_id

    def set_code_map(self, resource: str, field_name: str, codes: Mapping[str, str], source: str = SOURCE) -> None:
        for code, value in codes.items():
            self._ops("code_map", source=source, resource=resource, field=field_name, code=code, value=value)

    def _ops(self, table: str, **columns: Any) -> None:
        self.ops.setdefault(table, []).append(columns)

    def link_frame(self) -> pl.DataFrame:
        """Every source record stands for itself."""
        rows = [
            {"kind": kind, "source": row["source"], "source_id": row["source_id"], "rule": "first-seen"}
            for resource, kind in _KINDS.items()
            for row in self.raw.get(resource, ())
        ]
        for row in self.raw.get("schedule", ()):
            if row.get("practitioner_id"):
                rows.append({"kind": "practitioner", "source": row["source"], "source_id": row["practitioner_id"]})
            if row.get("room_id"):
                rows.append({"kind": "room", "source": row["source"], "source_id": row["room_id"]})
        entity = pl.concat_str("kind", pl.lit(":"), "source", pl.lit(":"), "source_id").alias("entity_id")
        unique = _frame(rows, SCHEMAS["link"]).unique(["kind", "source", "source_id"], maintain_order=True)
        return unique.with_columns(entity, pl.lit("first-seen").alias("rule"))

    def ops_frames(self) -> dict[str, pl.DataFrame]:
        """Schema `ops` as a build sees it."""
        found = {name: _frame(self.ops.get(name, ()), schema) for name, schema in SCHEMAS.items()}
        settings = [{"name": name, "value": value} for name, value in self.settings.items()]
        links = self.link_frame()
        persons = links.filter(pl.col("kind") == "person").get_column("entity_id").unique().sort()
        pseudonyms = [{"entity_id": one, "person_key": f"key-{one}"} for one in persons]
        return {
            **found,
            "setting": _frame(settings, SCHEMAS["setting"]),
            "link": links if not self.ops.get("link") else found["link"],
            "pseudonym": _frame(pseudonyms, _PSEUDONYM),
        }

    def raw_frames(self) -> dict[str, pl.DataFrame]:
        """Schema `raw`: every table, empty where nothing was read."""
        runs = sorted({row["run"] for rows in self.raw.values() for row in rows} | {1})
        known = {
            "run": [{"run": run, "read_at": READ_AT + dt.timedelta(days=run - 1), "schema_version": 1} for run in runs]
        }
        return {
            name: _frame(self.raw.get(name) or known.get(name, ()), schema) for name, schema in files.TABLES.items()
        }


def _frame(rows: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=dict(schema))


def warehouse(
    practice: Practice, today: str, *targets: str, run: int = 99, **variables: Any
) -> duckdb.DuckDBPyConnection:
    """Evaluate the real SQL over a practice, in memory, on a connection as builds have it."""
    con = files.connect()
    load_raw(con, practice.raw_frames())
    transform.load_ops(con, practice.ops_frames())
    told = {"zone": ZONE.key, "run": run, **variables}
    transform.evaluate(con, today=dt.date.fromisoformat(today), variables=told, targets=targets or ("marts",))
    return con


def load_raw(con: duckdb.DuckDBPyConnection, frames: Mapping[str, pl.DataFrame]) -> None:
    """Make frames the tables of schema `raw`."""
    con.execute("CREATE SCHEMA IF NOT EXISTS raw")
    for name, frame in frames.items():
        con.register("incoming", frame)
        columns = ", ".join(
            f"{files.identifier(column)}::{files.column_type(dtype)} AS {files.identifier(column)}"
            for column, dtype in frame.schema.items()
        )
        con.execute(f"CREATE TABLE raw.{name} AS SELECT {columns} FROM incoming")
        con.unregister("incoming")


def day(con: duckdb.DuckDBPyConnection, calendar: str, date: str) -> dict[str, Any]:
    """The row of fact_capacity_day, by column."""
    sql = "SELECT * FROM marts.fact_capacity_day WHERE calendar_key = $1 AND service_date = $2::DATE"
    return con.execute(sql, [calendar, date]).pl().row(0, named=True)
