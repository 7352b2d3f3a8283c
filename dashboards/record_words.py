"""German words for what connectors say about foreign records: record types, fields, and why a value was not taken.

Codes of the connectors are English words for programs. What is not in these tables is shown as it stands: a new rule
must not hide the record that it is about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

RESOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "patient": "Patient",
        "related_person": "Bezugsperson",
        "practitioner": "Behandler",
        "location": "Standort oder Raum",
        "schedule": "Kalender",
        "slot": "Terminblock",
        "appointment": "Termin",
        "healthcare_service": "Terminart",
        "working_hours": "Sprechzeiten",
        "absence": "Abwesenheit",
        "visit": "Besuch",
        "billed_service": "Abgerechnete Leistung",
        "consent": "Einwilligung",
        "recall": "Wiedervorstellung",
    }
)

#: Fields that mean something else in one record type than elsewhere.
_FIELDS_OF: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("consent", "channel"): "Kontaktweg",
        ("schedule", "kind"): "Art des Kalenders",
        ("location", "kind"): "Standort oder Raum",
        ("working_hours", "kind"): "Art der Sprechzeiten",
        ("absence", "kind"): "Art der Abwesenheit",
        ("healthcare_service", "minutes"): "Übliche Dauer",
        ("practitioner", "active"): "Noch in der Praxis",
        ("billed_service", "code"): "Gebührenziffer",
        ("billed_service", "service_date"): "Tag der Leistung",
    }
)
FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "source_id": "Nummer in der Quelle",
        # people
        "family_name": "Nachname",
        "given_name": "Vorname",
        "birth_name": "Geburtsname",
        "name_prefix": "Titel",
        "name_affix": "Namenszusatz",
        "birth_date": "Geburtsdatum",
        "gender": "Geschlecht",
        "kvnr": "Versichertennummer",
        "insurance_kind": "Versicherungsart",
        "phone": "Telefon",
        "phone_e164": "Telefon (international)",
        "mobile": "Mobiltelefon",
        "mobile_e164": "Mobiltelefon (international)",
        "email": "E-Mail",
        "street": "Straße",
        "postal_code": "Postleitzahl",
        "city": "Ort",
        "country": "Land",
        "deceased": "Verstorben",
        "deceased_on": "Sterbedatum",
        "replaced_by": "Zusammengeführt mit",
        "verified_at": "Geprüft am",
        "verified_by": "Geprüft von",
        "relationship": "Beziehung",
        "initials": "Kürzel",
        "lanr": "Arztnummer (LANR)",
        # things
        "name": "Name",
        "kind": "Art",
        "part_of": "Gehört zu",
        "active": "Noch in Gebrauch",
        "minutes": "Minuten",
        "bookable_online": "Online buchbar",
        "overbooking_intended": "Überbuchung gewollt",
        "needs_room": "Braucht einen Raum",
        "capacity": "Plätze zugleich",
        # appointments and visits
        "patient_id": "Patient",
        "practitioner_id": "Behandler",
        "schedule_id": "Kalender",
        "room_id": "Raum",
        "location_id": "Standort",
        "healthcare_service_id": "Terminart",
        "appointment_id": "Termin",
        "substitute_id": "Vertretung",
        "status": "Status",
        "start": "Beginn",
        "end": "Ende",
        "actual_start": "Tatsächlicher Beginn",
        "actual_end": "Tatsächliches Ende",
        "arrived_at": "Ankunft",
        "started_at": "Behandlung begonnen",
        "finished_at": "Behandlung beendet",
        "card_read_at": "Karte eingelesen",
        "channel": "Buchungsweg",
        "modality": "Ort der Behandlung",
        "booked_by": "Gebucht von",
        "cancelled_by": "Abgesagt von",
        "created_at": "Angelegt am",
        "cancelled_at": "Abgesagt am",
        "changed_at": "Geändert am",
        "series_id": "Terminserie",
        "replaces": "Ersetzt Termin",
        # hours
        "weekday": "Wochentag",
        "date": "Tag",
        "start_time": "Von",
        "end_time": "Bis",
        "valid_from": "Gültig ab",
        "valid_to": "Gültig bis",
        "week_interval": "Alle wie viele Wochen",
        # the rest
        "code_system": "Gebührenordnung",
        "code": "Ziffer",
        "service_date": "Tag",
        "purpose": "Zweck",
        "evidence": "Nachweis",
        "withdrawn_at": "Widerrufen am",
        "due_date": "Fällig am",
        "last_date": "Zuletzt am",
    }
)

#: Rule of a connector -> what is wrong, what was expected.
RULES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "missing": ("Angabe fehlt", "eine Angabe: Ohne sie ist der Datensatz nicht zu gebrauchen"),
        "key-missing": ("Nummer fehlt", "eine Nummer in jedem Datensatz"),
        "key-repeated": ("Nummer kommt mehrfach vor", "jede Nummer nur einmal"),
        "ends-before-start": ("Ende liegt vor dem Beginn", "ein Ende nach dem Beginn"),
        "unreadable": ("nicht lesbar", "ein lesbarer Wert"),
        "format": ("falsch geschrieben", "Datum und Uhrzeit mit Zeitzone: 2026-01-31T08:00:00+01:00"),
        "no-such-hour": (
            "Uhrzeit gibt es nicht (Zeitumstellung)",
            "eine Uhrzeit, die es an diesem Tag gibt",
        ),
        "hour-comes-twice": (
            "Uhrzeit gibt es zweimal (Zeitumstellung)",
            "eine eindeutige Uhrzeit; es gilt die erste",
        ),
    }
)

#: What a reader of values says that it expected, up to a list of formats behind " as ".
_READABLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "a whole number": "eine ganze Zahl",
        "yes or no": "ja oder nein",
        "a day": "ein Datum",
        "a time of day before 24:00": "eine Uhrzeit vor 24:00",
        "milliseconds since 1970": "Millisekunden seit 1970",
        "a date and a time": "Datum und Uhrzeit",
    }
)
_FORMATS: Final = re.compile(r"(?P<what>.+?)(?: as (?P<formats>.+))?", re.DOTALL)


def resource(name: str) -> str:
    """A record type: "appointment" -> "Termin"."""
    return RESOURCES.get(name, name)


def field(of: str, name: str | None) -> str:
    """A field of a record type: "gender" of "patient" -> "Geschlecht"; nothing where no field is named."""
    return "" if name is None else _FIELDS_OF.get((of, name), FIELDS.get(name, name))


def rule(code: str) -> str:
    """What is wrong, by the connector's rule."""
    return RULES[code][0] if code in RULES else code


def expected(code: str, said: str | None) -> str:
    """What was expected, by the connector's rule and, where a value was unreadable, by what it `said`."""
    if code not in RULES:
        return said or ""
    parts = _FORMATS.fullmatch(said or "")
    if code != "unreadable" or parts is None or parts["what"] not in _READABLE:
        return RULES[code][1]
    formats = f" ({parts['formats'].replace(' or ', ' oder ')})" if parts["formats"] else ""
    return f"{_READABLE[parts['what']]}{formats}"
