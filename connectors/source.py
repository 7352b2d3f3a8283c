"""The port: what Praxistakt asks of any foreign system, and what it gets back.

A `Source` reads one record type at a time in batches and writes one change at a time. It knows no warehouse: what
was read before is told to it as a `Watermark`, what it found comes back as a `Batch`, and who calls it decides what
that means. Nothing here keeps state between two calls but the link itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Protocol, Self, runtime_checkable

import polars as pl

from connectors import records

#: How much of the truth a batch holds. `changes`: rows that moved since the watermark; a row that is absent means
#: nothing. `window`: every row that starts in [from, until); one that is absent there is gone. `full`: every row.
Scope = Literal["changes", "window", "full"]

#: How far a source has been read, per record type. The text is the source's own (a timestamp, a row version, a page
#: token); it is stored in the same file as the rows that it stands for, and handed back as it was.
Watermark = Mapping[str, str]

#: A row that could not become a record. `found` is the vendor's text and may be personal: it is landed encrypted and
#: shown to a signed-in person, never logged. `payload` is the whole row as JSON, so that it can be replayed.
REJECTED_SCHEMA = pl.Schema(
    {
        "resource": pl.String(),
        "source_id": pl.String(),
        "field": pl.String(),
        "rule": pl.String(),
        "found": pl.String(),
        "expected": pl.String(),
        "payload": pl.String(),
    }
)

#: A vendor's code that no map knows, and on how many rows it stood. Not personal: codes are the vendor's lists.
UNMAPPED_SCHEMA = pl.Schema({"resource": pl.String(), "field": pl.String(), "code": pl.String(), "rows": pl.Int64()})


@dataclass(frozen=True, slots=True)
class Window:
    """Instants [start, end) in UTC: which appointments, slots and absences a reading covers."""

    start: dt.datetime
    end: dt.datetime


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What to read: one record type, how much of it, since when.

    `since` is the position of the watermark for this record type, or None for the first time. A source that cannot
    read `changes` for a record type answers with a wider scope and says so in the batch. `patience` is set where
    others wait for this reading: seconds after which the source should give up on one step of it (a request, the next
    rows), where its own settings would let it wait longer. Tries and pauses after a failure take a part of that.
    """

    resource: str
    scope: Scope
    since: str | None = None
    window: Window | None = None
    patience: float | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What a source said about one record type.

    `frame` has exactly `records.schema(resource)`. `removed` are source_ids that the source itself reports as gone
    (soft deletes, tombstone tables). `read` counts the rows that the source delivered, so that
    read == frame.height + rejected rows + removed holds for every batch. `issues` (form of `rejected`) lists doubts
    about rows that are in `frame`: an optional value that was unreadable and left out, a wall time that comes twice.
    A reading may arrive in several batches; only the last one has `last=True`, and only then absence means removal.
    """

    resource: str
    frame: pl.DataFrame
    scope: Scope
    window: Window | None = None
    position: str | None = None
    removed: tuple[str, ...] = ()
    rejected: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECTED_SCHEMA))
    issues: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECTED_SCHEMA))
    unmapped: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=UNMAPPED_SCHEMA))
    read: int = 0
    last: bool = True

    def __post_init__(self) -> None:
        expected = records.schema(self.resource)
        if self.frame.schema != expected:
            differing = sorted(set(self.frame.schema.items()) ^ set(expected.items()), key=str)
            raise TypeError(f"a {self.resource} batch has columns that differ from the record: {differing}")


ChangeKind = Literal["create", "update", "cancel", "move"]


@dataclass(frozen=True, slots=True)
class Change:
    """One correction to carry to a source.

    `base` holds the values that must still stand there, `values` those that shall; both by field name of the record.
    `version` is the version that the source reported with the record, where it has one. `key` makes it idempotent:
    a change that already arrived under this key is answered again, not done again.
    """

    kind: ChangeKind
    resource: str
    source_id: str | None
    values: Mapping[str, object]
    base: Mapping[str, object]
    key: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a change.

    `written`: it stands there (`found` is what a read-back saw). `already`: it stood there before. `conflict`: the
    base no longer holds (`found` says what does). `refused`: the source or the profile does not allow it. `pending`:
    the source took it and will decide later.
    """

    outcome: Literal["written", "already", "conflict", "refused", "pending"]
    source_id: str | None
    version: str | None = None
    found: Mapping[str, object] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for one record type.

    `milliseconds`: from the questions until their rows were here, the driver's part included; what is made of the rows
    is not counted.
    """

    resource: str
    statements: int
    rows: int
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check of the link: what was looked at, whether it is well, and what to do if it is not."""

    check: str
    level: Literal["ok", "warn", "error"]
    message: str
    remedy: str | None = None


@runtime_checkable
class Source(Protocol):
    """A foreign system of one practice. Open it with `with`; every method may raise `connectors.errors`."""

    name: str
    #: Record types that this source can say something about, in the order in which they are best read.
    resources: tuple[str, ...]

    def read(self, request: ReadRequest) -> Iterator[Batch]:
        """Batches of one record type; the last has `last=True`. Raises before the first batch if it cannot start."""
        ...

    def has_news(self, since: Watermark) -> bool:
        """Whether a reading would find something since the watermark; True when the source cannot tell cheaply.

        Asked every half minute: it gives up soon, and does not try again.
        """
        ...

    def write(self, change: Change) -> Receipt:
        """Carry one change. A link that breaks before the answer raises: then nobody knows, and `look` must tell."""
        ...

    def look(self, resource: str, source_id: str) -> Mapping[str, object] | None:
        """The record as it stands there now, by field name, or None if it is gone."""
        ...

    def journal(self) -> tuple[Asked, ...]:
        """What was asked since it was opened, by record type; nothing where no server of the practice's was asked."""
        ...

    def check(self) -> list[Finding]:
        """Driver, connection, rights, version, clock: what a doctor would look at; never raises for a bad finding."""
        ...

    def close(self) -> None:
        """Give the link back."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
