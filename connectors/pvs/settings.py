"""A `[sources.<name>]` table of kind `pvs`: its keys, what may be wrong with it, and the source that it describes.

[sources.pvs]
kind = "pvs"
title = "Praxissoftware"
profile = "demo"
url = "sqlite:////srv/praxis/praxis.db"
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import polars as pl
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors import problems as complaints
from connectors.errors import ProfileError
from connectors.mapping import code_frame
from connectors.pvs import engine, odbc, profile, rights, transports
from connectors.pvs.source import Login, PvsSource

#: Names under which SQLAlchemy knows dialects that are one for a profile.
_SAME_DIALECT = {"mariadb": "mysql"}


class PvsSettings(BaseModel):
    """`profile` is the name of a shipped one or a path to a .toml file; `password_secret` the name of a secret.

    `accept_draft` lets a profile run that nobody has verified. A login that can write is refused, unless corrections
    are to be written (`write_back`, or `write_url` for another login that carries them, so that the reading one needs
    no right to write), or `accept_writable_login` says why it must be this one. `transport` carries full readings;
    `row_budget` is the most rows that one run may read, over all record types.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["pvs"]
    title: str
    profile: str
    url: str
    password_secret: str | None = None
    write_url: str | None = None
    write_password_secret: str | None = None
    accept_draft: bool = False
    accept_writable_login: str | None = Field(default=None, min_length=1)
    write_back: bool = False
    transport: Literal["sqlalchemy", "adbc", "arrow_odbc"] = "sqlalchemy"
    idle_seconds: float = Field(default=60.0, gt=0)
    total_seconds: float = Field(default=900.0, gt=0)
    row_budget: int | None = Field(default=None, gt=0)


def problems(name: str, table: Mapping[str, Any]) -> list[str]:
    """All that is wrong with the table and with the profile that it names, one line each."""
    try:
        settings = PvsSettings.model_validate(dict(table))
    except ValidationError as error:
        return complaints.lines("practice.toml", error, ("sources", name), PvsSettings.model_fields)
    found: list[str] = []
    urls = [url for url in (settings.url, settings.write_url) if url is not None]
    parsed = [_asked(found, name, partial(engine.parse_url, url)) for url in urls]
    described = _asked(found, name, lambda: profile.load(profile.find(settings.profile)))
    if isinstance(described, profile.Profile) and not described.verified and not settings.accept_draft:
        wanted = (
            f"accept_draft = true: {described.profile} is a draft that nobody has run against the vendor's software"
        )
        found.append(complaints.line("practice.toml", ("sources", name, "accept_draft"), "nothing", wanted))
    found += _transport_problems(name, settings.transport, parsed[0])
    for url in parsed:
        if isinstance(url, sa.URL) and isinstance(described, profile.Profile) and not _speaks(url, described):
            dialect = engine.dialect_of(url)
            where = ("sources", name, "url")
            found.append(complaints.line("practice.toml", where, repr(dialect), f"the profile's {described.dialect}"))
    return found


def _asked(found: list[str], name: str, ask: Callable[[], object]) -> object:
    """What the question gives, or None with its problems added to those found."""
    try:
        return ask()
    except ProfileError as error:
        found += [f"[sources.{name}] {problem}" for problem in error.problems]
        return None


def _transport_problems(name: str, transport: str, url: object) -> list[str]:
    fitting = transports.reaches(transport)
    if not isinstance(url, sa.URL) or not fitting or url.get_backend_name() in fitting:
        return []
    wanted = f"sqlalchemy, or a url that begins with {' or '.join(fitting)}"
    return [complaints.line("practice.toml", ("sources", name, "transport"), repr(transport), wanted)]


def _speaks(url: sa.URL, described: profile.Profile) -> bool:
    """An ODBC source that does not say whose SQL it speaks is taken to speak the profile's."""
    dialect = engine.dialect_of(url)
    if dialect == "odbc":
        return True
    return bool({dialect, _SAME_DIALECT.get(dialect)} & {described.dialect, *described.also_dialects})


def open_source(
    name: str, table: Mapping[str, Any], *, secret: Callable[[str], str], timezone: str, now: Callable[[], dt.datetime]
) -> PvsSource:
    """The practice database that the table describes; raises ProfileError with all problems, connects later."""
    found = problems(name, table)
    if found:
        raise ProfileError(found)
    settings = PvsSettings.model_validate(dict(table))
    described = profile.load(profile.find(settings.profile))
    reading = engine.parse_url(settings.url, _password(settings.password_secret, secret))
    writing = reading
    if settings.write_url is not None:
        writing = engine.parse_url(settings.write_url, _password(settings.write_password_secret, secret))
    return PvsSource(
        name,
        described,
        Login(odbc.spoken(reading, described.dialect), odbc.spoken(writing, described.dialect)),
        timezone=timezone,
        now=now,
        transport=settings.transport,
        deadline=engine.Deadline(settings.idle_seconds, settings.total_seconds),
        row_budget=settings.row_budget,
        rule=rights.Rule(settings.write_back or settings.write_url is not None, settings.accept_writable_login),
    )


def _password(name: str | None, secret: Callable[[str], str]) -> str | None:
    return None if name is None else secret(name)


def code_map(table: Mapping[str, Any]) -> pl.DataFrame:
    """The code maps in force for a valid table: resource, field, code, value, ordered."""
    settings = PvsSettings.model_validate(dict(table))
    tables = profile.load(profile.find(settings.profile)).tables
    return code_frame({resource: record.columns for resource, record in tables.items()})
