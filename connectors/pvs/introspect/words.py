"""What practice systems call their tables, columns and codes: German, English, and the usual abbreviations.

Words are folded: small letters, no umlauts, no underscores. Nothing here decides: a word makes a table or column a
candidate, types and values confirm it or speak against it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

#: Record -> words of tables that hold it.
TABLES: Mapping[str, tuple[str, ...]] = {
    "location": ("standort", "ort", "raum", "raeume", "room", "location", "betriebsstaette", "filiale", "zimmer",
                 "operatory", "site", "facility"),
    "practitioner": ("behandler", "arzt", "aerzte", "doctor", "provider", "practitioner", "physician", "therapeut",
                     "mitarbeiter", "personal", "staff", "employee", "healthprofessional", "leistungserbringer", "beh",
                     "nutzer", "benutzer"),
    "healthcare_service": ("terminart", "termintyp", "terminarten", "appointmenttype", "appttype", "besuchsart",
                           "terminanlass", "behandlungsart", "service", "services", "specialty", "terminkategorie",
                           "leistungsart"),
    "schedule": ("kalender", "calendar", "terminkalender", "ressource", "resource", "terminspalte", "terminplan",
                 "terminliste", "schedule", "agenda", "terminbuch", "kal"),
    "working_hours": ("sprechzeit", "sprechzeiten", "sprechstunde", "arbeitszeit", "oeffnungszeit", "dienstplan",
                      "workinghours", "openinghours", "businesshours", "zeitraster", "stundenplan"),
    "absence": ("abwesenheit", "urlaub", "fehlzeit", "sperrzeit", "sperre", "absence", "vacation", "leave", "timeoff",
                "blockedperiod", "schliesszeit", "abwesend"),
    "patient": ("patient", "patienten", "patients", "patientdata", "patientenstamm", "pat", "demographic", "kartei",
                "versicherter"),
    "related_person": ("bezugsperson", "angehoeriger", "angehoerige", "kontaktperson", "guardian", "tierhalter",
                       "halter", "besitzer", "betreuer", "relative", "relatedperson", "vormund"),
    "consent": ("einwilligung", "einverstaendnis", "zustimmung", "consent", "dsgvo"),
    "appointment": ("termin", "termine", "appointment", "appointments", "appt", "apt", "buchung", "booking",
                    "agntermine", "terminbuchung", "kalendereintrag", "reservierung"),
    "slot": ("slot", "slots", "freiertermin", "terminblock", "openslot", "freislot"),
    "visit": ("besuch", "besuche", "visit", "encounter", "konsultation", "wartezimmer", "anwesenheit", "kontakt",
              "empfang"),
    "billed_service": ("leistung", "leistungen", "abrechnung", "ziffer", "billing", "billedservice", "charge",
                       "honorar", "gebuehr", "rechnungsposition"),
    "recall": ("recall", "wiedervorstellung", "erinnerung", "reminder", "wv", "vorsorge", "kontrolltermin"),
}  # fmt: skip

#: Words of tables that hold copies, records of changes or the system's own matters.
ASIDE = (
    "hist", "history", "historie", "log", "protokoll", "archiv", "archive", "backup", "bak", "tmp", "temp", "audit",
    "vorlage", "template", "import", "export", "alt", "old", "test", "lock", "sperrliste", "view", "statistik",
    "report", "cache", "queue", "druck", "brief",
)  # fmt: skip

#: Field -> words of columns that hold it, the most telling first; the same field means the same in all records.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "family_name": ("nachname", "familienname", "lastname", "familyname", "surname", "lname", "zuname", "name1",
                    "nname", "name", "bezeichnung1", "znam"),
    "given_name": ("vorname", "firstname", "givenname", "fname", "rufname", "vname", "name2", "bezeichnung2", "vnam",
                   "name"),
    "birth_name": ("geburtsname", "birthname", "maidenname", "gebname"),
    "name_prefix": ("titel", "title", "anrede", "praefix"),
    "name_affix": ("namenszusatz", "zusatz", "vorsatzwort", "vorsatz"),
    "birth_date": ("geburtsdatum", "gebdatum", "gebdat", "geboren", "geburtstag", "birthdate", "birthday",
                   "dateofbirth", "dob", "gebtag", "gdat", "geb"),
    "gender": ("geschlecht", "gender", "sex", "geschl", "ges"),
    "kvnr": ("versichertennummer", "versichertennr", "versnr", "kvnr", "egknr", "versichertenid", "insuranceno",
             "policynumber"),
    "insurance_kind": ("kassenart", "versicherungsart", "versichertenart", "insurancetype", "privat", "kassenstatus"),
    "phone": ("telefon", "telefon1", "phone", "tel", "tel1", "telprivat", "festnetz", "homephone", "phonehome",
              "hmphone", "telefonnummer", "rufnummer", "fon"),
    "mobile": ("mobil", "handy", "mobile", "mobiltelefon", "mobilnummer", "cell", "phonecell", "wirelessphone",
               "natelnr", "funk", "telmobil"),
    "email": ("email", "mail", "emailadresse", "mailadresse"),
    "street": ("strasse", "street", "anschrift", "adresse", "str", "address"),
    "postal_code": ("plz", "postleitzahl", "postalcode", "zip", "zipcode", "postcode"),
    "city": ("ort", "stadt", "wohnort", "city"),
    "country": ("land", "country", "staat"),
    "active": ("aktiv", "active", "istaktiv", "isactive", "gueltig"),
    "deceased": ("verstorben", "deceased", "tot", "istverstorben"),
    "deceased_on": ("verstorbenam", "sterbedatum", "todesdatum", "deceaseddate"),
    "replaced_by": ("zusammengefuehrt", "replacedby", "ersetztdurch", "mergedinto"),
    "initials": ("kuerzel", "initialen", "initials", "abbr", "code", "kurz", "krzl"),
    "lanr": ("lanr", "arztnr", "arztnummer"),
    "name": ("bezeichnung", "name", "titel", "title", "text", "beschreibung", "langtext", "description", "bez", "label",
             "summary"),
    "kind": ("art", "typ", "type", "kind", "kategorie"),
    "minutes": ("dauer", "minuten", "duration", "minutes", "length", "laenge", "dauermin", "zeitbedarf"),
    "bookable_online": ("online", "onlinebuchbar", "bookableonline", "web"),
    "capacity": ("kapazitaet", "plaetze", "capacity", "parallel", "maxpatienten"),
    "part_of": ("gehoertzu", "partof", "parent", "uebergeordnet"),
    "status": ("status", "terminstatus", "state", "zustand", "apptstatus", "aptstatus", "stat", "stand"),
    "start": ("beginn", "start", "von", "anfang", "startzeit", "starttime", "startdatetime", "beginnzeit", "begin",
              "terminbeginn", "appointmentdate", "datumvon", "zeitvon", "ab", "termin", "startdate", "termzeit"),
    "end": ("ende", "end", "bis", "endzeit", "endtime", "enddatetime", "schluss", "terminende", "appointmentdateend",
            "datumbis", "zeitbis", "enddate", "stop"),
    "actual_start": ("istbeginn", "behandlungsbeginn", "actualstart"),
    "actual_end": ("istende", "behandlungsende", "actualend"),
    "arrived_at": ("ankunft", "angekommen", "arrived", "arrivedat", "checkin", "checkedin", "eingetroffen",
                   "checkedindate", "datetimearrived", "empfangen", "wartetseit"),
    "started_at": ("beginn", "start", "aufruf", "aufgerufen", "startedat", "behandlungsbeginn"),
    "finished_at": ("ende", "end", "fertig", "finishedat", "behandlungsende", "gegangen"),
    "card_read_at": ("kartegelesen", "egk", "karteneinlesung", "cardread", "einlesedatum"),
    "channel": ("weg", "kanal", "buchungsweg", "channel", "herkunft", "quelle"),
    "created_at": ("angelegt", "erstellt", "created", "createdat", "createdate", "erfasst", "anlagedatum", "angelegtam",
                   "erstelltam", "createdatetime", "anldat"),
    "cancelled_at": ("storniert", "abgesagt", "cancelledat", "canceldate", "storno", "stornodatum", "abgesagtam"),
    "changed_at": ("geaendert", "aenderung", "changed", "changedat", "modified", "modifiedat", "lastupdate", "updated",
                   "updatedat", "writedate", "aenderungsdatum", "geaendertam", "lastmodified", "updatedatetime",
                   "mutiert", "datetstamp", "aenddat", "lastedit"),
    "series_id": ("serie", "serienid", "serientermin", "series", "recurrence", "linkgroup"),
    "replaces": ("ersetzt", "replaces", "verschobenvon", "rescheduledfrom"),
    "weekday": ("wochentag", "weekday", "tag", "dayofweek", "wtag"),
    "date": ("datum", "date", "tag"),
    "start_time": ("von", "beginn", "start", "starttime", "vonzeit", "zeitvon", "begin", "ab", "uhrzeitvon"),
    "end_time": ("bis", "ende", "end", "endtime", "biszeit", "zeitbis", "stop", "stoptime", "uhrzeitbis"),
    "valid_from": ("gueltigvon", "gueltigab", "validfrom", "abdatum", "startdatum"),
    "valid_to": ("gueltigbis", "validto", "bisdatum", "enddatum"),
    "week_interval": ("turnus", "rhythmus", "weekinterval", "wochenrhythmus"),
    "code": ("ziffer", "code", "leistungsziffer", "gebuehrennr", "gop", "goz", "nummer", "nr"),
    "code_system": ("katalog", "gebuehrenordnung", "codesystem", "go"),
    "service_date": ("datum", "leistungsdatum", "date", "servicedate", "tag", "behandlungsdatum"),
    "due_date": ("faellig", "faelligam", "duedate", "datum", "datedue", "wvdatum", "termin"),
    "last_date": ("zuletzt", "letzter", "lastdate", "dateprevious", "letztertermin"),
    "purpose": ("zweck", "purpose", "gegenstand"),
    "evidence": ("nachweis", "evidence", "beleg"),
    "withdrawn_at": ("widerrufen", "widerruf", "withdrawn", "widerrufenam"),
    "relationship": ("beziehung", "verhaeltnis", "relationship", "art", "rolle"),
}  # fmt: skip

#: Fields that refer to a record, and words of their columns beside those of the record's table.
REFERENCES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "patient_id": ("patient", ("patient", "pat", "patnr", "patid", "patientid", "pid")),
    "practitioner_id": ("practitioner", ("behandler", "arzt", "beh", "provider", "healthprof", "doctor", "behnr")),
    "schedule_id": ("schedule", ("kalender", "kal", "calendar", "spalte", "ressource", "resource", "agenda")),
    "room_id": ("location", ("raum", "zimmer", "room", "op")),
    "location_id": ("location", ("standort", "ort", "location", "filiale", "facility", "institution")),
    "healthcare_service_id": ("healthcare_service", ("terminart", "termintyp", "art", "typ", "service", "type",
                                                     "speciality", "specialty", "anlass")),
    "appointment_id": ("appointment", ("termin", "appointment", "apt")),
    "substitute_id": ("practitioner", ("vertretung", "vertreter", "substitute")),
}  # fmt: skip

#: Words of tables of locations that are rooms and no sites.
ROOMS = ("raum", "raeume", "room", "zimmer", "operatory", "behandlungsraum")

#: Columns that say that a row does not count any more.
DELETED = ("geloescht", "deleted", "removed", "voided", "isdeleted", "loeschkz", "geloeschtkz")

#: Field -> folded code or label -> value; what is not here stays a question for a person.
MEANINGS: Mapping[str, Mapping[str, str]] = {
    "gender": {
        "m": "male", "w": "female", "f": "female", "d": "other", "x": "other", "u": "unknown", "nb": "other",
        "maennlich": "male", "weiblich": "female", "divers": "other", "male": "male", "female": "female",
        "other": "other", "unk": "unknown", "unbekannt": "unknown", "nd": "unknown", "herr": "male", "frau": "female",
    },
    "status": {
        "geplant": "booked", "gebucht": "booked", "vereinbart": "booked", "booked": "booked", "scheduled": "booked",
        "bestaetigt": "booked", "confirmed": "booked", "offen": "booked", "vorgemerkt": "pending", "pending": "pending",
        "angefragt": "proposed", "eingetroffen": "arrived", "anwesend": "arrived", "angekommen": "arrived",
        "wartet": "arrived", "arrived": "arrived", "checkedin": "arrived", "imwartezimmer": "arrived",
        "inbehandlung": "arrived", "erschienen": "fulfilled", "erledigt": "fulfilled", "fertig": "fulfilled",
        "behandelt": "fulfilled", "wahrgenommen": "fulfilled", "abgeschlossen": "fulfilled", "done": "fulfilled",
        "completed": "fulfilled", "complete": "fulfilled", "fulfilled": "fulfilled", "abgesagt": "cancelled",
        "storniert": "cancelled", "cancelled": "cancelled", "canceled": "cancelled", "usercancelled": "cancelled",
        "centercancelled": "cancelled", "abgesagtpatient": "cancelled", "abgesagtpraxis": "cancelled",
        "nichterschienen": "noshow", "verpasst": "noshow", "noshow": "noshow", "missed": "noshow",
        "unentschuldigt": "noshow", "verschoben": "rescheduled", "verlegt": "rescheduled", "rescheduled": "rescheduled",
        "gesperrt": "block", "sperre": "block", "block": "block", "blocked": "block", "pause": "block",
        "fehleingabe": "entered-in-error",
    },
    "insurance_kind": {
        "gkv": "statutory", "gesetzlich": "statutory", "kasse": "statutory", "pkv": "private", "privat": "private",
        "selbstzahler": "self-pay", "igel": "self-pay", "bg": "other",
    },
    "channel": {"online": "online", "web": "online", "telefon": "phone", "vorort": "desk", "empfang": "desk"},
    "relationship": {"mutter": "guardian", "vater": "guardian", "eltern": "guardian", "betreuer": "guardian",
                     "vormund": "guardian", "halter": "owner", "ehepartner": "partner", "partner": "partner",
                     "kind": "child"},
}  # fmt: skip

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e"})


@cache
def tokens(name: str) -> tuple[str, ...]:
    """`PatNr`, `pat_nr` and `PAT-NR` as `("pat", "nr")`."""
    spaced = re.sub(r"(?<=[a-zäöüß0-9])(?=[A-ZÄÖÜ])|(?<=[A-ZÄÖÜ])(?=[A-ZÄÖÜ][a-zäöüß])", " ", name)
    return tuple(part for part in re.split(r"[\W_]+", spaced.lower().translate(_UMLAUTS)) if part)


def folded(text: str) -> str:
    """A name or label as one word."""
    return "".join(tokens(text))


@cache
def likeness(parts: tuple[str, ...], words: tuple[str, ...]) -> float:
    """How much a name (as tokens) is one of the words, 0 to 1; an earlier word counts a little more."""
    whole = "".join(parts)
    best = 0.0
    for rank, word in enumerate(words):
        found = _alike(parts, whole, word)
        best = max(best, found - 0.01 * min(rank, 8)) if found else best
    return max(best, 0.0)


def _alike(parts: tuple[str, ...], whole: str, word: str) -> float:
    if whole == word:
        return 1.0
    if word in parts:
        return 0.8 if parts[-1] == word or parts[0] == word else 0.7
    if len(word) >= 4 and (whole.endswith(word) or whole.startswith(word)):
        return 0.65
    if len(word) >= 5 and word in whole:
        return 0.5
    shortened = [part for part in parts if len(part) >= 3 and word.startswith(part) and len(word) > len(part)]
    return 0.45 if shortened else 0.0


def without_owner(column: tuple[str, ...], table: tuple[str, ...]) -> tuple[str, ...]:
    """A column's tokens without those that only repeat its table: `pat_nachname` of `patient` is `nachname`."""
    kept = tuple(
        part
        for part in column
        if not any(part == own or (len(part) >= 2 and own.startswith(part) and len(own) > len(part)) for own in table)
    )
    return kept or column
