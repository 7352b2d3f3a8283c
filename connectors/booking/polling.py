"""How far a platform was read, so that the next poll misses nothing and an idle one sees that there is nothing.

A reading takes time, and rows change while it runs: one that was passed already is not seen again, though a later one
bears a newer stamp. So a position is not the newest stamp seen, but the server's own clock when the reading began, less
an overlap for rows that were committed late. Everything stamped from there on is read again next time, and to tell
whether that would bring anything, the position remembers which such rows were seen: their number, and a digest of their
ids and stamps.

One thing cannot be told from stamps: a row that is touched twice within one tick of the server's clock, our reading in
between. The next reading finds it, which the next other change or the nightly one brings about.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import Self

from connectors.booking.instants import instant, stamp
from connectors.errors import BadAnswer


@dataclass(frozen=True, slots=True)
class Position:
    """Rows stamped at or after `mark` are read again; `rows` of them were seen, with this `digest`."""

    mark: dt.datetime
    rows: int = 0
    digest: str = ""

    def __str__(self) -> str:
        return f"{stamp(self.mark)}/{self.rows}/{self.digest}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The position that was written by `str`. Raises BadAnswer for any other text."""
        try:
            mark, rows, digest = text.split("/")
            return cls(instant(mark), int(rows), digest)
        except ValueError as error:
            raise BadAnswer(f"a stored position reads {text!r}, expected <instant>/<rows>/<digest>") from error


@dataclass(slots=True)
class Progress:
    """Collects the stamps of one reading, from `mark` on."""

    mark: dt.datetime
    _stamps: dict[str, dt.datetime] = field(default_factory=dict)
    _complete: bool = True

    def saw(self, source_id: str | None, stamped: str | None) -> None:
        """Note a row; one without a stamp means that the server keeps none, and that there is no position."""
        try:
            at = instant(stamped or "")
        except ValueError:
            self._complete = False
            return
        if at >= self.mark and source_id:
            self._stamps[source_id] = at

    def position(self) -> Position | None:
        """The position after the reading, or None where the server's stamps do not allow one."""
        if not self._complete:
            return None
        lines = [f"{source_id} {stamp(at)}" for source_id, at in sorted(self._stamps.items())]
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] if lines else ""
        return Position(self.mark, len(lines), digest)
