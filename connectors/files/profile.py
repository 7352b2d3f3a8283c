"""A list profile: which columns an exported list may have, and how they become records; TOML like a vendor's profile.

`[headers]` gives each column a name of ours and what exports call it. Expressions are polars SQL over these names
(https://docs.pola.rs/user-guide/sql/intro/); a column that a list lacks is null in them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from connectors import mapping, problems, records
from connectors.errors import ProfileError
from connectors.mapping import FieldMapping

SHIPPED = Path(__file__).parent / "profiles"


class ListRecord(BaseModel):
    """One record of a list. `distinct`: one row per key, as for the calendars that appointments name.

    Without `distinct`, rows with the same key are told apart by a number. `minutes` is a duration from which `end`
    follows where the list has none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    where: str | None = None
    distinct: bool = False
    minutes: str | None = None
    columns: dict[str, FieldMapping]


class ListProfile(BaseModel):
    """A kind of list. `required`: columns (our names) without which nothing can be read from it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: str
    title: str
    headers: dict[str, tuple[str, ...]]
    required: tuple[str, ...]
    tables: dict[str, ListRecord] = {}


def names() -> list[str]:
    """The list profiles that come with Praxistakt."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load(name: str) -> ListProfile:
    """A shipped profile by name, or one of the practice's own by path; raises ProfileError with all its problems."""
    path = Path(name) if name.endswith(".toml") else SHIPPED / f"{name}.toml"
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        expected = f"{problems.choices(names())}, or a path to a .toml file"
        raise ProfileError([f"profile: found no list profile {name!r}, expected {expected}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError([f"{path.name}: [] found text that is not TOML ({error}), expected a profile"]) from error
    return parse(path.name, given)


def parse(file: str, given: Mapping[str, object]) -> ListProfile:
    """A list profile from the tables of its file."""
    found: list[str] = []
    tables: dict[str, ListRecord] = {}
    for resource in (name for name in records.RECORDS if name in given):
        try:
            tables[resource] = ListRecord.model_validate(given[resource])
        except ValidationError as error:
            found += problems.lines(file, error, (resource,), ListRecord.model_fields)
            continue
        found += [
            problems.line(file, (resource, *where), what, expected)
            for where, what, expected in mapping.complaints(resource, tables[resource].columns)
        ]
    head = {key: value for key, value in given.items() if key not in records.RECORDS}
    try:
        profile = ListProfile.model_validate(head | {"tables": tables})
    except ValidationError as error:
        found += problems.lines(file, error, (), [*ListProfile.model_fields, *records.RECORDS])
        raise ProfileError(found) from error
    unknown = [name for name in profile.required if name not in profile.headers]
    found += [problems.line(file, ("required",), repr(name), "a name of [headers]") for name in unknown]
    if found:
        raise ProfileError(found)
    return profile
