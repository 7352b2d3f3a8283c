"""Which table of an unknown database holds which record: by its name, by its columns, and by what refers to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from connectors.pvs.introspect.catalogue import Catalogue, Table
from connectors.pvs.introspect.catalogue import read as read_catalogue
from connectors.pvs.introspect.fields import Choice, Ground, assign, candidates
from connectors.pvs.introspect.moments import SPANS, Span, span
from connectors.pvs.introspect.samples import Sampler
from connectors.pvs.introspect.words import ASIDE, TABLES, likeness, tokens

#: Masters before what refers to them; a table is chosen for each in this order.
ORDER = (
    "patient", "practitioner", "location", "healthcare_service", "schedule", "appointment", "working_hours", "absence",
    "visit", "recall", "billed_service", "related_person", "consent", "slot",
)  # fmt: skip

#: What makes a table hold a record, with weights; `start` and `end` count as found by any pair of columns.
_TELLING: Mapping[str, Mapping[str, float]] = {
    "patient": {"family_name": 3, "given_name": 3, "birth_date": 4, "gender": 1},
    "practitioner": {"family_name": 3, "given_name": 1, "initials": 1, "lanr": 0.5},
    "location": {"name": 3, "kind": 1},
    "healthcare_service": {"name": 3, "minutes": 2},
    "schedule": {"name": 3, "practitioner_id": 1},
    "appointment": {"start": 3, "end": 2, "patient_id": 3, "status": 2},
    "working_hours": {"start_time": 3, "end_time": 3, "weekday": 3},
    "absence": {"start": 3, "end": 3, "practitioner_id": 1, "schedule_id": 1},
    "visit": {"patient_id": 3, "arrived_at": 3, "started_at": 1, "appointment_id": 1},
    "recall": {"patient_id": 3, "due_date": 3, "name": 1},
    "billed_service": {"patient_id": 3, "code": 3, "service_date": 3},
    "related_person": {"patient_id": 3, "family_name": 2, "given_name": 2, "relationship": 1},
    "consent": {"patient_id": 3, "purpose": 2, "valid_from": 1},
    "slot": {"start": 3, "end": 3, "schedule_id": 2, "status": 1},
}

#: Records that appointments refer to.
_MASTERS = ("practitioner", "location", "healthcare_service", "schedule")

#: Tables that get a look at their values, per record.
_LOOKED_AT = 5
#: From here on a table is taken; below, it is only named.
_TAKEN = 0.5

#: Records whose person may stand in another table that the record's own refers to.
_PERSONS = ("patient", "practitioner", "related_person")
_PERSONAL = (
    "family_name", "given_name", "name_prefix", "birth_date", "gender", "deceased", "kvnr", "phone", "mobile", "email",
    "street", "postal_code", "city",
)  # fmt: skip
#: Records whose columns alone tell enough; a table for another must be called something like it.
_KNOWN_BY_COLUMNS = ("patient", "appointment")
_NAMED = 0.4


@dataclass(frozen=True, slots=True)
class Join:
    """A table that the record's own refers to by `column`, and that holds some of its fields."""

    table: Table
    column: str


@dataclass(frozen=True, slots=True)
class Match:
    """A record's table, its fields, and what else came into question (tables by name, columns by field)."""

    record: str
    table: Table
    score: float
    fields: dict[str, Choice]
    span: Span | None = None
    joins: tuple[Join, ...] = ()
    other_tables: tuple[str, ...] = ()
    other_columns: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """All that was found: matches by record, and the nearest tables of records that were not."""

    catalogue: Catalogue
    matches: dict[str, Match]
    nearest: dict[str, tuple[str, ...]]


def search(connection: sa.Connection) -> tuple[Found, Sampler]:
    """Look at a database and say which table holds which record. Reads names of all tables and values of a few.

    The appointments are looked for twice: what they refer to tells the other tables, and those tell their columns.
    """
    catalogue = read_catalogue(connection)
    sampler = Sampler(connection, catalogue)
    chosen: dict[str, Table] = {}
    matches: dict[str, Match] = {}
    nearest: dict[str, tuple[str, ...]] = {}
    for record in ("patient", "appointment", *ORDER):
        ground = Ground(catalogue, sampler, {name: table for name, table in chosen.items() if name != record})
        ranked = _ranked(ground, record)
        matches.pop(record, None)
        chosen.pop(record, None)
        if ranked and ranked[0].score >= _TAKEN:
            others = tuple(one.table.name for one in ranked[1:4] if one.score >= 0.4)
            matches[record] = _with(ranked[0], others)
            chosen[record] = ranked[0].table
        else:
            nearest[record] = tuple(one.table.name for one in ranked[:3])
    return Found(catalogue, matches, nearest), sampler


def _with(match: Match, others: tuple[str, ...]) -> Match:
    return Match(
        match.record, match.table, match.score, match.fields, match.span, match.joins, others, match.other_columns
    )


def _ranked(ground: Ground, record: str) -> list[Match]:
    """The likeliest tables of a record, judged by their values too, best first."""
    named = {table.place: table_name_score(table, record) for table in ground.catalogue.tables}
    able = [table for table in ground.catalogue.tables if record in _KNOWN_BY_COLUMNS or named[table.place] >= _NAMED]
    first = sorted(
        able,
        key=lambda table: -(named[table.place] + _coverage(ground, record, table, sampled=False)),
    )
    judged = [_match(ground, record, table, named[table.place]) for table in first[:_LOOKED_AT]]
    return sorted(judged, key=lambda match: -match.score)


def table_name_score(table: Table, record: str) -> float:
    """How much a table's name says that it holds the record; copies and logs count little."""
    parts = tokens(table.name)
    found = likeness(parts, TABLES[record])
    aside = any(part in ASIDE for part in parts) or likeness(parts[-1:], ASIDE) >= 0.8
    better = max((likeness(parts, words) for other, words in TABLES.items() if other != record), default=0.0)
    return found * (0.3 if aside else 1.0) * (0.6 if better > found else 1.0)


def _coverage(ground: Ground, record: str, table: Table, *, sampled: bool) -> float:
    return _covered(record, assign(candidates(ground, record, table, sampled=sampled)), None)


def _covered(record: str, given: Mapping[str, Choice], interval: Span | None) -> float:
    """The share of the telling fields that have a column, each by its score."""
    telling = _TELLING[record]
    scores = {name: min(1.0, choice.score) for name, choice in given.items()}
    if interval is not None:
        scores |= {"start": 1.0, "end": 1.0 if interval.end else 0.0}
    return sum(weight * scores.get(name, 0.0) for name, weight in telling.items()) / sum(telling.values())


def _match(ground: Ground, record: str, table: Table, named: float) -> Match:
    listed = candidates(ground, record, table)
    interval = span(ground.sampler, table) if record in SPANS else None
    if record in SPANS:
        listed = {name: choices for name, choices in listed.items() if name not in ("start", "end")}
        used = set(interval.columns) if interval else set()
        listed = {name: [one for one in choices if one.column not in used] for name, choices in listed.items()}
    given = assign(listed)
    joins = _joins(ground, record, table, given) if record in _PERSONS else ()
    score = 0.4 * named + 0.6 * _covered(record, given, interval)
    if ground.sampler.rows(table) == 0:
        score *= 0.7
    if any(table.place == chosen.place for chosen in ground.chosen.values()):
        score *= 0.6
    if record in _MASTERS and "appointment" in ground.chosen:
        score *= _referred_to(ground, table)
    return Match(record, table, score, given, interval, joins, other_columns=_others(listed, given))


def _referred_to(ground: Ground, table: Table) -> float:
    """Appointments that declare their references, that to patients too, speak against a table that they do not name."""
    named = ground.chosen["appointment"].refers.values()
    if table.place in named:
        return 1.2
    patients = ground.chosen.get("patient")
    return 0.5 if patients is not None and patients.place in named else 1.0


def _others(listed: Mapping[str, list[Choice]], given: Mapping[str, Choice]) -> dict[str, list[str]]:
    """Columns that came into question for a field and were not taken."""
    return {
        name: [one.column for one in choices if given.get(name) is None or one.column != given[name].column][:3]
        for name, choices in listed.items()
    }


def _joins(ground: Ground, record: str, table: Table, given: dict[str, Choice]) -> tuple[Join, ...]:
    """Tables that the record's own refers to and that know the person better; `given` gets their fields too."""
    best: dict[str, tuple[Join, Choice]] = {}
    for column, place in table.refers.items():
        other = ground.catalogue.table(place)
        if other is None or other.place == table.place or len(other.key) != 1:
            continue
        for name, choice in assign(candidates(ground, record, other)).items():
            if name in _PERSONAL and choice.score > max(
                _score(given, name), best[name][1].score if name in best else 0
            ):
                best[name] = (Join(other, column), choice)
    joins = Counter(join.column for join, _ in best.values())
    taken = {column for column, fields in joins.most_common(2) if fields >= 2}
    given.update({name: choice for name, (join, choice) in best.items() if join.column in taken})
    kept = {join.column: join for join, _ in best.values() if join.column in taken}
    return tuple(kept.values())


def _score(given: Mapping[str, Choice], name: str) -> float:
    return given[name].score if name in given else 0.0


def used_columns(match: Match) -> Iterable[tuple[Table, str]]:
    """Every column that a match reads, with its table."""
    yield from ((match.table, column) for column in match.table.key)
    yield from ((choice.table, choice.column) for choice in match.fields.values())
    if match.span is not None:
        yield from ((match.table, column) for column in match.span.columns)
    for join in match.joins:
        yield match.table, join.column
        yield join.table, join.table.key[0]
