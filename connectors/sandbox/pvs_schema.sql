-- "Praxis am Platz", a practice's software as the demo plays it: a schema of our own with the habits of real ones.
-- Wall time without a zone, codes as numbers, padded text, days as eight digits with zeros for none, times as minutes
-- since midnight, contacts in a table apart, patients marked as deleted, appointments really deleted, and a
-- `geaendert` that the check-in desk does not touch. Fixed: the profile `demo` was written for it.

CREATE TABLE system_info (name TEXT PRIMARY KEY, wert TEXT NOT NULL);
INSERT INTO system_info VALUES ('programm', 'Praxis am Platz'), ('datenbank_version', '4.2');

CREATE TABLE patient (
    pat_nr INTEGER PRIMARY KEY, nachname CHAR(40) NOT NULL, vorname CHAR(40), geburtsname CHAR(40), titel CHAR(20),
    namenszusatz CHAR(20), geb_datum CHAR(8) NOT NULL DEFAULT '00000000', geschlecht CHAR(1), versicherten_nr CHAR(12),
    kassenart INTEGER, strasse TEXT, plz CHAR(8), ort TEXT, land CHAR(3), aktiv INTEGER, verstorben INTEGER,
    verstorben_am CHAR(8) NOT NULL DEFAULT '00000000', zusammengefuehrt_mit INTEGER, geprueft_am DATETIME,
    geprueft_von TEXT, geloescht INTEGER NOT NULL DEFAULT 0, angelegt DATETIME, geaendert DATETIME
);
-- art: T Telefon, M Mobil, E E-Mail
CREATE TABLE patient_kontakt (
    pat_nr INTEGER NOT NULL, art CHAR(1) NOT NULL, wert TEXT, geaendert DATETIME, PRIMARY KEY (pat_nr, art)
) WITHOUT ROWID;
CREATE TABLE bezugsperson (
    bez_nr INTEGER PRIMARY KEY, pat_nr INTEGER NOT NULL, art INTEGER, nachname TEXT, vorname TEXT, telefon TEXT,
    mobil TEXT, email TEXT, aktiv INTEGER, geaendert DATETIME
);
CREATE TABLE behandler (
    beh_nr INTEGER PRIMARY KEY, nachname CHAR(40), vorname CHAR(40), titel CHAR(20), kuerzel CHAR(6), lanr CHAR(12),
    ausgeschieden INTEGER
);
CREATE TABLE ort (ort_nr INTEGER PRIMARY KEY, bezeichnung TEXT, art CHAR(1), gehoert_zu INTEGER, inaktiv INTEGER);
CREATE TABLE terminart (
    art_nr INTEGER PRIMARY KEY, bezeichnung TEXT, dauer_min INTEGER, online INTEGER, doppelbuchung INTEGER,
    raum_noetig INTEGER, inaktiv INTEGER
);
CREATE TABLE kalender (
    kal_nr INTEGER PRIMARY KEY, bezeichnung TEXT, typ INTEGER, beh_nr INTEGER, raum_nr INTEGER, ort_nr INTEGER,
    plaetze INTEGER, inaktiv INTEGER
);
CREATE TABLE termin (
    termin_nr INTEGER PRIMARY KEY, kal_nr INTEGER, pat_nr INTEGER, beh_nr INTEGER, raum_nr INTEGER, art_nr INTEGER,
    status INTEGER, beginn DATETIME, ende DATETIME, ist_beginn DATETIME, ist_ende DATETIME, ankunft DATETIME,
    weg INTEGER, form INTEGER, gebucht_von INTEGER, angelegt DATETIME, storniert DATETIME, geaendert DATETIME,
    serie TEXT, ersetzt INTEGER, fremd_ref TEXT UNIQUE
);
CREATE INDEX termin_beginn ON termin (beginn);
CREATE INDEX termin_geaendert ON termin (geaendert);
-- von, bis: Minuten seit Mitternacht; turnus 2: jede zweite Woche
CREATE TABLE sprechzeit (
    sz_nr INTEGER PRIMARY KEY, kal_nr INTEGER, art INTEGER, wochentag INTEGER, datum CHAR(8), von INTEGER NOT NULL,
    bis INTEGER NOT NULL, gueltig_von CHAR(8), gueltig_bis CHAR(8), turnus INTEGER
);
CREATE TABLE abwesenheit (
    abw_nr INTEGER PRIMARY KEY, kal_nr INTEGER, beh_nr INTEGER, art CHAR(1), beginn DATETIME, ende DATETIME,
    vertretung INTEGER
);
CREATE TABLE besuch (
    besuch_nr INTEGER PRIMARY KEY, pat_nr INTEGER NOT NULL, beh_nr INTEGER, kal_nr INTEGER, termin_nr INTEGER,
    ankunft DATETIME, beginn DATETIME, ende DATETIME, karte_gelesen DATETIME, geaendert DATETIME
);
CREATE TABLE leistung (
    leist_nr INTEGER PRIMARY KEY, pat_nr INTEGER NOT NULL, beh_nr INTEGER, katalog CHAR(8), ziffer CHAR(8),
    datum CHAR(8), geaendert DATETIME
);
CREATE TABLE einwilligung (
    einw_nr INTEGER PRIMARY KEY, pat_nr INTEGER NOT NULL, zweck INTEGER, weg INTEGER, nachweis TEXT, ab DATETIME,
    widerrufen DATETIME, geaendert DATETIME
);
CREATE TABLE wiedervorstellung (
    wv_nr INTEGER PRIMARY KEY, pat_nr INTEGER NOT NULL, beh_nr INTEGER, bezeichnung TEXT, status INTEGER,
    faellig CHAR(8), zuletzt CHAR(8), geaendert DATETIME
);
-- Stands here so that it can be seen that no profile reads it.
CREATE TABLE diagnose (diag_nr INTEGER PRIMARY KEY, pat_nr INTEGER NOT NULL, icd10 TEXT, befund TEXT);

-- Who wrote what: `wer` stays 'fremd' for everyone but the practice's own desk.
CREATE TABLE protokoll (
    nr INTEGER PRIMARY KEY, wer TEXT NOT NULL DEFAULT 'fremd', tabelle TEXT NOT NULL, schluessel TEXT NOT NULL,
    vorgang TEXT NOT NULL, alt TEXT, neu TEXT
);
