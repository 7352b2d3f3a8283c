"""Signed-in browsers. A session ends after 30 idle minutes, 12 hours in all, sign-out, or when its user is locked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import delete, update

from pipelines.ops import users
from pipelines.ops.database import Ops
from pipelines.ops.links import new_token, token_digest
from pipelines.ops.models import SessionRow
from pipelines.ops.users import User

IDLE = dt.timedelta(minutes=30)
ABSOLUTE = dt.timedelta(hours=12)
#: Activity is written down at most this often; a session may end this much early.
NOTED_EVERY = dt.timedelta(seconds=10)
#: Ended sessions are kept this long, for questions.
KEPT = dt.timedelta(days=90)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A live session. `digest` names it in logs and headers; the token itself is known to the browser alone."""

    user: User
    digest: str
    opened_at: dt.datetime
    seen_at: dt.datetime

    @property
    def ends_at(self) -> dt.datetime:
        """When it ends if nothing happens any more."""
        return min(self.seen_at + IDLE, self.opened_at + ABSOLUTE)


def open_session(o: Ops, user: User, now: dt.datetime) -> str:
    """Begin a session; the token for the browser's cookie (256 bits; only its SHA-256 is kept)."""
    token = new_token()
    with o.transaction() as session:
        session.execute(delete(SessionRow).where(SessionRow.opened_at < now - KEPT))
        session.add(SessionRow(digest=token_digest(token), user_id=user.id, opened_at=now, seen_at=now))
    return token


def look_up(o: Ops, token: str, now: dt.datetime) -> SignedIn | None:
    """The live session of a token, and that it was active now; None if there is none or it ended."""
    found = peek(o, token, now)
    if found is None or now - found.seen_at < NOTED_EVERY:
        return found
    with o.transaction() as session:
        same = (SessionRow.digest == found.digest) & SessionRow.closed_at.is_(None) & (SessionRow.seen_at < now)
        session.execute(update(SessionRow).where(same).values(seen_at=now))
    return peek(o, token, now)


def peek(o: Ops, token: str, now: dt.datetime) -> SignedIn | None:
    """The live session of a token, without counting as activity (an open websocket asks so)."""
    with o.reading() as session:
        row = session.get(SessionRow, token_digest(token))
        if row is None or row.closed_at is not None:
            return None
        user = users.by_id(session, row.user_id)
        found = SignedIn(user, row.digest, row.opened_at, row.seen_at)
        # A clock behind the opening is wrong; a session must not live on it.
        alive = row.opened_at - NOTED_EVERY <= now < found.ends_at
        return found if alive and user.state == "active" else None


def close(o: Ops, token: str, now: dt.datetime) -> None:
    """Sign out: this session is over at once."""
    close_digest(o, token_digest(token), now)


def close_digest(o: Ops, digest: str, now: dt.datetime) -> None:
    """Sign out from within a page, which knows `SignedIn.digest` and not the token."""
    with o.transaction() as session:
        same = (SessionRow.digest == digest) & SessionRow.closed_at.is_(None)
        session.execute(update(SessionRow).where(same).values(closed_at=now))


def close_all(o: Ops, user: User, now: dt.datetime) -> int:
    """End all sessions of a user; how many there were."""
    with o.transaction() as session:
        same = (SessionRow.user_id == user.id) & SessionRow.closed_at.is_(None)
        ended = session.execute(update(SessionRow).where(same).values(closed_at=now).returning(SessionRow.digest))
        return len(ended.all())
