"""What `doctor` wants to know of a practice's database before its tables: driver and its bitness, rights, clock."""

from __future__ import annotations

import configparser
import datetime as dt
import importlib.util
import sqlite3
import struct
import sys
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from connectors.errors import ProfileError
from connectors.pvs import connection_string, odbc, rights
from connectors.source import Finding

#: Clocks that differ by less than this are the same: a cursor is re-read with an overlap of minutes.
TOLERANCE = dt.timedelta(minutes=2)

OUR_BITS = struct.calcsize("P") * 8

#: The third word of ELF, and the machines of Windows' PE files: https://learn.microsoft.com/windows/win32/debug/pe-format
_ELF_BITS = {1: 32, 2: 64}
_PE_BITS = {0x014C: 32, 0x8664: 64, 0xAA64: 64}

_NTP = "let both machines take their time from the same server (NTP); until then some changes are seen a night late"


#: Where unixODBC keeps what its drivers are called.
ODBCINST = Path("/etc/odbcinst.ini")


def driver(url: sa.URL, odbcinst: Path = ODBCINST) -> Finding:
    """Whether what the URL needs is on this machine, and made for programs of our bitness."""
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _driver("ok", f"SQLite {sqlite3.sqlite_version}, part of Python")
    if backend == "odbc" or url.drivername.endswith("pyodbc") or backend == "mssql":
        return _odbc(url, odbcinst)
    module = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql"}.get(backend, backend)
    if importlib.util.find_spec(module) is None:
        return _driver("error", f"found no {module}", f"install it: pip install {module}")
    return _driver("ok", f"{module} {_version(module)}")


def _version(module: str) -> str:
    found: Any = importlib.import_module(module)
    return str(getattr(found, "__version__", "without a version"))


def _driver(level: Literal["ok", "warn", "error"], message: str, remedy: str | None = None) -> Finding:
    return Finding("driver", level, f"{message}; this program is {OUR_BITS}-bit", remedy)


def _odbc(url: sa.URL, odbcinst: Path) -> Finding:
    try:
        pyodbc: Any = importlib.import_module("pyodbc")
    except ImportError as error:
        return _driver("error", f"pyodbc cannot be loaded ({error})", "Debian, Ubuntu: apt install unixodbc")
    name = _named(url)
    if name is None:
        return _driver("warn", f"pyodbc {pyodbc.version}; the data source names its driver itself", None)
    installed = list(pyodbc.drivers())
    library = Path(name) if "/" in name or "\\" in name else _library(name, odbcinst)
    if library is None and name not in installed:
        there = ", ".join(installed) or "none"
        remedy = f"install the driver for {OUR_BITS}-bit programs, or name one that is there in url"
        return _driver("error", f"found no ODBC driver {name!r}, there are: {there}", remedy)
    bits = None if library is None else bitness(library)
    if bits is not None and bits != OUR_BITS:
        return _driver("error", f"{name} is a {bits}-bit driver", f"install its {OUR_BITS}-bit version")
    said = "" if bits is None else f", {bits}-bit"
    return _driver("ok", f"pyodbc {pyodbc.version}, {name}{said}")


def _named(url: sa.URL) -> str | None:
    """The driver that the connection string names, or that of SQLAlchemy's own URL."""
    if url.get_backend_name() != "odbc":
        driver = url.query.get("driver")
        return None if driver is None else str(driver)
    try:
        pairs = connection_string.parse(odbc.connection_text(url))
    except ProfileError:
        return None
    return next((value for key, value in pairs.items() if key.upper() == "DRIVER"), None)


def _library(name: str, odbcinst: Path) -> Path | None:
    """The file of a driver as unixODBC's odbcinst.ini has it; Windows lists only drivers that fit."""
    if sys.platform == "win32":
        return None
    known = configparser.ConfigParser(interpolation=None, strict=False)
    known.read(odbcinst, encoding="utf-8")
    place = known.get(name, "Driver64", fallback=known.get(name, "Driver", fallback=None))
    return Path(place) if place and Path(place).is_file() else None


def bitness(library: Path) -> int | None:
    """32 or 64, by the first bytes of a library of Linux or Windows; None where they say something else."""
    with library.open("rb") as file:
        head = file.read(4096)
    if head[:4] == b"\x7fELF":
        return _ELF_BITS.get(head[4])
    if head[:2] == b"MZ" and len(head) >= 64:
        at = int.from_bytes(head[60:64], "little")
        if head[at : at + 4] == b"PE\0\0":
            return _PE_BITS.get(int.from_bytes(head[at + 4 : at + 6], "little"))
    return None


#: The system's time in UTC, and the zone that its own clock shows.
_CLOCKS = {
    "postgresql": "SELECT now() AT TIME ZONE 'UTC', (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone')",
    "mysql": "SELECT UTC_TIMESTAMP(), concat(@@global.time_zone, ' (', @@system_time_zone, ')')",
    "mssql": "SELECT SYSUTCDATETIME(), DATENAME(tzoffset, SYSDATETIMEOFFSET())",
}


def clock(connection: sa.Connection, now: dt.datetime) -> Finding:
    """The database's clock against ours; `now` is an aware instant."""
    system = rights.dbms(connection)
    if system == "sqlite":
        return Finding("clock", "ok", "this machine's own: the database is a file")
    if system not in _CLOCKS:
        return Finding("clock", "warn", "the database cannot be asked for its time", "compare both clocks yourself")
    theirs, zone = connection.execute(sa.text(_CLOCKS[system])).one()
    moment = theirs if isinstance(theirs, dt.datetime) else dt.datetime.fromisoformat(str(theirs))
    ahead = moment.replace(tzinfo=dt.UTC) - now.astimezone(dt.UTC)
    if abs(ahead) <= TOLERANCE:
        return Finding("clock", "ok", f"like ours within {TOLERANCE.seconds} s; its zone is {zone}")
    direction = "ahead of" if ahead > dt.timedelta(0) else "behind"
    minutes = abs(ahead) / dt.timedelta(minutes=1)
    return Finding("clock", "warn", f"{minutes:,.0f} min {direction} ours; its zone is {zone}", _NTP)
