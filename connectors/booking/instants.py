"""Points in time as the two flavours and HTTP itself write them. All of them are aware, all results are UTC."""

from __future__ import annotations

import datetime as dt
import email.utils


def stamp(at: dt.datetime) -> str:
    """An instant as FHIR and JSON write it, to the microsecond: `2026-03-02T08:00:00.000000Z`."""
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def instant(text: str) -> dt.datetime:
    """An ISO 8601 instant with its offset. Raises ValueError for anything else."""
    return _in_utc(dt.datetime.fromisoformat(text), text)


def http_date(at: dt.datetime) -> str:
    """An instant as HTTP headers write it (RFC 1123): `Sat, 01 Jan 2000 00:00:00 GMT`."""
    return email.utils.format_datetime(at.astimezone(dt.UTC), usegmt=True)


def http_instant(text: str) -> dt.datetime:
    """The instant in a Date or Retry-After header. Raises ValueError for anything else."""
    try:
        return _in_utc(email.utils.parsedate_to_datetime(text), text)
    except OverflowError as error:
        raise ValueError("a date with numbers beyond all calendars") from error


def _in_utc(at: dt.datetime, text: str) -> dt.datetime:
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    try:
        return at.astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is beyond all calendars") from error
