"""When too many tries were wrong: 10 within 15 minutes lock a name for 15 minutes, and 10 names an address.

A name is locked whether a user has it or not, so that nothing can be learnt from it. An address counts the names that
failed from it, not the tries: on a terminal server all sit at one address, and one who forgot a password must not
lock out the others.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from pipelines.ops.models import LoginAttempt

FAILURES = 10
WITHIN = dt.timedelta(minutes=15)
LOCKED_FOR = dt.timedelta(minutes=15)
#: Tries are kept for this long, for the person who looks after an attack.
KEPT = dt.timedelta(days=90)


def name_key(name: str) -> str:
    """The name as it is compared: without case and outer spaces."""
    return name.strip().casefold()


def digest(name: str) -> str:
    """What the table keeps of a typed name."""
    return hashlib.sha256(name_key(name).encode()).hexdigest()


def locked_until(session: Session, name: str, address: str, now: dt.datetime) -> dt.datetime | None:
    """Until when tries with this name or from this address are refused; None if they are not."""
    ends = (_name_lock(session, digest(name), now), _address_lock(session, address, now))
    return max((end for end in ends if end is not None and end > now), default=None)


def _name_lock(session: Session, name_digest: str, now: dt.datetime) -> dt.datetime | None:
    """Refused tries are not recorded, so the 10th failure is the newest one until the lock ends."""
    of_name = LoginAttempt.name_digest == name_digest
    success = select(func.max(LoginAttempt.id)).where(of_name, LoginAttempt.succeeded)
    since = session.scalars(success).one() or 0
    query = (
        select(LoginAttempt.at)
        .where(of_name, LoginAttempt.id > since, LoginAttempt.at > now - WITHIN - LOCKED_FOR)
        .order_by(LoginAttempt.id.desc())
        .limit(FAILURES)
    )
    times = session.scalars(query).all()
    if len(times) < FAILURES or times[0] - times[-1] > WITHIN:
        return None
    return times[0] + LOCKED_FOR


def _address_lock(session: Session, address: str, now: dt.datetime) -> dt.datetime | None:
    """The newest failure of each name that did not get in from this address within the time."""
    recent = (LoginAttempt.address == address) & (LoginAttempt.at > now - WITHIN)
    newest = select(func.max(LoginAttempt.at), func.max(LoginAttempt.succeeded)).where(recent)
    names = session.execute(newest.group_by(LoginAttempt.name_digest)).all()
    failed = sorted(at for at, succeeded in names if not succeeded)
    return failed[-1] + LOCKED_FOR if len(failed) >= FAILURES else None


def begin(session: Session, name: str, address: str, now: dt.datetime) -> LoginAttempt:
    """Record a try as failed before the password is looked at: of many at once, none is left uncounted."""
    attempt = LoginAttempt(name_digest=digest(name), address=address, at=now, succeeded=False)
    session.add(attempt)
    session.execute(delete(LoginAttempt).where(LoginAttempt.at < now - KEPT))
    session.flush()
    return attempt
