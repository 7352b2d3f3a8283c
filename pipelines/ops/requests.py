""" "Jetzt synchronisieren": a press is a row, the poll takes it, the page reads what became of it.

waiting ──claim──> claimed ──run ends──> done | failed
   │                  └────run is abandoned──> waiting
   └── nobody came for an hour ──> expired
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from pipelines.ops.database import Ops
from pipelines.ops.errors import Refused
from pipelines.ops.models import SyncRequest, SyncRun
from pipelines.ops.models.operation import RequestState

#: A request that nobody took for this long is not carried out any more: who pressed has gone.
EXPIRES_AFTER = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Request:
    """One press. `source` None means all sources; `finished_at` is also when it expired."""

    id: int
    source: str | None
    requested_by: str
    requested_at: dt.datetime
    state: str
    run: int | None
    claimed_at: dt.datetime | None
    finished_at: dt.datetime | None


def request_sync(o: Ops, source: str | None, by: str, now: dt.datetime) -> int:
    """Ask for a run over one source (or all); the request's id. While one waits, pressing again is the same request."""
    with o.transaction() as session:
        _expire(session, now)
        waiting = select(SyncRequest.id).where(SyncRequest.state == "waiting", _for_source(source))
        known = session.scalars(waiting).one_or_none()
        if known is not None:
            return known
        asked = SyncRequest(source=source, requested_by=by, requested_at=now, state="waiting")
        session.add(asked)
        session.flush()
        return asked.id


def _for_source(source: str | None) -> ColumnElement[bool]:
    return SyncRequest.source.is_(None) if source is None else SyncRequest.source == source


def open_requests(o: Ops, now: dt.datetime | None = None) -> tuple[Request, ...]:
    """Those that wait for a run, oldest first; with `now`, without those that waited too long."""
    query = select(SyncRequest).where(SyncRequest.state == "waiting").order_by(SyncRequest.id)
    if now is not None:
        query = query.where(SyncRequest.requested_at > now - EXPIRES_AFTER)
    with o.reading() as session:
        return tuple(_plain(row) for row in session.scalars(query))


def claim(o: Ops, run: int) -> tuple[Request, ...]:
    """All waiting requests now belong to this run, as of its start; those that waited too long expire instead.

    :raises Refused: there is no such run under way.
    """
    with o.transaction() as session:
        begun = session.get(SyncRun, run)
        if begun is None or begun.state != "running":
            raise Refused(f"sync_request: run {run} is not under way, so it cannot take requests")
        _expire(session, begun.started_at)
        taken = session.scalars(
            select(SyncRequest).where(SyncRequest.state == "waiting").order_by(SyncRequest.id)
        ).all()
        for request in taken:
            # A press between the start of the run and now is served by it too.
            request.state, request.run = "claimed", run
            request.claimed_at = max(begun.started_at, request.requested_at)
        return tuple(_plain(request) for request in taken)


def finish(o: Ops, ids: Sequence[int], state: RequestState, now: dt.datetime) -> None:
    """End claimed requests as `done` or `failed`; those that ended already stay as they are."""
    with o.transaction() as session:
        _end(session, SyncRequest.id.in_(ids), state, now)


def settle(session: Session, run: int, state: RequestState, now: dt.datetime) -> None:
    """End what a run had taken."""
    _end(session, SyncRequest.run == run, state, now)


def _end(session: Session, which: ColumnElement[bool], state: RequestState, now: dt.datetime) -> None:
    ended = update(SyncRequest).where(which, SyncRequest.state == "claimed")
    session.execute(ended.values(state=state, finished_at=now))


def release(session: Session, run: int) -> None:
    """What an abandoned run had taken waits again, unless a newer press for the same source does already."""
    held = session.scalars(
        select(SyncRequest).where(SyncRequest.run == run, SyncRequest.state == "claimed").order_by(SyncRequest.id)
    ).all()
    for request in held:
        waiting = select(SyncRequest.id).where(SyncRequest.state == "waiting", _for_source(request.source))
        if session.scalars(waiting).first() is None:
            request.state, request.run, request.claimed_at = "waiting", None, None
        else:
            request.state, request.finished_at = "failed", request.claimed_at
        session.flush()


def _expire(session: Session, now: dt.datetime) -> None:
    late = (SyncRequest.state == "waiting") & (SyncRequest.requested_at <= now - EXPIRES_AFTER)
    session.execute(update(SyncRequest).where(late).values(state="expired", finished_at=now))


def latest(o: Ops, source: str | None = None, now: dt.datetime | None = None) -> Request | None:
    """The newest request that concerns a source (its own, or one for all); None if there never was one.

    With `now`, one that waited too long reads as `expired`, also when no service runs that could write it down.
    """
    query = select(SyncRequest).order_by(SyncRequest.id.desc()).limit(1)
    if source is not None:
        query = query.where(or_(SyncRequest.source == source, SyncRequest.source.is_(None)))
    with o.reading() as session:
        found = session.scalars(query).one_or_none()
        return None if found is None else _plain(found, now)


def _plain(row: SyncRequest, now: dt.datetime | None = None) -> Request:
    found = Request(**{name: getattr(row, name) for name in Request.__slots__})
    if now is None or found.state != "waiting" or found.requested_at > now - EXPIRES_AFTER:
        return found
    return replace(found, state="expired", finished_at=found.requested_at + EXPIRES_AFTER)
