-- Open Dental 24.3: the tables that the profile reads, as its databases have them (MariaDB, no strict mode).

CREATE TABLE preference (
    PrefNum bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, PrefName varchar(255) NOT NULL, ValueString text NOT NULL
);
INSERT INTO preference (PrefName, ValueString) VALUES ('DataBaseVersion', '24.3.22.0');

CREATE TABLE definition (
    DefNum bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, Category tinyint unsigned NOT NULL, ItemName varchar(255)
);
INSERT INTO definition VALUES (21, 2, 'Unconfirmed'), (22, 2, 'Arrived');

CREATE TABLE operatory (
    OperatoryNum bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, OpName varchar(255), Abbrev varchar(5),
    IsHidden tinyint unsigned NOT NULL, ProvDentist bigint NOT NULL, ProvHygienist bigint NOT NULL,
    DateTStamp timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp()
);
INSERT INTO operatory (OperatoryNum, OpName, IsHidden, ProvDentist, ProvHygienist)
VALUES (1, 'Zimmer 1', 0, 1, 0), (2, 'Zimmer 2', 1, 0, 0);

CREATE TABLE provider (
    ProvNum bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, Abbr varchar(255), LName varchar(100), FName varchar(100),
    IsHidden tinyint unsigned NOT NULL, ProvStatus tinyint NOT NULL,
    DateTStamp timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp()
);
INSERT INTO provider VALUES
    (1, 'CT', 'Thal', 'Cora', 0, 0, '2026-01-02 08:00:00'),
    (2, 'FU', 'Uhde', 'Finn', 1, 0, '2026-01-02 08:00:00'),
    (3, 'XX', 'Weg', 'Nils', 0, 1, '2026-01-02 08:00:00');

-- an old table in Latin-1
CREATE TABLE appointmenttype (
    AppointmentTypeNum bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, AppointmentTypeName varchar(255),
    Pattern varchar(255) NOT NULL, IsHidden tinyint NOT NULL
) DEFAULT CHARSET = latin1;
INSERT INTO appointmenttype VALUES (1, 'Kontrolle groß', '/XX/', 0), (2, 'Füllung', '/XXXXXXXXXX/', 1);

CREATE TABLE patient (
    PatNum bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, LName varchar(100), FName varchar(100), MiddleI varchar(100),
    PatStatus tinyint unsigned NOT NULL, Gender tinyint unsigned NOT NULL, Birthdate date NOT NULL DEFAULT '0001-01-01',
    SSN varchar(100), Address varchar(100), City varchar(100), Zip varchar(100), HmPhone varchar(30), WkPhone varchar(30),
    WirelessPhone varchar(30), Email varchar(100), Title varchar(15), ChartNumber varchar(20), MedUrgNote varchar(255),
    TxtMsgOk tinyint NOT NULL, DateTStamp timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp()
);
-- 2 has no birth date, 3 one of zeros; 4 is deleted; the last key needs more than 53 bits
INSERT INTO patient (PatNum, LName, FName, PatStatus, Gender, Birthdate, SSN, Address, City, Zip, HmPhone, WirelessPhone,
    Email, Title, MedUrgNote, TxtMsgOk, DateTStamp) VALUES
    (1, 'Ahlgrimm', 'Jette', 0, 1, '1961-02-28', 'A123456780', 'Gartenweg 3', 'Dresden', '01067', '030 5550101',
        '0151 5550102', 'jette@example.org', 'Dr.', 'never to be read', 1, '2026-01-02 08:00:00'),
    (2, 'Borowka', 'Ole', 5, 0, '0001-01-01', '', '', '', '', '', '', '', '', '', 0, '2026-02-01 09:30:00'),
    (3, 'Öztürk-Łęski', '😀 Mira', 2, 3, '0000-00-00', '', '', '', '', '', '', '', '', '', 2, '2026-01-02 08:00:00'),
    (4, 'Weg', 'Nils', 4, 2, '1970-01-01', '', '', '', '', '', '', '', '', '', 1, '2026-01-02 08:00:00'),
    (9007199254740993, 'Alt', 'Wilhelm', 6, 2, '1899-12-31', '', '', '', '', '', '', '', '', '', 0, '2026-01-02 08:00:00');

CREATE TABLE appointment (
    AptNum bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, PatNum bigint NOT NULL, AptStatus tinyint unsigned NOT NULL,
    Pattern varchar(255), Confirmed bigint NOT NULL, Op bigint NOT NULL, Note text, ProvNum bigint NOT NULL,
    ProvHyg bigint NOT NULL, AptDateTime datetime NOT NULL DEFAULT '0001-01-01 00:00:00', AppointmentTypeNum bigint NOT NULL,
    DateTimeArrived datetime NOT NULL DEFAULT '0001-01-01 00:00:00', SecDateTEntry datetime NOT NULL DEFAULT '0001-01-01 00:00:00',
    DateTStamp timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp()
);
-- 8 and 9 were broken (missed, cancelled), 10 too, before there was a history; 11 has no date; 12 and 13 have no place in a
-- calendar; 14 begins in an hour that does not exist, 15 in one that comes twice; 16 was deleted
INSERT INTO appointment (AptNum, PatNum, AptStatus, Pattern, Confirmed, Op, Note, ProvNum, ProvHyg, AptDateTime,
    AppointmentTypeNum, DateTimeArrived, SecDateTEntry, DateTStamp) VALUES
    (1, 1, 1, '/XX/', 21, 1, 'never to be read', 1, 0, '2026-03-03 09:00:00', 1, '2026-03-03 00:00:00', '2026-02-01 10:00:00', '2026-02-01 09:00:00'),
    (2, 1, 1, '/XX/', 22, 1, '', 1, 0, '2026-03-02 09:00:00', 1, '2026-03-02 08:50:00', '2026-02-01 10:00:00', '2026-03-02 07:50:00'),
    (3, 3, 2, '//XXXX', 21, 0, '', 2, 0, '2026-02-20 10:00:00', 0, '0001-01-01 00:00:00', '0001-01-01 00:00:00', '2026-02-20 09:31:00'),
    (4, 3, 3, '/', 21, 1, '', 1, 0, '2026-03-04 10:00:00', 1, '0001-01-01 00:00:00', '2026-02-01 10:00:00', '2026-02-03 11:00:00'),
    (5, 3, 3, '/', 21, 0, '', 1, 0, '0001-01-01 00:00:00', 1, '0001-01-01 00:00:00', '2026-02-01 10:00:00', '2026-02-03 11:00:00'),
    (6, 9007199254740993, 4, '/X', 21, 1, '', 1, 0, '2026-03-05 10:00:00', 1, '0001-01-01 00:00:00', '2026-02-01 10:00:00', '2026-02-03 11:00:00'),
    (8, 1, 5, '/X', 21, 1, '', 1, 0, '2026-02-17 10:00:00', 1, '0001-01-01 00:00:00', '2026-02-01 10:00:00', '2026-02-17 11:00:00'),
    (9, 1, 5, '/X', 21, 1, '', 1, 0, '2026-02-18 10:00:00', 1, '0001-01-01 00:00:00', '2026-02-01 10:00:00', '2026-02-17 11:00:00'),
    (10, 1, 5, '/X', 21, 1, '', 1, 0, '2026-02-19 10:00:00', 1, '0001-01-01 00:00:00', '2026-02-01 10:00:00', '2026-02-17 11:00:00'),
    (11, 1, 1, '/X', 21, 1, '', 1, 0, '0000-00-00 00:00:00', 1, '0000-00-00 00:00:00', '0000-00-00 00:00:00', '2026-02-17 11:00:00'),
    (12, 1, 6, '/X', 21, 0, '', 1, 0, '0001-01-01 00:00:00', 1, '0001-01-01 00:00:00', '2026-02-01 10:00:00', '2026-02-17 11:00:00'),
    (13, 0, 7, '/X', 21, 1, 'a note', 1, 0, '2026-03-05 12:00:00', 0, '0001-01-01 00:00:00', '2026-02-01 10:00:00', '2026-02-17 11:00:00'),
    (14, 1, 1, '/X', 21, 1, '', 1, 0, '2026-03-29 02:30:00', 1, '0001-01-01 00:00:00', '2026-02-01 10:00:00', '2026-02-17 11:00:00'),
    (15, 1, 1, '/X', 21, 1, '', 1, 0, '2026-10-25 02:30:00', 1, '0001-01-01 00:00:00', '2026-02-01 10:00:00', '2026-02-17 11:00:00');

CREATE TABLE histappointment (
    HistApptNum bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, HistUserNum bigint NOT NULL, HistDateTStamp datetime NOT NULL,
    HistApptAction tinyint NOT NULL, AptNum bigint NOT NULL, PatNum bigint NOT NULL
);
INSERT INTO histappointment (HistUserNum, HistDateTStamp, HistApptAction, AptNum, PatNum) VALUES
    (1, '2026-02-10 08:00:00', 3, 8, 1), (1, '2026-02-17 12:00:00', 2, 8, 1), (1, '2026-02-17 12:00:00', 3, 9, 1),
    (1, '2025-06-01 12:00:00', 4, 7, 1), (1, '2026-02-16 12:00:00', 4, 16, 1);

CREATE TABLE schedule (
    ScheduleNum bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, SchedDate date NOT NULL DEFAULT '0001-01-01',
    StartTime time NOT NULL, StopTime time NOT NULL, SchedType tinyint unsigned NOT NULL, ProvNum bigint NOT NULL,
    BlockoutType bigint NOT NULL, Note text, Status tinyint unsigned NOT NULL,
    DateTStamp timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp()
);
-- 3 ends at the end of its day, 4 after it; 5 is blocked past midnight, 6 the whole day
INSERT INTO schedule VALUES
    (1, '2026-03-02', '08:00:00', '12:30:00', 1, 1, 0, '', 0, '2026-01-02 08:00:00'),
    (2, '2026-03-03', '08:00:00', '12:30:00', 1, 1, 0, '', 2, '2026-01-02 08:00:00'),
    (3, '2026-03-04', '18:00:00', '24:00:00', 1, 2, 0, '', 0, '2026-01-02 08:00:00'),
    (4, '2026-03-05', '18:00:00', '25:30:00', 1, 2, 0, '', 0, '2026-01-02 08:00:00'),
    (5, '2026-03-06', '23:00:00', '25:00:00', 2, 0, 31, 'never to be read', 0, '2026-01-02 08:00:00'),
    (6, '2026-12-24', '00:00:00', '00:00:00', 0, 0, 0, 'never to be read', 2, '2026-01-02 08:00:00');

CREATE TABLE scheduleop (
    ScheduleOpNum bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, ScheduleNum bigint NOT NULL, OperatoryNum bigint NOT NULL
);
INSERT INTO scheduleop VALUES (1, 5, 1), (2, 5, 2);

CREATE TABLE recalltype (
    RecallTypeNum bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, Description varchar(255), DefaultInterval int NOT NULL
);
INSERT INTO recalltype VALUES (1, 'Prophylaxe', 393216);

CREATE TABLE recall (
    RecallNum bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, PatNum bigint NOT NULL, DateDueCalc date NOT NULL DEFAULT '0001-01-01',
    DateDue date NOT NULL DEFAULT '0001-01-01', DatePrevious date NOT NULL DEFAULT '0001-01-01',
    DateScheduled date NOT NULL DEFAULT '0001-01-01', RecallInterval int NOT NULL, RecallStatus bigint NOT NULL, Note text,
    IsDisabled tinyint unsigned NOT NULL, RecallTypeNum bigint NOT NULL,
    DateTStamp timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp()
);
INSERT INTO recall (RecallNum, PatNum, DateDue, DatePrevious, RecallInterval, RecallStatus, Note, IsDisabled, RecallTypeNum, DateTStamp)
VALUES (1, 1, '2026-09-01', '2026-03-01', 393216, 0, 'never to be read', 0, 1, '2026-01-02 08:00:00'),
    (2, 2, '0001-01-01', '0000-00-00', 393216, 0, '', 1, 1, '2026-01-02 08:00:00');
