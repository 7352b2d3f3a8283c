"""A practice made of frames: marts and desk in memory, a real ops.db in a folder, a clock that stands still.

Four people, two rooms, two locations, two years of days; hostile names among the patients, the staff and the sources.
"""

from __future__ import annotations

import datetime as dt
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from dashboards.published import Published
from pipelines.keys import Key
from pipelines.ops import database, requests, runs, service
from pipelines.ops.database import Ops
from pipelines.practice import Practice
from pipelines.settings import Settings

#: A Monday morning, local 10:40.
NOW = dt.datetime(2026, 11, 23, 9, 40, tzinfo=dt.UTC)
TODAY = dt.date(2026, 11, 23)
HOSTILE = (
    "![x](http://evil.example/i.png) <img src=http://evil.example/j> www.evil.example "
    "[k](http://evil.example) :red[r] $x$"
)
HOURS = [f"{start}-{end}" for start, end in (("08:00", "12:00"), ("14:00", "18:00"))]

SETTINGS = {
    "name": "Praxis am Markt",
    "locations": {
        "markt": {
            "name": "Marktplatz 1",
            "state": "BY",
            "opening_hours": dict.fromkeys(("mon", "tue", "wed", "thu"), HOURS),
        },
        "nord": {"name": "Nordstraße 9", "state": "BY", "opening_hours": {"fri": ["08:00-13:00"]}},
    },
    "sources": {
        "pvs": {"kind": "pvs", "title": "Praxissoftware"},
        "booking": {"kind": "isik", "title": "Online-Buchung"},
    },
    "serve": {"port": 8501},
}
PEOPLE = {"c1": ("p1", "markt"), "c2": ("p2", "markt"), "c3": ("p3", "nord"), "c4": ("p4", "nord")}
ROOMS = {"r1": ("markt", "Labor"), "r2": ("nord", "Raum 2")}
NAMES = {"p1": "Dr. Aylin Demir", "p2": "Dr. Jonas Weber", "p3": "Dr. Mira Schulz", "p4": "Dr. Paul Adler"}


class MadePractice(Practice):
    """A practice whose keys are made up and whose clock stands."""

    def key(self, purpose: str) -> Key:
        return Key("ab" * 32)


@dataclass
class MadeReader:
    """The generation in memory; counts what was asked."""

    con: duckdb.DuckDBPyConnection
    asked: list[str] = field(default_factory=list)

    def frame(self, store: str, sql: str, parameters: object = None) -> pl.DataFrame:
        self.asked.append(sql)
        return self.con.cursor().execute(sql, parameters or None).pl()


def make_practice(
    folder: Path, clock: Callable[[], dt.datetime] = lambda: NOW, like: Path | None = None
) -> tuple[MadePractice, Ops]:
    """A new practice in a folder, with ten weeks of runs; or the copy of one that was made before."""
    folder.mkdir(parents=True, exist_ok=True)
    practice = MadePractice(folder, Settings.model_validate(SETTINGS), clock)
    if like is not None:
        shutil.copy(like / practice.ops_path.name, practice.ops_path)
        return practice, database.open_ops(practice)
    database.create(practice.ops_path, practice.key("ops"))
    with database.open_ops(practice, keep_connection=True) as ops:
        _history(ops)
    return practice, database.open_ops(practice)


@dataclass(frozen=True)
class Read:
    """What a run read from a source."""

    source: str
    state: str = "ok"
    read: int = 60
    new: int = 20
    changed: int = 12
    removed: int = 1
    rejected: int = 0
    unmapped: int = 0
    late: int = 0
    seconds: float = 1.4
    cause: str | None = None
    remedy: str | None = None
    statements: int = 0
    busy_seconds: float = 0.0


def record(ops: Ops, at: dt.datetime, *reads: Read, kind: str = "changes") -> int:
    run = runs.start_run(ops, kind, at)
    for read in reads:
        runs.record_source(ops, run, read, at)
    runs.finish_run(ops, run, "ok", at + dt.timedelta(seconds=2))
    return run


def _history(ops: Ops) -> None:
    dice = random.Random(3)
    for weeks in range(9, -1, -1):
        record(
            ops,
            NOW - dt.timedelta(weeks=weeks, minutes=1),
            Read("pvs", new=dice.randint(20, 40), changed=dice.randint(10, 25), statements=60, busy_seconds=3.14),
            Read("booking", new=dice.randint(4, 15), read=40, unmapped=1, rejected=2),
        )
    service.beat(ops, NOW - dt.timedelta(seconds=5))
    for source in ("pvs", "booking"):
        service.beat(ops, NOW - dt.timedelta(seconds=5), f"source:{source}")


def ask_for_sync(ops: Ops, source: str) -> None:
    requests.request_sync(ops, source, "chef", NOW)


def published(reader: MadeReader) -> Published:
    return Published(lambda: reader)


def make_reader(*, estimated: bool = False, unknown: float = 0.02, weeks: int = 60, per_hour: int = 2) -> MadeReader:
    """The published files; `unknown` is the share of past appointments without an outcome."""
    con = duckdb.connect()
    con.execute("CREATE SCHEMA marts; CREATE SCHEMA desk")
    hours = _hours(random.Random(7), weeks, unknown)
    days = _days(hours, estimated)
    tables = {
        "marts.fact_capacity_hour": hours.drop("outcomes"),
        "marts.fact_capacity_day": days,
        "marts.dim_location": pl.DataFrame(
            {"location_key": ["markt", "nord"], "name": ["Marktplatz 1", "Nordstraße 9"]}
        ),
        "marts.dim_calendar": _calendars(),
        "desk.practitioner": pl.DataFrame({"practitioner_key": list(NAMES), "name": list(NAMES.values())}),
        "desk.calendar": pl.DataFrame(
            {"calendar_key": list(PEOPLE) + list(ROOMS), "name": [*NAMES.values(), "Labor", "Raum 2"]}
        ),
        "marts.unmapped_code": pl.DataFrame(
            [("booking", "appointment", "channel", HOSTILE, 7), ("pvs", "appointment", "status", "9", 100)],
            schema=["source", "resource", "field", "code", "rows"],
            orient="row",
        ),
        "desk.rejected": _rejected(),
    }
    for name, frame in tables.items():
        con.register("incoming", frame)
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
        con.unregister("incoming")
    _appointments(con, hours, per_hour)
    return MadeReader(con)


def _rejected() -> pl.DataFrame:
    """Two appointments stand set aside, one of them for a rule that nobody has words for; three values are in doubt."""
    rows = [
        ("booking", "appointment", "b-17", "end", "ends-before-start", "08:10", "an end after the start", False),
        ("booking", "appointment", "b-18", "start", "a-new-rule", "8 Uhr", "what nobody translated", False),
        *(
            ("pvs", "patient", f"p-{n}", "birth_date", "unreadable", "31.02.1980", "a day as %d.%m.%Y", True)
            for n in range(2)
        ),
        ("pvs", "visit", "v-1", "arrived_at", "no-such-hour", "02:30", "a wall time that Europe/Berlin has once", True),
    ]
    schema = ["source", "resource", "source_id", "field", "rule", "found", "expected", "kept"]
    read_at = pl.lit(NOW - dt.timedelta(days=2, hours=3)).cast(pl.Datetime("us", "UTC"))
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(read_at=read_at)


def _calendars() -> pl.DataFrame:
    rows = [
        (key, "".join(part[0] for part in NAMES[p].split()[1:]), "person", place) for key, (p, place) in PEOPLE.items()
    ]
    rows += [(key, name, "room", place) for key, (place, name) in ROOMS.items()]
    return pl.DataFrame(rows, schema=["calendar_key", "name", "kind", "location_key"], orient="row")


def _hours(dice: random.Random, weeks: int, unknown: float) -> pl.DataFrame:
    """One row per calendar, day and hour of capacity, with what became of its minutes."""
    rows = []
    first = TODAY - dt.timedelta(weeks=weeks)
    for number in range((weeks + 4) * 7):
        day = first + dt.timedelta(days=number)
        if day.weekday() > 4:
            continue
        for calendar in [*PEOPLE, *ROOMS]:
            person, place = PEOPLE.get(calendar, (None, ROOMS.get(calendar, ("",))[0]))
            for hour in (8, 9, 10, 11) if day.weekday() == 4 else (8, 9, 10, 11, 14, 15, 16, 17):
                full = 0.93 - 0.05 * abs(hour - 10) / 2 - 0.06 * (day.weekday() == 2) + dice.uniform(-0.1, 0.07)
                if day >= TODAY:
                    full *= max(0.2, 1 - (day - TODAY).days / 20)
                outcomes = _outcomes(dice, min(full, 1.0), ahead=day >= TODAY, unknown=unknown)
                kind = "person" if person else "room"
                rows.append((calendar, kind, person, place, day, day.isoweekday(), hour, 60, outcomes))
    schema = ["calendar_key", "resource_kind", "practitioner_key", "location_key", "service_date", "weekday", "hour"]
    frame = pl.DataFrame(rows, schema=[*schema, "bookable_min", "outcomes"], orient="row", infer_schema_length=None)
    parts = pl.col("outcomes").struct
    return frame.with_columns(
        booked_min=parts.field("attended") + parts.field("ahead") + parts.field("no_show") + parts.field("unknown"),
        used_min=parts.field("attended"),
        outside_min=pl.when(pl.col("hour") == 17).then(4).otherwise(0),
    )


def _outcomes(dice: random.Random, full: float, *, ahead: bool, unknown: float) -> dict[str, int]:
    held = round(60 * full)
    found = dict.fromkeys(("attended", "ahead", "no_show", "unknown", "late_cancelled", "other_cancelled"), 0)
    if ahead:
        return found | {"ahead": held}
    found["no_show"], found["unknown"] = round(held * dice.uniform(0.02, 0.08)), round(held * unknown)
    found["attended"] = held - found["no_show"] - found["unknown"]
    found["late_cancelled"] = round((60 - held) * 0.3)
    found["other_cancelled"] = round((60 - held) * 0.2)
    return found


def _days(hours: pl.DataFrame, estimated: bool) -> pl.DataFrame:
    keys = ["calendar_key", "resource_kind", "practitioner_key", "location_key", "service_date"]
    names = ("attended", "ahead", "no_show", "unknown", "late_cancelled", "other_cancelled")
    parts = {f"{name}_min": pl.col("outcomes").struct.field(name).sum() for name in names}
    sums = pl.col("bookable_min", "booked_min", "used_min", "outside_min").sum()
    days = hours.group_by(keys, maintain_order=True).agg(sums, **parts)
    held = sum((pl.col(name) for name in parts), pl.lit(0))
    free = pl.col("bookable_min") - pl.col("booked_min")
    holiday = pl.when(pl.col("service_date").dt.day() == 3).then(480).otherwise(0)
    absence = pl.when(pl.col("service_date").dt.day() == 17).then(240).otherwise(0)
    return days.with_columns(
        hours_source=pl.lit("estimated" if estimated else "source"),
        never_booked_min=pl.col("bookable_min") - held,
        holiday_min=holiday,
        closure_min=pl.lit(0),
        extra_min=pl.lit(0),
        absence_min=absence,
        block_min=pl.lit(30),
        template_min=pl.col("bookable_min") + holiday + absence + 30,
        double_booked_min=pl.lit(2),
        double_booked_intended_min=pl.lit(1),
        free_min=free,
        usable_min=(free * 3) // 4,
    )


def _appointments(con: duckdb.DuckDBPyConnection, hours: pl.DataFrame, per_hour: int) -> None:
    con.register("hours", hours.filter(pl.col("resource_kind") == "person").with_row_index("n"))
    con.register("parts", pl.DataFrame({"part": list(range(per_hour))}))
    con.execute(
        """
        CREATE TABLE desk.appointment AS
        SELECT n::BIGINT * 100 + part AS appointment_key, calendar_key, location_key, service_date,
            service_date + to_minutes((hour * 60 + part * 60 // $parts)::BIGINT) AS start_local,
            service_date + to_minutes((hour * 60 + (part + 1) * 60 // $parts)::BIGINT) AS end_local,
            CASE WHEN n % 50 = 0 THEN $hostile ELSE ['Müller', 'Öztürk', 'Schäfer', 'Novák'][1 + n % 4] END
                AS family_name,
            ['Anna', 'Yusuf', 'Zoë'][1 + (n + part) % 3] AS given_name,
            DATE '1950-01-31' + (n % 20000)::INTEGER AS birth_date,
            ['Kontrolle', 'Erstgespräch', 'Impfung'][1 + n % 3] AS type_name,
            CASE WHEN service_date >= $today THEN 'booked'
                WHEN (n * 7 + part) % 100 < 5 THEN 'no_show' WHEN (n * 7 + part) % 100 < $unknown THEN 'unknown'
                WHEN (n * 7 + part) % 100 > 95 THEN 'cancelled_patient' ELSE 'attended' END AS outcome,
            'pvs' AS source
        FROM hours, parts
        """,
        {"parts": per_hour, "hostile": HOSTILE, "today": TODAY, "unknown": 5 + round(100 * _unknown_share(hours))},
    )
    con.execute(
        "CREATE TABLE marts.fact_appointment AS SELECT appointment_key, calendar_key, location_key, service_date, "
        "outcome, (epoch(end_local) - epoch(start_local))::BIGINT // 60 AS minutes, "
        "CASE WHEN calendar_key = 'c1' THEN 'r1' END AS room_key, 't1' AS type_key, true AS is_counted, source "
        "FROM desk.appointment"
    )


def _unknown_share(hours: pl.DataFrame) -> float:
    sums = hours.select(pl.col("outcomes").struct.field("unknown").sum(), pl.col("booked_min").sum()).row(0)
    return float(sums[0] / sums[1])


def running_clock() -> Callable[[], dt.datetime]:
    """A clock that starts at NOW and runs on, for sessions in a real server."""
    began = time.monotonic()
    return lambda: NOW + dt.timedelta(seconds=time.monotonic() - began)
