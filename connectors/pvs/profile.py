"""A profile: one vendor's tables, columns, codes and writables, as TOML without code.

Loading checks everything and reports all problems at once (`ProfileError.problems`), each as
`file: [table.key] found ..., expected ...`. What a profile may say is what the models below hold; expressions are SQL
of the vendor's dialect. Profiles that come with Praxistakt lie in `profiles/`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from connectors import mapping, problems, records
from connectors.errors import ProfileError
from connectors.mapping import Complaint, FieldMapping

SHIPPED = Path(__file__).parent / "profiles"

#: The shortest overlap of a cursor in local time: in October an hour comes twice, and clocks are not exact.
LOCAL_OVERLAP = 75 * 60

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _seconds(given: object) -> object:
    """`"75m"` to 4500; anything else is left for pydantic to refuse."""
    if isinstance(given, str) and given[:-1].isdigit() and given[-1] in _UNITS:
        return int(given[:-1]) * _UNITS[given[-1]]
    return given


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Changed(_Table):
    """How a row tells that it changed. `overlap` (seconds, or `"75m"`) is read again behind the cursor.

    `trust = "weak"`: some writers do not touch it, so it never stands for all changes.
    """

    expr: str
    kind: Literal["utc", "local", "epoch_ms", "rowversion"]
    overlap: Annotated[int, BeforeValidator(_seconds), Field(ge=0)] = LOCAL_OVERLAP
    trust: Literal["strong", "weak"] = "strong"

    @model_validator(mode="after")
    def _covers_the_repeated_hour(self) -> Self:
        if self.kind == "local" and self.overlap < LOCAL_OVERLAP:
            raise ValueError("an overlap of at least 75m, because one hour comes twice in October")
        return self


class Deletes(_Table):
    """How a row goes: `soft` (`when` holds on it), `tombstone` (`query` gives source_ids), or it is just gone."""

    kind: Literal["soft", "tombstone", "snapshot"]
    when: str | None = None
    query: str | None = None

    @model_validator(mode="after")
    def _says_how(self) -> Self:
        for kind, key in (("soft", "when"), ("tombstone", "query")):
            if (self.kind == kind) != (getattr(self, key) is not None):
                raise ValueError(f"{key} where kind is {kind}, and only there")
        return self


class Stamp(_Table):
    """A column that gets the present time with every write of ours, so that other readers see the change."""

    column: str
    kind: Literal["utc", "local", "epoch_ms"]


class Writable(_Table):
    """Where one field may be written: a column of a real table, found by the record's key.

    `filter` picks the row where one key has several (and fills those columns when a row is inserted); `version` is
    a column that must not move between our reading and our writing.
    """

    table: str
    key: str
    column: str
    filter: dict[str, str | int] = {}
    version: str | None = None
    stamp: Stamp | None = None
    on_missing: Literal["insert", "refuse"] = "refuse"


class Creation(_Table):
    """How a new row is made in the table of the writables: fixed values, and a column that takes our key."""

    table: str
    key: str
    reference: str
    defaults: dict[str, str | int] = {}
    stamps: tuple[Stamp, ...] = ()


class RecordProfile(_Table):
    """One record: where its rows are and how they become fields."""

    source: str = Field(alias="from")
    key: str
    where: str | None = None
    changed: Changed | None = None
    deletes: Deletes = Deletes(kind="snapshot")
    window: str | None = None
    columns: dict[str, FieldMapping]
    writable: dict[str, Writable] = {}
    create: Creation | None = None


class Profile(_Table):
    """One vendor. `timezone` is the zone of naive columns; without it, the practice's own."""

    profile: str
    title: str
    dialect: str
    timezone: str | None = None
    session: tuple[str, ...] = ()
    probe: str
    expect: str
    #: The tables of the file by record, in the order of `records.RECORDS`.
    tables: dict[str, RecordProfile] = Field(default={}, exclude=True)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        if zone is not None and zone not in available_timezones():
            raise ValueError("a time zone of the IANA list, as Europe/Berlin")
        return zone


def names() -> list[str]:
    """The profiles that come with Praxistakt."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def find(name: str) -> Path:
    """The file of a shipped profile, or of one of the practice's own (a path that ends in .toml)."""
    path = Path(name) if name.endswith(".toml") else SHIPPED / f"{name}.toml"
    if not path.is_file():
        raise ProfileError(
            [f"found no profile {name!r}, expected {problems.choices(names())}, or a path to a .toml file"]
        )
    return path


def load(path: Path) -> Profile:
    """Read and check a profile; raises ProfileError with all its problems."""
    return _loaded(path.name, path.read_bytes())


@cache
def _loaded(file: str, content: bytes) -> Profile:
    """Checked once per content: every run of a service asks for it again."""
    try:
        given = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError([f"{file}: [] found text that is not TOML ({error}), expected a profile"]) from error
    return parse(file, given)


def parse(file: str, given: Mapping[str, object]) -> Profile:
    """A profile from the tables of its file; `file` is the name that problems are reported under."""
    found: list[str] = []
    tables: dict[str, RecordProfile] = {}
    for resource in (name for name in records.RECORDS if name in given):
        record = _record(file, resource, given[resource], found)
        if record is not None:
            tables[resource] = record
    head = {key: value for key, value in given.items() if key not in records.RECORDS}
    profile = _head(file, head, tables, found)
    if profile is None or found:
        raise ProfileError(found)
    return profile


def _head(
    file: str, head: Mapping[str, object], tables: Mapping[str, RecordProfile], found: list[str]
) -> Profile | None:
    keys = [name for name in Profile.model_fields if name != "tables"]
    found += [
        problems.line(file, (key,), "a key that is not known here", problems.choices([*keys, *records.RECORDS]))
        for key in head
        if key not in keys
    ]
    try:
        return Profile.model_validate({key: head[key] for key in keys if key in head} | {"tables": tables})
    except ValidationError as error:
        found += problems.lines(file, error, (), keys)
        return None


def _record(file: str, resource: str, given: object, found: list[str]) -> RecordProfile | None:
    keys = [field.alias or name for name, field in RecordProfile.model_fields.items()]
    try:
        record = RecordProfile.model_validate(given)
    except ValidationError as error:
        found += problems.lines(file, error, (resource,), keys)
        return None
    found += [
        problems.line(file, (resource, *where), what, expected)
        for where, what, expected in _complaints(resource, record)
    ]
    return record


def _complaints(resource: str, record: RecordProfile) -> list[Complaint]:
    found = mapping.complaints(resource, record.columns)
    if record.window is not None and record.window not in record.columns:
        found.append((("window",), repr(record.window), "a field that [columns] maps"))
    for name in record.writable:
        if name in record.columns and record.columns[name].decoder is not None:
            found.append((("writable", name), "a field with a decoder", "one that can be written as it is read"))
        if name not in record.columns or record.columns[name].expr is None:
            found.append(
                (("writable", name), "a field that is not read", "a field that [columns] reads, to compare with")
            )
    if record.create is not None and not record.writable:
        found.append((("create",), "no writable field", "at least one [writable] field to fill in"))
    return found
