"""How the played practice software writes each record: its columns as polars expressions over a record's frame.

The inverse of the profile `demo`, written by hand and apart from it, so that the two check each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from connectors import records

#: The clock on the practice's wall.
ZONE = "Europe/Berlin"

NO_DAY = "00000000"
LONG_AGO = "2000-01-01 00:00:00"

#: (status, cancelled_by) -> the vendor's one number for both; None stands for a party that is not named.
APPOINTMENT_CODES: dict[tuple[str, str | None], int] = {
    ("booked", None): 1, ("arrived", None): 2, ("fulfilled", None): 3, ("noshow", None): 4,
    ("cancelled", "patient"): 5, ("cancelled", "practice"): 6, ("cancelled", "system"): 14,
    ("cancelled", "unknown"): 13, ("rescheduled", "patient"): 7, ("rescheduled", "practice"): 15,
    ("rescheduled", "system"): 17, ("rescheduled", None): 16, ("block", None): 8, ("unknown", None): 9,
    ("pending", None): 10, ("proposed", None): 11, ("entered-in-error", None): 12,
}  # fmt: skip

#: The vendor's numbers and letters for the other coded fields; `unknown` gets one that the profile does not know.
CODES: dict[tuple[str, str], dict[str, object]] = {
    ("patient", "gender"): {"male": "M", "female": "W", "other": "D", "unknown": "X"},
    ("patient", "insurance_kind"): {"statutory": 1, "private": 2, "self-pay": 3, "other": 4, "unknown": 9},
    ("related_person", "relationship"): {"guardian": 1, "owner": 2, "partner": 3, "child": 4, "other": 5, "unknown": 9},
    ("location", "kind"): {"site": "S", "room": "R", "unknown": "X"},
    ("schedule", "kind"): {"person": 1, "room": 2, "device": 3, "unknown": 9},
    ("appointment", "channel"): {"online": 1, "phone": 2, "desk": 3, "letter": 4, "other": 5, "unknown": 9},
    ("appointment", "modality"): {"in-person": 1, "video": 2, "phone": 3, "home-visit": 4, "unknown": 9},
    ("appointment", "booked_by"): {"patient": 1, "practice": 2, "system": 3, "unknown": 9},
    ("working_hours", "kind"): {"regular": 1, "extra": 2, "unknown": 9},
    ("absence", "kind"): {"absence": "U", "closure": "S", "block": "B", "unknown": "X"},
    ("consent", "purpose"): {"appointment-message": 1, "recall": 2, "waitlist-offer": 3, "survey": 4, "unknown": 9},
    ("consent", "channel"): {"email": 1, "sms": 2, "phone": 3, "letter": 4, "platform": 5, "unknown": 9},
    ("recall", "status"): {"active": 1, "completed": 2, "revoked": 3, "unknown": 9},
}


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its key column (`source_id` as a number), and each other column from the record's fields."""

    name: str
    key: str
    columns: Mapping[str, pl.Expr]


def _number(field: str) -> pl.Expr:
    return pl.col(field).cast(pl.Int64)


def _padded(field: str, width: int) -> pl.Expr:
    return pl.col(field).str.pad_end(width)


def _moment(field: str | pl.Expr) -> pl.Expr:
    instant = pl.col(field) if isinstance(field, str) else field
    return instant.dt.convert_time_zone(ZONE).dt.strftime("%Y-%m-%d %H:%M:%S")


def _touched(*fields: str) -> pl.Expr:
    """When the row was last touched: the first of these instants that is known."""
    return _moment(pl.coalesce(*fields)).fill_null(LONG_AGO)


def _day(field: str) -> pl.Expr:
    return pl.col(field).dt.strftime("%Y%m%d")


def _minutes(field: str) -> pl.Expr:
    return pl.col(field).dt.hour().cast(pl.Int64) * 60 + pl.col(field).dt.minute()


def _flag(field: str) -> pl.Expr:
    return pl.col(field).cast(pl.Int64)


def _not(field: str) -> pl.Expr:
    return (~pl.col(field)).cast(pl.Int64)


def _code(resource: str, field: str) -> pl.Expr:
    return pl.col(field).replace_strict(CODES[resource, field])


def _appointment_code() -> pl.Expr:
    """The number for status and party; where the pair has none, the one of the status alone."""
    parties = (None, *records.PARTY)
    alone = {status: code for (status, _), code in APPOINTMENT_CODES.items()} | {
        status: code for (status, party), code in APPOINTMENT_CODES.items() if party in (None, records.UNKNOWN)
    }
    numbers = {
        f"{status}/{party or ''}": APPOINTMENT_CODES.get((status, party), code)
        for status, code in alone.items()
        for party in parties
    }
    return pl.concat_str("status", pl.lit("/"), pl.col("cancelled_by").fill_null("")).replace_strict(numbers)


TABLES: dict[str, Table] = {
    "patient": Table("patient", "pat_nr", {
        "nachname": _padded("family_name", 40).fill_null(""), "vorname": _padded("given_name", 40),
        "geburtsname": _padded("birth_name", 40), "titel": _padded("name_prefix", 20),
        "namenszusatz": _padded("name_affix", 20), "geb_datum": _day("birth_date").fill_null(NO_DAY),
        "geschlecht": _code("patient", "gender"), "versicherten_nr": _padded("kvnr", 12),
        "kassenart": _code("patient", "insurance_kind"), "strasse": pl.col("street"), "plz": _padded("postal_code", 8),
        "ort": pl.col("city"), "land": _padded("country", 3), "aktiv": _flag("active"),
        "verstorben": _flag("deceased"), "verstorben_am": _day("deceased_on").fill_null(NO_DAY),
        "zusammengefuehrt_mit": _number("replaced_by"), "geprueft_am": _moment("verified_at"),
        "geprueft_von": pl.col("verified_by"), "angelegt": _moment("created_at"),
        "geaendert": _touched("changed_at", "created_at"),
    }),
    "related_person": Table("bezugsperson", "bez_nr", {
        "pat_nr": _number("patient_id"), "art": _code("related_person", "relationship"),
        "nachname": pl.col("family_name"), "vorname": pl.col("given_name"), "telefon": pl.col("phone"),
        "mobil": pl.col("mobile"), "email": pl.col("email"), "aktiv": _flag("active"), "geaendert": pl.lit(LONG_AGO),
    }),
    "practitioner": Table("behandler", "beh_nr", {
        "nachname": _padded("family_name", 40), "vorname": _padded("given_name", 40),
        "titel": _padded("name_prefix", 20), "kuerzel": _padded("initials", 6), "lanr": _padded("lanr", 12),
        "ausgeschieden": _not("active"),
    }),
    "location": Table("ort", "ort_nr", {
        "bezeichnung": pl.col("name"), "art": _code("location", "kind"), "gehoert_zu": _number("part_of"),
        "inaktiv": _not("active"),
    }),
    "healthcare_service": Table("terminart", "art_nr", {
        "bezeichnung": pl.col("name"), "dauer_min": pl.col("minutes"), "online": _flag("bookable_online"),
        "doppelbuchung": _flag("overbooking_intended"), "raum_noetig": _flag("needs_room"), "inaktiv": _not("active"),
    }),
    "schedule": Table("kalender", "kal_nr", {
        "bezeichnung": pl.col("name"), "typ": _code("schedule", "kind"), "beh_nr": _number("practitioner_id"),
        "raum_nr": _number("room_id"), "ort_nr": _number("location_id"), "plaetze": pl.col("capacity"),
        "inaktiv": _not("active"),
    }),
    "appointment": Table("termin", "termin_nr", {
        "kal_nr": _number("schedule_id"), "pat_nr": _number("patient_id"), "beh_nr": _number("practitioner_id"),
        "raum_nr": _number("room_id"), "art_nr": _number("healthcare_service_id"), "status": _appointment_code(),
        "beginn": _moment("start"), "ende": _moment("end"), "ist_beginn": _moment("actual_start"),
        "ist_ende": _moment("actual_end"), "ankunft": _moment("arrived_at"), "weg": _code("appointment", "channel"),
        "form": _code("appointment", "modality"), "gebucht_von": _code("appointment", "booked_by"),
        "angelegt": _moment("created_at"), "storniert": _moment("cancelled_at"),
        "geaendert": _touched("changed_at", "created_at"), "serie": pl.col("series_id"), "ersetzt": _number("replaces"),
    }),
    "working_hours": Table("sprechzeit", "sz_nr", {
        "kal_nr": _number("schedule_id"), "art": _code("working_hours", "kind"), "wochentag": pl.col("weekday"),
        "datum": _day("date"), "von": _minutes("start_time"), "bis": _minutes("end_time"),
        "gueltig_von": _day("valid_from"), "gueltig_bis": _day("valid_to"), "turnus": pl.col("week_interval"),
    }),
    "absence": Table("abwesenheit", "abw_nr", {
        "kal_nr": _number("schedule_id"), "beh_nr": _number("practitioner_id"), "art": _code("absence", "kind"),
        "beginn": _moment("start"), "ende": _moment("end"), "vertretung": _number("substitute_id"),
    }),
    "visit": Table("besuch", "besuch_nr", {
        "pat_nr": _number("patient_id"), "beh_nr": _number("practitioner_id"), "kal_nr": _number("schedule_id"),
        "termin_nr": _number("appointment_id"), "ankunft": _moment("arrived_at"), "beginn": _moment("started_at"),
        "ende": _moment("finished_at"), "karte_gelesen": _moment("card_read_at"),
        "geaendert": _touched("finished_at", "started_at", "arrived_at", "card_read_at"),
    }),
    "billed_service": Table("leistung", "leist_nr", {
        "pat_nr": _number("patient_id"), "beh_nr": _number("practitioner_id"), "katalog": _padded("code_system", 8),
        "ziffer": _padded("code", 8), "datum": _day("service_date"),
        "geaendert": pl.col("service_date").dt.strftime("%Y-%m-%d 20:00:00"),
    }),
    "consent": Table("einwilligung", "einw_nr", {
        "pat_nr": _number("patient_id"), "zweck": _code("consent", "purpose"), "weg": _code("consent", "channel"),
        "nachweis": pl.col("evidence"), "ab": _moment("valid_from"), "widerrufen": _moment("withdrawn_at"),
        "geaendert": _touched("withdrawn_at", "valid_from"),
    }),
    "recall": Table("wiedervorstellung", "wv_nr", {
        "pat_nr": _number("patient_id"), "beh_nr": _number("practitioner_id"), "bezeichnung": pl.col("name"),
        "status": _code("recall", "status"), "faellig": _day("due_date"), "zuletzt": _day("last_date"),
        "geaendert": pl.lit(LONG_AGO),
    }),
}  # fmt: skip

#: Fields of a patient that stand in the contact table: field -> `art`.
CONTACTS = {"phone": "T", "mobile": "M", "email": "E"}


def vendor_rows(resource: str, frame: pl.DataFrame) -> pl.DataFrame:
    """A record's frame as the vendor's table has it; a `source_id` that is no number raises."""
    table = TABLES[resource]
    return frame.select(_number("source_id").alias(table.key), **table.columns)


def contact_rows(patients: pl.DataFrame) -> pl.DataFrame:
    """The contact table's rows of these patients: pat_nr, art, wert, geaendert."""
    return pl.concat(
        [
            patients.filter(pl.col(field).is_not_null()).select(
                pat_nr=_number("source_id"),
                art=pl.lit(art),
                wert=pl.col(field),
                geaendert=_touched("changed_at", "created_at"),
            )
            for field, art in CONTACTS.items()
        ]
    ).sort("pat_nr", "art")
