"""What was found in an unknown database as the TOML draft of a profile: every choice with its reason, holes as holes.

A hole is `"???"`: nothing was found, or only the practice can know it. Loading a profile names every hole that is left.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from connectors import records
from connectors.pvs import fingerprint
from connectors.pvs.introspect import codes, moments
from connectors.pvs.introspect.catalogue import Column, Table
from connectors.pvs.introspect.fields import INVERTED, Choice, name_score
from connectors.pvs.introspect.samples import Sampler
from connectors.pvs.introspect.tables import Found, Match, used_columns
from connectors.pvs.introspect.words import DELETED, ROOMS, likeness, tokens
from connectors.pvs.profile import HOLE, Family

_PROBES = {
    "sqlite": "SELECT count(*) FROM pragma_table_info('{table}') WHERE name IN ({columns})",
    "mysql": "SELECT count(*) FROM information_schema.columns WHERE table_schema = DATABASE()"
    " AND table_name = '{table}' AND column_name IN ({columns})",
    "odbc": "SELECT count(*) FROM {table} WHERE 1 = 0",
    "": "SELECT count(*) FROM information_schema.columns WHERE table_schema = '{schema}' AND table_name = '{table}'"
    " AND column_name IN ({columns})",
}

Quote = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Draft:
    """The text of a profile that still needs a person; `records` are those that it speaks of, `holes` their places."""

    text: str
    tables: int
    columns: int
    records: dict[str, str]
    holes: tuple[str, ...]


def draft(found: Found, sampler: Sampler, quote: Quote, name: str = "praxis") -> Draft:
    """Write a profile for what was found. `quote` puts a name into the database's own quotes where it needs them."""
    writer = _Writer(found, sampler, quote)
    lines = [*_head(found, name), *writer.all_records(), *_missing(found), *writer.fingerprint()]
    columns = sum(len(table.columns) for table in found.catalogue.tables)
    tables = {record: match.table.name for record, match in writer.matches.items()}
    return Draft("\n".join(lines) + "\n", len(found.catalogue.tables), columns, tables, tuple(writer.holes))


def text(value: str) -> str:
    """A TOML string; JSON's escapes are TOML's too."""
    return json.dumps(value, ensure_ascii=False)


def _head(found: Found, name: str) -> Iterator[str]:
    dbms = found.catalogue.dbms
    yield f"# Draft of a profile: {len(found.catalogue.tables)} tables were looked at, values of a few of them too."
    yield f'# Look at every line. "{HOLE}" is a hole: `praxistakt map test` names each that is left.'
    yield ""
    yield f"profile = {text(name)}"
    yield f"title = {text('Praxissoftware ' + name)}"
    yield f"dialect = {text(dbms)}"
    yield 'timezone = "Europe/Berlin"  # of columns without a zone; "UTC" if all appointments look shifted'
    yield from _probe(found)


def _probe(found: Found) -> Iterator[str]:
    """The columns of the appointments (or of whatever was found) stand for the version of the software."""
    match = found.matches.get("appointment") or next(iter(found.matches.values()), None)
    if match is None:
        yield f'probe = "{HOLE}"'
        yield f'expect = "{HOLE}"'
        return
    columns = sorted({column for table, column in used_columns(match) if table.place == match.table.place})
    form = _PROBES.get(found.catalogue.dbms, _PROBES[""])
    listed = ", ".join(f"'{column}'" for column in columns)
    probe = form.format(schema=match.table.schema, table=match.table.name, columns=listed)
    yield f"probe = {text(probe)}"
    yield f'expect = "{0 if found.catalogue.dbms == "odbc" else len(columns)}"'


def _missing(found: Found) -> Iterator[str]:
    """Records without a table, so that nobody thinks they were forgotten."""
    yield ""
    yield "# Not found (nothing is said about them, and that is allowed):"
    for record, nearest in found.nearest.items():
        if record not in found.matches:
            yield f"#   {record}" + (f": the nearest was {', '.join(nearest)}" if nearest else "")


class _Writer:
    """Writes the records one after the other and keeps a list of the holes."""

    def __init__(self, found: Found, sampler: Sampler, quote: Quote) -> None:
        self.matches = found.matches
        self.holes: list[str] = []
        self._found = found
        self._sampler = sampler
        self._quote = quote
        self._dbms = found.catalogue.dbms

    def all_records(self) -> Iterator[str]:
        for record in records.RECORDS:
            if record in self.matches:
                yield from self._record(self.matches[record])
        if "schedule" not in self.matches and "practitioner" in self.matches:
            yield from self._schedule_of_practitioners()

    def fingerprint(self) -> Iterator[str]:
        """The columns that the draft reads, with the families of their types."""
        used: dict[str, dict[str, Family]] = {}
        for match in self.matches.values():
            mark = _mark(match.table)
            for table, column in (*used_columns(match), *([(match.table, mark.name)] if mark else [])):
                known = table.column(column)
                if known is not None:
                    used.setdefault(self._name(table, quoted=False), {})[column] = known.family
        yield ""
        yield "# What these tables look like now; a difference after an update is named before anything is read."
        yield ""
        yield from fingerprint.as_toml({table: dict(sorted(own.items())) for table, own in sorted(used.items())}).split(
            "\n"
        )

    # One record

    def _record(self, match: Match) -> Iterator[str]:
        alias = _aliases(match)
        yield ""
        yield f"[{match.record}]  # {_why(match)}"
        yield f"from = {text(self._from(match, alias))}"
        yield f"key = {text(self._key(match, alias))}"
        yield from self._twice(match)
        interval = match.span
        if interval is not None and moments.is_plain(interval):
            yield 'window = "start"'
        elif interval is not None:
            yield "# no window: `start` is put together from texts, so every reading reads the whole table"
        yield from self._deletes(match, alias)
        yield from self._changed(match, alias)
        yield ""
        yield f"[{match.record}.columns]"
        yield from self._span(match, alias)
        for field in records.columns(match.record):
            if field in match.fields and field not in records.codes(match.record):
                yield self._field(match, match.fields[field], alias)
        yield from self._absent(match)
        if match.record == "location" and "kind" not in match.fields and _are_rooms(match.table):
            yield f'kind = {{ const = "room" }}  # {match.table.name}: name'
        for field in records.codes(match.record):
            if field in match.fields:
                yield from self._coded(match, match.fields[field], alias)

    def _from(self, match: Match, alias: dict[str, str]) -> str:
        base = match.table
        parts = [f"{self._name(base)} {alias[base.place]}"]
        for join in match.joins:
            other = alias[join.table.place]
            key = self._quote(join.table.key[0])
            column = f"{alias[base.place]}.{self._quote(join.column)}"
            parts.append(f"LEFT JOIN {self._name(join.table)} {other} ON {other}.{key} = {column}")
        return " ".join(parts)

    def _name(self, table: Table, *, quoted: bool = True) -> str:
        name = self._quote(table.name) if quoted else table.name
        schema = self._quote(table.schema) if quoted else table.schema
        return name if table.schema in ("", self._found.catalogue.home) else f"{schema}.{name}"

    def _key(self, match: Match, alias: dict[str, str]) -> str:
        columns = [f"{alias[match.table.place]}.{self._quote(column)}" for column in match.table.key]
        if not columns:
            return self._hole(f"{match.record}.key")
        if len(columns) == 1:
            return columns[0]
        if self._dbms in ("mysql", "mssql"):
            return "concat(" + ", '/', ".join(columns) + ")"
        return " || '/' || ".join(columns)

    def _hole(self, place: str) -> str:
        self.holes.append(place)
        return HOLE

    def _twice(self, match: Match) -> Iterator[str]:
        """Two records in one table need a condition that tells them apart, which only a person knows."""
        others = [
            one.record
            for one in self.matches.values()
            if one.table.place == match.table.place and one.record != match.record
        ]
        if others:
            yield f"where = {text(self._hole(f'{match.record}.where'))}  # the table also holds {', '.join(others)}"

    def _deletes(self, match: Match, alias: dict[str, str]) -> Iterator[str]:
        """A mark that a row was deleted; without one, rows are taken to vanish."""
        column = _mark(match.table)
        if column is None:
            return
        expression = f"{alias[match.table.place]}.{self._quote(column.name)}"
        shape = self._sampler.shape(match.table, column.name)
        if column.family == "boolean":
            when = expression
        elif shape.looks & {"whole"} or column.family in ("integer", "number") or shape.empty:
            when = f"{expression} = 1"
        elif shape.looks & {"moment", "date", "date8"}:
            when = f"{expression} IS NOT NULL"
        else:
            when = f"{expression} IN ('J', 'j', 'Y', 'y', '1')"
        yield f'deletes = {{ kind = "soft", when = {text(when)} }}  # {column.name}: name'

    def _changed(self, match: Match, alias: dict[str, str]) -> Iterator[str]:
        """A time of change is never trusted before it was watched: `weak` reads the window besides."""
        choice = match.fields.get("changed_at")
        if choice is None or choice.table.place != match.table.place:
            return
        kinds = {"datetime": "local", "instant": "utc"}
        kind = "epoch_ms" if "epoch_ms" in choice.looks else kinds.get(choice.family)
        if kind is None and "moment" in choice.looks:
            kind = "local"
        if kind is not None:
            expression = text(self._column(choice, alias))
            yield f'changed = {{ expr = {expression}, kind = "{kind}", overlap = "75m", trust = "weak" }}'

    def _column(self, choice: Choice, alias: dict[str, str]) -> str:
        return f"{alias[choice.table.place]}.{self._quote(choice.column)}"

    # Its fields

    def _span(self, match: Match, alias: dict[str, str]) -> Iterator[str]:
        if match.record not in moments.SPANS:
            return
        found = match.span
        quoted = {
            column.name: f"{alias[match.table.place]}.{self._quote(column.name)}" for column in match.table.columns
        }
        for field in ("start", "end"):
            make = moments.start_sql if field == "start" else moments.end_sql
            sql = make(self._dbms, found, quoted) if found is not None else None
            if sql is None:
                yield f'{field} = "{self._hole(f"{match.record}.columns.{field}")}"  # no column looks like it'
                continue
            part = None if found is None else (found.start or found.day) if field == "start" else found.end
            yield _line(field, sql, _written(part.look if part else "", sql), ", ".join(_named(found, field)))

    def _field(self, match: Match, choice: Choice, alias: dict[str, str]) -> str:
        return _line(
            choice.field, *self._typed(match.record, choice, self._column(choice, alias)), _reason(match, choice)
        )

    def _coded(self, match: Match, choice: Choice, alias: dict[str, str]) -> Iterator[str]:
        place = f"{match.record}.columns.{choice.field}"
        coded = codes.Coded(choice, place, self._column(choice, alias), _reason(match, choice))
        return codes.lines(self._found.catalogue, self._sampler, coded, self.holes)

    def _typed(self, record: str, choice: Choice, expression: str) -> tuple[str, dict[str, object]]:
        """The expression and what else must be said so that its values are read as the field needs them."""
        looks, dtype = choice.looks, records.columns(record)[choice.field]
        kind = str(dtype)
        if choice.field == "active" and name_score(choice.table, choice.column, INVERTED) >= 0.6:
            return f"CASE WHEN {expression} = 0 THEN 1 ELSE 0 END", {}
        if choice.field == "weekday" and "weekday_from_0" in looks and "weekday" not in looks:
            return self._hole(f"{record}.columns.weekday"), {}
        if kind.startswith("Datetime"):
            return expression, _written(_look(choice), expression)
        if kind == "Date" and "date_german" in looks:
            return expression, {"formats": ["%d.%m.%Y"]}
        if kind == "Time":
            return self._clock(choice, expression)
        return expression, {}

    def _clock(self, choice: Choice, expression: str) -> tuple[str, dict[str, object]]:
        if choice.family == "time":
            return (f"CAST({expression} AS CHAR)" if self._dbms == "mysql" else expression), {}
        for look in ("minutes_of_day", "hhmm"):
            if look in choice.looks and "clock" not in choice.looks:
                return expression, {"decoder": look}
        return expression, {}

    def _absent(self, match: Match) -> Iterator[str]:
        """Fields that the record cannot do without, as holes."""
        spans = match.record in moments.SPANS
        for field in records.required(match.record):
            if field != "source_id" and field not in match.fields and not (spans and field in ("start", "end")):
                yield f'{field} = "{self._hole(f"{match.record}.columns.{field}")}"  # no column looks like it'

    def _schedule_of_practitioners(self) -> Iterator[str]:
        """Without calendars of its own, the software's calendar is the practitioner."""
        match = self.matches["practitioner"]
        alias = _aliases(match)
        name = match.fields.get("family_name") or match.fields.get("initials")
        yield ""
        yield "[schedule]  # no calendars were found: each practitioner is one"
        yield f"from = {text(self._from(match, alias))}"
        yield f"key = {text(self._key(match, alias))}"
        yield ""
        yield "[schedule.columns]"
        yield f"name = {text(self._column(name, alias) if name else self._hole('schedule.columns.name'))}"
        yield 'kind = { const = "person" }'
        yield f"practitioner_id = {text(self._key(match, alias))}"


def _why(match: Match) -> str:
    others = f"; or {', '.join(match.other_tables)}" if match.other_tables else ""
    return f"{match.table.name}: {match.score:.2f}{others}"


def _mark(table: Table) -> Column | None:
    """The column that says by its name that a row was deleted."""
    return next((one for one in table.columns if name_score(table, one.name, DELETED) >= 0.8), None)


def _are_rooms(table: Table) -> bool:
    return likeness(tokens(table.name), ROOMS) >= 0.6


def _reason(match: Match, choice: Choice) -> str:
    others = match.other_columns.get(choice.field, [])
    return f"{choice.column}: {choice.reason}" + (f"; or {', '.join(others)}" if others else "")


def _aliases(match: Match) -> dict[str, str]:
    """One letter for each table, with a number where two begin alike."""
    found: dict[str, str] = {}
    for table in (match.table, *(join.table for join in match.joins)):
        letter = next((sign for sign in table.name.lower() if re.fullmatch("[a-z]", sign)), "t")
        alias, number = letter, 2
        while alias in found.values():
            alias, number = f"{letter}{number}", number + 1
        found.setdefault(table.place, alias)
    return found


def _look(choice: Choice) -> str:
    for look in ("epoch_ms", "epoch_s", "moment_german", "date8", "date_german"):
        if look in choice.looks and choice.family not in ("datetime", "instant", "date"):
            return look
    return choice.family


def _written(look: str, expression: str) -> dict[str, object]:
    """How an instant is written, where it is not the ISO form in the profile's zone."""
    if look == "instant":
        return {"type": "utc"}
    if look in ("epoch_ms", "epoch_s"):
        return {"type": "epoch_ms"}
    if look == "moment_german":
        return {"formats": ["%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M"]}
    if look in ("date8", "date_german") and "(" not in expression and "|" not in expression:
        return {"formats": ["%Y%m%d" if look == "date8" else "%d.%m.%Y"]}
    return {}


def _line(field: str, expression: str, extra: dict[str, object], reason: str) -> str:
    if not extra:
        return f"{field} = {text(expression)}  # {reason}"
    more = "".join(f", {key} = {json.dumps(value)}" for key, value in extra.items())
    return f"{field} = {{ expr = {text(expression)}{more} }}  # {reason}"


def _named(found: moments.Span | None, field: str) -> Iterable[str]:
    if found is None:
        return ()
    parts = (found.start, found.day, found.clock) if field == "start" else (found.end,)
    return tuple(f"{part.column}: {part.look}" for part in parts if part is not None)
