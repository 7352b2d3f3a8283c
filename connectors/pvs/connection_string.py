"""ODBC connection strings: `DSN=pvs;UID=leser` or `DRIVER={MariaDB Unicode};SERVER=...;DATABASE=...`, and what we add.

https://learn.microsoft.com/en-us/sql/odbc/reference/syntax/sqldriverconnect-function#connection-strings
"""

from __future__ import annotations

import re

from connectors.errors import ProfileError
from connectors.pvs import sessions

#: A pair: a value in braces may hold anything, and a brace in it is doubled.
_PAIR = re.compile(r"\s*([^={};]+?)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;{]*)\s*(?:;|$)")

#: Keys that drivers have for one and the same thing.
_USER, _PASSWORD = ("UID", "USER", "USERNAME"), ("PWD", "PASSWORD")

#: What a driver must be told by its connection, by dialect; what the practice says itself counts.
#: PostgreSQL: truth values are no text, long texts are announced as long, rows come as they are fetched.
_ADDED: dict[str, dict[str, str]] = {
    "postgresql": {
        "BoolsAsChar": "0",
        "TextAsLongVarchar": "1",
        "UnknownsAsLongVarchar": "1",
        "MaxVarcharSize": str(2**20),
        "MaxLongVarcharSize": str(2**24),
        "UseDeclareFetch": "1",
        "Fetch": "10000",
    },
    "mysql": {"FORWARDONLY": "1", "NO_CACHE": "1", "CHARSET": "utf8mb4"},
    "mssql": {"APP": sessions.NAME},
    "sqlite": {"NoCreat": "1", "LongNames": "0"},
}


def parse(text: str) -> dict[str, str]:
    """Keys as they are written, values without their braces; raises ProfileError for text that is none."""
    pairs: dict[str, str] = {}
    place = 0
    while place < len(text.rstrip(" ;")):
        found = _PAIR.match(text, place)
        if found is None:
            raise ProfileError(["url: found text that is no ODBC connection string, expected odbc:KEY=value;KEY=value"])
        value = found[2]
        pairs[found[1]] = value[1:-1].replace("}}", "}") if value.startswith("{") else value.strip()
        place = found.end()
    if not pairs:
        raise ProfileError(["url: found nothing behind odbc:, expected DSN=... or DRIVER={...};SERVER=..."])
    return pairs


def has_password(pairs: dict[str, str]) -> bool:
    """Whether a password stands in it."""
    return _has(pairs, _PASSWORD)


#: What a connection that only reads says more; it may be sent to a copy of the database then.
_READING: dict[str, dict[str, str]] = {"mssql": {"ApplicationIntent": "ReadOnly"}}


def complete(
    text: str, dialect: str, user: str | None = None, password: str | None = None, *, readonly: bool = False
) -> str:
    """The string as drivers get it: with the login, and with what the database's driver must be told."""
    pairs = parse(text)
    if user is not None and not _has(pairs, _USER):
        pairs["UID"] = user
    if password is not None:
        pairs["PWD"] = password
    told = _ADDED.get(dialect, {}) | (_READING.get(dialect, {}) if readonly else {})
    added = {key: value for key, value in told.items() if not _has(pairs, (key.upper(),))}
    return ";".join(f"{key}={_quoted(value)}" for key, value in {**pairs, **added}.items())


def _has(pairs: dict[str, str], keys: tuple[str, ...]) -> bool:
    return any(key.upper() in keys for key in pairs)


def _quoted(value: str) -> str:
    """Braces where they are needed: not every driver takes them away again where they are not."""
    if re.search(r"[;{}\[\]()?*=!@ ]", value) or value != value.strip():
        return "{" + value.replace("}", "}}") + "}"
    return value
