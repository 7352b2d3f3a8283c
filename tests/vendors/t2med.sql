-- T2med as the draft takes it to be: one table that is known, in the schema aps, and one that is guessed.

CREATE SCHEMA aps;

CREATE TABLE aps.patient (objectid varchar(64) PRIMARY KEY, revision bigint, nachname text, vorname text, geburtsdatum date);
INSERT INTO aps.patient VALUES ('0a1b2c', 3, 'Ahlgrimm', 'Jette', '1961-02-28');

CREATE TABLE aps.versicherungsnachweis (
    objectid varchar(64) PRIMARY KEY, revision bigint, classid integer, creationtimestamp timestamp with time zone,
    kartenvorlage_datum timestamp, patient_objectid varchar(64)
);
INSERT INTO aps.versicherungsnachweis VALUES
    ('ff01', 1, 7, '2026-02-20 08:50+01', '2026-02-20 08:50', '0a1b2c'), ('ff02', 1, 7, '2026-02-20 08:50+01', NULL, '0a1b2c'),
    ('ff03', 2, 7, '2026-02-20 08:50+01', '2026-02-20 09:50', NULL);
