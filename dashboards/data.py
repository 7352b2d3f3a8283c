"""What the pages may know, and at what price: each reading asks for the right again, each look at a person is audited.

One process serves one practice; `serve_from` says which. Figures come from the published files; how the sources stand,
and so how old the figures are, comes live from ops.db: a page fed by a dead pipeline must not look fresh.
"""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from dashboards import source_activity
from dashboards.published import Published
from dashboards.queries import QUERIES
from dashboards.source_activity import Activity
from dashboards.viewer import Viewer
from pipelines import publish, status
from pipelines.health import PracticeHealth
from pipelines.ops import audit, requests, runs
from pipelines.ops.database import Ops
from pipelines.ops.requests import Request
from pipelines.practice import Practice

#: A page runs again with every click; within this time the same look at the same rows is one entry in the audit log.
SAME_LOOK: Final = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Served:
    """The practice of this process and what it reads from."""

    practice: Practice
    ops: Ops
    published: Published
    sign_out: Callable[[Viewer], None]
    orchestration: bool = False
    looks: dict[tuple[str, str], dt.datetime] = field(default_factory=dict)
    activities: list[tuple[object, dict[str, Activity]]] = field(default_factory=list)


_served: list[Served] = []


def serve_from(
    practice: Practice,
    ops: Ops,
    sign_out: Callable[[Viewer], None],
    *,
    orchestration: bool = False,
    published: Published | None = None,
) -> None:
    """From now on the pages of this process show this practice; what the first look would wait for is done here.

    :param sign_out: ends the session of a viewer.
    :param orchestration: Dagster's interface is served too.
    """
    newest = published or Published(lambda: publish.reader(practice))
    _served[:] = [Served(practice, ops, newest, sign_out, orchestration)]
    for page in ("connections", "utilisation"):
        importlib.import_module(f"dashboards.views.{page}")
    health()
    newest.open()


def served() -> Served:
    """The practice of this process; LookupError when `serve_from` was never called."""
    if not _served:
        raise LookupError("no practice is served by this process; expected a start by dashboards.serve.serve")
    return _served[0]


def read(name: str, viewer: Viewer, **parameters: object) -> pl.DataFrame:
    """The frame of a query by its name, cached per generation; columns as in its SELECT.

    :raises NotAllowedError: the viewer's roles do not cover it.
    :raises NothingPublished: nothing was built yet.
    """
    query = QUERIES[name]
    viewer.require(query.right)
    return served().published.frame(query, parameters)


def appointments_of_day(viewer: Viewer, day: dt.date, calendars: frozenset[str]) -> pl.DataFrame:
    """The day's appointments with names, of these calendars, by time; the look is in the audit log before it returns.

    :raises NotAllowedError: names are for manager and reception.
    """
    query = QUERIES["appointments"]
    viewer.require(query.right)
    rows = served().published.frame(query, {"day": day}, keep=False)
    counted = read("counted", viewer, day=day)
    rows = rows.filter(pl.col("calendar_key").is_in(list(calendars))).join(counted, on="appointment_key", how="semi")
    rows = rows.sort("start_local", "calendar_key", "appointment_key")
    _write_down(viewer, f"appointments of {day.isoformat()}", rows["appointment_key"].cast(pl.String).to_list())
    return rows


def set_aside_records(viewer: Viewer) -> pl.DataFrame:
    """Records that were set aside, with the reason; their ids point at people, so the look is audited."""
    rows = read("set_aside", viewer)
    if rows.height:
        _write_down(viewer, "records set aside", rows["source_id"].drop_nulls().unique().sort().to_list())
    return rows


def _write_down(viewer: Viewer, what: str, ids: list[str]) -> None:
    here, now = served(), served().practice.now()
    look = (viewer.session, f"{what} {hash(tuple(ids))}")
    if now - here.looks.get(look, dt.datetime.min.replace(tzinfo=dt.UTC)) < SAME_LOOK:
        return
    audit.record_view(here.ops, viewer.name, what, ids, now)
    for old in [key for key, at in here.looks.items() if now - at >= SAME_LOOK]:
        del here.looks[old]
    here.looks[look] = now


def health() -> PracticeHealth:
    """How the sources stand now: lights and ages; every signed-in person may know how old the figures are."""
    return status.practice_health(served().practice, served().ops)


def activities(viewer: Viewer) -> dict[str, Activity]:
    """What each source brought lately; read anew when a run has begun, moved on or ended."""
    viewer.require("connections")
    here = served()
    state = (here.practice.today(), runs.last_runs(here.ops, 1))
    if not here.activities or here.activities[0][0] != state:
        here.activities[:] = [(state, source_activity.activities(here.practice, here.ops, here.practice.now()))]
    return here.activities[0][1]


def request_sync(viewer: Viewer, source: str | None) -> None:
    """ "Jetzt synchronisieren" for one source or, with None, for all of them."""
    viewer.require("request_sync")
    here = served()
    requests.request_sync(here.ops, source, viewer.name, here.practice.now())


def latest_request(source: str) -> Request | None:
    """What became of the newest request that concerns this source."""
    here = served()
    return requests.latest(here.ops, source, here.practice.now())


def title_of(source: str) -> str:
    """What the practice calls a source; its name where practice.toml no longer has it."""
    known = served().practice.settings.sources.get(source)
    return source if known is None else known.title


def local(instant: dt.datetime | None) -> dt.datetime | None:
    """Wall time of the practice."""
    return None if instant is None else instant.astimezone(served().practice.zone)
