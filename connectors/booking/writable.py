"""What we write to a booking platform at all, whatever its flavour: a narrow list, so that no more can go wrong."""

from __future__ import annotations

from connectors.source import Change

PATIENT = (
    "family_name", "given_name", "birth_date", "gender", "phone", "mobile", "email", "street", "postal_code", "city",
    "country",
)  # fmt: skip
#: What a booking says about an appointment, and what it cannot do without.
BOOKING = ("schedule_id", "patient_id", "practitioner_id", "room_id", "healthcare_service_id", "start", "end")
NEEDED = ("schedule_id", "patient_id", "start", "end")

_FIELDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("create", "patient"): PATIENT,
    ("update", "patient"): PATIENT,
    ("create", "appointment"): (*BOOKING, "status"),
    ("move", "appointment"): ("schedule_id", "start", "end"),
    ("cancel", "appointment"): ("status", "cancelled_by"),
    ("update", "appointment"): ("status", "cancelled_by"),
}
#: Fields that may only become these values, by kind of change.
_VALUES: dict[tuple[str, str], tuple[object, ...]] = {
    ("create", "status"): ("booked",),
    ("cancel", "status"): ("cancelled",),
    ("update", "status"): ("arrived", "fulfilled", "noshow"),
    ("cancel", "cancelled_by"): ("patient", "practice"),
    ("update", "cancelled_by"): ("patient", "practice"),
}


def refusal(change: Change) -> str | None:
    """Why such a change is never sent, by kind and field; None when it may be. Values are not told."""
    allowed = _FIELDS.get((change.kind, change.resource))
    if allowed is None:
        return f"{change.kind} of {change.resource} is not offered"
    problems = [f"{field} is not written by {change.kind}" for field in change.values if field not in allowed]
    problems += [
        f"{field} cannot become this by {change.kind}"
        for field, value in change.values.items()
        if value not in _VALUES.get((change.kind, field), (value,))
    ]
    if (change.kind, change.resource) == ("create", "appointment"):
        problems += [f"{field} is missing" for field in NEEDED if change.values.get(field) is None]
    return "; ".join(sorted(problems)) or None
