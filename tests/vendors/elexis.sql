-- Elexis 3.13: the tables that the profile reads. These statements hold in PostgreSQL and in MySQL, as the vendor's do.

CREATE TABLE config (lastupdate bigint, param varchar(80) NOT NULL PRIMARY KEY, wert text);
INSERT INTO config (param, wert) VALUES
    ('agenda/bereiche', 'Thal,Labor, Zimmer Süd'),
    ('agenda/bereich/Thal/type', 'CONTACT/k0000001'),
    ('agenda/bereich/Labor/type', 'AREA/x'),
    ('agenda/TerminTypen', 'Frei,Reserviert,Normal,Kontrolle'),
    ('agenda/TerminStatus', '-,geplant,eingetroffen,fertig,verpasst,abgesagt'),
    ('agenda/tagesvorgaben/Thal', 'FS1~#<AMo=A0000-0800
1200-1400
1800-2359~#<ASa=A0000-2359~#<ASo=A0000-2359~#<ADi=A0000-2359~#<AMi=A0000-2359~#<ADo=A0000-2359~#<AFr=A0000-0900
1230-2359');

CREATE TABLE kontakt (
    id varchar(25) NOT NULL PRIMARY KEY, lastupdate bigint, deleted char(1) DEFAULT '0', istpatient char(1) DEFAULT '0',
    istperson char(1) DEFAULT '0', istmandant char(1) DEFAULT '0', istanwender char(1) DEFAULT '0',
    istorganisation char(1) DEFAULT '0', istlabor char(1) DEFAULT '0', istverstorben char(1) DEFAULT '0',
    bezeichnung1 varchar(255), bezeichnung2 varchar(255), titel varchar(255), geburtsdatum char(8), geschlecht char(10),
    telefon1 varchar(255), natelnr varchar(255), email varchar(255), strasse varchar(255), plz char(6), ort varchar(255),
    patientnr varchar(40), bemerkung text, diagnosen text
);
-- 3 has no birth date and a postal code with blanks, 4 a birth date of zeros, 5 is deleted, 6 is a laboratory
INSERT INTO kontakt (id, lastupdate, deleted, istpatient, istmandant, istverstorben, istlabor, bezeichnung1, bezeichnung2,
    titel, geburtsdatum, geschlecht, telefon1, natelnr, email, strasse, plz, ort, bemerkung, diagnosen) VALUES
    ('k0000001', 1767340800000, '0', '0', '1', '0', '0', 'Thal', 'Cora', 'Dr.', NULL, 'w', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('k0000002', 1767340800000, '0', '1', '0', '0', '0', 'Ahlgrimm', 'Jette', NULL, '19610228', 'w', '030 5550101',
        '0151 5550102', 'jette@example.org', 'Gartenweg 3', '01067', 'Dresden', 'never to be read', 'never to be read'),
    ('k0000003', 1767340800123, '0', '1', '0', '1', '0', 'Öztürk-Łęski', 'Mira', '', '        ', 'x', '', '', '', '', '420', '', '', ''),
    ('k0000004', 1767340800000, '0', '1', '0', '0', '0', 'Alt', 'Wilhelm', NULL, '00000000', 'm', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('k0000005', 1767340800000, '1', '1', '0', '0', '0', 'Weg', 'Nils', NULL, '19700101', 'm', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('k0000006', 1767340800000, '0', '0', '0', '0', '1', 'Labor Nord', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('k0000007', 1767340800000, '0', '1', '0', '0', '0', 'Neu', 'Ida', NULL, '20260231', 'f', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE xid (
    id varchar(25) NOT NULL PRIMARY KEY, lastupdate bigint, deleted char(1) DEFAULT '0', object varchar(25),
    domain varchar(255), domain_id varchar(255)
);
INSERT INTO xid (id, deleted, object, domain, domain_id) VALUES
    ('x1', '0', 'k0000002', 'www.ahv.ch/xid', '7569217076985'), ('x2', '1', 'k0000003', 'www.ahv.ch/xid', '7560000000000');

CREATE TABLE agntermine (
    id varchar(127) NOT NULL PRIMARY KEY, lastupdate bigint, deleted char(1) DEFAULT '0', patid varchar(80),
    bereich varchar(25), tag char(8), beginn char(4), dauer char(4), grund text, termintyp varchar(50),
    terminstatus varchar(50), erstelltvon varchar(25), angelegt varchar(10), lastedit varchar(10), flags varchar(10),
    extension text, linkgroup varchar(50), statushistory text
);
-- 1 is the version of the table; a2 has padded numbers and a long history; a3's patient is a name; a4 is blocked time; a5 is
-- deleted; a6 has a state of the practice's own; a7 no length; a8 no time; a9 is an offered time; a10 ends after midnight;
-- a11 begins in an hour that does not exist, a12 in one that comes twice; a13 has no patient and no state
INSERT INTO agntermine (id, lastupdate, deleted, patid, bereich, tag, beginn, dauer, grund, termintyp, terminstatus, angelegt,
    linkgroup, statushistory) VALUES
    ('1', NULL, '0', NULL, NULL, NULL, NULL, NULL, '1.2.6', NULL, NULL, NULL, NULL, NULL),
    ('a2', 1769936400000, '0', 'k0000002', 'Thal', '20260303', '540 ', '30  ', 'never to be read', 'Normal', 'eingetroffen',
        '29498940', 'g1', '29498940;geplant
29542075;eingetroffen'),
    ('a3', 1769936400000, '0', 'Herr Zufall', 'Thal', '20260303', '600', '15', '', 'Kontrolle', 'geplant', '29498940', '', NULL),
    ('a4', 1769936400000, '0', '', 'Thal', '20260303', '0', '480', '', 'gesperrt', '-', NULL, NULL, NULL),
    ('a5', 1769936400000, '1', 'k0000002', 'Thal', '20260303', '660', '15', '', 'Normal', 'geplant', NULL, NULL, NULL),
    ('a6', 1769936400000, '0', 'k0000003', 'Labor', '20260304', '480', '15', '', 'Normal', 'Im Wartezimmer', NULL, NULL, NULL),
    ('a7', 1769936400000, '0', 'k0000003', 'Labor', '20260304', '500', NULL, '', 'Normal', 'fertig', NULL, NULL, NULL),
    ('a8', 1769936400000, '0', 'k0000003', 'Labor', '20260304', '', '15', '', 'Normal', 'verpasst', NULL, NULL, NULL),
    ('a9', 1769936400000, '0', NULL, 'Labor', '20260305', '480', '15', '', 'Frei', '-', NULL, NULL, NULL),
    ('a10', 1769936400000, '0', 'k0000002', 'Labor', '20260304', '1430', '20', '', 'Normal', 'abgesagt', NULL, NULL, NULL),
    ('a11', 1769936400000, '0', 'k0000002', 'Labor', '20260329', '150', '20', '', 'Normal', 'geplant', NULL, NULL, NULL),
    ('a12', 1769936400000, '0', 'k0000002', 'Labor', '20261025', '150', '5', '', 'Normal', 'Verpasst', NULL, NULL, REPEAT('29498940;geplant ', 400)),
    ('a13', 1769936400000, '0', ' 
', 'Labor', '20260304', '700', '20', '', 'Normal', '-', NULL, NULL, NULL);

CREATE TABLE reminders (
    id varchar(25) NOT NULL PRIMARY KEY, lastupdate bigint, deleted char(1) DEFAULT '0', identid varchar(25),
    originid varchar(25), datedue char(8), status char(1), typ char(1), subject varchar(160), message text
);
INSERT INTO reminders (id, lastupdate, deleted, identid, datedue, status, subject, message) VALUES
    ('r1', 1767340800000, '0', 'k0000002', '20260901', '1', 'never to be read', 'never to be read'),
    ('r2', 1767340800000, '0', 'k0000003', NULL, '3', NULL, NULL), ('r3', 1767340800000, '1', 'k0000003', '20260901', '1', NULL, NULL),
    ('r4', 1767340800000, '0', '', '20260901', '1', NULL, NULL);
