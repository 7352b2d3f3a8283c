"""Which column of a table could hold which field of a record, scored by name, type and values, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from connectors import records
from connectors.pvs.introspect.catalogue import Catalogue, Column, Table
from connectors.pvs.introspect.samples import Sampler
from connectors.pvs.introspect.shapes import Shape
from connectors.pvs.introspect.words import COLUMNS, REFERENCES, likeness, tokens, without_owner
from connectors.pvs.profile import Family

#: Below this a column is no candidate; a person may still find it among the alternatives.
ENOUGH = 0.45

#: Types in which a field may be kept, by the field's own type.
_FAMILIES: dict[pl.DataType, tuple[Family, ...]] = {
    pl.String(): ("text", "integer", "number", "boolean", "any"),
    pl.Int64(): ("integer", "number", "text", "any"),
    pl.Boolean(): ("boolean", "integer", "text", "number", "any"),
    pl.Date(): ("date", "datetime", "instant", "text", "integer", "any"),
    pl.Time(): ("time", "text", "integer", "any"),
    pl.Datetime("us", "UTC"): ("datetime", "instant", "text", "integer", "any"),
}

_MOMENT = {"moment", "moment_german", "epoch_ms", "epoch_s", "date", "date8", "date_german"}
_CLOCK = {"clock", "hhmm", "minutes_of_day"}
_DAY = {"date", "date8", "date_german", "moment", "moment_german"}
_FLAG = {"flag"}

#: Field -> looks of which one must be there; a filled column without any speaks against it.
_EXPECTED: dict[str, set[str]] = {
    "birth_date": {"births", *_DAY}, "phone": {"phone"}, "mobile": {"mobile", "phone"}, "email": {"email"},
    "postal_code": {"postcode"}, "kvnr": {"kvnr"}, "lanr": {"lanr"}, "family_name": {"word"}, "given_name": {"word"},
    "city": {"word"}, "minutes": {"duration"}, "weekday": {"weekday", "weekday_from_0"}, "start_time": _CLOCK,
    "end_time": _CLOCK, "active": _FLAG, "deceased": _FLAG, "bookable_online": _FLAG, "created_at": _MOMENT,
    "changed_at": _MOMENT, "cancelled_at": _MOMENT, "arrived_at": _MOMENT, "started_at": _MOMENT,
    "finished_at": _MOMENT, "service_date": _DAY, "due_date": _DAY, "last_date": _DAY, "date": _DAY, "start": _MOMENT,
    "end": _MOMENT, "status": {"few", "flag", "letter"}, "gender": {"few", "flag", "letter"}, "valid_from": _DAY,
    "valid_to": _DAY, "deceased_on": _DAY, "initials": {"kuerzel"}, "name": {"word"}, "purpose": {"few"},
}  # fmt: skip

#: Looks that make a column a candidate whatever it is called.
_TELLING = {
    "birth_date": "births", "mobile": "mobile", "email": "email", "kvnr": "kvnr", "start": "time_of_day",
}  # fmt: skip

#: Flags that say the opposite of `active`.
INVERTED = ("inaktiv", "inactive", "ausgeschieden", "hidden", "ishidden", "gesperrt", "disabled", "isdisabled")


@dataclass(frozen=True, slots=True)
class Choice:
    """A column for a field: where, how sure (0 to about 1.3), and why."""

    field: str
    table: Table
    column: str
    score: float
    reason: str
    shape: Shape

    @property
    def family(self) -> Family:
        """The family of the column's type."""
        found = self.table.column(self.column)
        return "any" if found is None else found.family

    @property
    def looks(self) -> frozenset[str]:
        """What its values look like."""
        return self.shape.looks


@dataclass(frozen=True, slots=True)
class Ground:
    """What the candidates are judged by: the database, its samples, and the tables chosen so far by record."""

    catalogue: Catalogue
    sampler: Sampler
    chosen: Mapping[str, Table]


def name_score(table: Table, column: str, words: tuple[str, ...]) -> float:
    """How much a column's name is one of the words, with or without the part that repeats its table."""
    parts = tokens(column)
    return max(likeness(parts, words), 0.98 * likeness(without_owner(parts, tokens(table.name)), words))


def candidates(ground: Ground, resource: str, table: Table, *, sampled: bool = True) -> dict[str, list[Choice]]:
    """Field -> the columns that could hold it, the best first. Without samples, by names and types alone."""
    dtypes = records.columns(resource)
    found: dict[str, list[Choice]] = {}
    for field, dtype in dtypes.items():
        if field in REFERENCES:
            choices = _references(ground, field, table, sampled=sampled)
        elif field in COLUMNS:
            fitting = [column for column in table.columns if column.family in _FAMILIES[dtype]]
            choices = [_judge(ground, field, table, column, sampled=sampled) for column in fitting]
        else:
            continue
        good = sorted((one for one in choices if one.score >= 0.3), key=lambda one: -one.score)
        if good:
            found[field] = good
    return found


def _judge(ground: Ground, field: str, table: Table, column: Column, *, sampled: bool) -> Choice:
    words = (*COLUMNS[field], *INVERTED) if field == "active" else COLUMNS[field]
    listed = ground.catalogue.table(table.refers.get(column.name, ""))
    if field == "status" and listed is not None and likeness(tokens(listed.name), words) >= 0.6:
        return Choice(field, table, column.name, 1.2, f"refers to {listed.name}", Shape(0, 0, 0))
    named = name_score(table, column.name, words)
    if not sampled or (named < 0.3 and field not in _TELLING):
        return Choice(field, table, column.name, named, "name", Shape(0, 0, 0))
    if column.name in table.key or column.name in table.refers:
        return Choice(field, table, column.name, named * 0.4, "name, but a key", Shape(0, 0, 0))
    seen = ground.sampler.shape(table, column.name)
    return Choice(field, table, column.name, *_weighed(field, column, named, seen), seen)


def _weighed(field: str, column: Column, named: float, seen: Shape) -> tuple[float, str]:
    """The score of a name after a look at the values, and both in words."""
    why = [f"name {named:.1f}"] if named >= 0.3 else []
    expected = _EXPECTED.get(field, set())
    if seen.empty:
        return named * 0.6, ", ".join([*why, "no values to look at"])
    matched = sorted(expected & seen.looks)
    if matched:
        extra = 0.3 if named >= 0.3 else (0.5 if _TELLING.get(field) in seen.looks else 0.0)
        return named + extra, ", ".join([*why, f"values look like {matched[0]}"])
    if expected and not _type_says(field, column):
        return named * (0.7 if expected == {"word"} else 0.45), ", ".join(
            [*why, f"but values do not look like {' or '.join(sorted(expected))}"]
        )
    if seen.distinct == 1 and seen.filled > 20 and field not in ("country", "active", "deceased"):
        return named * 0.7, ", ".join([*why, "but always the same value"])
    return named, ", ".join([*why, f"type {column.family}"])


def _type_says(field: str, column: Column) -> bool:
    """A real date type needs no look at its values."""
    by_type = {"date": _DAY, "datetime": _MOMENT, "instant": _MOMENT, "time": _CLOCK, "boolean": _FLAG}
    return bool(_EXPECTED[field] & by_type.get(column.family, set()))


def _references(ground: Ground, field: str, table: Table, *, sampled: bool) -> list[Choice]:
    record, words = REFERENCES[field]
    target = ground.chosen.get(record)
    if target is None or target.place == table.place:
        return []
    nothing = Shape(0, 0, 0)
    found: list[Choice] = []
    for column in table.columns:
        if column.name in table.key and len(table.key) == 1:
            continue
        named = max(_bare_score(table, column.name, words), 0.9 * name_score(table, column.name, _key_names(target)))
        if table.refers.get(column.name) == target.place:
            found.append(Choice(field, table, column.name, 1.2 + named / 10, f"refers to {target.name}", nothing))
        elif named >= ENOUGH and column.name not in table.refers:
            share = _share_of_keys(ground, table, column, target) if sampled else None
            score, reason = _compared(named, share, target)
            found.append(Choice(field, table, column.name, score, reason, nothing))
    return found


#: What names of references end with.
_ENDINGS = ("nr", "id", "no", "num", "key", "ref", "fk", "ident")


def _bare_score(table: Table, column: str, words: tuple[str, ...]) -> float:
    """The likeness of a reference's name without the ending that says that it is one."""
    parts = tokens(column)
    bare = parts[:-1] if len(parts) > 1 and parts[-1] in _ENDINGS else parts
    return max(name_score(table, column, words), likeness(bare, words))


def _key_names(target: Table) -> tuple[str, ...]:
    return tuple("".join(tokens(name)) for name in target.key if len(name) > 2)


def _share_of_keys(ground: Ground, table: Table, column: Column, target: Table) -> float | None:
    """A column that is named like a reference: do its values stand as keys in the other table?"""
    return ground.sampler.contained(table, column.name, target, target.key[0]) if len(target.key) == 1 else None


def _compared(named: float, share: float | None, target: Table) -> tuple[float, str]:
    if share is None:
        return named * 0.8, f"name {named:.1f}, not compared"
    score = named + 0.3 if share >= 0.9 else named * (0.3 if share < 0.5 else 0.8)
    return score, f"name {named:.1f}, {share:.0%} of its values are keys of {target.name}"


def assign(found: Mapping[str, list[Choice]]) -> dict[str, Choice]:
    """One column for each field that has a candidate, and no column twice; the surest are given first."""
    listed = sorted((one for choices in found.values() for one in choices), key=lambda one: -one.score)
    given: dict[str, Choice] = {}
    taken: set[tuple[str, str]] = set()
    for one in listed:
        if one.score >= ENOUGH and one.field not in given and (one.table.place, one.column) not in taken:
            given[one.field] = one
            taken.add((one.table.place, one.column))
    return given
