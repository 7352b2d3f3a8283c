"""The shared words: what every source says about a practice, whatever its own tables are called.

Each record is a frozen dataclass; its annotations are the only definition of its columns, and `schema` derives the
polars schema from them. Names follow FHIR R4 where FHIR has the word (`docs/glossary.md` has the German twins).

A record holds these columns and no others: a finding, a diagnosis or a free-text note has no place here, so a profile
that maps one is refused (`check_columns`).

Conventions for all records:

- `source_id` is the key in the source, always text. References (`patient_id`, `schedule_id`, ...) are `source_id`s of
  the same source.
- Instants are UTC (`datetime`), intervals are `start`, `end` with the end exclusive. Dates are local days.
- A `coded` field carries one of its `codes`. The vendor's own value stands beside it in `<field>_code`, so that a
  corrected code map can be applied to what was read long ago. A vendor value without a mapping becomes `unknown`.
"""

from __future__ import annotations

import datetime as dt
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, ClassVar

import polars as pl

UNKNOWN = "unknown"

#: FHIR Appointment.status, and `block` for time that a calendar keeps for itself (break, meeting) as an appointment.
APPOINTMENT_STATUS = (
    "proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "rescheduled", "noshow",
    "entered-in-error", "block", UNKNOWN,
)  # fmt: skip
GENDER = ("male", "female", "other", UNKNOWN)
INSURANCE_KIND = ("statutory", "private", "self-pay", "other", UNKNOWN)
CHANNEL = ("online", "phone", "desk", "letter", "other", UNKNOWN)
MODALITY = ("in-person", "video", "phone", "home-visit", UNKNOWN)
PARTY = ("patient", "practice", "system", UNKNOWN)
SLOT_STATUS = ("free", "busy", "busy-unavailable", "busy-tentative", "entered-in-error", UNKNOWN)
SCHEDULE_KIND = ("person", "room", "device", UNKNOWN)
LOCATION_KIND = ("site", "room", UNKNOWN)
WORKING_HOURS_KIND = ("regular", "extra", UNKNOWN)
ABSENCE_KIND = ("absence", "closure", "block", UNKNOWN)
CONSENT_PURPOSE = ("appointment-message", "recall", "waitlist-offer", "survey", UNKNOWN)
CONSENT_CHANNEL = ("email", "sms", "phone", "letter", "platform", UNKNOWN)
RELATIONSHIP = ("guardian", "owner", "partner", "child", "other", UNKNOWN)
RECALL_STATUS = ("active", "completed", "revoked", UNKNOWN)


def coded(*codes: str) -> Any:
    """A field whose values are `codes`; the raw table keeps the vendor's own value in `<field>_code` beside it."""
    return field(default=None, metadata={"codes": codes})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What all records share; see the module for the conventions."""

    resource: ClassVar[str]
    source_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient(Record):
    """A person (or animal) who is treated. FHIR Patient."""

    resource: ClassVar[str] = "patient"
    family_name: str | None = None
    given_name: str | None = None
    birth_name: str | None = None
    name_prefix: str | None = None
    name_affix: str | None = None
    birth_date: dt.date | None = None
    gender: str | None = coded(*GENDER)
    kvnr: str | None = None
    insurance_kind: str | None = coded(*INSURANCE_KIND)
    phone: str | None = None
    phone_e164: str | None = None
    mobile: str | None = None
    mobile_e164: str | None = None
    email: str | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None
    active: bool | None = None
    deceased: bool | None = None
    deceased_on: dt.date | None = None
    replaced_by: str | None = None
    verified_at: dt.datetime | None = None
    verified_by: str | None = None
    created_at: dt.datetime | None = None
    changed_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedPerson(Record):
    """Who answers for a patient: a guardian, an animal's owner. FHIR RelatedPerson."""

    resource: ClassVar[str] = "related_person"
    patient_id: str
    relationship: str | None = coded(*RELATIONSHIP)
    family_name: str | None = None
    given_name: str | None = None
    phone: str | None = None
    phone_e164: str | None = None
    mobile: str | None = None
    mobile_e164: str | None = None
    email: str | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Practitioner(Record):
    """A physician or other person whose time is booked. FHIR Practitioner."""

    resource: ClassVar[str] = "practitioner"
    family_name: str | None = None
    given_name: str | None = None
    name_prefix: str | None = None
    initials: str | None = None
    lanr: str | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Location(Record):
    """A site of the practice, or a room in one (`part_of`). FHIR Location."""

    resource: ClassVar[str] = "location"
    name: str | None = None
    kind: str | None = coded(*LOCATION_KIND)
    part_of: str | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthcareService(Record):
    """An appointment type: what can be booked, and how long it takes as a rule. FHIR HealthcareService."""

    resource: ClassVar[str] = "healthcare_service"
    name: str | None = None
    minutes: int | None = None
    bookable_online: bool | None = None
    overbooking_intended: bool | None = None
    needs_room: bool | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Record):
    """A calendar: the bookable time of one practitioner, room or device. FHIR Schedule."""

    resource: ClassVar[str] = "schedule"
    name: str | None = None
    kind: str | None = coded(*SCHEDULE_KIND)
    practitioner_id: str | None = None
    room_id: str | None = None
    location_id: str | None = None
    capacity: int | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot(Record):
    """An offered time of a schedule, where the source keeps offers as rows. FHIR Slot."""

    resource: ClassVar[str] = "slot"
    schedule_id: str
    status: str | None = coded(*SLOT_STATUS)
    start: dt.datetime
    end: dt.datetime
    healthcare_service_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment(Record):
    """A booked, cancelled or kept time. FHIR Appointment; `start`, `end` are the plan, `actual_*` what happened.

    A move keeps the key with a new `start`, or ends the old one as `rescheduled` and names it in `replaces`.
    """

    resource: ClassVar[str] = "appointment"
    schedule_id: str | None = None
    patient_id: str | None = None
    practitioner_id: str | None = None
    room_id: str | None = None
    healthcare_service_id: str | None = None
    status: str | None = coded(*APPOINTMENT_STATUS)
    start: dt.datetime
    end: dt.datetime
    actual_start: dt.datetime | None = None
    actual_end: dt.datetime | None = None
    arrived_at: dt.datetime | None = None
    channel: str | None = coded(*CHANNEL)
    modality: str | None = coded(*MODALITY)
    booked_by: str | None = coded(*PARTY)
    cancelled_by: str | None = coded(*PARTY)
    created_at: dt.datetime | None = None
    cancelled_at: dt.datetime | None = None
    changed_at: dt.datetime | None = None
    series_id: str | None = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours(Record):
    """When a calendar can be booked, as local wall time: weekly (`weekday`, ISO 1-7) or on one `date`.

    `regular` hours give way to holidays and closures; `extra` hours beat both. `week_interval` 2 is every second week,
    counted from the week of `valid_from`. Without `schedule_id` they hold for all calendars of the practice.
    """

    resource: ClassVar[str] = "working_hours"
    schedule_id: str | None = None
    kind: str | None = coded(*WORKING_HOURS_KIND)
    weekday: int | None = None
    date: dt.date | None = None
    start_time: dt.time
    end_time: dt.time
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    week_interval: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence(Record):
    """Time that a calendar (or, without `schedule_id`, the whole practice) is not there or not bookable.

    `absence` (leave, illness) beats everything, `closure` closes regular hours, `block` is kept for other work.
    """

    resource: ClassVar[str] = "absence"
    schedule_id: str | None = None
    practitioner_id: str | None = None
    kind: str | None = coded(*ABSENCE_KIND)
    start: dt.datetime
    end: dt.datetime
    substitute_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit(Record):
    """A patient was there. FHIR Encounter; `card_read_at` is the reading of the insurance card."""

    resource: ClassVar[str] = "visit"
    patient_id: str
    practitioner_id: str | None = None
    schedule_id: str | None = None
    appointment_id: str | None = None
    arrived_at: dt.datetime | None = None
    started_at: dt.datetime | None = None
    finished_at: dt.datetime | None = None
    card_read_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledService(Record):
    """One billed service: its code in a fee schedule and its day. FHIR ChargeItem, without any reason for it."""

    resource: ClassVar[str] = "billed_service"
    patient_id: str
    practitioner_id: str | None = None
    code_system: str | None = None
    code: str
    service_date: dt.date


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(Record):
    """A patient's yes to one purpose over one channel. FHIR Consent; without one, the answer is no."""

    resource: ClassVar[str] = "consent"
    patient_id: str
    purpose: str | None = coded(*CONSENT_PURPOSE)
    channel: str | None = coded(*CONSENT_CHANNEL)
    evidence: str | None = None
    valid_from: dt.datetime | None = None
    withdrawn_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall(Record):
    """A wish of the source to see a patient again by a day. FHIR ServiceRequest with an occurrence in the future."""

    resource: ClassVar[str] = "recall"
    patient_id: str
    practitioner_id: str | None = None
    name: str | None = None
    status: str | None = coded(*RECALL_STATUS)
    due_date: dt.date | None = None
    last_date: dt.date | None = None


RECORDS: dict[str, type[Record]] = {
    record.resource: record
    for record in (
        Patient, RelatedPerson, Practitioner, Location, HealthcareService, Schedule, Slot, Appointment, WorkingHours,
        Absence, Visit, BilledService, Consent, Recall,
    )
}  # fmt: skip

#: Raise it when a column changes its meaning or type; new columns need no new version (missing ones read as NULL).
SCHEMA_VERSION = 1

_DTYPES: dict[type, pl.DataType] = {
    str: pl.String(),
    int: pl.Int64(),
    bool: pl.Boolean(),
    dt.date: pl.Date(),
    dt.time: pl.Time(),
    dt.datetime: pl.Datetime("us", "UTC"),
}


def _value_type(annotation: object) -> type:
    """`str` of `str | None`, else the annotation itself."""
    if isinstance(annotation, types.UnionType):
        annotation = next(a for a in annotation.__args__ if a is not types.NoneType)
    return typing.cast("type", annotation)


@cache
def _hints(resource: str) -> dict[str, Any]:
    """Annotations as types; read once, because every batch asks for them."""
    return typing.get_type_hints(RECORDS[resource])


def columns(resource: str) -> dict[str, pl.DataType]:
    """Columns that a profile may map, in order: the record's fields and their polars types."""
    hints = _hints(resource)
    return {f.name: _DTYPES[_value_type(hints[f.name])] for f in fields(RECORDS[resource])}


def codes(resource: str) -> dict[str, tuple[str, ...]]:
    """The coded fields of a record, each with the values it may take."""
    return {f.name: f.metadata["codes"] for f in fields(RECORDS[resource]) if "codes" in f.metadata}


def required(resource: str) -> tuple[str, ...]:
    """Fields without which a row is no such record: it is set aside, not landed."""
    hints = _hints(resource)
    return tuple(f.name for f in fields(RECORDS[resource]) if not isinstance(hints[f.name], types.UnionType))


def schema(resource: str) -> pl.Schema:
    """The frame of a batch: the record's columns, and `<field>_code` (text) after each coded field."""
    coded_fields = codes(resource)
    out: dict[str, pl.DataType] = {}
    for name, dtype in columns(resource).items():
        out[name] = dtype
        if name in coded_fields:
            out[f"{name}_code"] = pl.String()
    return pl.Schema(out)


def check_columns(resource: str, names: Iterable[str]) -> list[str]:
    """What a profile maps that the record may not hold, as a list of names; empty when all is well."""
    allowed = columns(resource)
    return [name for name in names if name not in allowed]
