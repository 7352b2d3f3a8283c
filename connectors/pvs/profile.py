"""A profile: one vendor's tables, columns, codes and writables, as TOML without code.

Loading checks everything and reports all problems at once (`ProfileError.problems`), each as
`file: [table.key] found ..., expected ...`. What a profile may say is what the models below hold; expressions are SQL
of the vendor's dialect. Profiles that come with Praxistakt lie in `profiles/`; docs/profiles.md is the reference.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from connectors import mapping, problems, records
from connectors.errors import ProfileError
from connectors.mapping import Complaint, FieldMapping
from connectors.pvs.decoders import EXPANDERS

SHIPPED = Path(__file__).parent / "profiles"

#: Stands in a draft where a person has to say something; a profile with one left is none yet.
HOLE = "???"

#: The shortest overlap of a cursor in local time: in October an hour comes twice, and clocks are not exact.
LOCAL_OVERLAP = 75 * 60

#: What a column holds, whatever the vendor's database calls it. `datetime` has no zone, `instant` has one.
Family = Literal["text", "integer", "number", "boolean", "date", "time", "datetime", "instant", "binary", "any"]

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
    """How a row goes: `soft` (`when` holds on it), `tombstone` (`query` gives source_ids), or it is just gone.

    With `since`, the query's second column is `changed`, written as the record's cursor is: then only tombstones since
    the last reading are asked for, not those of all years.
    """

    kind: Literal["soft", "tombstone", "snapshot"]
    when: str | None = None
    query: str | None = None
    since: bool = False

    @model_validator(mode="after")
    def _says_how(self) -> Self:
        for kind, key in (("soft", "when"), ("tombstone", "query")):
            if (self.kind == kind) != (getattr(self, key) is not None):
                raise ValueError(f"{key} where kind is {kind}, and only there")
        if self.since and self.kind != "tombstone":
            raise ValueError("since where kind is tombstone, and only there")
        return self


#: A value that stands in a profile as it stands in the vendor's column.
Plain = bool | int | str


class Stamp(_Table):
    """A column that gets the present time with every write of ours, so that other readers see the change."""

    column: str
    kind: Literal["utc", "local", "epoch_ms"]


class Through(_Table):
    """A row between the record and the row that is written: its `column` holds what stands in the writable's key."""

    table: str
    key: str
    column: str


class Insertion(_Table):
    """What a new row gets beside the key, the filter and the value; its stamps stand for the writable's own."""

    defaults: dict[str, Plain] = {}
    stamps: tuple[Stamp, ...] = ()


class Writable(_Table):
    """Where one field may be written: a column of a real table, found by the record's key.

    `through` leads from the record's key to the table's where they differ. `filter` picks the row where one key has
    several (and fills those columns when a row is inserted), `order` the first of those that are left, as the reading
    does; without it, more than one row is refused. `also` are columns that repeat the value. `version` is a column that
    must not move between our reading and our writing.
    """

    table: str
    key: str
    column: str
    through: Through | None = None
    filter: dict[str, Plain] = {}
    order: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    version: str | None = None
    stamp: Stamp | None = None
    on_missing: Literal["insert", "refuse"] = "refuse"
    insert: Insertion = Insertion()


class Creation(_Table):
    """How a new row is made in the table of the writables: fixed values, and a column that takes our key."""

    table: str
    key: str
    reference: str
    defaults: dict[str, Plain] = {}
    stamps: tuple[Stamp, ...] = ()


class RecordProfile(_Table):
    """One record: where its rows are and how they become fields.

    `expand` names a decoder that makes several rows of one (`connectors.pvs.decoders.EXPANDERS`); its own columns are
    `packed`. `paste_order` are the fields in the order in which the vendor's form asks for them. `open_url` opens the
    record in the vendor's software: `{id}` is its source_id, which must fit `id_pattern`, `{host}` is the practice's.
    `window_day` is the day of the window's field as `yyyymmdd`, where the field itself cannot be compared in SQL.
    """

    source: str = Field(alias="from")
    key: str
    where: str | None = None
    expand: str | None = None
    packed: dict[str, str] = {}
    paste_order: tuple[str, ...] = ()
    open_url: str | None = None
    id_pattern: str = "[0-9]+"
    changed: Changed | None = None
    deletes: Deletes = Deletes(kind="snapshot")
    window: str | None = None
    window_day: str | None = None
    columns: dict[str, FieldMapping]
    writable: dict[str, Writable] = {}
    create: Creation | None = None


class Profile(_Table):
    """One vendor. Its SQL is that of `dialect`, and holds in `also_dialects` too. `timezone` is the zone of naive
    columns; without it, the practice's own.

    `probe` must give `expect`, and the `version` that stands in the database must not be older than `min_version`.
    `fingerprint` has the tables and columns that the profile reads, with the family of their types. A profile that is
    not `verified` is a draft: nobody has run it against the vendor's software.
    """

    profile: str
    title: str
    dialect: str
    also_dialects: tuple[str, ...] = ()
    timezone: str | None = None
    session: tuple[str, ...] = ()
    probe: str
    expect: str
    version: str | None = None
    min_version: str | None = None
    verified: bool = True
    fingerprint: dict[str, dict[str, Family]] = {}
    #: The tables of the file by record, in the order of `records.RECORDS`.
    tables: dict[str, RecordProfile] = Field(default={}, exclude=True)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        if zone is not None and zone not in available_timezones():
            raise ValueError("a time zone of the IANA list, as Europe/Berlin")
        return zone

    @field_validator("min_version")
    @classmethod
    def _numbers(cls, version: str | None) -> str | None:
        if version is not None and not numbers(version):
            raise ValueError("a version with numbers, as 24.3")
        return version


def numbers(version: str) -> tuple[int, ...]:
    """`24.3.12` and `v24_3` as numbers that compare as versions do."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


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
    found = list(_holes(file, given))
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


def _holes(file: str, given: object, place: tuple[str, ...] = ()) -> Iterator[str]:
    """Every hole that a draft still has, but those in code maps: what a code may mean is said with them."""
    if isinstance(given, Mapping):
        for key, value in given.items():
            if key != "map":
                yield from _holes(file, value, (*place, key))
    elif isinstance(given, str) and HOLE in given:
        yield problems.line(file, place, f"a hole ({HOLE})", "what stands for it in this software's tables")


def _head(
    file: str, head: Mapping[str, object], tables: Mapping[str, RecordProfile], found: list[str]
) -> Profile | None:
    keys = [name for name in Profile.model_fields if name != "tables"]
    found += [
        problems.line(file, (key,), "a key that is not known here", problems.choices([*keys, *records.RECORDS]))
        for key in head
        if key not in keys
    ]
    if ("version" in head) != ("min_version" in head):
        lacking = "version" if "min_version" in head else "min_version"
        found.append(problems.line(file, (lacking,), "nothing", "version (a query) and min_version, or none of both"))
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
    if record.deletes.since and record.changed is None:
        found.append((("deletes", "since"), "no cursor", "[changed] to say since when"))
    found += _writable_complaints(record)
    if record.window_day is not None and record.window is None:
        found.append((("window_day",), "no window", "[window] too: the field whose day it is"))
    return found + _expand_complaints(record) + _handling_complaints(record)


def _writable_complaints(record: RecordProfile) -> list[Complaint]:
    found: list[Complaint] = []
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


def _expand_complaints(record: RecordProfile) -> list[Complaint]:
    filled = EXPANDERS[record.expand].fills if record.expand in EXPANDERS else ()
    unfilled: list[Complaint] = [
        (("columns", name), "a field that nothing unpacks", problems.choices(filled) if filled else "an expr")
        for name, field in record.columns.items()
        if field.unpacked and name not in filled
    ]
    if record.expand is None:
        return unfilled + ([(("packed",), "packed columns", "none without expand")] if record.packed else [])
    if record.expand not in EXPANDERS:
        return [(("expand",), repr(record.expand), problems.choices(sorted(EXPANDERS)))]
    needs = EXPANDERS[record.expand].packed
    found: list[Complaint] = [
        (("packed", name), "nothing", f"a column for {record.expand}") for name in needs if name not in record.packed
    ]
    if record.writable:
        found.append((("writable",), "writable fields", "none in a record whose rows are expanded"))
    return unfilled + found


def _handling_complaints(record: RecordProfile) -> list[Complaint]:
    """About what people do with a record in the vendor's own software."""
    found: list[Complaint] = [
        (("paste_order",), repr(name), "fields that [columns] maps")
        for name in record.paste_order
        if name not in record.columns
    ]
    if record.open_url is not None and "{id}" not in record.open_url:
        found.append((("open_url",), "no {id}", "a place for the record's key"))
    try:
        re.compile(record.id_pattern)
    except re.error as error:
        found.append((("id_pattern",), f"no pattern ({error.msg})", "a regular expression"))
    return found


def open_url(record: RecordProfile, source_id: str, host: str) -> str | None:
    """The address that opens a record in the vendor's software; None without one, or if the key is not of its form."""
    if record.open_url is None or re.fullmatch(record.id_pattern, source_id) is None:
        return None
    return record.open_url.replace("{host}", host).replace("{id}", source_id)
