"""A small vendor whose tables hold every trap that real ones hold, on three systems, and the profile for it."""

from __future__ import annotations

from typing import Any

from connectors.pvs import profile

LONG = "Übergrößenträger " * 300  # 5,100 characters, 6,000 bytes: more than a driver makes room for
NAMES = ("Łuczak", "Yılmaz", "Θεοδώρου", "Đặng", "😬")
MOST = 18_446_744_073_709_551_615

_POSTGRESQL = (
    "CREATE TABLE pat (nr numeric(20) PRIMARY KEY, kuerzel char(8), nachname varchar, notiz text, geb date,"
    " aktiv boolean, gesehen timestamptz, angelegt timestamp, uid uuid, rest numeric)",
    "CREATE TABLE zeit (nr integer PRIMARY KEY, kal integer, wochentag smallint, von time, bis time)",
    "CREATE TABLE art (nr integer PRIMARY KEY, name text, minuten integer)",
    "CREATE TABLE termin (nr integer PRIMARY KEY, beginn timestamp, ende timestamp)",
)
_MYSQL = (
    "CREATE TABLE pat (nr bigint unsigned PRIMARY KEY, kuerzel char(8), nachname varchar(60), notiz text, geb date,"
    " aktiv bit(1), gesehen timestamp NULL, angelegt datetime, uid char(36), rest decimal(30, 10),"
    " alt1 varchar(40) CHARACTER SET latin1, alt2 varchar(40) CHARACTER SET cp850)",
    "CREATE TABLE zeit (nr int PRIMARY KEY, kal int, wochentag tinyint, von time, bis time)",
    "CREATE TABLE art (nr int PRIMARY KEY, name text, minuten int)",
    "CREATE TABLE termin (nr int PRIMARY KEY, beginn datetime, ende datetime)",
)
_SQLITE = (
    "CREATE TABLE pat (nr TEXT PRIMARY KEY, kuerzel TEXT, nachname TEXT, notiz TEXT, geb TEXT, aktiv INTEGER,"
    " gesehen TEXT, angelegt TEXT, uid TEXT, rest NUMERIC)",
    "CREATE TABLE zeit (nr INTEGER PRIMARY KEY, kal INTEGER, wochentag INTEGER, von TEXT, bis TEXT)",
    "CREATE TABLE art (nr INTEGER PRIMARY KEY, name TEXT, minuten INTEGER)",
    "CREATE TABLE termin (nr INTEGER PRIMARY KEY, beginn TEXT, ende TEXT)",
)


def statements(dialect: str) -> list[str]:
    """Tables and rows; the first row of each has nothing but its key."""
    tables = {"postgresql": _POSTGRESQL, "mysql": _MYSQL, "sqlite": _SQLITE}[dialect]
    yes = {"postgresql": "true", "mysql": "b'1'", "sqlite": "1"}[dialect]
    no = {"postgresql": "false", "mysql": "b'0'", "sqlite": "0"}[dialect]
    none = "'0001-01-01'" if dialect == "postgresql" else "'0000-00-00'"
    half = "NULL" if dialect == "postgresql" else "'2026-00-00'"
    moment = "'2026-07-01 08:00:00+02'" if dialect == "postgresql" else "'2026-07-01 06:00:00'"
    late = "'24:00:00'" if dialect == "postgresql" else "'26:30:00'"
    padded = "'AB      '" if dialect == "sqlite" else "'AB'"
    uid = "'0f8fad5b-d9cb-469f-a165-70867728950e'"
    return [
        *tables,
        *(["SET time_zone = '+00:00'"] if dialect == "mysql" else []),
        "INSERT INTO pat (nr) VALUES (1)",
        "INSERT INTO pat (nr, kuerzel, nachname, notiz, geb, aktiv, gesehen, angelegt, uid, rest) VALUES"
        f" (2, {padded}, '{NAMES[0]}', '{LONG}', {none}, {yes}, {moment}, '2026-07-01 08:00:00.25', {uid},"
        " 1.123456789)",
        f"INSERT INTO pat (nr, nachname, geb, aktiv) VALUES (3, '{NAMES[1]}', {half}, {no})",
        f"INSERT INTO pat (nr, nachname, geb) VALUES ({_key(dialect)}, '{''.join(NAMES[2:])}', '1951-02-28')",
        "INSERT INTO zeit (nr, kal, wochentag, von, bis) VALUES (1, NULL, NULL, '08:00:00', '12:30:00'),"
        f" (2, 7, 5, '08:00:00', {late}), (3, 7, 2, '08:00:00', '18:00:00')",
        "INSERT INTO art (nr, name, minuten) VALUES (1, NULL, NULL), (2, 'a', 2147483647), (3, 'b', 2147483647)",
        "INSERT INTO termin (nr, beginn, ende) VALUES (1, '2026-03-29 02:30:00', '2026-03-29 03:30:00'),"
        " (2, '2026-10-25 02:30:00', '2026-10-25 04:30:00'), (3, '2026-03-02 08:00:00', '2026-03-02 08:15:00')",
    ]


def _key(dialect: str) -> str:
    return f"'{MOST}'" if dialect == "sqlite" else str(MOST)


def described(dialect: str) -> profile.Profile:
    """The same expressions everywhere."""
    given: dict[str, Any] = {
        "profile": "traps",
        "title": "Fallen",
        "dialect": dialect,
        "probe": "SELECT count(*) FROM art",
        "expect": "3",
        "patient": {
            "from": "pat p",
            "key": "p.nr",
            "columns": {
                "given_name": "p.kuerzel", "family_name": "p.nachname", "street": "p.notiz", "birth_date": "p.geb",
                "active": "p.aktiv", "verified_by": "p.uid", "city": "p.rest",
                "changed_at": {"expr": "p.gesehen", "type": "utc"}, "created_at": {"expr": "p.angelegt"},
            },
        },
        "working_hours": {
            "from": "zeit z",
            "key": "z.nr",
            "columns": {"schedule_id": "z.kal", "weekday": "z.wochentag", "start_time": "z.von", "end_time": "z.bis",
                        "kind": {"const": "regular"}},
        },
        "healthcare_service": {
            "from": "art a",
            "key": "a.nr",
            "columns": {"name": "a.name", "minutes": "a.minuten"},
        },
        "appointment": {
            "from": "termin t",
            "key": "t.nr",
            "columns": {"start": "t.beginn", "end": "t.ende", "status": {"const": "booked"}},
        },
    }  # fmt: skip
    if dialect == "mysql":
        given["patient"]["columns"] |= {"birth_name": "p.alt1", "name_prefix": "p.alt2"}
    return profile.parse("traps.toml", given)
