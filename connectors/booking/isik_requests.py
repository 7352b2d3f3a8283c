"""What is sent to a FHIR server: bookings, patches and patients, as ISiK Terminplanung 4.0.0 describes them.

- `$book`: https://simplifier.net/guide/isik-terminplanung-v4 (OperationDefinition AppointmentBook)
- FHIRPath Patch: https://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Mapping
from typing import Any

from connectors.booking import fhir
from connectors.booking.fhir import Json
from connectors.booking.instants import stamp
from connectors.booking.platform import CHANGE_KEY_SYSTEM
from connectors.source import Change

Body = dict[str, Any]

PROFILE = "https://gematik.de/fhir/isik/StructureDefinition/ISiKTermin"
#: Says that the appointment came from outside the platform.
EXTERNAL = {"system": "http://fhir.de/CodeSystem/common-meta-tag-de", "code": "external"}
CANCELLATION_REASON = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"

_REASON = {"patient": "pat", "practice": "prov"}
_NAME = {"family_name": "family"}
_PLAIN = {"birth_date": "birthDate", "gender": "gender"}
_ADDRESS = {"postal_code": "postalCode", "city": "city", "country": "country"}
_TELECOM = {"phone": ("phone", "home"), "mobile": ("phone", "mobile"), "email": ("email", None)}


def booking(wanted: Mapping[str, Any], key: str, schedule: Json, service: Json, cancelled: str | None) -> Body:
    """Parameters for `$book`; the platform finds the slots by schedule, start and end. `cancelled` is moved from."""
    appointment: Body = {
        "resourceType": "Appointment",
        "meta": {"profile": [PROFILE], "tag": [EXTERNAL]},
        "identifier": [{"system": CHANGE_KEY_SYSTEM, "value": key}],
        "status": "proposed",
        "start": _moment(wanted["start"]),
        "end": _moment(wanted["end"]),
        "participant": _participants(wanted, schedule, service),
    }
    for element, own in (("serviceType", "type"), ("specialty", "specialty")):
        concepts = service.get(own) or schedule.get(element)
        if concepts:
            appointment[element] = concepts
    parameters: list[Body] = [
        {"name": "appt-resource", "resource": appointment},
        {"name": "schedule", "valueReference": {"reference": f"Schedule/{schedule['id']}"}},
    ]
    if cancelled is not None:
        parameters.append({"name": "cancelled-appt-id", "valueUri": cancelled})
    return {"resourceType": "Parameters", "parameter": parameters}


def _participants(wanted: Mapping[str, Any], schedule: Json, service: Json) -> list[Body]:
    """ISiK demands a display for each actor; the patient's name is not needed for that."""
    displays = {
        fhir.target(actor): fhir.text(actor, "display") or "" for actor in fhir.objects(schedule, "actor")
    }  # fmt: skip
    actors = [("Patient", wanted.get("patient_id"), "Patient")]
    for kind, field in (("Practitioner", "practitioner_id"), ("Location", "room_id")):
        key = wanted.get(field)
        actors.append((kind, key, displays.get((kind, str(key))) or kind))
    actors.append(("HealthcareService", wanted.get("healthcare_service_id"), fhir.text(service, "name") or "Service"))
    return [
        {"actor": {"reference": f"{kind}/{key}", "display": display}, "status": "accepted"}
        for kind, key, display in actors
        if key
    ]


def booked_appointment(body: Json) -> Json:
    """The Appointment in the answer to `$book`: bare, or in a Parameters resource beside other things."""
    if fhir.text(body, "resourceType") == "Appointment":
        return body
    returned = (fhir.first(parameter, "resource") for parameter in fhir.objects(body, "parameter"))
    return next((found for found in returned if fhir.text(found, "resourceType") == "Appointment"), {})


def status_patch(change: Change, current: Json | None) -> Body:
    """A FHIRPath Patch of status and reason; `cancelled` with two l, though the guide's example has one."""
    operations = []
    status = change.values.get("status")
    if status is not None:
        operations.append(_operation("replace", "Appointment.status", None, {"valueCode": status}))
    party = change.values.get("cancelled_by")
    if party is not None:
        coding = {"system": CANCELLATION_REASON, "code": _REASON[str(party)]}
        value = {"valueCodeableConcept": {"coding": [coding]}}
        if current is not None and "cancelationReason" in current:
            operations.append(_operation("replace", "Appointment.cancelationReason", None, value))
        else:
            operations.append(_operation("add", "Appointment", "cancelationReason", value))
    return {"resourceType": "Parameters", "parameter": operations}


def _operation(kind: str, path: str, name: str | None, value: Body) -> Body:
    parts: list[Body] = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    if name is not None:
        parts.append({"name": "name", "valueString": name})
    return {"name": "operation", "part": [*parts, {"name": "value", **value}]}


def new_patient(values: Mapping[str, Any], key: str) -> Body:
    """A Patient that bears the key of our change as identifier."""
    identifier = [{"system": CHANGE_KEY_SYSTEM, "value": key}]
    return changed_patient({"resourceType": "Patient", "active": True, "identifier": identifier}, values)


def changed_patient(current: Json, values: Mapping[str, Any]) -> Body:
    """The whole resource with some values replaced and everything else as the platform had it."""
    patient: Body = copy.deepcopy(dict(current))
    for field, value in values.items():
        if field in _PLAIN:
            _put(patient, _PLAIN[field], value.isoformat() if isinstance(value, dt.date) else value)
        elif field in _TELECOM:
            _put_telecom(patient, *_TELECOM[field], value)
        elif field in _NAME or field == "given_name":
            _put_name(patient, field, value)
        else:
            address = _own(patient, "address", {"use": "home"})
            _put(address, _ADDRESS.get(field, "line"), [value] if field == "street" and value else value)
    return patient


def _put_name(patient: Body, field: str, value: Any) -> None:
    official = [name for name in fhir.objects(patient, "name") if name.get("use") in (None, "official")]
    name = dict(official[0]) if official else {"use": "official"}
    _put(name, "family" if field == "family_name" else "given", value.split() if field == "given_name" else value)
    others = [other for other in fhir.objects(patient, "name") if not official or other is not official[0]]
    patient["name"] = [name, *others]


def _put_telecom(patient: Body, system: str, use: str | None, value: Any) -> None:
    def same(contact: Json) -> bool:
        mobile = contact.get("use") == "mobile"
        return contact.get("system") == system and (system != "phone" or mobile == (use == "mobile"))

    contacts = fhir.objects(patient, "telecom")
    place = next((index for index, contact in enumerate(contacts) if same(contact)), len(contacts))
    new = [] if value is None else [{"system": system, **({"use": use} if use else {}), "value": value}]
    patient["telecom"] = [*contacts[:place], *new, *contacts[place + 1 :]]


def _own(patient: Body, key: str, start: Body) -> Body:
    """The first object of a list, which is made if there is none."""
    found = fhir.objects(patient, key)
    patient[key] = [dict(found[0]) if found else dict(start), *found[1:]]
    own: Body = patient[key][0]
    return own


def _put(parent: Body, key: str, value: Any) -> None:
    if value is None or value == []:
        parent.pop(key, None)
    else:
        parent[key] = value


def _moment(value: Any) -> str:
    return stamp(value) if isinstance(value, dt.datetime) else str(value)
