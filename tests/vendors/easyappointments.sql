-- Easy!Appointments 1.5.2 (migration 69): the tables that the profile reads (MariaDB).

CREATE TABLE ea_migrations (version bigint NOT NULL);
INSERT INTO ea_migrations VALUES (69);

CREATE TABLE ea_roles (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(256), slug varchar(256));
INSERT INTO ea_roles VALUES (1, 'Administrator', 'admin'), (2, 'Provider', 'provider'), (3, 'Customer', 'customer');

CREATE TABLE ea_users (
    id int NOT NULL AUTO_INCREMENT PRIMARY KEY, create_datetime datetime, update_datetime datetime, first_name varchar(256),
    last_name varchar(512), email varchar(512), mobile_number varchar(128), phone_number varchar(128), address varchar(256),
    city varchar(256), zip_code varchar(64), notes text, timezone varchar(256) DEFAULT 'UTC', id_roles int NOT NULL
);
INSERT INTO ea_users (id, create_datetime, update_datetime, first_name, last_name, email, mobile_number, phone_number,
    address, city, zip_code, notes, timezone, id_roles) VALUES
    (1, '2026-01-02 09:00:00', '2026-01-02 09:00:00', 'Ada', 'Admin', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Europe/Berlin', 1),
    (2, '2026-01-02 09:00:00', '2026-01-02 09:00:00', 'Cora', 'Thal', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Europe/Berlin', 2),
    (3, '2026-01-02 09:00:00', NULL, NULL, 'Uhde', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Europe/Berlin', 2),
    (4, '2026-01-02 09:00:00', '2026-02-01 10:30:00', 'Jette', 'Ahlgrimm', 'jette@example.org', '0151 5550102', '030 5550101',
        'Gartenweg 3', 'Dresden', '01067', 'never to be read', 'Europe/Berlin', 3),
    (5, '0000-00-00 00:00:00', '0000-00-00 00:00:00', '😀', 'Öztürk-Łęski', '', '', '', '', '', '', '', 'Europe/Berlin', 3);

CREATE TABLE ea_services (
    id int NOT NULL AUTO_INCREMENT PRIMARY KEY, create_datetime datetime, update_datetime datetime, name varchar(256), duration int
);
INSERT INTO ea_services VALUES (1, '2026-01-02 09:00:00', '2026-01-02 09:00:00', 'Kontrolle', 20);

CREATE TABLE ea_user_settings (id_users int NOT NULL PRIMARY KEY, username varchar(256), working_plan text);
INSERT INTO ea_user_settings VALUES
    (1, 'admin', NULL),
    (2, 'cora', '{"monday":{"start":"09:00","end":"18:00","breaks":[{"start":"15:30","end":"15:45"},{"start":"12:00","end":"13:00"}]},"tuesday":null,"wednesday":{"start":"08:00","end":"12:00","breaks":[]},"thursday":null,"friday":null,"saturday":null,"sunday":null}');

CREATE TABLE ea_appointments (
    id int NOT NULL AUTO_INCREMENT PRIMARY KEY, create_datetime datetime, update_datetime datetime, book_datetime datetime,
    start_datetime datetime, end_datetime datetime, notes text, hash text, status varchar(512) DEFAULT '',
    is_unavailability tinyint NOT NULL DEFAULT 0, id_users_provider int, id_users_customer int, id_services int
);
-- 4 begins in an hour that comes twice, 5 in one that does not exist; 6 has dates of zeros; 7 has a state of the practice's own
INSERT INTO ea_appointments (id, create_datetime, update_datetime, book_datetime, start_datetime, end_datetime, notes, hash,
    status, is_unavailability, id_users_provider, id_users_customer, id_services) VALUES
    (1, '2026-02-01 10:00:00', '2026-02-01 10:00:00', '2026-02-01 10:00:00', '2026-03-03 09:00:00', '2026-03-03 09:20:00', 'never to be read', 'h1', 'Booked', 0, 2, 4, 1),
    (2, '2026-02-01 10:00:00', '2026-02-02 10:00:00', NULL, '2026-03-03 10:00:00', '2026-03-03 10:20:00', '', 'h2', 'Cancelled', 0, 2, 4, 1),
    (3, '2026-02-01 10:00:00', '2026-02-01 10:00:00', NULL, '2026-03-04 08:00:00', '2026-03-04 12:00:00', 'never to be read', 'h3', '', 1, 2, NULL, NULL),
    (4, '2026-02-01 10:00:00', '2026-02-01 10:00:00', NULL, '2026-10-25 02:15:00', '2026-10-25 03:15:00', '', 'h4', '', 0, 2, 5, 1),
    (5, '2026-02-01 10:00:00', '2026-02-01 10:00:00', NULL, '2026-03-29 02:15:00', '2026-03-29 03:15:00', '', 'h5', 'Draft', 0, 2, 5, 1),
    (6, '2026-02-01 10:00:00', '2026-02-01 10:00:00', NULL, '0000-00-00 00:00:00', '0000-00-00 00:00:00', '', 'h6', 'Booked', 0, 2, 5, 1),
    (7, '2026-02-01 10:00:00', '2026-02-01 10:00:00', NULL, '2026-03-05 09:00:00', '2026-03-05 09:20:00', '', 'h7', 'Warteliste', 0, 2, 5, 1);

CREATE TABLE ea_blocked_periods (
    id int NOT NULL AUTO_INCREMENT PRIMARY KEY, create_datetime datetime, update_datetime datetime, name varchar(256),
    start_datetime datetime, end_datetime datetime, notes text
);
INSERT INTO ea_blocked_periods VALUES (1, NULL, NULL, 'Betriebsferien', '2026-12-24 00:00:00', '2027-01-02 00:00:00', 'never to be read');
