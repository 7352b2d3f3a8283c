"""What a driver complains of, as one of our errors: by the numbers that databases give, else by their words.

Numbers hold in every language; servers of German practices complain in German. The driver's own message is neither
repeated nor chained, because it quotes statements and values and tracebacks reach logs; only where the profile names
what is not there, the name is told.

https://www.postgresql.org/docs/current/errcodes-appendix.html
https://mariadb.com/kb/en/mariadb-error-code-reference/
https://learn.microsoft.com/en-us/sql/odbc/reference/appendixes/appendix-a-odbc-error-codes
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from connectors.errors import (
    BadAnswer,
    ConnectorError,
    DriverMissing,
    SchemaMismatch,
    SourceAway,
    SourceBusy,
    SourceRefused,
    SourceStalled,
)
from connectors.pvs import driver_process
from connectors.pvs.watchdog import Deadline


@contextmanager
def speaking(place: str, deadline: Deadline | None = None) -> Iterator[None]:
    """Turn a driver's complaint into one of ours; `place` names the profile and the record it is about.

    A link that the deadline broke off has stalled, whatever its driver says of it.
    """
    try:
        yield
    except DBAPIError as error:
        complaint = _translated(place, error.orig, broke_off=error.connection_invalidated)
    except driver_process.Error as error:
        complaint = _translated(place, error)
    else:
        return
    if deadline is not None and deadline.broken:
        complaint = SourceStalled(f"{place}: {_STALLED}")
    raise complaint from None


_ABSENT = "the profile names what this database does not have"
_STALLED = "nothing moved within the agreed time"
_LOCKED = "another program holds a lock"
_NOBODY = "nobody answers"
_NO_DRIVER = "this machine has no ODBC driver or data source of that name (on Linux `odbcinst -q -d` lists the drivers)"
_NO = "the database says no"
_BROKEN = "this is no database, or it is broken"

_Meaning = tuple[type[ConnectorError], str]

#: SQLSTATE of PostgreSQL and ODBC; the longest beginning that fits counts.
_STATES: dict[str, _Meaning] = {
    "42P01": (SchemaMismatch, _ABSENT), "42703": (SchemaMismatch, _ABSENT), "42883": (SchemaMismatch, _ABSENT),
    "3F000": (SchemaMismatch, _ABSENT), "3D000": (SchemaMismatch, _ABSENT), "42S02": (SchemaMismatch, _ABSENT),
    "42S22": (SchemaMismatch, _ABSENT),
    "IM002": (DriverMissing, _NO_DRIVER), "IM003": (DriverMissing, _NO_DRIVER),
    "57014": (SourceStalled, _STALLED), "70100": (SourceStalled, _STALLED), "HYT00": (SourceStalled, _STALLED),
    "HYT01": (SourceStalled, _STALLED), "25P03": (SourceStalled, _STALLED),
    "55P03": (SourceBusy, _LOCKED), "40001": (SourceBusy, _LOCKED), "40P01": (SourceBusy, _LOCKED),
    "28": (SourceRefused, _NO), "42501": (SourceRefused, _NO), "25006": (SourceRefused, _NO),
    "08": (SourceAway, _NOBODY), "57P": (SourceAway, _NOBODY), "53300": (SourceAway, _NOBODY),
}  # fmt: skip

#: Numbers of MySQL and MariaDB.
_NUMBERS: dict[int, _Meaning] = {
    **dict.fromkeys((1049, 1051, 1054, 1146, 1305, 1630), (SchemaMismatch, _ABSENT)),
    **dict.fromkeys((1317, 1969, 3024), (SourceStalled, _STALLED)),
    **dict.fromkeys((1205, 1213), (SourceBusy, _LOCKED)),
    **dict.fromkeys((1044, 1045, 1142, 1143, 1227, 1370, 1698, 1792, 3118), (SourceRefused, _NO)),
    **dict.fromkeys((1040, 1053, 1129, 1130, 1203, 1226, 2002, 2003, 2005, 2006, 2012, 2013, 2026),
                    (SourceAway, _NOBODY)),
}  # fmt: skip

#: What drivers without numbers say -> what it is. The texts are the databases' own words and hold names, no values.
_SAYINGS: tuple[tuple[tuple[str, ...], type[ConnectorError], str], ...] = (
    (("no such table", "no such column", "no such function", "doesn't exist", "does not exist", "unknown column",
      "invalid object name", "invalid column name"), SchemaMismatch, _ABSENT),
    (("can't open lib", "data source name not found"), DriverMissing, _NO_DRIVER),
    (("interrupted", "statement timeout", "max_statement_time"), SourceStalled, _STALLED),
    (("locked", "lock wait", "deadlock", "lock request time out"), SourceBusy, _LOCKED),
    (("denied", "authentication failed", "authentifizierung", "login failed", "readonly", "read-only", "permission"),
     SourceRefused, _NO),
    (("unable to open", "could not connect", "can't connect", "connection refused", "server has gone away", "timed out",
      "timeout expired", "connection failed", "lost connection", "closed the connection", "connection reset",
      "no connection to the server"), SourceAway, _NOBODY),
    (("not a database", "malformed", "disk image"), BadAnswer, _BROKEN),
)  # fmt: skip

#: ODBC writes the system's own number behind its words: `... doesn't exist (1146) (SQLExecDirectW)`.
_NATIVE_NUMBER = re.compile(r"\((\d+)\) \(SQL")


def _translated(place: str, error: BaseException | None, *, broke_off: bool = False) -> ConnectorError:
    said = _words(error)
    kind, meaning = _meaning(error, said) or (None, "")
    if kind is not None:
        detail = f" ({said})" if kind is SchemaMismatch else ""
        return kind(f"{place}: {meaning}{detail}")
    if broke_off:
        return SourceAway(f"{place}: the connection broke off")
    return BadAnswer(f"{place}: the database reports {type(error).__name__}{_state(error, ' ')}")


def _words(error: BaseException | None) -> str:
    """The first line: below it PostgreSQL repeats the statement with its values."""
    texts = [part for part in getattr(error, "args", ()) if isinstance(part, str)]
    return (texts or [""])[-1].strip().split("\n", 1)[0]


def _state(error: BaseException | None, before: str = "") -> str:
    """The SQLSTATE that the driver gives, or nothing."""
    state = getattr(error, "sqlstate", None)
    return f"{before}{state}" if isinstance(state, str) else ""


def _meaning(error: BaseException | None, said: str) -> _Meaning | None:
    """What it is by its number, its state, its words; "no connection" (08) is also said of a wrong password."""
    args = getattr(error, "args", ())
    native = _NATIVE_NUMBER.search(said)
    number = args[0] if args and isinstance(args[0], int) else int(native[1]) if native else None
    state = _state(error)
    lower = said.lower()
    by_state = [_STATES[state[:length]] for length in (5, 3, 2) if state[:length] in _STATES]
    by_words = [(kind, meaning) for words, kind, meaning in _SAYINGS if any(word in lower for word in words)]
    by_number = [_NUMBERS[number]] if number is not None and number in _NUMBERS else []
    known = [*by_number, *(by_words + by_state if state.startswith("08") else by_state + by_words)]
    return known[0] if known else None
