-- OpenEMR 8.2 (v_database 541): the tables that the profile reads (MariaDB, no strict mode, dates of zeros).

CREATE TABLE version (
    v_major int NOT NULL DEFAULT 0, v_minor int NOT NULL DEFAULT 0, v_patch int NOT NULL DEFAULT 0, v_tag varchar(31) NOT NULL DEFAULT '',
    v_database int NOT NULL DEFAULT 0, v_acl int NOT NULL DEFAULT 0
);
INSERT INTO version VALUES (8, 2, 0, '-dev', 541, 13);

CREATE TABLE users (
    id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, uuid binary(16), username varchar(255), fname varchar(255), lname varchar(255),
    authorized tinyint, active tinyint(1) NOT NULL DEFAULT 1, calendar tinyint(1) NOT NULL DEFAULT 0,
    last_updated datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp()
);
INSERT INTO users (id, uuid, username, fname, lname, authorized, active, calendar, last_updated) VALUES
    (1, UNHEX('00112233445566778899AABBCCDDEEFF'), 'admin', 'Ada', 'Admin', 0, 1, 0, '2026-01-02 09:00:00'),
    (4, NULL, 'cthal', 'Cora', 'Thal', 1, 1, 1, '2026-01-02 09:00:00'),
    (5, NULL, 'fuhde', 'Finn', 'Uhde', 1, 0, 0, '2026-01-02 09:00:00');

CREATE TABLE openemr_postcalendar_categories (
    pc_catid int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, pc_constant_id varchar(255), pc_catname varchar(100),
    pc_duration bigint NOT NULL DEFAULT 0, pc_cattype int NOT NULL DEFAULT 0, pc_active tinyint(1) NOT NULL DEFAULT 1
);
INSERT INTO openemr_postcalendar_categories VALUES
    (2, 'in_office', 'In Office', 0, 1, 1), (3, 'out_of_office', 'Out Of Office', 0, 1, 1), (4, 'vacation', 'Vacation', 0, 1, 1),
    (5, 'office_visit', 'Office Visit', 900, 0, 1), (8, 'lunch', 'Lunch', 3600, 1, 1), (1000, 'group', 'Group Therapy', 3600, 3, 1);

CREATE TABLE patient_data (
    id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, uuid binary(16), title varchar(255) NOT NULL DEFAULT '',
    fname varchar(255) NOT NULL DEFAULT '', lname varchar(255) NOT NULL DEFAULT '', DOB date, street varchar(255) NOT NULL DEFAULT '',
    postal_code varchar(255) NOT NULL DEFAULT '', city varchar(255) NOT NULL DEFAULT '', country_code varchar(255) NOT NULL DEFAULT '',
    phone_home varchar(255) NOT NULL DEFAULT '', phone_cell varchar(255) NOT NULL DEFAULT '', sex varchar(255) NOT NULL DEFAULT '',
    email varchar(255) NOT NULL DEFAULT '', pid bigint NOT NULL, hipaa_allowsms varchar(3) NOT NULL DEFAULT 'NO',
    hipaa_allowemail varchar(3) NOT NULL DEFAULT 'NO', occupation longtext, UNIQUE KEY (pid),
    last_updated datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp()
);
-- the key that others use is pid, not id; 12 has a birth date of zeros and a sex of the practice's own
INSERT INTO patient_data (id, title, fname, lname, DOB, street, postal_code, city, country_code, phone_home, phone_cell, sex, email, pid,
    hipaa_allowsms, hipaa_allowemail, occupation, last_updated) VALUES
    (1, 'Dr.', 'Jette', 'Ahlgrimm', '1961-02-28', 'Gartenweg 3', '01067', 'Dresden', 'DE', '030 5550101', '0151 5550102', 'Female',
        'jette@example.org', 11, 'YES', 'YES', 'never to be read', '2026-01-02 09:00:00'),
    (2, '', '😀', 'Öztürk-Łęski', '0000-00-00', '', '', '', '', '', '', 'Divers', '', 12, 'NO', '', '', '2026-02-01 10:30:00'),
    (3, '', 'Wilhelm', 'Alt', NULL, '', '', '', '', '', '', 'UNK', '', 13, '', '', '', '2026-01-02 09:00:00');

CREATE TABLE insurance_data (
    id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, type varchar(20), policy_number varchar(255), date date, pid bigint NOT NULL DEFAULT 0
);
INSERT INTO insurance_data VALUES (1, 'primary', 'A000000000', NULL, 11), (2, 'primary', 'A123456780', NULL, 11), (3, 'secondary', 'X', NULL, 11);

CREATE TABLE openemr_postcalendar_events (
    pc_eid int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, pc_catid int NOT NULL DEFAULT 0, pc_aid varchar(30), pc_pid varchar(11),
    pc_title varchar(150), pc_time datetime, pc_hometext text, pc_eventDate date NOT NULL DEFAULT '0000-00-00',
    pc_endDate date NOT NULL DEFAULT '0000-00-00', pc_duration bigint NOT NULL DEFAULT 0, pc_recurrtype int NOT NULL DEFAULT 0,
    pc_recurrspec text, pc_startTime time, pc_endTime time, pc_alldayevent int NOT NULL DEFAULT 0,
    pc_apptstatus varchar(15) NOT NULL DEFAULT '-', pc_room varchar(20) NOT NULL DEFAULT ''
);
-- 1 to 3: hours on Monday to Wednesday from 23 February, the last without its own end; 10: a day's holiday; 11: lunch on
-- workdays; 20 to 25: single appointments, 24 in an hour that comes twice, 25 with a date of zeros; 30: every second week for
-- two months without one day; 31: the last Friday of a month; 33: a rule that makes no sense; 32: Tuesdays and Thursdays for two weeks
INSERT INTO openemr_postcalendar_events (pc_eid, pc_catid, pc_aid, pc_pid, pc_title, pc_time, pc_hometext, pc_eventDate, pc_endDate,
    pc_duration, pc_recurrtype, pc_recurrspec, pc_startTime, pc_alldayevent, pc_apptstatus) VALUES
    (1, 2, '4', '', 'In', '2026-01-02 09:00:00', '', '2026-02-23', '2026-02-25', 0, 1,
        'a:6:{s:17:"event_repeat_freq";s:1:"1";s:22:"event_repeat_freq_type";s:1:"0";s:19:"event_repeat_on_num";s:1:"1";s:19:"event_repeat_on_day";s:1:"0";s:20:"event_repeat_on_freq";s:1:"0";s:6:"exdate";s:0:"";}', '08:00:00', 0, '-'),
    (2, 3, '4', '', 'Out', '2026-01-02 09:00:00', '', '2026-02-23', '2026-02-25', 0, 1,
        'a:6:{s:17:"event_repeat_freq";s:1:"1";s:22:"event_repeat_freq_type";s:1:"0";s:19:"event_repeat_on_num";s:1:"1";s:19:"event_repeat_on_day";s:1:"0";s:20:"event_repeat_on_freq";s:1:"0";s:6:"exdate";s:0:"";}', '12:30:00', 0, '-'),
    (3, 2, '4', '', 'In', '2026-01-02 09:00:00', '', '2026-02-26', '0000-00-00', 7200, 0, '', '09:00:00', 0, '-'),
    (10, 4, '4', '', 'Urlaub', '2026-01-02 09:00:00', '', '2026-04-07', '0000-00-00', 0, 0, '', NULL, 1, '-'),
    (11, 8, '4', '', 'Mittag', '2026-01-02 09:00:00', '', '2026-02-26', '2026-03-02', 3600, 1,
        'a:6:{s:17:"event_repeat_freq";s:1:"1";s:22:"event_repeat_freq_type";s:1:"4";s:19:"event_repeat_on_num";s:1:"1";s:19:"event_repeat_on_day";s:1:"0";s:20:"event_repeat_on_freq";s:1:"0";s:6:"exdate";s:0:"";}', '12:00:00', 0, '-'),
    (20, 5, '4', '11', 'never to be read', '2026-02-01 10:00:00', 'never to be read', '2026-03-03', '0000-00-00', 900, 0, '', '09:00:00', 0, '@'),
    (21, 5, '4', '11', '', '2026-02-01 10:00:00', '', '2026-02-20', '0000-00-00', 900, 0, '', '09:00:00', 0, '?'),
    (22, 5, '', '12', '', NULL, '', '2026-03-04', '0000-00-00', 900, 0, NULL, NULL, 0, '%'),
    (23, 5, '4', '12', '', '2026-02-01 10:00:00', '', '2026-03-04', '0000-00-00', 900, 0, '', '10:00:00', 0, 'ZZ'),
    (24, 1000, '4', '13', '', '2026-02-01 10:00:00', '', '2026-10-25', '0000-00-00', 3600, 0, '', '02:30:00', 0, '>'),
    (25, 5, '4', '13', '', '0000-00-00 00:00:00', '', '0000-00-00', '0000-00-00', 900, 0, '', '10:00:00', 0, '-'),
    (30, 5, '4', '11', '', '2026-02-01 10:00:00', '', '2026-03-19', '2026-05-10', 900, 1,
        'a:6:{s:17:"event_repeat_freq";s:1:"2";s:22:"event_repeat_freq_type";s:1:"1";s:19:"event_repeat_on_num";s:1:"1";s:19:"event_repeat_on_day";s:1:"0";s:20:"event_repeat_on_freq";s:1:"0";s:6:"exdate";s:8:"20260416";}', '08:30:00', 0, '-'),
    (31, 5, '4', '12', '', '2026-02-01 10:00:00', '', '2026-03-02', '2026-05-31', 900, 2,
        'a:6:{s:17:"event_repeat_freq";s:1:"0";s:22:"event_repeat_freq_type";s:1:"0";s:19:"event_repeat_on_num";s:1:"5";s:19:"event_repeat_on_day";s:1:"5";s:20:"event_repeat_on_freq";s:1:"1";s:6:"exdate";s:0:"";}', '11:00:00', 0, 'x'),
    (33, 5, '4', '13', '', '2026-02-01 10:00:00', '', '2026-03-02', '2026-05-31', 900, 1, '', '11:00:00', 0, '-'),
    (32, 5, '4', '13', '', '2026-02-01 10:00:00', '', '2026-03-10', '2026-03-20', 900, 3,
        'a:6:{s:17:"event_repeat_freq";s:3:"3,5";s:22:"event_repeat_freq_type";s:1:"6";s:19:"event_repeat_on_num";s:1:"1";s:19:"event_repeat_on_day";s:1:"0";s:20:"event_repeat_on_freq";s:1:"0";s:6:"exdate";s:0:"";}', '15:00:00', 0, '-');

CREATE TABLE medex_recalls (
    r_ID int NOT NULL AUTO_INCREMENT PRIMARY KEY, r_PRACTID int NOT NULL, r_pid int NOT NULL, r_eventDate date NOT NULL,
    r_facility int NOT NULL, r_provider int NOT NULL, r_reason varchar(255), r_created timestamp NOT NULL DEFAULT current_timestamp()
);
INSERT INTO medex_recalls VALUES (1, 1, 11, '2026-09-01', 3, 4, 'never to be read', '2026-01-02 08:00:00'),
    (2, 1, 12, '0000-00-00', 3, 4, NULL, '2026-01-02 08:00:00');
