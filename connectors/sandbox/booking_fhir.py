"""The played platform's records as FHIR R4 resources after ISiK Terminplanung, and requests back to values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.booking import fhir, instants, isik
from connectors.booking.directory import Directory
from connectors.booking.platform import CHANGE_KEY_SYSTEM
from connectors.sandbox.booking_store import Declined, Stored, text

Json = dict[str, Any]

KINDS = {
    "Practitioner": "practitioner",
    "Location": "location",
    "HealthcareService": "healthcare_service",
    "Schedule": "schedule",
    "Patient": "patient",
    "Slot": "slot",
    "Appointment": "appointment",
}
TYPES = {resource: kind for kind, resource in KINDS.items()}

_SPECIALTY = [{"coding": [{"system": "http://ihe-d.de/CodeSystems/AerztlicheFachrichtungen", "code": "ALLG"}]}]
_SERVICE_TYPE = "http://terminology.hl7.org/CodeSystem/service-type"
_PLACE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_REASON = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
_REASONS = {"patient": "pat", "practice": "prov"}
#: Statuses that FHIR lacks, and what it says instead; an extension tells them apart.
_NOT_IN_FHIR = {"rescheduled": "cancelled", "block": "booked"}
_VALUE_TYPES = {int: "valueInteger", bool: "valueBoolean", str: "valueString"}


def resource(stored: Stored) -> Json:
    """One record as a resource, with its version and the time of its last change."""
    body = {**stored.body, "id": stored.id}
    found: Json = {
        "resourceType": TYPES[stored.resource],
        "id": stored.id,
        "meta": {"versionId": str(stored.version), "lastUpdated": stored.updated_at},
        **_WRITERS[stored.resource](body),
    }
    extensions = found.pop("extension", []) + [
        {"url": url, _VALUE_TYPES[type(body[field])]: body[field]}
        for field, url in isik.EXTENSIONS.get(stored.resource, {}).items()
        if body.get(field) is not None and (field != "status" or body[field] in _NOT_IN_FHIR)
    ]
    if extensions:
        found["extension"] = extensions
    if stored.change_key is not None:
        found.setdefault("identifier", []).append({"system": CHANGE_KEY_SYSTEM, "value": stored.change_key})
    return _without_gaps(found)


def outcome(code: str) -> Json:
    """An OperationOutcome with one error."""
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code}]}


def booking_request(body: Any) -> tuple[Json, str | None, str | None]:
    """Values, key and cancelled appointment of a `$book`: a bare Appointment, or Parameters."""
    if not isinstance(body, dict):
        raise Declined(400, "structure")
    parameters = {part.get("name"): part for part in fhir.objects(body, "parameter")}
    appointment: Mapping[str, Any] = body
    if body.get("resourceType") == "Parameters":
        appointment = fhir.first(parameters.get("appt-resource", {}), "resource")
    if appointment.get("resourceType") != "Appointment":
        raise Declined(400, "structure")
    if appointment.get("status") != "proposed":
        raise Declined(422, "value")
    actors = dict(fhir.target(fhir.first(part, "actor")) for part in fhir.objects(appointment, "participant"))
    schedule = fhir.first(parameters.get("schedule", {}), "valueReference")
    values = {
        "schedule_id": fhir.target_id(schedule, "Schedule"),
        "patient_id": actors.get("Patient"),
        "practitioner_id": actors.get("Practitioner"),
        "room_id": actors.get("Location"),
        "healthcare_service_id": actors.get("HealthcareService"),
        "start": _utc(appointment.get("start")),
        "end": _utc(appointment.get("end")),
    }
    slots = [fhir.target_id(slot, "Slot") for slot in fhir.objects(appointment, "slot")]
    cancels = parameters.get("cancelled-appt-id", {}).get("valueUri")
    known = fhir.text(appointment, "id")
    return (
        {**{name: value for name, value in values.items() if value}, "id": known, "slots": slots},
        change_key(appointment),
        cancels,
    )


def patch_request(body: Any) -> Json:
    """Values of a FHIRPath Patch; what ISiK forbids to change is declined with 400."""
    values: Json = {}
    for operation in fhir.objects(body if isinstance(body, dict) else {}, "parameter"):
        parts = {part.get("name"): part for part in fhir.objects(operation, "part")}
        path = str(parts.get("path", {}).get("valueString", ""))
        if path == "Appointment":
            path = f"Appointment.{parts.get('name', {}).get('valueString')}"
        value = parts.get("value", {})
        if path == "Appointment.status":
            values["status"] = isik.CODES["appointment"]["status"].get(str(value.get("valueCode")), "")
        elif path == "Appointment.cancelationReason":
            code = fhir.code(fhir.objects(value, "valueCodeableConcept"))
            values["cancelled_by"] = isik.CODES["appointment"]["cancelled_by"].get(code or "")
        else:
            raise Declined(400, "business-rule")
    if not values:
        raise Declined(400, "structure")
    return values


def patient_request(body: Any) -> tuple[Json, str | None]:
    """Values and key of a Patient; a field that the resource lacks is None."""
    if not isinstance(body, dict) or body.get("resourceType") != "Patient":
        raise Declined(400, "structure")
    row = isik.Reader(isik.EXTENSIONS, Directory()).row("patient", body, {})
    values = {name: value or None for name, value in row.items() if name not in ("source_id", "changed_at")}
    return {**values, "active": row["active"], "deceased": row["deceased"]}, change_key(body)


def change_key(body: Mapping[str, Any]) -> str | None:
    """The key of the change that made a resource."""
    identifiers = fhir.objects(body, "identifier")
    return next((str(i.get("value")) for i in identifiers if i.get("system") == CHANGE_KEY_SYSTEM), None)


def _utc(moment: object) -> str | None:
    try:
        return text(instants.instant(str(moment))) if moment else None
    except ValueError as error:
        raise Declined(400, "value") from error


def _without_gaps(found: Json) -> Json:
    return {name: value for name, value in found.items() if value not in (None, [], {})}


def _reference(kind: str, key: object, display: str | None = None) -> Json | None:
    return _without_gaps({"reference": f"{kind}/{key}", "display": display}) if key else None


def _concept(system: str, code: object) -> list[Json]:
    return [{"coding": [{"system": system, "code": code}]}] if code else []


def _patient(body: Mapping[str, Any]) -> Json:
    affix, family = body.get("name_affix"), body.get("family_name")
    name = _name(body)
    if affix:
        name["family"] = f"{affix} {family}"
        name["_family"] = {"extension": [{"url": isik.NAME_AFFIX, "valueString": affix}]}
    maiden = {"use": "maiden", "family": body["birth_name"]} if body.get("birth_name") else None
    died = body.get("deceased_on")
    return {
        "identifier": [{"system": isik.KVNR_SYSTEM, "value": body["kvnr"]}] if body.get("kvnr") else [],
        "active": body.get("active"),
        "name": [part for part in (name, maiden) if part],
        "telecom": _telecom(body),
        "gender": body.get("gender"),
        "birthDate": body.get("birth_date"),
        **({"deceasedDateTime": died} if died else {"deceasedBoolean": body.get("deceased")}),
        "address": [address] if (address := _address(body)) else [],
        "link": [{"other": _reference("Patient", body["replaced_by"]), "type": "replaced-by"}]
        if body.get("replaced_by")
        else [],
    }


def _name(body: Mapping[str, Any]) -> Json:
    return _without_gaps(
        {
            "use": "official",
            "family": body.get("family_name"),
            "given": (body.get("given_name") or "").split(),
            "prefix": [body["name_prefix"]] if body.get("name_prefix") else [],
        }
    )


def _telecom(body: Mapping[str, Any]) -> list[Json]:
    given = (("phone", "home", "phone"), ("phone", "mobile", "mobile"), ("email", "home", "email"))
    return [
        {"system": system, "use": use, "value": body[field]} for system, use, field in given if body.get(field)
    ]  # fmt: skip


def _address(body: Mapping[str, Any]) -> Json:
    return _without_gaps(
        {
            "line": [body["street"]] if body.get("street") else [],
            "postalCode": body.get("postal_code"),
            "city": body.get("city"),
            "country": body.get("country"),
        }
    )


def _practitioner(body: Mapping[str, Any]) -> Json:
    return {
        "identifier": [{"system": isik.LANR_SYSTEMS[0], "value": body["lanr"]}] if body.get("lanr") else [],
        "active": body.get("active"),
        "name": [_name(body)],
    }


def _location(body: Mapping[str, Any]) -> Json:
    kind = {"room": "ro", "site": "si"}.get(body.get("kind", ""))
    active = body.get("active")
    return {
        "status": None if active is None else ("active" if active else "inactive"),
        "name": body.get("name"),
        "physicalType": {"coding": [{"system": _PLACE, "code": kind}]} if kind else None,
        "partOf": _reference("Location", body.get("part_of")),
    }


def _healthcare_service(body: Mapping[str, Any]) -> Json:
    return {
        "active": body.get("active"),
        "type": _concept(_SERVICE_TYPE, body["id"]),
        "specialty": _SPECIALTY,
        "name": body.get("name"),
    }


def _schedule(body: Mapping[str, Any]) -> Json:
    name = body.get("name")
    actors = [
        _reference("Practitioner", body.get("practitioner_id"), name),
        _reference("Location", body.get("room_id"), name),
        _reference("Device", name if body.get("kind") == "device" else None, name),
        _reference("Location", body.get("location_id"), name),
    ]
    return {
        "extension": [{"url": isik.SCHEDULE_NAME, "valueString": name}] if name else [],
        "active": body.get("active"),
        "serviceType": _concept(_SERVICE_TYPE, "124"),
        "specialty": _SPECIALTY,
        "actor": [actor for actor in actors if actor],
    }


def _slot(body: Mapping[str, Any]) -> Json:
    return {
        "serviceType": _concept(_SERVICE_TYPE, body.get("healthcare_service_id")),
        "schedule": _reference("Schedule", body.get("schedule_id")),
        "status": body.get("status"),
        "start": body.get("start"),
        "end": body.get("end"),
    }


def _appointment(body: Mapping[str, Any]) -> Json:
    actors = [
        _reference("Patient", body.get("patient_id"), "Patient"),
        _reference("Practitioner", body.get("practitioner_id"), "Practitioner"),
        _reference("Location", body.get("room_id"), "Location"),
        _reference("HealthcareService", body.get("healthcare_service_id"), "Service"),
    ]
    party, ended, old = body.get("cancelled_by"), body.get("cancelled_at"), body.get("replaces")
    extensions: list[Json] = [{"url": isik.CANCELLATION_DATE, "valueDateTime": ended}] if ended else []
    if old:
        extensions.append({"url": isik.REPLACES, "valueReference": _reference("Appointment", old)})
    return {
        "extension": extensions,
        "status": _NOT_IN_FHIR.get(body.get("status", ""), body.get("status")),
        "cancelationReason": {"coding": [{"system": _REASON, "code": _REASONS.get(party, "other")}]} if party else None,
        "serviceType": _concept(_SERVICE_TYPE, body.get("healthcare_service_id") or "124"),
        "specialty": _SPECIALTY,
        "start": body.get("start"),
        "end": body.get("end"),
        "created": body.get("created_at"),
        "slot": [_reference("Slot", key) for key in body.get("slots", ())],
        "participant": [{"actor": actor, "status": "accepted"} for actor in actors if actor],
    }


_WRITERS: dict[str, Callable[[Mapping[str, Any]], Json]] = {
    "patient": _patient,
    "practitioner": _practitioner,
    "location": _location,
    "healthcare_service": _healthcare_service,
    "schedule": _schedule,
    "slot": _slot,
    "appointment": _appointment,
}
