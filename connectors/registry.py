"""From a `[sources.<name>]` table of practice.toml to a `Source`: one line per kind of foreign system.

Each kind is imported only when a table asks for it, so that a practice without ODBC needs no ODBC library, and one
without online booking no HTTP client.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import polars as pl

from connectors.problems import choices
from connectors.source import Source

System = Literal["pvs", "platform", "list"]

#: kind -> the module that knows its tables, and what such a source is to the practice.
KINDS: dict[str, tuple[str, System]] = {
    "pvs": ("connectors.pvs.settings", "pvs"),
    "isik": ("connectors.booking.source", "platform"),
    "booking-json": ("connectors.booking.source", "platform"),
    "list": ("connectors.files.settings", "list"),
}

#: Keys of a source's table that name a file.
_PATHS = frozenset({"profile", "path", "ca_file"})


class _Kind(Protocol):
    """What the module of a kind offers."""

    def problems(self, name: str, table: Mapping[str, Any]) -> list[str]: ...

    def open_source(
        self,
        name: str,
        table: Mapping[str, Any],
        *,
        secret: Callable[[str], str],
        timezone: str,
        now: Callable[[], dt.datetime],
    ) -> Source: ...

    def code_map(self, table: Mapping[str, Any]) -> pl.DataFrame: ...


def problems(name: str, table: Mapping[str, Any]) -> list[str]:
    """All that is wrong with a source's table, as `[sources.<name>.<key>] found ..., expected ...`; asks no one."""
    kind = table.get("kind")
    if kind not in KINDS:
        return [f"[sources.{name}.kind] found {kind!r}, expected {choices(KINDS)}"]
    return [line.removeprefix("practice.toml: ") for line in _module(table).problems(name, table)]


def anchored(table: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The table with its paths as seen from a folder: where a command or a service was started says nothing.

    A profile's name stays a name; what is absolute stays as it is.
    """
    own = {key: value for key, value in table.items() if key in _PATHS and isinstance(value, str)}
    paths = {key: value for key, value in own.items() if key != "profile" or value.endswith(".toml")}
    return {**table, **{key: str(folder / Path(value).expanduser()) for key, value in paths.items()}}


def open_source(
    name: str, table: Mapping[str, Any], *, secret: Callable[[str], str], timezone: str, now: Callable[[], dt.datetime]
) -> Source:
    """The source of a table without problems. Connects at first use.

    `secret` gives a secret by its name, `timezone` is the practice's, `now` an aware instant. Raises ProfileError
    for a table with problems and DriverMissing if this machine lacks a driver.
    """
    return _module(table).open_source(name, table, secret=secret, timezone=timezone, now=now)


def code_map(name: str, table: Mapping[str, Any]) -> pl.DataFrame:  # noqa: ARG001 (every function here takes both)
    """The vendor's codes and what they mean: resource, field, code, value, ordered by these.

    A value of null says that the code means nothing for that field. A code that is not listed is `unknown`.
    """
    return _module(table).code_map(table)


def system(table: Mapping[str, Any]) -> System:
    """What the source is to the practice: its software, a booking platform, or a list that somebody exported."""
    return KINDS[str(table["kind"])][1]


def _module(table: Mapping[str, Any]) -> _Kind:
    return cast("_Kind", import_module(KINDS[str(table["kind"])][0]))
