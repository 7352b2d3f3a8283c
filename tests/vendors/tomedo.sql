-- tomedo as the draft takes it to be: names of published statistics, and guesses.

CREATE TABLE nutzer (ident bigint PRIMARY KEY, kuerzel varchar(20));
INSERT INTO nutzer VALUES (1, 'CT'), (2, NULL);

CREATE TABLE terminart (ident bigint PRIMARY KEY, bezeichnung text);
INSERT INTO terminart VALUES (1, 'Kontrolle');

CREATE TABLE patientendetails (ident bigint PRIMARY KEY, privatpatient boolean);
INSERT INTO patientendetails VALUES (1, true), (2, false);

CREATE TABLE patient (ident bigint PRIMARY KEY, patientendetails_ident bigint, nachname text, vorname text, geburtsdatum date);
INSERT INTO patient VALUES (1, 1, 'Ahlgrimm', 'Jette', '1961-02-28'), (2, 2, 'Öztürk-Łęski', '😀', NULL);

CREATE TABLE termin (
    ident bigint PRIMARY KEY, patient_ident bigint, terminart_ident bigint, beginn timestamp, ende timestamp, angelegt timestamp,
    removed boolean NOT NULL DEFAULT false, info text, warda boolean
);
-- 4 is removed; 5 begins in an hour that comes twice, 6 in one that does not exist
INSERT INTO termin VALUES
    (1, 1, 1, '2026-03-03 09:00', '2026-03-03 09:20', '2026-02-01 10:00', false, 'never to be read', NULL),
    (2, 1, 1, '2026-02-20 09:00', '2026-02-20 09:20', '2026-02-01 10:00', false, 'x', true),
    (3, NULL, NULL, '2026-03-03 12:00', '2026-03-03 13:00', '2026-02-01 10:00', false, NULL, false),
    (4, 2, 1, '2026-03-04 09:00', '2026-03-04 09:20', '2026-02-01 10:00', true, 'x', false),
    (5, 2, 1, '2026-10-25 02:30', '2026-10-25 03:30', '2026-02-01 10:00', false, 'x', false),
    (6, 2, 1, '2026-03-29 02:30', '2026-03-29 03:30', '2026-02-01 10:00', false, 'x', false);

CREATE TABLE besuch (ident bigint PRIMARY KEY, patient_ident bigint, ankunft timestamp, ende timestamp);
INSERT INTO besuch VALUES (1, 1, '2026-02-20 08:50', '2026-02-20 09:21');
