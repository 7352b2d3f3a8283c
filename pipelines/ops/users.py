"""Users of the pages: names, roles, passwords, and the check at sign-in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import get_args

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from pipelines.ops import audit, links, lockout, passwords
from pipelines.ops.database import Ops
from pipelines.ops.errors import Refused
from pipelines.ops.ids import new_id
from pipelines.ops.models import LoginAttempt, OneTimeLink, SessionRow, UserRole, UserRow
from pipelines.ops.models.access import Role

ROLES: tuple[str, ...] = get_args(Role)
MIN_PASSWORD = 10
#: Who acts when nobody is signed in: the command line on the machine itself.
CLI = "cli"


@dataclass(frozen=True, slots=True)
class User:
    """A user, `active` or `locked`: a locked one keeps the name in what was done, and gets in no more."""

    id: str
    name: str
    roles: tuple[str, ...]
    state: str


def add(o: Ops, name: str, roles: Collection[str], password: str | None, now: dt.datetime, *, by: str = CLI) -> User:
    """A new user. Without a password only a one-time link lets in.

    :raises Refused: the name is taken or empty, a role is unknown, the password is too short.
    """
    hashed = None if password is None else passwords.make(long_enough(password))
    with o.transaction() as session:
        if not name.strip() or _by_name(session, name) is not None:
            raise Refused(f"user {name!r}: this name is empty or taken")
        row = UserRow(
            id=new_id(now), name=name.strip(), name_key=lockout.name_key(name), password_hash=hashed,
            state="active", created_at=now, password_at=None if hashed is None else now,
        )  # fmt: skip
        session.add(row)
        session.flush()
        _set_roles(session, row.id, roles)
        audit.append(session, by, "user:add", [row.id], {"roles": sorted(roles)}, now=now)
        return _plain(session, row)


def long_enough(password: str) -> str:
    """The password, if it is one.

    :raises Refused: it is too short.
    """
    if len(password) < MIN_PASSWORD:
        raise Refused(f"password: {len(password)} characters, expected at least {MIN_PASSWORD}")
    return password


def _by_name(session: Session, name: str) -> UserRow | None:
    return session.scalars(select(UserRow).where(UserRow.name_key == lockout.name_key(name))).one_or_none()


def _known(session: Session, name: str) -> UserRow:
    row = _by_name(session, name)
    if row is None:
        raise Refused(f"user {name!r}: there is none of this name")
    return row


def _set_roles(session: Session, user_id: str, roles: Collection[str]) -> None:
    unknown = sorted(set(roles) - set(ROLES))
    if unknown or not roles:
        raise Refused(f"roles: found {', '.join(unknown) or 'none'}, expected some of {', '.join(ROLES)}")
    session.execute(delete(UserRole).where(UserRole.user_id == user_id))
    session.add_all(UserRole(user_id=user_id, role=role) for role in sorted(set(roles)))
    session.flush()


def _plain(session: Session, row: UserRow) -> User:
    roles = session.scalars(select(UserRole.role).where(UserRole.user_id == row.id).order_by(UserRole.role))
    return User(row.id, row.name, tuple(roles), row.state)


def set_roles(o: Ops, name: str, roles: Collection[str], now: dt.datetime, *, by: str = CLI) -> User:
    """Give a user these roles instead of the former; in force at the next click."""
    with o.transaction() as session:
        row = _known(session, name)
        _set_roles(session, row.id, roles)
        audit.append(session, by, "user:roles", [row.id], {"roles": sorted(roles)}, now=now)
        return _plain(session, row)


def reset_password(o: Ops, name: str, password: str, now: dt.datetime, *, by: str = CLI) -> User:
    """Set a new password; all sessions of the user end, and tries that locked the name are forgiven."""
    hashed = passwords.make(long_enough(password))
    with o.transaction() as session:
        row = _known(session, name)
        row.password_hash, row.password_at = hashed, now
        _sign_out(session, row.id, now)
        session.execute(delete(LoginAttempt).where(LoginAttempt.name_digest == lockout.digest(name)))
        audit.append(session, by, "user:reset-password", [row.id], {}, now=now)
        return _plain(session, row)


def lock(o: Ops, name: str, now: dt.datetime, *, by: str = CLI) -> User:
    """Let a user in no more: sessions and unused links end at once."""
    with o.transaction() as session:
        row = _known(session, name)
        row.state = "locked"
        _sign_out(session, row.id, now)
        audit.append(session, by, "user:lock", [row.id], {}, now=now)
        return _plain(session, row)


def _sign_out(session: Session, user_id: str, now: dt.datetime) -> None:
    live = (SessionRow.user_id == user_id) & SessionRow.closed_at.is_(None)
    session.execute(update(SessionRow).where(live).values(closed_at=now))
    unused = (OneTimeLink.user_id == user_id) & OneTimeLink.used_at.is_(None)
    session.execute(update(OneTimeLink).where(unused).values(used_at=now))


def unlock(o: Ops, name: str, now: dt.datetime, *, by: str = CLI) -> User:
    """Let a user in again, and forgive the tries that locked the name."""
    with o.transaction() as session:
        row = _known(session, name)
        row.state = "active"
        session.execute(delete(LoginAttempt).where(LoginAttempt.name_digest == lockout.digest(name)))
        audit.append(session, by, "user:unlock", [row.id], {}, now=now)
        return _plain(session, row)


def every_user(o: Ops) -> tuple[User, ...]:
    """All users by name."""
    with o.reading() as session:
        return tuple(_plain(session, row) for row in session.scalars(select(UserRow).order_by(UserRow.name_key)).all())


def find(o: Ops, name: str) -> User | None:
    """The user of this name."""
    with o.reading() as session:
        row = _by_name(session, name)
        return None if row is None else _plain(session, row)


def by_id(session: Session, user_id: str) -> User:
    """The user of this id, within a session."""
    return _plain(session, session.get_one(UserRow, user_id))


def verify(o: Ops, name: str, password: str, address: str, now: dt.datetime) -> User | None:
    """The user, if name and password are right and neither name nor address is locked; else None, for whatever reason.

    A page says the same for each reason, and a wrong name takes as long as a wrong password.

    :param address: where the browser sits, as text.
    """
    with o.transaction() as session:
        if lockout.locked_until(session, name, address, now) is not None:
            return None
        attempt = lockout.begin(session, name, address, now).id
        row = _by_name(session, name)
        user_id, hashed = (None, None) if row is None else (row.id, row.password_hash)
    # Outside of the transaction: half a second of argon2 must not keep writers waiting.
    if not passwords.matches(hashed, password) or user_id is None or hashed is None:
        return None
    fresh = passwords.make(password) if passwords.outdated(hashed) else None
    with o.transaction() as session:
        row = session.get_one(UserRow, user_id)
        if row.state == "locked" or row.password_hash != hashed:
            return None
        row.password_hash = fresh or hashed
        session.get_one(LoginAttempt, attempt).succeeded = True
        audit.append(session, row.name, "sign-in", [row.id], {}, now=now)
        return _plain(session, row)


def locked_until(o: Ops, name: str, address: str, now: dt.datetime) -> dt.datetime | None:
    """Until when tries are refused, for those who look after users; never shown before sign-in."""
    with o.reading() as session:
        return lockout.locked_until(session, name, address, now)


def one_time_link(o: Ops, name: str, now: dt.datetime, *, by: str = CLI) -> str:
    """A token that signs the user of this name in, once and within 10 minutes.

    :raises Refused: there is no such user, or it is locked.
    """
    with o.transaction() as session:
        row = _known(session, name)
        if row.state == "locked":
            raise Refused(f"user {name!r}: is locked")
        audit.append(session, by, "user:one-time-link", [row.id], {}, now=now)
        return links.sign_in_token(session, row.id, now)


def redeem(o: Ops, token: str, now: dt.datetime) -> User | None:
    """The user whom the token signs in; None if it is unknown, used, too old or the user is locked."""
    with o.transaction() as session:
        link = links.use(session, token, "sign-in", now)
        if link is None or link.user_id is None:
            return None
        user = by_id(session, link.user_id)
        if user.state == "locked":
            return None
        audit.append(session, user.name, "sign-in:link", [user.id], {}, now=now)
        return user
