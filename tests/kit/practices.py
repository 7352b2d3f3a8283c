"""A practice for tests: a temporary folder, key files, a clock that stands still, and sources made of frames."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import polars as pl
import pytest

from connectors import records
from connectors.source import REJECTED_SCHEMA, UNMAPPED_SCHEMA, Asked, Batch, ReadRequest, Window
from pipelines.practice import Practice

#: A Wednesday noon in winter: local time is one hour ahead.
NOON = dt.datetime(2026, 3, 4, 11, 0, tzinfo=dt.UTC)

SETTINGS = """\
name = "Praxis am Markt"
timezone = "Europe/Berlin"

[locations.markt]
name = "Marktplatz 1"
state = "BY"
opening_hours = { mon = ["08:00-12:00", "14:00-18:00"], tue = ["08:00-12:00"] }

[sources.pvs]
kind = "pvs"
title = "Praxissoftware"
profile = "demo"
url = "sqlite:////nowhere/pvs.db"

[sources.booking]
kind = "isik"
title = "Online-Buchung"
base_url = "http://127.0.0.1:8765/fhir"
auth = { kind = "none" }

[[calendars]]
key = "demir"
name = "Dr. Demir"
kind = "person"
location = "markt"
leads = "pvs"
schedules = { pvs = "1", booking = "sched-1" }
"""


@dataclass
class Clock:
    """Stands still until a test moves it; always UTC."""

    at: dt.datetime = NOON

    def __call__(self) -> dt.datetime:
        return self.at

    def move(self, **delta: float) -> None:
        """Let time pass, in the units of `timedelta`."""
        self.at += dt.timedelta(**delta)


def make_practice(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, settings: str = SETTINGS, clock: Clock | None = None
) -> Practice:
    """A new practice `<folder>/home/markt` with its keys in `<folder>/keys`."""
    monkeypatch.setenv("PRAXISTAKT_HOME", str(folder / "home"))
    monkeypatch.setenv("PRAXISTAKT_KEYS", str(folder / "keys"))
    made, _ = Practice.init(folder / "home" / "markt", settings, keystore="file", clock=clock or Clock())
    return made


def rows(resource: str, *found: Mapping[str, Any]) -> pl.DataFrame:
    """A frame of a record type; what a row does not name is NULL."""
    schema = records.schema(resource)
    return pl.DataFrame([{column: row.get(column) for column in schema} for row in found], schema=schema)


@dataclass
class Shelf:
    """What a scripted source has of one record type, and what happened to it since the last reading."""

    frame: pl.DataFrame
    changed: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    unmapped: list[dict[str, Any]] = field(default_factory=list)


class ScriptedSource:
    """A `Source` whose answers a test writes: full and window from `shelves`, changes from their marks.

    `fails` holds an error per record type, or under "" one for opening. `asked` logs the requests.
    """

    def __init__(self, name: str, shelves: Mapping[str, Shelf] | None = None) -> None:
        self.name = name
        self.shelves = dict(shelves or {})
        self.fails: dict[str, Exception] = {}
        self.asked: list[ReadRequest] = []
        self.asked_of_server: tuple[Asked, ...] = ()
        self.answers: dict[str, Sequence[Batch]] = {}
        self.closed = 0

    @property
    def resources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.shelves, *self.answers]))

    def read(self, request: ReadRequest) -> Iterator[Batch]:
        self.asked.append(request)
        if request.resource in self.fails:
            raise self.fails[request.resource]
        if request.resource in self.answers:
            yield from self.answers[request.resource]
            return
        yield self._answer(request)

    def _answer(self, request: ReadRequest) -> Batch:
        shelf = self.shelves[request.resource]
        frame, removed = shelf.frame, ()
        if request.scope == "changes":
            frame = frame.filter(pl.col("source_id").is_in(sorted(shelf.changed)))
            removed = tuple(sorted(shelf.removed))
        if request.scope == "window":
            assert request.window is not None
            frame = frame.filter((pl.col("start") >= request.window.start) & (pl.col("start") < request.window.end))
        return batch(
            request.resource,
            frame,
            scope=request.scope,
            window=request.window if request.scope == "window" else None,
            removed=removed,
            rejected=shelf.rejected,
            unmapped=shelf.unmapped,
            position=f"p{len(self.asked)}",
        )

    def has_news(self, since: Mapping[str, str]) -> bool:
        return any(shelf.changed or shelf.removed for shelf in self.shelves.values())

    def write(self, change: object) -> Any:
        raise NotImplementedError("a scripted source only reads")

    def look(self, resource: str, source_id: str) -> None:
        raise NotImplementedError("a scripted source only reads")

    def journal(self) -> tuple[Asked, ...]:
        return self.asked_of_server

    def check(self) -> list[Any]:
        return []

    def close(self) -> None:
        self.closed += 1

    def __enter__(self) -> Self:
        if "" in self.fails:
            raise self.fails[""]
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def batch(
    resource: str,
    frame: pl.DataFrame,
    *,
    scope: Any = "full",
    window: Window | None = None,
    removed: Sequence[str] = (),
    rejected: Sequence[Mapping[str, Any]] = (),
    unmapped: Sequence[Mapping[str, Any]] = (),
    position: str | None = "p1",
    last: bool = True,
    lost: int = 0,
) -> Batch:
    """A batch whose count of delivered rows is right, but for `lost` ones."""
    return Batch(
        resource=resource,
        frame=frame,
        scope=scope,
        window=window,
        position=position,
        removed=tuple(removed),
        rejected=pl.DataFrame([dict(row) for row in rejected], schema=REJECTED_SCHEMA),
        unmapped=pl.DataFrame([dict(row) for row in unmapped], schema=UNMAPPED_SCHEMA),
        read=frame.height + len(removed) + len(rejected) + lost,
        last=last,
    )
