"""practice.toml as objects: everything in it is looked at when it is loaded, and all errors are told at once.

Each problem is one line: file, table, key, what was found, what was expected.

    practice.toml: [schedule] pol_seconds: unknown key; did you mean poll_seconds?
    practice.toml: [[calendars]] demir location: found 'mark', expected one of markt
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
import tomllib
import typing
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from pipelines.errors import SettingsError

FILE_NAME = "practice.toml"

#: The German Länder by the codes of ISO 3166-2:DE, which the library `holidays` uses too.
State = Literal["BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV", "NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


def _time_of_day(value: object) -> object:
    """TOML has times of its own (`02:30:00`); people write `"02:30"`."""
    if isinstance(value, str) and re.fullmatch(r"\d\d?:\d\d", value):
        hours, minutes = (int(part) for part in value.split(":"))
        if hours < 24 and minutes < 60:
            return dt.time(hours, minutes)
    if isinstance(value, dt.time):
        return value
    raise ValueError("expected a time of day like 07:30")


def _clock_text(value: dt.time) -> str:
    return f"{value:%H:%M}"


TimeOfDay = Annotated[dt.time, BeforeValidator(_time_of_day), PlainSerializer(_clock_text, return_type=str)]


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Local wall time [start, end). One that ends before it starts passes midnight."""

    start: dt.time
    end: dt.time

    def __contains__(self, time: dt.time) -> bool:
        if self.start <= self.end:
            return self.start <= time < self.end
        return time >= self.start or time < self.end

    def __str__(self) -> str:
        return f"{_clock_text(self.start)}-{_clock_text(self.end)}"


def _time_range(value: object) -> TimeRange:
    if isinstance(value, TimeRange):
        return value
    parts = value.split("-") if isinstance(value, str) else []
    try:
        start, end = (_time_of_day(part.strip()) for part in parts)
    except ValueError:
        raise ValueError("expected two times of day like 08:00-12:00") from None
    if start == end:
        raise ValueError("starts and ends at the same time")
    return TimeRange(typing.cast("dt.time", start), typing.cast("dt.time", end))


Range = Annotated[TimeRange, BeforeValidator(_time_range), PlainSerializer(str, return_type=str)]


class _Table(BaseModel):
    """A table of practice.toml: fixed once loaded, no key beyond those named here."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class ExtraHoliday(_Table):
    """A day off that the Land's list does not have (a local feast)."""

    date: dt.date
    name: Name


class Location(_Table):
    """A site of the practice, with what decides its holidays and its opening hours by weekday."""

    name: Name
    state: State
    categories: tuple[Literal["public", "catholic"], ...] = ("public",)
    holidays_add: tuple[ExtraHoliday, ...] = ()
    holidays_remove: tuple[dt.date | Name, ...] = ()
    opening_hours: Mapping[Weekday, tuple[Range, ...]] = Field(default_factory=dict)

    @pydantic.field_validator("opening_hours")
    @classmethod
    def _in_order(cls, hours: Mapping[Weekday, tuple[TimeRange, ...]]) -> Mapping[Weekday, tuple[TimeRange, ...]]:
        for day, ranges in hours.items():
            edges = [edge for span in sorted(ranges, key=lambda span: span.start) for edge in (span.start, span.end)]
            if edges != sorted(edges):
                raise ValueError(f"{day}: hours overlap or pass midnight")
        return hours


class Closure(_Table):
    """Days (`end` included) on which a location, or without one the whole practice, is closed."""

    start: dt.date
    end: dt.date
    name: Name
    location: Key | None = None


class Source(BaseModel):
    """A foreign system. The keys that belong to its `kind` are looked at by `connectors.registry`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str
    title: Name


class Calendar(_Table):
    """A calendar that counts: a person, a room or a device, and which system's appointments lead."""

    key: Key
    name: Name
    kind: Literal["person", "room", "device"]
    location: Key
    capacity: int = Field(default=1, ge=1, le=99)
    leads: Literal["pvs", "platform", "both"] = "pvs"
    schedules: Mapping[str, str]


class Schedule(_Table):
    """When what happens by itself; times of day are local, `quiet_hours` keep polls away.

    A regular run waits `silent_seconds` for a source that says nothing, and `source_seconds` for one that is slow.
    """

    poll_seconds: int = Field(default=30, ge=5, le=3600)
    silent_seconds: float = Field(default=20, gt=0, le=600)
    source_seconds: float = Field(default=120, gt=0, le=840)
    full_at: TimeOfDay = dt.time(2, 30)
    snapshot_at: TimeOfDay = dt.time(7, 0)
    quiet_hours: tuple[Range, ...] = ()


class Rules(_Table):
    """Figures that decide what counts as what; `removal_share` is the part of a table whose removal needs a yes."""

    late_cancel_hours: int = Field(default=24, ge=0, le=24 * 14)
    infer_no_show: bool = False
    window_back_days: int = Field(default=14, ge=0, le=366)
    window_ahead_months: int = Field(default=24, ge=1, le=60)
    removal_share: float = Field(default=0.2, gt=0, le=1)


class Serve(_Table):
    """Where the pages listen. Beyond this machine only with a certificate."""

    host: str = "127.0.0.1"
    port: int = Field(default=8501, ge=1024, le=65535)
    certificate: str | None = None
    certificate_key: str | None = None


class Sandbox(_Table):
    """Only in a demo practice: where the played other side lies, outside the practice's folder."""

    folder: str


class Settings(_Table):
    """All of practice.toml. `source_tables` gives the tables of the sources as they stand in the file."""

    name: Name
    timezone: str = "Europe/Berlin"
    key_check: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    locations: Mapping[Key, Location] = Field(min_length=1)
    closures: tuple[Closure, ...] = ()
    sources: Mapping[Key, Source] = Field(min_length=1)
    calendars: tuple[Calendar, ...] = ()
    schedule: Schedule = Schedule()
    rules: Rules = Rules()
    serve: Serve = Serve()
    sandbox: Sandbox | None = None

    @property
    def source_tables(self) -> dict[str, dict[str, Any]]:
        """The table of each source, by its name, in the order of the file."""
        return {name: source.model_dump() for name, source in self.sources.items()}


def load(text: str, folder: Path | None = None) -> Settings:
    """The settings in a practice.toml.

    :param folder: where the file lies; paths of sources that are not absolute begin there.
    :raises SettingsError: with every problem of the file, of the sources' tables too.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{FILE_NAME}: not TOML: {error}"]) from error
    if folder is not None:
        raw = _anchored(raw, folder)
    problems = _source_problems(raw)
    try:
        settings = Settings.model_validate(raw)
    except pydantic.ValidationError as error:
        problems = [*(_sentence(problem, raw) for problem in error.errors()), *problems]
        raise SettingsError(_own(problems)) from None
    problems += _contradictions(settings)
    if problems:
        raise SettingsError(_own(problems))
    return settings


def _anchored(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    from connectors import registry  # noqa: PLC0415

    tables = raw.get("sources")
    if not isinstance(tables, dict):
        return raw
    seen = {name: registry.anchored(one, folder) if isinstance(one, dict) else one for name, one in tables.items()}
    return {**raw, "sources": seen}


def _own(problems: Iterable[str]) -> list[str]:
    return [text if text.startswith(FILE_NAME) else f"{FILE_NAME}: {text}" for text in dict.fromkeys(problems)]


def _source_problems(raw: Mapping[str, Any]) -> list[str]:
    """What the connectors say about each source's table; a broken one must not hide the others' problems."""
    from connectors import registry  # noqa: PLC0415  (loads what each kind of source needs; only where a file is checked)

    tables = raw.get("sources")
    if not isinstance(tables, dict):
        return []
    found = []
    for name, table in tables.items():
        if isinstance(table, dict):
            lines = registry.problems(name, table)
            found += [line if line.startswith("[") else f"[sources.{name}] {line}" for line in lines]
    return found


def _contradictions(settings: Settings) -> list[str]:
    """What each table alone cannot know."""
    return [
        *_zone_problems(settings),
        *_closure_problems(settings),
        *_calendar_problems(settings),
        *_serve_problems(settings.serve),
    ]


def _zone_problems(settings: Settings) -> Iterator[str]:
    try:
        zoneinfo.ZoneInfo(settings.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        yield f"timezone: found {settings.timezone!r}, expected a name like 'Europe/Berlin'"


def _closure_problems(settings: Settings) -> Iterator[str]:
    for closure in settings.closures:
        where = f"[[closures]] {closure.start}"
        if closure.end < closure.start:
            yield f"{where} end: found {closure.end}, expected a day not before the start"
        if closure.location is not None and closure.location not in settings.locations:
            yield f"{where} location: {_not_among(closure.location, settings.locations)}"


def _calendar_problems(settings: Settings) -> Iterator[str]:
    keys: set[str] = set()
    owners: dict[tuple[str, str], str] = {}
    for calendar in settings.calendars:
        where = f"[[calendars]] {calendar.key}"
        if calendar.key in keys:
            yield f"{where} key: stands there twice"
        keys.add(calendar.key)
        if calendar.location not in settings.locations:
            yield f"{where} location: {_not_among(calendar.location, settings.locations)}"
        for schedule in calendar.schedules.items():
            if schedule[0] not in settings.sources:
                yield f"{where} schedules: {_not_among(schedule[0], settings.sources)}"
            if owners.setdefault(schedule, calendar.key) != calendar.key:
                yield f"{where} schedules: {schedule[0]} = {schedule[1]!r} belongs to {owners[schedule]} already"


def _serve_problems(serve: Serve) -> Iterator[str]:
    if (serve.certificate is None) != (serve.certificate_key is None):
        yield "[serve] certificate and certificate_key: one stands there without the other"
    if serve.certificate is None and serve.host not in ("127.0.0.1", "::1", "localhost"):
        yield f"[serve] host: found {serve.host!r}, expected 127.0.0.1: other machines only with a certificate"


def _not_among(found: str, expected: Iterable[str]) -> str:
    return f"found {found!r}, expected one of {', '.join(expected)}"


def _sentence(problem: Mapping[str, Any], raw: Mapping[str, Any]) -> str:
    """One of pydantic's problems in our words: where, what was found, what was expected."""
    *table, key = problem["loc"]
    where = f"{_table_name(table, raw)}{key}"
    match problem["type"]:
        case "extra_forbidden":
            return f"{where}: unknown key{_suggestion(str(key), _fields_at(table))}"
        case "missing":
            return f"{where}: missing"
        case "literal_error":
            return f"{where}: found {problem['input']!r}, expected {problem['ctx']['expected']}"
        case "value_error":
            return f"{where}: found {problem['input']!r}, {problem['ctx']['error']}"
        case _:
            return f"{where}: found {problem['input']!r}, {problem['msg'][0].lower()}{problem['msg'][1:]}"


def _table_name(path: Sequence[str | int], raw: Mapping[str, Any]) -> str:
    """`[locations.markt] ` or `[[calendars]] demir `; entries of a list are named by their key, else counted."""
    if not path:
        return ""
    numbered = next((at for at, step in enumerate(path) if isinstance(step, int)), None)
    if numbered != 1:
        return f"[{'.'.join(str(step) for step in path)}] "
    entries: Any = raw[str(path[0])]
    position = int(path[1])
    entry = entries[position]
    name = entry.get("key") if isinstance(entry, dict) else None
    inner = "".join(f"{step} " for step in path[2:])
    return f"[[{path[0]}]] {name or f'number {position + 1}'} {inner}"


def _suggestion(found: str, expected: Iterable[str]) -> str:
    near = difflib.get_close_matches(found, list(expected), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _fields_at(path: Sequence[str | int]) -> Iterable[str]:
    """The keys that the table at this path may hold."""
    model: type[BaseModel] = Settings
    steps = iter(path)
    for step in steps:
        annotation = model.model_fields[str(step)].annotation
        inner = _model_in(annotation)
        if inner is None:
            return ()
        if annotation is not inner and typing.get_origin(annotation) is not typing.Union and not _optional(annotation):
            next(steps, None)  # the key or the position of the entry
        model = inner
    return model.model_fields


def _optional(annotation: object) -> bool:
    return type(None) in typing.get_args(annotation)


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The table inside `Mapping[str, Location]`, `tuple[Calendar, ...]`, `Sandbox | None` or `Rules`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(part) for part in typing.get_args(annotation))
    return next((model for model in inner if model is not None), None)
