"""Whether the service that polls is alive: it writes a sign of life, and pages look how old it is."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from pipelines.ops.database import Ops
from pipelines.ops.models import ServiceBeat

POLL = "poll"


def beat(o: Ops, now: dt.datetime, service: str = POLL) -> None:
    """A sign of life."""
    with o.transaction() as session:
        session.merge(ServiceBeat(service=service, at=now))


def last_beat(o: Ops, service: str = POLL) -> dt.datetime | None:
    """The last sign of life, None if there never was one."""
    with o.reading() as session:
        return session.scalars(select(ServiceBeat.at).where(ServiceBeat.service == service)).one_or_none()
