"""A small practice in the played practice software, by record: two calendars, three patients, a handful of the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from connectors import records
from connectors.pvs import engine, profile
from connectors.pvs.source import Login, PvsSource
from connectors.sandbox import pvs
from connectors.source import Batch, ReadRequest, Window

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
WINDOW = Window(dt.datetime(2026, 2, 16, tzinfo=dt.UTC), dt.datetime(2028, 3, 1, tzinfo=dt.UTC))


def at(text: str) -> dt.datetime:
    """`2026-03-02 08:00` as an instant."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def frame(resource: str, *rows: Mapping[str, object]) -> pl.DataFrame:
    """Rows of a record with the fields that matter; the others are null."""
    schema = records.schema(resource)
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def small_practice() -> dict[str, pl.DataFrame]:
    """One frame per record that the played software keeps; every optional field is filled in some row."""
    seen = {"created_at": at("2025-01-07 08:12"), "changed_at": at("2026-02-20 10:30")}
    return {
        "location": frame(
            "location",
            {"source_id": "1", "name": "Marktplatz 1", "kind": "site", "active": True},
            {"source_id": "2", "name": "Zimmer 2", "kind": "room", "part_of": "1", "active": False},
        ),
        "practitioner": frame(
            "practitioner",
            {"source_id": "1", "family_name": "Demir", "given_name": "Ayşe", "name_prefix": "Dr. med.",
             "initials": "AD", "lanr": "123456601", "active": True},
            {"source_id": "2", "family_name": "Łuczak", "active": False},
        ),
        "healthcare_service": frame(
            "healthcare_service",
            {"source_id": "1", "name": "Kontrolle", "minutes": 15, "bookable_online": True,
             "overbooking_intended": False, "needs_room": False, "active": True},
            {"source_id": "2", "name": "Notfall"},
        ),
        "schedule": frame(
            "schedule",
            {"source_id": "1", "name": "Dr. Demir", "kind": "person", "practitioner_id": "1", "location_id": "1",
             "capacity": 1, "active": True},
            {"source_id": "2", "name": "Zimmer 2", "kind": "room", "room_id": "2", "location_id": "1", "capacity": 2,
             "active": True},
        ),
        "working_hours": frame(
            "working_hours",
            {"source_id": "1", "schedule_id": "1", "kind": "regular", "weekday": 1, "start_time": dt.time(8),
             "end_time": dt.time(12, 30), "valid_from": dt.date(2025, 1, 6), "valid_to": dt.date(2030, 12, 31),
             "week_interval": 2},
            {"source_id": "2", "schedule_id": "1", "kind": "extra", "date": dt.date(2026, 3, 7),
             "start_time": dt.time(9, 5), "end_time": dt.time(11)},
        ),
        "absence": frame(
            "absence",
            {"source_id": "1", "schedule_id": "1", "practitioner_id": "1", "kind": "absence",
             "start": at("2026-04-06 22:00"), "end": at("2026-04-10 22:00"), "substitute_id": "2"},
            {"source_id": "2", "kind": "closure", "start": at("2026-12-23 23:00"), "end": at("2026-12-24 23:00")},
        ),
        "patient": frame(
            "patient",
            {"source_id": "1", "family_name": "Müller-Lüdenscheidt", "given_name": "Jürgen", "birth_name": "Groß",
             "name_prefix": "Prof. Dr.", "name_affix": "Freiherr", "birth_date": dt.date(1951, 2, 28),
             "gender": "male", "kvnr": "A123456780", "insurance_kind": "private", "phone": "030 / 1234-567",
             "phone_e164": "+49301234567", "mobile": "0171 2345678 (Sohn)", "mobile_e164": "+491712345678",
             "email": "jml@example.org", "street": "Gartenweg 3", "postal_code": "01067", "city": "Dresden",
             "country": "D", "active": True, "deceased": True, "deceased_on": dt.date(2026, 1, 3),
             "verified_at": at("2025-06-01 08:00"), "verified_by": "eGK", **seen},
            {"source_id": "2", "family_name": "Yılmaz", "gender": "female", "insurance_kind": "statutory",
             "replaced_by": "3", "active": False, **seen},
            {"source_id": "3", "family_name": "Yılmaz", "gender": "other", "mobile": "54321", "active": True, **seen},
        ),
        "related_person": frame(
            "related_person",
            {"source_id": "1", "patient_id": "3", "relationship": "guardian", "family_name": "Yılmaz",
             "given_name": "Can", "phone": "(089) 1234567", "phone_e164": "+49891234567", "mobile": "+49 160 1234567",
             "mobile_e164": "+491601234567", "email": "can@example.org", "active": True},
        ),
        "consent": frame(
            "consent",
            {"source_id": "1", "patient_id": "1", "purpose": "recall", "channel": "email", "evidence": "Formular 7",
             "valid_from": at("2025-05-05 07:00"), "withdrawn_at": at("2026-01-05 07:00")},
        ),
        "appointment": frame(
            "appointment",
            {"source_id": "1", "schedule_id": "1", "patient_id": "1", "practitioner_id": "1", "room_id": "2",
             "healthcare_service_id": "1", "status": "fulfilled", "start": at("2026-02-20 08:00"),
             "end": at("2026-02-20 08:15"), "actual_start": at("2026-02-20 08:04"),
             "actual_end": at("2026-02-20 08:21"), "arrived_at": at("2026-02-20 07:50"), "channel": "online",
             "modality": "in-person", "booked_by": "patient", "series_id": "S1", **seen},
            {"source_id": "2", "schedule_id": "1", "patient_id": "3", "status": "cancelled", "cancelled_by": "patient",
             "cancelled_at": at("2026-03-01 11:00"), "start": at("2026-03-03 08:00"), "end": at("2026-03-03 08:15"),
             "replaces": "1", **seen},
            {"source_id": "3", "schedule_id": "2", "status": "booked", "start": at("2026-03-03 09:00"),
             "end": at("2026-03-03 09:30"), **seen},
            {"source_id": "4", "schedule_id": "1", "patient_id": "2", "status": "noshow",
             "start": at("2024-03-03 09:00"), "end": at("2024-03-03 09:30"), **seen},
        ),
        "visit": frame(
            "visit",
            {"source_id": "1", "patient_id": "1", "practitioner_id": "1", "schedule_id": "1", "appointment_id": "1",
             "arrived_at": at("2026-02-20 07:50"), "started_at": at("2026-02-20 08:04"),
             "finished_at": at("2026-02-20 08:21"), "card_read_at": at("2026-02-20 07:51")},
        ),
        "billed_service": frame(
            "billed_service",
            {"source_id": "1", "patient_id": "1", "practitioner_id": "1", "code_system": "EBM", "code": "03000",
             "service_date": dt.date(2026, 2, 20)},
        ),
        "recall": frame(
            "recall",
            {"source_id": "1", "patient_id": "1", "practitioner_id": "1", "name": "Check-up", "status": "active",
             "due_date": dt.date(2026, 9, 1), "last_date": dt.date(2023, 9, 1)},
        ),
    }  # fmt: skip


def made(path: Path, frames: Mapping[str, pl.DataFrame] | None = None) -> Path:
    """The played software with these records (or the small practice) at `path`."""
    pvs.create(path, small_practice() if frames is None else frames)
    return path


def opened(path: Path, *, now: dt.datetime = NOW, described: profile.Profile | None = None, **limits: Any) -> PvsSource:
    """The profile `demo` on a database file; `limits` are the source's deadline and row_budget."""
    url = engine.parse_url(f"sqlite:///{path}")
    described = described or profile.load(profile.find("demo"))
    login = Login(url, url)
    return PvsSource("pvs", described, login, timezone="Europe/Berlin", now=lambda: now, **limits)


def read(source: PvsSource, resource: str, scope: str = "full", since: str | None = None) -> list[Batch]:
    """All batches of one reading."""
    return list(source.read(ReadRequest(resource, scope, since=since, window=WINDOW)))  # type: ignore[arg-type]


def without_codes(batch: pl.DataFrame) -> pl.DataFrame:
    """A batch's frame without the vendor's own codes."""
    return batch.drop([name for name in batch.columns if name.endswith("_code") and name != "postal_code"])
