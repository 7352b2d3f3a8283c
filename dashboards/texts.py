"""All German words of the pages (those for foreign records: `record_words`), and `plain()` for text that others wrote.

Words follow the list of what practice people misread: "Genutzte Zeit (Patient war da)", not "Wahrgenommene
Auslastung"; "Verbindungen", not "Sync"; hours and minutes, not decimals.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

UTILISATION: Final = "Auslastung"
CONNECTIONS: Final = "Verbindungen"
ORCHESTRATION: Final = "Datenläufe (Dagster)"
SIGN_OUT: Final = "Abmelden"
AS_TABLE: Final = "Als Tabelle"
ESTIMATED: Final = "geschätzt"
NOT_ALLOWED: Final = "Für diese Seite fehlt Ihnen das Recht. Bitte die Praxisleitung fragen."
SIGNED_OUT: Final = "Sie sind abgemeldet."
NOTHING_BUILT: Final = (
    "Noch keine Zahlen: Es ist noch kein Datenlauf fertig geworden. Unter „Verbindungen“ steht, woran es liegt."
)

#: What a page says that cannot read its files: name of the error -> cause and next step. "" is any other.
TROUBLES: Final = MappingProxyType(
    {
        "WrongKey": (
            "Die Schlüssel auf diesem Rechner passen nicht zu den Daten dieser Praxis. An den Daten ist nichts defekt.",
            "Die IT rufen: Schlüssel vom Wiederherstellungsblatt zurückholen; praxistakt doctor nennt die Stelle.",
        ),
        "KeysMissing": (
            "Die Schlüssel dieser Praxis fehlen auf diesem Rechner. An den Daten ist nichts defekt.",
            "Die IT rufen: Schlüssel vom Wiederherstellungsblatt zurückholen.",
        ),
        "BrokenFile": (
            "Eine Datei dieser Praxis ist beschädigt.",
            "Die IT rufen: praxistakt doctor nennt die Datei. Auswertungen entstehen mit dem nächsten Datenlauf neu.",
        ),
        "FileMissing": (
            "Eine Datei dieser Praxis fehlt.",
            "Die IT rufen: praxistakt doctor nennt die Datei. Auswertungen entstehen mit dem nächsten Datenlauf neu.",
        ),
        "DiskFull": ("Auf dem Server ist kein Speicherplatz mehr frei.", "Die IT rufen: Platz schaffen."),
        "Busy": ("Ein anderer Vorgang hält die Daten gerade fest.", "In einer Minute noch einmal versuchen."),
        "": ("Die Seite kann ihre Daten nicht lesen.", "Die IT rufen: praxistakt doctor nennt die Stelle."),
    }
)

ROLES: Final = MappingProxyType(
    {"manager": "Praxisleitung", "reception": "Empfang", "it": "IT", "analyst": "Auswertung"}
)

# --- Auslastung: filters ---------------------------------------------------------------------------------------------
LOCATION: Final = "Standort"
ALL_LOCATIONS: Final = "Alle Standorte"
PERIOD: Final = "Zeitraum"
PERIODS: Final = MappingProxyType(
    {
        "4w": "Letzte 4 Wochen",
        "1w": "Letzte Woche",
        "12w": "Letzte 12 Wochen",
        "52w": "Letzte 52 Wochen",
        "now": "Diese Woche",
        "own": "Eigener Zeitraum",
    }
)
OWN_PERIOD: Final = "Von und bis"
VIEW: Final = "Ansicht"
VIEWS: Final = MappingProxyType({"team": "Team", "people": "Je Behandler", "rooms": "Räume"})

# --- Auslastung: tiles. label, definition ----------------------------------------------------------------------------
TILES: Final = MappingProxyType(
    {
        "booked": (
            "Gebuchte Auslastung",
            "Gebuchte Minuten innerhalb der Sprechzeit, geteilt durch die buchbaren Minuten (Sprechzeit ohne "
            "Feiertage, Urlaub und Sperrzeiten). Gleichzeitige Termine zählen höchstens so oft, wie Plätze da sind. "
            "100 % ist kein Ziel: Es fehlt dann Platz für Akutes.",
        ),
        "used": (
            "Genutzte Zeit (Patient war da)",
            "Minuten der Termine, zu denen der Patient gekommen ist, geteilt durch die buchbaren Minuten. "
            "Gerechnet wird mit der geplanten Dauer.",
        ),
        "missed": (
            "Nicht erschienen & Absagen",
            "Sprechzeit, die einmal vergeben war und am Ende ungenutzt blieb: nicht erschienen, zu spät abgesagt oder "
            "früher abgesagt, und nicht wieder vergeben.",
        ),
        "lost": (
            "Leer geblieben",
            "Nicht erschienen oder weniger als {hours} Stunden vorher abgesagt und nicht wieder vergeben, geteilt "
            "durch die buchbaren Minuten.",
        ),
        "outside": (
            "Außerhalb der Sprechzeit",
            "Minuten von Terminen außerhalb der hinterlegten Sprechzeit. Sie zählen nicht zur Auslastung. "
            "Sind es viele, stimmen oft die hinterlegten Sprechzeiten nicht.",
        ),
        "free": (
            "Freie Zeit, nächste 14 Tage",
            "Buchbare Minuten von heute an, die noch nicht vergeben sind. „Nutzbar“ ist, was für mindestens einen "
            "Termin der kürzesten Dauer reicht. Gilt immer ab heute, unabhängig vom Zeitraum oben.",
        ),
    }
)
OF_APPOINTMENTS: Final = "von {n}"
GREY_FEW: Final = "zu wenige Termine ({n}), um daraus etwas abzulesen"
GREY_UNKNOWN: Final = "bei {share} der Termine ist nicht erfasst, ob der Patient kam"
GREYED: Final = "Grau:"
ESTIMATED_HOURS: Final = (
    "Sprechzeiten fehlen für einen Teil der Kalender und sind aus den Terminen geschätzt. Bitte in der Praxissoftware "
    "oder in practice.toml eintragen."
)

# --- Auslastung: charts and tables -----------------------------------------------------------------------------------
WATERFALL: Final = "Wohin geht die Sprechzeit?"
HEATMAP: Final = "Wann ist die Praxis voll, wann leer?"
HEATMAP_LEGEND: Final = (
    "Die Zahl ist die gebuchte Auslastung in Prozent. Hell heißt leer ({low} und weniger), dunkel heißt voll (100 %), "
    "schraffiert heißt keine Sprechzeit."
)
HEATMAP_LEGEND_FROM_ZERO: Final = (
    "Die Zahl ist die gebuchte Auslastung in Prozent. Hell heißt leer (0 %), dunkel heißt voll (100 %), schraffiert "
    "heißt keine Sprechzeit."
)
TREND: Final = "Besser als früher?"
TREND_LEGEND: Final = "Nur ganze Wochen, die laufende zählt noch nicht."
HOURS_CHANGED: Final = "Senkrechter Strich: Sprechzeit im Plan geändert ({changes})."
HOURS_CHANGES_MORE: Final = "{count} weitere"
HOURS_CHANGE: Final = "ab {day} {after} statt {before} je Woche"
STEPS: Final = MappingProxyType(
    {
        "template_min": "Sprechzeit laut Plan",
        "holiday_min": "Feiertage",
        "closure_min": "Praxis geschlossen",
        "extra_min": "Zusätzliche Sprechzeit",
        "absence_min": "Urlaub und Abwesenheit",
        "block_min": "Gesperrt (Besprechung, Telefon)",
        "bookable_min": "Buchbar",
        "never_booked_min": "Nie gebucht",
        "other_cancelled_min": "Früh abgesagt, frei geblieben",
        "late_cancelled_min": "Zu spät abgesagt, frei geblieben",
        "no_show_min": "Nicht erschienen",
        "unknown_min": "Nicht erfasst, ob jemand kam",
        "ahead_min": "Gebucht, steht noch bevor",
        "used_min": "Genutzt (Patient war da)",
    }
)
COLUMNS: Final = MappingProxyType(
    {
        "name": "Name",
        "location": "Standort",
        "bookable_min": "Verfügbar",
        "booked": "Gebuchte Auslastung",
        "used": "Genutzte Zeit",
        "no_show_min": "Nicht erschienen",
        "lost_min": "Leer geblieben",
        "never_booked_min": "Nie gebucht",
        "outside_min": "Außerhalb",
        "free_min": "Frei",
        "double_booked_min": "Doppelt belegt",
        "double_booked_intended_min": "davon beabsichtigt",
        "service_date": "Tag",
        "step": "Schritt",
        "minutes": "Minuten",
        "duration": "Dauer",
        "share": "Anteil an buchbar",
        "weekday": "Wochentag",
        "hour": "Uhrzeit",
        "week": "Woche",
        "monday": "ab",
        "before": "Vorjahr",
        "start": "Beginn",
        "end": "Ende",
        "family_name": "Nachname",
        "given_name": "Vorname",
        "birth_date": "Geburtsdatum",
        "type_name": "Terminart",
        "outcome": "Ergebnis",
        "calendar": "Kalender",
        "source": "Quelle",
    }
)
OUTCOMES: Final = MappingProxyType(
    {
        "attended": "Patient war da",
        "booked": "Gebucht",
        "no_show": "Nicht erschienen",
        "unknown": "Nicht erfasst",
        "cancelled_patient": "Vom Patienten abgesagt",
        "cancelled_practice": "Von der Praxis abgesagt",
        "rescheduled": "Verlegt",
        "block": "Sperrzeit",
    }
)
BOOKED: Final = "Gebucht"
USED: Final = "Genutzt"
NO_CAPACITY: Final = "keine Sprechzeit"
BY_LOCATION: Final = "Nach Standort"
BY_PERSON: Final = "Je Behandler"
BY_ROOM: Final = "Je Raum"
ROOMS_APART: Final = "Räume werden für sich gezählt und nie mit Personen zusammengerechnet."
PER_PERSON_NOTE: Final = "Zahlen je Person sieht nur die Praxisleitung."
DRILL_DOWN: Final = "Einzelne Tage und Termine"
PERSON: Final = "Behandler"
EVERYBODY: Final = "Alle"
WEEKDAY: Final = "Wochentag"
ANY_WEEKDAY: Final = "Jeder"
DAY: Final = "Tag öffnen"
OPEN_DAY_HINT: Final = "Einen Tag wählen, um seine Termine zu sehen. Jeder Blick auf Namen wird protokolliert."
NO_NAMES: Final = "Termine mit Namen sehen Praxisleitung und Empfang."
ROOMS_NO_NAMES: Final = "Die Termine eines Tages stehen in der Ansicht „Team“."
NO_DAYS: Final = "In diesem Zeitraum gibt es keine passenden Tage."
NO_APPOINTMENTS: Final = "Keine Termine an diesem Tag."
APPOINTMENTS_OF: Final = "Termine am {day}"

# --- Verbindungen ----------------------------------------------------------------------------------------------------
#: light -> (icon, word, colour name of the theme)
LIGHTS: Final = MappingProxyType(
    {
        "green": ("●", "Aktuell", "green"),
        "yellow": ("▲", "Verzögert", "orange"),
        "red": ("■", "Gestört", "red"),
        "grey": ("○", "Unbekannt", "gray"),
    }
)
DATA_UNTIL: Final = "Daten bis {time}"
NO_DATA_YET: Final = "Noch keine Daten"
LAST_RUN: Final = "Letzter Lauf"
CHANGES_TODAY: Final = "Änderungen heute"
FIRST_READING: Final = "Erstübernahme"
FIRST_RECORDS: Final = "Datensätze, seither {changes}"
NO_CHANGES: Final = "keine Änderungen"
USUAL: Final = "üblich {span}"
USUAL_CLOSED: Final = "heute ist geschlossen"
USUAL_UNKNOWN: Final = "was üblich ist, zeigt sich nach 4 Wochen"
RECOGNISED: Final = "Erkannte Status und Terminarten"
ALL_RECOGNISED: Final = "alle Codes sind bekannt"
SEE_BELOW: Final = "{codes}, siehe unten"
SET_ASIDE: Final = "Zurückgestellte Datensätze"
SET_ASIDE_LAST: Final = "zuletzt {time}"
SET_ASIDE_NONE: Final = "alle wurden übernommen"
DOUBTFUL: Final = "Zweifelhafte Angaben"
CAUSE: Final = "Ursache"
TECHNICAL: Final = "Technische Meldung (für die IT)"
NEXT_STEP: Final = "Nächster Schritt"
#: reason of a light -> what it means and what to do
REASONS: Final = MappingProxyType(
    {
        "current": ("Alles in Ordnung.", ""),
        "late": (
            "Seit einer Weile kam aus dieser Quelle keine Antwort. Die Zahlen zeigen den Stand von {time}.",
            "Meist löst es sich von selbst. Bleibt es so: „Jetzt synchronisieren“ drücken.",
        ),
        "outdated": (
            "Seit mehr als zwei Stunden Sprechzeit kam aus dieser Quelle nichts mehr. Die Zahlen zeigen den Stand von "
            "{time}.",
            "Prüfen: Läuft der Rechner mit der Quelle? Läuft der Dienst von Praxistakt? Sonst die IT rufen.",
        ),
        "away": (
            "Die Quelle antwortet nicht. Die Zahlen zeigen den Stand von {time}.",
            "Prüfen: Ist der Server eingeschaltet und im Netz? Es wird von selbst wieder versucht.",
        ),
        "refused": (
            "Die Quelle lehnt die Anmeldung ab: Passwort oder Schlüssel gilt nicht, oder ein Recht fehlt. Es wird "
            "nicht weiter versucht, damit das Konto nicht gesperrt wird.",
            "Die IT bitten, den Zugang neu zu hinterlegen (praxistakt secret set) und dann „Jetzt synchronisieren“ zu "
            "drücken.",
        ),
        "bad-answer": (
            "Die Quelle antwortet, aber nicht in der vereinbarten Form, oft nach einem Update. Übernommen wurde davon "
            "nichts.",
            "Die IT rufen: praxistakt doctor nennt die Stelle.",
        ),
        "stopped": (
            "Die Quelle meldet auf einmal auffallend viele Termine als gelöscht. Zur Sicherheit wurde angehalten; die "
            "bisherigen Daten bleiben stehen.",
            "Prüfen: Wurde wirklich so viel gelöscht? Wenn ja, gibt die IT es frei (praxistakt run --accept-removals).",
        ),
        "never-read": (
            "Diese Quelle wurde noch nie gelesen.",
            "„Jetzt synchronisieren“ drücken. Bleibt es so, die IT rufen.",
        ),
        "no-service": (
            "Es läuft gerade kein Dienst, der die Quelle abfragt. Die Zahlen zeigen den Stand von {time}.",
            "Den Dienst von Praxistakt auf dem Server starten.",
        ),
    }
)
RETRY_AT: Final = "Nächster Versuch {time}."
SYNC_NOW: Final = "Jetzt synchronisieren"
SYNC_ALL: Final = "Alle jetzt synchronisieren"
NO_SERVICE: Final = (
    "Es läuft gerade kein Dienst, der den Auftrag ausführt. Auf dem Server starten: `praxistakt run {practice}` für "
    "einen Lauf, oder den Dienst von Praxistakt für laufende Abfragen."
)
REQUESTS: Final = MappingProxyType(
    {
        "waiting": "wartet seit {time}",
        "claimed": "läuft seit {time}",
        "done": "fertig {time}",
        "failed": "fehlgeschlagen {time}",
        "expired": "verfallen {time}: Es lief kein Dienst",
    }
)
REQUEST: Final = "Auftrag"
UNMAPPED: Final = "Unbekannte Codes"
NO_UNMAPPED: Final = "Alle Codes der Quellen sind bekannt."
UNMAPPED_HELP: Final = (
    "Codes, die keine Zuordnung kennt. Sie zählen als „unbekannt“ und werden nie geraten; die Datensätze selbst sind "
    "übernommen."
)
UNMAPPED_STEP: Final = "in der Zuordnung von „{source}“ ergänzen (IT)"
NO_SET_ASIDE: Final = "Kein Datensatz ist zurückgestellt."
SET_ASIDE_HELP: Final = (
    "Datensätze, die so nicht stimmen können. Sie fehlen in den Zahlen, bis sie in der Quelle stimmen."
)
SET_ASIDE_MORE: Final = "Gezeigt werden die ersten {shown} von {all}."
NO_DOUBTFUL: Final = "Keine Angabe ist zweifelhaft."
DOUBTFUL_HELP: Final = (
    "Einzelne Angaben, die so nicht stimmen können. Die Datensätze sind übernommen und zählen mit, die Angabe selbst "
    "fehlt oder wurde ausgelegt, wie es unter „Erwartet“ steht."
)
DOUBTFUL_ALL: Final = "{count} in allen Quellen zusammen."
REASONS_FOR_IT: Final = "Die Gründe sieht die IT."
STUCK: Final = (
    "Ein Datenlauf steht seit {minutes} und wird nicht fertig. Abhilfe (IT): auf dem Server seinen Prozess beenden, "
    "dann `praxistakt run {practice}`: Das räumt den Lauf auf und beginnt neu."
)
SERVER_LOAD: Final = "Heute hat Praxistakt den Server der Quelle {seconds} s lang beschäftigt ({statements})."
FAILED_SINCE: Final = "Die Datenläufe brechen seit {time} ab; es gelten die bisherigen Zahlen."
FAILED: Final = (
    "Ein Fehler in Praxistakt selbst.",
    "Die IT rufen: praxistakt doctor prüft alles, was ein Lauf braucht.",
)
_DAMAGED: Final = (
    "Eine Datei von Praxistakt ist beschädigt oder fehlt.",
    "Die IT ruft praxistakt run auf: Es geht auf den letzten vollständigen Stand zurück. Hilft das nicht, eine "
    "Sicherung zurückspielen.",
)
_LOCKED_OUT: Final = (
    "Die Schlüssel dieser Praxis passen nicht zu ihren Dateien oder fehlen. Es ist nichts verloren.",
    "Die IT holt sie vom Wiederherstellungsblatt zurück: praxistakt restore-keys.",
)
#: Error (`pipelines.health.Failure`) -> cause and next step.
FAILURES: Final = MappingProxyType(
    {
        "DiskFull": (
            "Auf dem Datenträger ist zu wenig Platz.",
            "Die IT schafft Platz; danach geht es von selbst weiter.",
        ),
        "BrokenFile": _DAMAGED,
        "FileMissing": _DAMAGED,
        "WrongKey": _LOCKED_OUT,
        "KeysMissing": _LOCKED_OUT,
        "KeysExposed": (
            "Die Schlüsseldatei ist für andere lesbar.",
            "Die IT gibt der Datei die Rechte 0600 und ihrem Benutzer.",
        ),
        "SettingsError": (
            "Die Einstellungen in practice.toml stimmen nicht.",
            "Die IT berichtigt sie; praxistakt doctor nennt jede Stelle.",
        ),
        "BuildFailed": (
            "Die Prüfung der neuen Zahlen fand einen Widerspruch. Veröffentlicht wurde davon nichts.",
            "Die IT rufen: praxistakt status nennt die Prüfung.",
        ),
    }
)
HEALTH_COLUMNS: Final = MappingProxyType(
    {
        "source": "Quelle",
        "resource": "Datenart",
        "field": "Feld",
        "code": "Code",
        "rows": "Datensätze",
        "step": "Nächster Schritt",
        "source_id": "Nummer in der Quelle",
        "rule": "Grund",
        "expected": "Erwartet",
        "last_at": "Zuletzt gelesen",
    }
)

_PUNCTUATION: Final = re.compile(r"([!-/:-@\[-`{-~])")
_JOINER: Final = "\N{WORD JOINER}"


def plain(foreign: str) -> str:
    r"""Foreign text (names, titles) for places that read Markdown: shown as it is, never as a link, image or colour.

    Every punctuation sign is escaped, and a word joiner after `: . / @` keeps what looks like an address from becoming
    a link by itself. The text changes for whoever copies it: for names only, tables show foreign text as it is.
    """
    one_line = " ".join(foreign.split())
    return _PUNCTUATION.sub(lambda m: f"\\{m[1]}{_JOINER if m[1] in ':./@' else ''}", one_line)
