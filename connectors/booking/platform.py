"""What `BookingSource` asks of a platform's flavour; `isik_client` and `json_api` answer it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from connectors.booking.frames import CodeMap, Row
from connectors.source import Change, Finding, Window

#: The identifier under which a change of ours stands at the platform, so that a later search finds what became of it.
CHANGE_KEY_SYSTEM = "urn:praxistakt:change"

#: Statuses that say: the world has moved on (somebody took the slot, changed the record, deleted it).
LOST_RACE = (404, 409, 410, 412, 422)
#: Statuses that say: this will never work as it was asked.
NEVER = (400, 405, 501)


Outcome = Literal["written", "already", "conflict", "refused", "pending"]


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a reading, the JSON objects they came from, and when the platform last touched each."""

    rows: list[Row]
    payloads: list[Mapping[str, Any]]
    stamps: list[tuple[str | None, str | None]]
    server_time: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One object of the platform as it stands now; `version` goes into If-Match."""

    row: Row
    payload: Mapping[str, Any]
    version: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """How the platform took a change. `reason` is a code or a rule, never a value."""

    outcome: Outcome
    source_id: str | None
    reason: str | None = None


class Platform(Protocol):
    """One flavour of booking platform over one `Http`."""

    #: Record types in the order in which they are best read.
    resources: tuple[str, ...]
    #: Those of which it can say what changed since an instant, if `stamped()`.
    by_change: frozenset[str]
    #: Those that an idle poll asks about: all others move with them.
    polled: tuple[str, ...]
    #: Those that it can cut to a window of time, and those that it only gives so.
    by_window: frozenset[str]
    only_window: frozenset[str]

    def hurried(self, request_seconds: float, lost_seconds: float) -> AbstractContextManager[None]:
        """See `Http.hurried`."""
        ...

    def codes(self, resource: str) -> CodeMap:
        """Its codes and ours."""
        ...

    def stamped(self) -> bool:
        """Whether it can be searched by the instant of the last change."""
        ...

    def pages(self, resource: str, since: dt.datetime | None, window: Window | None) -> Iterator[Page]:
        """All rows; with `since` those touched from then on, with `window` those that start in it."""
        ...

    def count(self, resource: str, since: dt.datetime) -> int | None:
        """How many rows were touched from an instant on; None when it does not count."""
        ...

    def find(self, resource: str, source_id: str) -> Found | None:
        """One row by its id."""
        ...

    def find_change(self, resource: str, key: str) -> Found | None:
        """The row that an earlier change of ours made, by the key of the change."""
        ...

    def send(self, change: Change, current: Found | None) -> Sent:
        """Carry the change, once."""
        ...

    def check(self) -> list[Finding]:
        """What a doctor would look at."""
        ...

    def close(self) -> None:
        """Give the connections back."""
        ...
