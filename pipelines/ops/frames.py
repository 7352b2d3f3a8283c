"""What the warehouse's SQL sees of ops.db: the schema `ops`, as frames, at one number.

A build is given one run and one ops number, and `frames` gives the same for the same two at any later time. Settings
come from the recorded history, not from the file as it is today.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from connectors.registry import system
from pipelines.ops import numbers, settings
from pipelines.ops.database import Ops
from pipelines.ops.holidays import holidays_at
from pipelines.ops.ledger import ALIASES, LINKS, aliases_at, links_at
from pipelines.ops.runs import SYNC_RUNS, sync_runs_until

_TEXT, _COUNT = pl.String(), pl.Int64()

#: The frames by the name of their table in the schema `ops`. `weekday` is ISO: 1 is Monday.
SCHEMAS: Mapping[str, pl.Schema] = {
    "link": pl.Schema({name: LINKS[name] for name in ("kind", "source", "source_id", "entity_id", "rule")}),
    "alias": ALIASES,
    "location": pl.Schema({"location_key": _TEXT, "name": _TEXT, "state": _TEXT}),
    "opening_hours": pl.Schema(
        {"location_key": _TEXT, "weekday": _COUNT, "start_time": pl.Time(), "end_time": pl.Time()}
    ),
    "calendar": pl.Schema(
        {
            "calendar_key": _TEXT,
            "name": _TEXT,
            "kind": _TEXT,
            "location_key": _TEXT,
            "capacity": _COUNT,
            "leads": _TEXT,
        }
    ),
    "calendar_schedule": pl.Schema({"calendar_key": _TEXT, "source": _TEXT, "schedule_id": _TEXT}),
    "holiday": pl.Schema({"location_key": _TEXT, "date": pl.Date(), "name": _TEXT, "kind": _TEXT}),
    "closure": pl.Schema({"location_key": _TEXT, "start_date": pl.Date(), "end_date": pl.Date(), "name": _TEXT}),
    "source": pl.Schema({"source": _TEXT, "system": _TEXT, "title": _TEXT}),
    "setting": pl.Schema({"name": _TEXT, "value": _TEXT}),
    "code_map": pl.Schema({"source": _TEXT, "resource": _TEXT, "field": _TEXT, "code": _TEXT, "value": _TEXT}),
    "sync_run": SYNC_RUNS,
}

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Rows = Iterable[tuple[object, ...]]


def frames(o: Ops, *, number: int | None = None, run: int | None = None) -> dict[str, pl.DataFrame]:
    """All frames of `SCHEMAS`, each ordered by its columns, typed also when empty.

    :param number: as of this ops number; None for now.
    :param run: `sync_run` holds the runs up to this one; None for all.
    """
    with o.reading() as session:
        at = numbers.current(session) if number is None else number
        recorded = settings.as_of_within(session, at)
        practice = recorded.get(settings.PRACTICE, {})
        return {
            "link": links_at(session, at).select(*SCHEMAS["link"]),
            "alias": aliases_at(session, at),
            **_of_settings(practice),
            "holiday": resolve_holidays(holidays_at(session, at), practice.get("locations", {})),
            "code_map": _frame("code_map", _code_maps(recorded)),
            "sync_run": sync_runs_until(session, run),
        }


def _of_settings(practice: Mapping[str, Any]) -> dict[str, pl.DataFrame]:
    calendars = practice.get("calendars", ())
    rows: dict[str, Rows] = {
        "location": ((key, one["name"], one["state"]) for key, one in practice.get("locations", {}).items()),
        "opening_hours": _opening_hours(practice.get("locations", {})),
        "calendar": (_calendar(one) for one in calendars),
        "calendar_schedule": (
            (one["key"], source, schedule) for one in calendars for source, schedule in one["schedules"].items()
        ),
        "closure": (_closure(one) for one in practice.get("closures", ())),
        "source": ((name, system(table), table["title"]) for name, table in practice.get("sources", {}).items()),
        "setting": _settings(practice),
    }
    return {name: _frame(name, found) for name, found in rows.items()}


def _frame(name: str, rows: Rows) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SCHEMAS[name], orient="row").sort(pl.all())


def _opening_hours(locations: Mapping[str, Any]) -> Rows:
    for key, location in locations.items():
        for day, spans in location.get("opening_hours", {}).items():
            for span in spans:
                start, end = (dt.time.fromisoformat(part.strip().zfill(5)) for part in span.split("-"))
                yield key, _WEEKDAYS.index(day) + 1, start, end


def _calendar(one: Mapping[str, Any]) -> tuple[object, ...]:
    return one["key"], one["name"], one["kind"], one["location"], one.get("capacity", 1), one.get("leads", "pvs")


def _closure(one: Mapping[str, Any]) -> tuple[object, ...]:
    start, end = (dt.date.fromisoformat(one[edge]) for edge in ("start", "end"))
    return one.get("location"), start, end, one["name"]


def _settings(practice: Mapping[str, Any]) -> Rows:
    """The single values of [rules] and [schedule] by their own names, and the time zone; as text."""
    for table in ("rules", "schedule"):
        for name, value in practice.get(table, {}).items():
            if isinstance(value, str | int | float):
                yield name, _text(value)
    if "timezone" in practice:
        yield "timezone", practice["timezone"]


def _text(value: str | float) -> str:
    """As SQL casts it back: a truth value is an int in Python and would print as `True`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _code_maps(recorded: Mapping[str, Any]) -> Rows:
    for name, rows in recorded.items():
        if name.startswith(settings.CODE_MAP):
            yield from ((name.removeprefix(settings.CODE_MAP), *row) for row in rows)


def resolve_holidays(recorded: pl.DataFrame, locations: Mapping[str, Any]) -> pl.DataFrame:
    """The holidays of each location: its state's in its categories, without those removed, with those added.

    One row per location, day and kind; two names on one day are joined. Removing works by name or by ISO date.
    """
    parts = [_of_location(recorded, key, location) for key, location in locations.items()]
    found = pl.concat([pl.DataFrame(schema=SCHEMAS["holiday"]), *parts])
    names = pl.col("name").unique().sort().str.join("; ")
    return found.group_by("location_key", "date", "kind").agg(names).select(*SCHEMAS["holiday"]).sort(pl.all())


def _of_location(recorded: pl.DataFrame, key: str, location: Mapping[str, Any]) -> pl.DataFrame:
    removed = [str(one) for one in location.get("holidays_remove", ())]
    category, date = pl.col("category"), pl.col("date").cast(pl.String)
    public = (
        category.is_in(list(location.get("categories", ("public",))))
        & (category != "school")
        & ~(pl.col("name").is_in(removed) | date.is_in(removed))
    )
    of_state = recorded.filter(pl.col("state") == location["state"]).filter(public | (category == "school"))
    kind = pl.when(category == "school").then(pl.lit("school")).otherwise(pl.lit("public"))
    chosen = of_state.select(pl.lit(key).alias("location_key"), "date", "name", kind.alias("kind"))
    added = (
        (key, dt.date.fromisoformat(one["date"]), one["name"], "public") for one in location.get("holidays_add", ())
    )
    return pl.concat([chosen, _frame("holiday", added)])
