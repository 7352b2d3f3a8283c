"""A played booking platform with a clock that a test holds, and clients of it that never sleep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import polars as pl

from connectors import records
from connectors.booking.http import Clocks
from connectors.booking.source import BookingSource, open_source
from connectors.sandbox.booking import BookingServer, create
from connectors.source import Batch, ReadRequest, Window

NOW = dt.datetime(2026, 3, 2, 7, 0, tzinfo=dt.UTC)
TOMORROW = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)
ACCESS_ID, SECRET = "praxis", "correct horse battery staple"


def frame(resource: str, *rows: Mapping[str, object]) -> pl.DataFrame:
    """Rows of a record with the fields that matter; the others are null."""
    schema = records.schema(resource)
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def minutes(count: int) -> dt.timedelta:
    """A number of minutes."""
    return dt.timedelta(minutes=count)


def slot(number: int, *, start: dt.datetime, status: str = "free") -> dict[str, object]:
    """A quarter of an hour of schedule `c1`."""
    times = {"start": start, "end": start + minutes(15), "changed_at": NOW - dt.timedelta(days=9)}
    return {"source_id": f"f{number:03}", "schedule_id": "c1", "status": status, **times}


def appointment(key: str, *, start: dt.datetime, **more: object) -> dict[str, object]:
    """A quarter of an hour of patient `p1` in schedule `c1`."""
    row = {
        "source_id": key, "schedule_id": "c1", "patient_id": "p1", "practitioner_id": "d1", "status": "booked",
        "start": start, "end": start + minutes(15), "created_at": NOW - dt.timedelta(days=30),
        "changed_at": NOW - dt.timedelta(days=10),
    }  # fmt: skip
    return {**row, **more}


def small_practice() -> dict[str, pl.DataFrame]:
    """One doctor with two calendars, one room, two patients, one booked and one cancelled appointment, eight offers."""
    old = {"changed_at": NOW - dt.timedelta(days=40)}
    return {
        "practitioner": frame(
            "practitioner",
            {"source_id": "d1", "family_name": "Demir", "given_name": "Ada", "name_prefix": "Dr.", "initials": "AD",
             "lanr": "123456601", "active": True},
        ),
        "location": frame(
            "location",
            {"source_id": "l1", "name": "Marktplatz", "kind": "site", "active": True},
            {"source_id": "r1", "name": "Raum 1", "kind": "room", "part_of": "l1", "active": True},
        ),
        "healthcare_service": frame(
            "healthcare_service",
            {"source_id": "s1", "name": "Vorsorge", "minutes": 30, "bookable_online": True, "active": True,
             "overbooking_intended": False, "needs_room": True},
        ),
        "schedule": frame(
            "schedule",
            {"source_id": "c1", "name": "Dr. Demir", "kind": "person", "practitioner_id": "d1", "location_id": "l1",
             "capacity": 1, "active": True},
            {"source_id": "c2", "name": "Sono", "kind": "room", "room_id": "r1", "location_id": "l1", "capacity": 2,
             "active": True},
        ),
        "patient": frame(
            "patient",
            {"source_id": "p1", "family_name": "Berg", "given_name": "Eva Maria", "name_prefix": "Dr. med.",
             "name_affix": "Freifrau", "birth_name": "Tal", "birth_date": dt.date(1980, 2, 29), "gender": "female",
             "kvnr": "A123456789", "insurance_kind": "statutory", "phone": "0351/54321-0", "mobile": "0151 23456789",
             "phone_e164": "+49351543210", "mobile_e164": "+4915123456789", "email": "eva@example.org",
             "street": "Elbweg 1", "postal_code": "01067", "city": "Dresden", "country": "DE", "active": True,
             "deceased": False, "verified_at": NOW - minutes(90), "verified_by": "desk",
             "created_at": NOW - dt.timedelta(days=99), **old},
            {"source_id": "p2", "family_name": "Wald", "given_name": "Jan", "active": False, "deceased": True,
             "deceased_on": dt.date(2026, 1, 5), "replaced_by": "p1", **old},
        ),
        "slot": frame(
            "slot",
            slot(0, start=TOMORROW - minutes(15), status="busy"),
            *(slot(number, start=TOMORROW + minutes(15 * number)) for number in range(1, 9)),
        ),
        "appointment": frame(
            "appointment",
            appointment("a1", start=TOMORROW - minutes(15), healthcare_service_id="s1", channel="online",
                        modality="in-person", booked_by="patient", series_id="series-7"),
            appointment("a2", start=NOW - dt.timedelta(days=20), status="cancelled", cancelled_by="patient",
                        cancelled_at=NOW - dt.timedelta(days=22), replaces="a0", room_id="r1"),
        ),
    }  # fmt: skip


@dataclass
class Played:
    """The platform, its clock, and what its clients slept."""

    server: BookingServer
    clock: list[dt.datetime]
    saved: Path
    slept: list[float] = field(default_factory=list)

    def afresh(self) -> Self:
        """As it was at the start: state, clock, no faults."""
        self.server.store.restore(self.saved)
        self.server.faults.clear()
        self.server.rules.confirms = True
        self.clock[0] = NOW
        self.slept.clear()
        return self

    def now(self) -> dt.datetime:
        """The time on both sides."""
        return self.clock[0]

    def pass_time(self, by: dt.timedelta) -> None:
        """Let the clock go on."""
        self.clock[0] += by

    def table(self, kind: str = "isik", **settings: Any) -> dict[str, Any]:
        """A `[sources.booking]` table for this platform."""
        auth = {"kind": "apiauth", "access_id": ACCESS_ID, "secret": "booking-key", "digest": "sha256"}
        url = self.server.fhir_url if kind == "isik" else self.server.api_url
        return {"kind": kind, "base_url": url, "auth": auth, "request_seconds": 5.0, **settings}

    def clocks(self) -> Clocks:
        """Clocks of a client that sleeps on paper."""
        return Clocks(now=self.now, sleep=self.slept.append, random=lambda: 0.5)

    def open(self, kind: str = "isik", *, secret: str = SECRET, **settings: Any) -> BookingSource:
        """A source that reads and writes here."""
        return open_source(
            "booking",
            self.table(kind, **settings),
            secret={"booking-key": secret}.__getitem__,
            timezone="Europe/Berlin",
            now=self.now,
            clocks=self.clocks(),
        )


@contextmanager
def played(folder: Path, frames: Mapping[str, pl.DataFrame] | None = None) -> Iterator[Played]:
    """A running platform with some frames, or the small practice."""
    path = folder / "booking.db"
    create(path, small_practice() if frames is None else frames)
    clock = [NOW]
    with BookingServer(path, ACCESS_ID, SECRET, clock=lambda: clock[0]) as server:
        server.store.save(folder / "saved.db")
        yield Played(server, clock, folder / "saved.db")


def read(
    source: BookingSource, resource: str, scope: Any = "full", since: str | None = None, window: Window | None = None
) -> Batch:
    """One reading in one batch; the invariants of every batch are checked on the way."""
    batches = list(source.read(ReadRequest(resource, scope, since, window)))
    assert [batch.last for batch in batches] == [False] * (len(batches) - 1) + [True]
    for batch in batches:
        assert batch.read == batch.frame.height + batch.rejected.height + len(batch.removed)
        assert batch.frame["source_id"].is_unique().all()
    frames = pl.concat([batch.frame for batch in batches]).unique("source_id", keep="last", maintain_order=True)
    last = batches[-1]
    return Batch(
        resource,
        frames,
        last.scope,
        window=last.window,
        position=last.position,
        rejected=pl.concat([batch.rejected for batch in batches]),
        issues=pl.concat([batch.issues for batch in batches]),
        unmapped=pl.concat([batch.unmapped for batch in batches]),
        read=sum(batch.read for batch in batches),
    )
