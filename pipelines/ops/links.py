"""Links that work once, within 10 minutes: to sign in without a password, or to open one thing after sign-in.

Only the SHA-256 of a token is kept. The token stands in an address for a moment, so it tells nothing and is dead after
its first use. Who signs in with one is the business of `users`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from pipelines.ops.database import Ops
from pipelines.ops.models import OneTimeLink

LIFETIME = dt.timedelta(minutes=10)
#: Used and expired links are kept this long, for questions.
KEPT = dt.timedelta(days=30)


def new_token() -> str:
    """256 random bits as text for addresses and cookies."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def sign_in_token(session: Session, user_id: str, now: dt.datetime) -> str:
    """A token that signs this user in once."""
    return _keep(session, OneTimeLink(purpose="sign-in", user_id=user_id), now)


def link_to(o: Ops, target: str, now: dt.datetime) -> str:
    """A token that opens one thing (named by ids) once, for whoever is signed in."""
    with o.transaction() as session:
        return _keep(session, OneTimeLink(purpose="open", target=target), now)


def _keep(session: Session, link: OneTimeLink, now: dt.datetime) -> str:
    token = new_token()
    link.digest, link.created_at, link.expires_at = token_digest(token), now, now + LIFETIME
    session.execute(delete(OneTimeLink).where(OneTimeLink.expires_at < now - KEPT))
    session.add(link)
    return token


def open_target(o: Ops, token: str, now: dt.datetime) -> str | None:
    """What the token opens; None if it is unknown, used or too old."""
    with o.transaction() as session:
        link = use(session, token, "open", now)
        return None if link is None else link.target


def use(session: Session, token: str, purpose: str, now: dt.datetime) -> OneTimeLink | None:
    """Use a token up; None if it is unknown, used, too old or for something else. Of two at once, one gets it."""
    fresh = (OneTimeLink.created_at <= now) & (OneTimeLink.expires_at > now) & OneTimeLink.used_at.is_(None)
    this = (OneTimeLink.digest == token_digest(token)) & (OneTimeLink.purpose == purpose)
    used = update(OneTimeLink).where(this, fresh).values(used_at=now).returning(OneTimeLink)
    return session.scalars(used).one_or_none()
