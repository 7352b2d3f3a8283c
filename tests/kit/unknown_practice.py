"""A practice database that no profile knows: 40 tables with habits of their own, in SQLite.

Days as `04.03.2026` here and `20260304` there, times as minutes since midnight, addresses and states in tables of
their own, references that nobody declared, and 28 tables that are none of our business.
"""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

PATIENTS, APPOINTMENTS = 120, 900

#: The middle of the calendar.
TODAY = dt.date(2026, 3, 4)

FAMILY = ("Abelmann", "Brodersen", "Cordes", "Dettmer", "Eickhoff", "Fehrenbach", "Gundlach", "Harms", "Ihlenfeld")
GIVEN = ("Antje", "Bodo", "Carla", "Detlef", "Elke", "Frauke", "Gerd", "Heike", "Imke", "Jost", "Karin")

#: States in words, as the software shows them; the last one means something only to this practice.
STATES = ("geplant", "bestätigt", "eingetroffen", "erledigt", "nicht erschienen", "abgesagt", "in Klärung")

_TABLES = """
CREATE TABLE stamm_patient (pat_id INTEGER PRIMARY KEY, nname TEXT, vname TEXT, titel TEXT, gebdat TEXT, geschl TEXT,
    tel_privat TEXT, handy TEXT, mailadresse TEXT, adr_id INTEGER REFERENCES stamm_adresse (adr_id), vers_nr TEXT,
    verstorben INTEGER, geloescht INTEGER, angelegt_am TEXT, geaendert_am TEXT, bemerkung TEXT);
CREATE TABLE stamm_adresse (adr_id INTEGER PRIMARY KEY, strasse TEXT, plz TEXT, wohnort TEXT, land TEXT);
CREATE TABLE stamm_behandler (beh_id INTEGER PRIMARY KEY, kuerzel TEXT, nname TEXT, vname TEXT, titel TEXT, lanr TEXT,
    inaktiv INTEGER);
CREATE TABLE stamm_raum (raum_id INTEGER PRIMARY KEY, bezeichnung TEXT, stockwerk INTEGER);
CREATE TABLE plan_kalender (kal_id INTEGER PRIMARY KEY, bezeichnung TEXT, beh_id INTEGER, raum_id INTEGER,
    farbe TEXT, inaktiv INTEGER);
CREATE TABLE plan_terminart (tart_id INTEGER PRIMARY KEY, bezeichnung TEXT, dauer_min INTEGER, farbe TEXT);
CREATE TABLE plan_terminstatus (ts_id INTEGER PRIMARY KEY, bezeichnung TEXT);
CREATE TABLE plan_termin (ter_id INTEGER PRIMARY KEY, kal_id INTEGER, pat_id INTEGER, beh_id INTEGER, tart_id INTEGER,
    ter_datum TEXT, von_min INTEGER, dauer INTEGER, ts_id INTEGER REFERENCES plan_terminstatus (ts_id),
    angelegt_am TEXT, geaendert_am TEXT, notiz TEXT);
CREATE TABLE plan_sprechzeit (sz_id INTEGER PRIMARY KEY, kal_id INTEGER, wochentag INTEGER, von TEXT, bis TEXT);
CREATE TABLE plan_abwesenheit (abw_id INTEGER PRIMARY KEY, beh_id INTEGER, kal_id INTEGER, von_datum TEXT,
    bis_datum TEXT);
CREATE TABLE wv_recall (rc_id INTEGER PRIMARY KEY, pat_id INTEGER, bezeichnung TEXT, faellig_am TEXT, erledigt INTEGER);
CREATE TABLE abr_leistung (lst_id INTEGER PRIMARY KEY, pat_id INTEGER, beh_id INTEGER, ziffer TEXT, leistungsdatum TEXT)
"""

#: What such a database has besides; some of it is called much like what we look for.
_OTHERS = (
    "plan_termin_hist", "stamm_patient_log", "plan_termin_druck", "sys_benutzer_log", "sys_version", "sys_lizenz",
    "sys_einstellung", "labor_auftrag", "labor_befund", "labor_material", "brief_vorlage", "brief_ausgang",
    "form_muster", "form_rezept", "med_artikel", "med_plan", "diag_liste", "diag_icd", "dok_ordner", "dok_datei",
    "abr_schein", "abr_quartal", "abr_rechnung", "impf_buch", "impf_stoff", "stat_tag", "tmp_import", "netz_geraet",
)  # fmt: skip


def made(path: Path, *, extra_tables: int = 0) -> Path:
    """Write the database; `extra_tables` more of the kind that nobody asks for."""
    with closing(sqlite3.connect(path)) as con, con:
        for statement in _TABLES.split(";\n"):
            con.execute(statement)
        for name in (*_OTHERS, *(f"modul_{number:03}_daten" for number in range(extra_tables))):
            con.execute(
                f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, datum TEXT, wert TEXT, status INTEGER, von TEXT)"
            )
            con.executemany(f"INSERT INTO {name} VALUES (?, '2026-01-02', 'x', 1, 'y')", [(n,) for n in range(5)])
        for table, rows in _rows():
            con.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    return path


def tables(path: Path) -> int:
    """How many tables it has."""
    with closing(sqlite3.connect(path)) as con:
        return int(con.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[0])


def words(path: Path) -> set[str]:
    """What only patients' rows hold: names, numbers, addresses, notes."""
    columns = ("nname", "vname", "gebdat", "tel_privat", "handy", "mailadresse", "vers_nr", "bemerkung")
    with closing(sqlite3.connect(path)) as con:
        people = con.execute(f"SELECT {', '.join(columns)} FROM stamm_patient").fetchall()
        places = con.execute("SELECT strasse, wohnort FROM stamm_adresse").fetchall()
    return {value for row in (*people, *places) for value in row if value}


def _rows() -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    dice = random.Random(40)
    yield "stamm_adresse", [(n, f"Lindenstr. {n}", f"{20000 + n}", "Uetersen", "DE") for n in range(1, PATIENTS + 1)]
    yield "stamm_patient", [_patient(dice, n) for n in range(1, PATIENTS + 1)]
    staff = (("TH", "Thormann", "Kai"), ("UL", "Ulmer", "Lena"), ("VO", "Vogt", "Mia"))
    yield (
        "stamm_behandler",
        [(n, short, family, given, "Dr.", f"{123456700 + n}", 0) for n, (short, family, given) in enumerate(staff, 1)],
    )
    yield "stamm_raum", [(1, "Sprechzimmer links", 0), (2, "Sprechzimmer rechts", 0)]
    yield "plan_kalender", [(n, f"Kalender {staff[n - 1][0]}", n, 1 + n % 2, "#aabbcc", 0) for n in (1, 2, 3)]
    yield "plan_terminart", [(1, "Kontrolle", 15, "#1"), (2, "Erstgespräch", 30, "#2"), (3, "Beratung", 20, "#3")]
    yield "plan_terminstatus", list(enumerate(STATES, 1))
    yield "plan_termin", [_appointment(dice, n) for n in range(1, APPOINTMENTS + 1)]
    yield (
        "plan_sprechzeit",
        [
            (kal * 10 + day, kal, day, "08:00", "16:30" if day < 5 else "12:00")
            for kal in (1, 2, 3)
            for day in range(1, 6)
        ],
    )
    yield "plan_abwesenheit", [(1, 1, 1, "20260406", "20260410"), (2, 2, 2, "20260520", "20260520")]
    yield "wv_recall", [(n, n, "Vorsorge", "20260901", 0) for n in range(1, 41)]
    yield "abr_leistung", [(n, 1 + n % PATIENTS, 1 + n % 3, "03000", "20260210") for n in range(1, 301)]


def _patient(dice: random.Random, n: int) -> tuple[object, ...]:
    born = dt.date(1940, 1, 1) + dt.timedelta(days=dice.randrange(27_000))
    return (
        n, dice.choice(FAMILY), dice.choice(GIVEN), None, born.strftime("%d.%m.%Y"), dice.choice("MMMWWWWD"),
        f"04122 {550_000 + n}", f"0151 {5_550_000 + n}", f"p{n}@example.org" if n % 3 else None, n,
        f"A{100_000_000 + n}", 0, int(n == 7), "2020-01-02 08:00:00", "2025-05-06 09:30:00", f"Anmerkung {n * 7919}",
    )  # fmt: skip


def _appointment(dice: random.Random, n: int) -> tuple[object, ...]:
    day = TODAY + dt.timedelta(days=dice.randrange(-180, 90))
    day -= dt.timedelta(days=max(0, day.weekday() - 4))
    calendar, kind = 1 + n % 3, 1 + n % 3
    state = dice.choice((3, 4, 4, 4, 4, 5, 6)) if day < TODAY else dice.choice((1, 1, 1, 2, 2, 6, 7))
    return (
        n, calendar, 1 + dice.randrange(PATIENTS), calendar, kind, day.strftime("%Y%m%d"),
        480 + 15 * dice.randrange(32), (15, 30, 20)[kind - 1], state,
        "2025-11-01 10:00:00", "2026-01-10 10:00:00", f"Hinweis {n * 104_729}",
    )  # fmt: skip
