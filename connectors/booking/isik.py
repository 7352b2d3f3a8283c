"""FHIR R4, profiles of gematik's ISiK Terminplanung 4.0.0, to rows of our records.

https://simplifier.net/guide/isik-terminplanung-v4 (github: gematik/spec-ISiK-Terminplanung). Where a field has no
place in R4, the R5 element as an extension is read (ISiK does the same for Schedule.name and Appointment.replaces), and
for what R5 lacks too an extension that a platform's settings may name (`EXTENSIONS` holds the names we assume).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors import records
from connectors.booking import fhir
from connectors.booking.directory import Directory
from connectors.booking.fhir import Json

Row = dict[str, Any]

KVNR_SYSTEM = "http://fhir.de/sid/gkv/kvid-10"
LANR_SYSTEMS = ("https://fhir.kbv.de/NamingSystem/KBV_NS_Base_ANR", "http://fhir.de/sid/kbv/lanr")
NAME_AFFIX = "http://fhir.de/StructureDefinition/humanname-namenszusatz"
SCHEDULE_NAME = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Schedule.name"
REPLACES = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.replaces"
CANCELLATION_DATE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.cancellationDate"

#: Fields without a place in R4 -> the extension that carries them; `[sources.<name>.extensions]` may name others.
EXTENSIONS: dict[str, dict[str, str]] = {
    resource: {field: f"urn:praxistakt:{resource}.{field}" for field in fields}
    for resource, fields in {
        "patient": ("insurance_kind", "verified_at", "verified_by", "created_at"),
        "practitioner": ("initials",),
        "healthcare_service": ("minutes", "bookable_online", "overbooking_intended", "needs_room"),
        "schedule": ("capacity",),
        # `status` only where it says more than FHIR does: a cancelled one was moved, a booked one is a block.
        "appointment": (
            "status",
            "actual_start",
            "actual_end",
            "arrived_at",
            "channel",
            "modality",
            "booked_by",
            "series_id",
        ),
    }.items()
}

_APPOINTMENT_STATUS = {
    "proposed": "proposed", "pending": "pending", "booked": "booked", "arrived": "arrived", "fulfilled": "fulfilled",
    "cancelled": "cancelled", "noshow": "noshow", "entered-in-error": "entered-in-error", "checked-in": "arrived",
    # The guide's own PATCH example writes the American spelling.
    "canceled": "cancelled",
    # A wish without an agreed time: none of our words, and not a mistake of the platform either.
    "waitlist": records.UNKNOWN,
    # By the extension alone.
    "rescheduled": "rescheduled", "block": "block",
}  # fmt: skip
#: http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason, of which ISiK requires the first five.
_CANCELLED_BY = {
    "pat": "patient", "prov": "practice", "maint": "practice", "meds-inc": records.UNKNOWN, "other": records.UNKNOWN,
    **dict.fromkeys(("pat-crs", "pat-cpp", "pat-dec", "pat-fb", "pat-lt", "pat-mt", "pat-mv", "pat-preg", "pat-swl",
                     "pat-uwp"), "patient"),
    **dict.fromkeys(("prov-pers", "prov-dch", "prov-edu", "prov-hosp", "prov-labs", "prov-mss", "prov-onc",
                     "prov-trans"), "practice"),
}  # fmt: skip


def _same(values: Iterable[str]) -> dict[str, str]:
    return {value: value for value in values}


#: resource -> field -> platform's code -> our code.
CODES: dict[str, dict[str, dict[str, str]]] = {
    "patient": {"gender": _same(records.GENDER), "insurance_kind": _same(records.INSURANCE_KIND)},
    "location": {"kind": {"ro": "room", "si": "site", "bu": "site"}},
    "schedule": {"kind": {"Practitioner": "person", "Location": "room", "Device": "device"}},
    "slot": {"status": _same(records.SLOT_STATUS)},
    "appointment": {
        "status": _APPOINTMENT_STATUS,
        "channel": _same(records.CHANNEL),
        "modality": _same(records.MODALITY),
        "booked_by": _same(records.PARTY),
        "cancelled_by": _CANCELLED_BY,
    },
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns resources into rows. `extensions`: resource -> field -> url of the extension that carries it."""

    extensions: Mapping[str, Mapping[str, str]]
    directory: Directory

    def row(self, resource: str, found: Json, slots: Mapping[str, Json]) -> Row:
        """One resource as a flat row; `slots` are those that came along with a page of appointments."""
        extensions = fhir.extensions(found)
        carried = self.extensions.get(resource, {})
        row = {
            "source_id": fhir.text(found, "id"),
            "changed_at": fhir.last_updated(found),
            **{field: extensions.get(url) for field, url in carried.items()},
        }
        if resource == "appointment":
            own = self._appointment(found, slots, extensions)
            return {**row, **own, "status": row.get("status") or own["status"]}
        if resource == "slot":
            return {**row, **self._slot(found)}
        if resource == "schedule":
            return {**row, **self._schedule(found, extensions)}
        return {**row, **_PLAIN[resource](found)}

    def _appointment(self, found: Json, slots: Mapping[str, Json], extensions: Mapping[str, Any]) -> Row:
        actors = [fhir.target(fhir.first(participant, "actor")) for participant in fhir.objects(found, "participant")]
        practitioner, room = _actor(actors, "Practitioner"), self.directory.room(actors)
        return {
            "schedule_id": self._schedule_id(found, slots) or self.directory.schedule_of(practitioner, room),
            "patient_id": _actor(actors, "Patient"),
            "practitioner_id": practitioner,
            "room_id": room,
            "healthcare_service_id": _actor(actors, "HealthcareService") or self._service_id(found),
            "status": fhir.text(found, "status"),
            "start": fhir.text(found, "start"),
            "end": fhir.text(found, "end"),
            "created_at": fhir.text(found, "created"),
            "cancelled_by": fhir.code(fhir.objects(found, "cancelationReason")),
            "cancelled_at": extensions.get(CANCELLATION_DATE),
            "replaces": _extension_target(extensions.get(REPLACES), "Appointment"),
        }

    def _schedule_id(self, found: Json, slots: Mapping[str, Json]) -> str | None:
        """The schedule of the first slot that came along; a slot may be gone without harm."""
        for reference in fhir.objects(found, "slot"):
            slot = slots.get(fhir.target_id(reference, "Slot") or "")
            if slot is not None:
                return fhir.target_id(fhir.first(slot, "schedule"), "Schedule")
        return None

    def _service_id(self, found: Json) -> str | None:
        return self.directory.service_of(fhir.codes(fhir.objects(found, "serviceType")))

    def _slot(self, found: Json) -> Row:
        return {
            "schedule_id": fhir.target_id(fhir.first(found, "schedule"), "Schedule"),
            "status": fhir.text(found, "status"),
            "start": fhir.text(found, "start"),
            "end": fhir.text(found, "end"),
            "healthcare_service_id": self._service_id(found),
        }

    def _schedule(self, found: Json, extensions: Mapping[str, Any]) -> Row:
        references = fhir.objects(found, "actor")
        actors = [fhir.target(reference) for reference in references]
        kinds = {kind for kind, _ in actors}
        return {
            "name": extensions.get(SCHEDULE_NAME) or _display(references),
            "kind": next((kind for kind in ("Practitioner", "Device", "Location") if kind in kinds), None),
            "practitioner_id": _actor(actors, "Practitioner"),
            "room_id": self.directory.room(actors),
            "location_id": self.directory.site(actors),
            "active": found.get("active"),
        }


def _patient(found: Json) -> Row:
    names = fhir.objects(found, "name")
    name = next((n for n in names if n.get("use") == "official"), names[0] if names else {})
    maiden: Json = next((n for n in names if n.get("use") == "maiden"), {})
    telecoms = fhir.objects(found, "telecom")
    phones = [t for t in telecoms if t.get("system") == "phone"]
    died = fhir.text(found, "deceasedDateTime")
    return {
        **_name(name),
        "birth_name": fhir.text(maiden, "family"),
        "birth_date": fhir.text(found, "birthDate"),
        "gender": fhir.text(found, "gender"),
        "kvnr": _identifier(found, (KVNR_SYSTEM,)),
        "phone": next((t.get("value") for t in phones if t.get("use") != "mobile"), None),
        "mobile": next((t.get("value") for t in phones if t.get("use") == "mobile"), None),
        "email": next((t.get("value") for t in telecoms if t.get("system") == "email"), None),
        **_address(fhir.first(found, "address")),
        "active": found.get("active"),
        "deceased": True if died else found.get("deceasedBoolean"),
        "deceased_on": died[:10] if died else None,
        "replaced_by": _replaced_by(found),
    }


def _name(name: Json) -> Row:
    """Family name without the Namenszusatz, which the German base profile repeats in an extension."""
    family, affix = fhir.text(name, "family"), fhir.extensions(fhir.first(name, "_family")).get(NAME_AFFIX)
    if family and isinstance(affix, str):
        family = family.removeprefix(f"{affix} ")
    return {
        "family_name": family,
        "given_name": " ".join(fhir.texts(name, "given")),
        "name_prefix": " ".join(fhir.texts(name, "prefix")),
        "name_affix": affix,
    }


def _address(address: Json) -> Row:
    return {
        "street": ", ".join(fhir.texts(address, "line")),
        "postal_code": fhir.text(address, "postalCode"),
        "city": fhir.text(address, "city"),
        "country": fhir.text(address, "country"),
    }


def _replaced_by(found: Json) -> str | None:
    links = (link for link in fhir.objects(found, "link") if link.get("type") == "replaced-by")
    return next((fhir.target_id(fhir.first(link, "other"), "Patient") for link in links), None)


def _practitioner(found: Json) -> Row:
    name = _name(fhir.first(found, "name"))
    return {
        **{field: name[field] for field in ("family_name", "given_name", "name_prefix")},
        "lanr": _identifier(found, LANR_SYSTEMS),
        "active": found.get("active"),
    }


def _location(found: Json) -> Row:
    status = fhir.text(found, "status")
    return {
        "name": fhir.text(found, "name"),
        "kind": fhir.code(fhir.objects(found, "physicalType")),
        "part_of": fhir.target_id(fhir.first(found, "partOf"), "Location"),
        "active": None if status is None else status == "active",
    }


def _healthcare_service(found: Json) -> Row:
    return {"name": fhir.text(found, "name"), "active": found.get("active")}


_PLAIN: dict[str, Callable[[Json], Row]] = {
    "patient": _patient,
    "practitioner": _practitioner,
    "location": _location,
    "healthcare_service": _healthcare_service,
}


def _actor(actors: list[tuple[str, str]], kind: str) -> str | None:
    return next((key for found, key in actors if found == kind and key), None)


def _display(references: list[Json]) -> str | None:
    return next((name for name in (fhir.text(reference, "display") for reference in references) if name), None)


def _identifier(found: Json, systems: tuple[str, ...]) -> str | None:
    """As it stands: a wrong check digit is a finding about the patient, not a reason to lose the number."""
    identifiers = fhir.objects(found, "identifier")
    return next((fhir.text(i, "value") for i in identifiers if i.get("system") in systems), None)


def _extension_target(value: object, kind: str) -> str | None:
    return fhir.target_id(value, kind) if isinstance(value, dict) else None
