"""A `[sources.<name>]` table of kind `list`: its keys, what may be wrong with it, and the source that it describes.

[sources.list]
kind = "list"
title = "Terminliste"
path = "/srv/praxis/termine.csv"
headers = { kalender = "Arztkürzel" }
"""

from __future__ import annotations

import codecs
import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from connectors import problems as complaints
from connectors.errors import ProfileError
from connectors.files import profile
from connectors.files.source import ListSource
from connectors.files.tables import Reading
from connectors.mapping import code_frame


class ListSettings(BaseModel):
    """`headers` names a column of the list where the profile does not know it; encoding, separator, sheet likewise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["list"]
    title: str
    path: str
    profile: str = "termine"
    headers: dict[str, str] = {}
    encoding: str | None = None
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    sheet: str | None = None

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str | None) -> str | None:
        try:
            codecs.lookup(encoding or "utf-8")
        except LookupError as error:
            raise ValueError("an encoding as utf-8, cp1252 or cp850") from error
        return encoding


def problems(name: str, table: Mapping[str, Any]) -> list[str]:
    """All that is wrong with the table and with the list profile that it names."""
    try:
        settings = ListSettings.model_validate(dict(table))
    except ValidationError as error:
        return complaints.lines("practice.toml", error, ("sources", name), ListSettings.model_fields)
    try:
        described = profile.load(settings.profile)
    except ProfileError as error:
        return [f"[sources.{name}] {problem}" for problem in error.problems]
    return [
        complaints.line(
            "practice.toml", ("sources", name, "headers"), repr(ours), complaints.choices(described.headers)
        )
        for ours in settings.headers
        if ours not in described.headers
    ]


def open_source(
    name: str,
    table: Mapping[str, Any],
    *,
    secret: Callable[[str], str],  # noqa: ARG001 (a file on this machine needs none)
    timezone: str,
    now: Callable[[], dt.datetime],  # noqa: ARG001 (a list is what it is, whenever it is read)
) -> ListSource:
    """The list that the table describes; raises ProfileError with all problems, looks for the file later."""
    found = problems(name, table)
    if found:
        raise ProfileError(found)
    settings = ListSettings.model_validate(dict(table))
    return ListSource(
        name,
        profile.load(settings.profile),
        Path(settings.path),
        timezone=timezone,
        headers=settings.headers,
        reading=Reading(settings.encoding, settings.separator, settings.sheet),
    )


def code_map(table: Mapping[str, Any]) -> pl.DataFrame:
    """The code maps in force for a valid table: resource, field, code, value, ordered."""
    tables = profile.load(ListSettings.model_validate(dict(table)).profile).tables
    return code_frame({resource: record.columns for resource, record in tables.items()})
