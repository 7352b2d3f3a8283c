"""A played online booking platform: state in a file, an interface on loopback, and patients who book at night.

create(path, frames)                                   # from records: patients, schedules, slots, appointments, ...
with BookingServer(path, "practice", "secret") as server:
    server.fhir_url, server.api_url                    # ISiK Terminplanung, and the plain JSON flavour
    server.book_online(patient_id=..., schedule_id=..., start=..., end=..., now=...)
    server.faults.add("status", status=429, headers={"retry-after": "2"})
    server.log()                                       # what was written to it
"""

from __future__ import annotations

import datetime as dt
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import polars as pl
import uvicorn

from connectors import records
from connectors.booking.apiauth import Dialect
from connectors.sandbox.booking_app import Door, application
from connectors.sandbox.booking_faults import Faults
from connectors.sandbox.booking_rules import LIVE, Rules
from connectors.sandbox.booking_store import RESOURCES, Store, text

#: How the played platform wants requests signed, unless told otherwise.
DIALECT = Dialect(digest="sha256")
_START_SECONDS = 10.0


def utc_now() -> dt.datetime:
    """The clock of a server that plays now."""
    return dt.datetime.now(dt.UTC)


def create(path: Path, frames: Mapping[str, pl.DataFrame]) -> None:
    """A new platform from frames of `records.schema`; a file that is there already is an error.

    Appointments take the slot of their schedule that starts with them; where none is offered, a slot of their own is
    made. Record types that a booking platform does not keep (working hours, visits) are refused.
    """
    foreign = sorted(set(frames) - set(RESOURCES))
    if foreign:
        raise ValueError(f"frames for {', '.join(foreign)}, expected some of {', '.join(RESOURCES)}")
    if path.exists():
        raise FileExistsError(f"{path} exists; a new platform needs a new file")
    store = Store(path)
    store.create()
    given = {name: frames.get(name, pl.DataFrame(schema=records.schema(name))) for name in RESOURCES}
    slots, taken = _slots(given["slot"], given["appointment"])
    for name in RESOURCES[:-2]:
        store.load(name, given[name])
    store.load("slot", slots)
    store.load("appointment", given["appointment"], [{"slots": [key] if key else []} for key in taken])
    store.close()


def _slots(offered: pl.DataFrame, appointments: pl.DataFrame) -> tuple[pl.DataFrame, list[str | None]]:
    """All slots, those with a live appointment busy; and the slot of each appointment, in its order."""
    keys = offered.unique(["schedule_id", "start"], keep="first", maintain_order=True)
    keys = keys.select("schedule_id", "start", slot_id="source_id")
    linked = appointments.join(keys, on=["schedule_id", "start"], how="left", maintain_order="left").with_columns(
        made=pl.col("slot_id").is_null() & pl.col("schedule_id").is_not_null(),
        live=pl.col("status").is_in(LIVE),
    )
    linked = linked.with_columns(
        slot_id=pl.when("made").then(pl.concat_str(pl.lit("for-"), "source_id")).otherwise("slot_id")
    )
    made = linked.filter("made").select(
        pl.col("slot_id").alias("source_id"),
        "schedule_id",
        pl.when("live").then(pl.lit("busy")).otherwise(pl.lit("busy-unavailable")).alias("status"),
        "start",
        "end",
    )
    busy = linked.filter("live")["slot_id"].drop_nulls()
    slots = pl.concat([offered, made], how="diagonal").with_columns(
        status=pl.when(pl.col("source_id").is_in(busy.to_list())).then(pl.lit("busy")).otherwise("status")
    )
    return slots.select(offered.columns), linked["slot_id"].to_list()


class BookingDesk:
    """What happens at the platform itself: patients who book, cancel, move, and get a new telephone number."""

    def __init__(self, path: Path) -> None:
        self.store = Store(path)
        self.rules = Rules(self.store)

    def book_online(
        self, *, patient_id: str, schedule_id: str, start: dt.datetime, end: dt.datetime, now: dt.datetime, **more: str
    ) -> str:
        """The id of a new appointment; `more` are fields such as healthcare_service_id. Raises Declined."""
        values = {
            "patient_id": patient_id,
            "schedule_id": schedule_id,
            "start": text(start),
            "end": text(end),
            "channel": "online",
            "booked_by": "patient",
            **self._of_schedule(schedule_id),
            **more,
        }
        return self._acted(self.rules.book(values, now).id, "POST", "appointment", now)

    def cancel_online(self, appointment_id: str, now: dt.datetime) -> None:
        """The patient cancels. Raises Declined."""
        self.rules.set_status(appointment_id, {"status": "cancelled", "cancelled_by": "patient"}, now)
        self._acted(appointment_id, "PATCH", "appointment", now)

    def move_online(self, appointment_id: str, start: dt.datetime, end: dt.datetime, now: dt.datetime) -> None:
        """The patient moves the appointment, which keeps its id. Raises Declined."""
        self.rules.move(appointment_id, {"start": text(start), "end": text(end)}, now)
        self._acted(appointment_id, "PATCH", "appointment", now)

    def change_phone(self, patient_id: str, mobile: str, now: dt.datetime) -> None:
        """The patient enters a new mobile number. Raises Declined."""
        self.rules.change_patient(patient_id, {"mobile": mobile}, now)
        self._acted(patient_id, "PATCH", "patient", now)

    def free_slots(self, schedule_id: str, start: dt.datetime) -> list[tuple[dt.datetime, dt.datetime]]:
        """Start and end of the open offers of a schedule from an instant on, in order."""
        found = self.store.search(
            "slot", [("schedule_id", "=", schedule_id), ("status", "=", "free"), ("start", ">=", text(start))]
        )
        times = ((slot.body["start"], slot.body["end"]) for slot in found)
        return sorted((dt.datetime.fromisoformat(a), dt.datetime.fromisoformat(b)) for a, b in times)

    def log(self) -> pl.DataFrame:
        """What was written, by whom: number, at, actor (api, patient), method, resource, source_id, status, key."""
        return self.store.log()

    def _of_schedule(self, schedule_id: str) -> dict[str, Any]:
        schedule = self.store.get("schedule", schedule_id)
        fields = ("practitioner_id", "room_id")
        return {} if schedule is None else {name: schedule.body[name] for name in fields if name in schedule.body}

    def _acted(self, key: str, method: str, resource: str, now: dt.datetime) -> str:
        self.store.note(now, "patient", method, resource, key=key, status=200, change=None)
        return key

    def close(self) -> None:
        """Close the state file."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class BookingServer(BookingDesk):
    """The platform with its interface on 127.0.0.1; a context manager. `port` 0 takes a free one."""

    def __init__(
        self,
        path: Path,
        access_id: str,
        secret: str,
        port: int = 0,
        *,
        dialect: Dialect = DIALECT,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        super().__init__(path)
        self.faults = Faults()
        door = Door(application(self.store, self.rules, clock), self.faults, {access_id: secret}, dialect, clock)
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        self._server = _Server(_config(door))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="booking", daemon=True)

    @property
    def fhir_url(self) -> str:
        """Base address of the FHIR interface."""
        return f"http://127.0.0.1:{self.port}/fhir"

    @property
    def api_url(self) -> str:
        """Base address of the plain JSON interface."""
        return f"http://127.0.0.1:{self.port}/api/v1"

    def start(self) -> None:
        """Serve, in a thread; returns when it listens."""
        self._thread.start()
        if not self._server.listening.wait(_START_SECONDS):
            raise TimeoutError(f"the played booking platform did not start within {_START_SECONDS:g} s")

    def close(self) -> None:
        """Stop serving and close the state file."""
        self.faults.stopping.set()
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()
        super().close()

    def __enter__(self) -> Self:
        self.start()
        return self


def _config(door: Door) -> uvicorn.Config:
    return uvicorn.Config(
        door,
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
