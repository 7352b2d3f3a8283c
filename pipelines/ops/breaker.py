"""A breaker per source: after 5 failures in a row only single probes ask it, after 1, 5, 15, then every 60 minutes.

closed ──5 failures──> open ──wait is over: one probe──> half-open ──succeeds──> closed
                        ↑                                     └──fails: next longer wait──> open
401, 403: open at once, until a person resets it (asking again would lock the account)
429, 503 with a time: open at once, until that time
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.ops.database import Ops
from pipelines.ops.models import BreakerRow

FAILURES_TO_OPEN = 5
WAITS = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
#: A pause that a source asks for is kept up to this length.
LONGEST_PAUSE = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Breaker:
    """How a source's link stands. `next_try_at` None: it may be tried, or only a person can help (`needs_person`)."""

    source: str
    state: str
    failures: int
    needs_person: bool
    opened_at: dt.datetime | None
    next_try_at: dt.datetime | None


def may_try(o: Ops, source: str, now: dt.datetime) -> bool:
    """Whether the source may be asked now. True from an open breaker makes this call its one probe."""
    with o.reading() as session:
        found = session.get(BreakerRow, source)
        if found is None or found.state == "closed":
            return True
        if not _due(found, now):
            return False
    with o.transaction() as session:
        row = _row(session, source, now)
        if row.state == "closed":
            return True
        if not _due(row, now):
            return False
        # A probe that never reports (a killed run) is given up after the wait that it ended.
        row.state, row.next_try_at, row.changed_at = "half-open", now + _wait(row), now
        return True


def _due(row: BreakerRow, now: dt.datetime) -> bool:
    """A clock that was set back behind the last change counts as due, or a jump would close the source for years."""
    if row.needs_person or row.next_try_at is None:
        return False
    return now >= row.next_try_at or now < row.changed_at


def _wait(row: BreakerRow) -> dt.timedelta:
    return WAITS[min(row.probes, len(WAITS) - 1)]


def hand_on(o: Ops, source: str, now: dt.datetime) -> None:
    """Whoever got the probe did not need the link itself: the next one who asks may try instead."""
    with o.reading() as session:
        found = session.get(BreakerRow, source)
        if found is None or found.state != "half-open":
            return
    with o.transaction() as session:
        row = _row(session, source, now)
        if row.state == "half-open":
            row.state, row.next_try_at, row.changed_at = "open", now, now


def failed(
    o: Ops, source: str, now: dt.datetime, needs_person: bool = False, pause: dt.timedelta | None = None
) -> None:
    """The source did not answer as agreed; with `needs_person` it refused us (401, 403).

    :param pause: how long it asked to be left alone.
    """
    with o.transaction() as session:
        row = _row(session, source, now)
        probed = row.state == "half-open"
        row.failures += 1
        row.probes += int(probed)
        row.changed_at = now
        waits = [_wait(row)] if probed or row.failures >= FAILURES_TO_OPEN else []
        waits += [] if pause is None else [min(pause, LONGEST_PAUSE)]
        if waits or needs_person:
            row.state, row.opened_at = "open", row.opened_at or now
            row.next_try_at = now + max(waits, default=dt.timedelta())
        row.needs_person = row.needs_person or needs_person
        if row.needs_person:
            row.next_try_at = None


def succeeded(o: Ops, source: str, now: dt.datetime) -> None:
    """The source answered: all is forgotten, but for what waits for a person. Writes only if there was trouble."""
    with o.reading() as session:
        found = session.get(BreakerRow, source)
        if found is None or found.needs_person or (found.state == "closed" and found.failures == 0):
            return
    with o.transaction() as session:
        row = _row(session, source, now)
        if not row.needs_person:
            _close(row, now)


def reset(o: Ops, source: str, now: dt.datetime) -> None:
    """A person looked after it (a new password, a right given): it may be asked again at once."""
    with o.transaction() as session:
        _close(_row(session, source, now), now)


def _close(row: BreakerRow, now: dt.datetime) -> None:
    row.state, row.failures, row.probes, row.needs_person = "closed", 0, 0, False
    row.opened_at = row.next_try_at = None
    row.changed_at = now


def _row(session: Session, source: str, now: dt.datetime) -> BreakerRow:
    found = session.get(BreakerRow, source)
    if found is None:
        found = BreakerRow(source=source, state="closed", failures=0, probes=0, needs_person=False, changed_at=now)
        session.add(found)
    return found


def states(o: Ops) -> tuple[Breaker, ...]:
    """All sources that ever failed, by name."""
    with o.reading() as session:
        rows = session.scalars(select(BreakerRow).order_by(BreakerRow.source))
        return tuple(
            Breaker(row.source, row.state, row.failures, row.needs_person, row.opened_at, row.next_try_at)
            for row in rows
        )
