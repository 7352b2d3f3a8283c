"""Start and end of appointments, wherever a vendor put them: two moments, a day and a time, a start and minutes.

`span` finds the columns, `start_sql` and `end_sql` put them together in the database's own SQL.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from connectors.pvs.introspect.catalogue import Column, Table
from connectors.pvs.introspect.fields import name_score
from connectors.pvs.introspect.samples import Sampler
from connectors.pvs.introspect.shapes import Shape
from connectors.pvs.introspect.words import COLUMNS

#: Records that have a start and an end.
SPANS = ("appointment", "slot", "absence")

#: Words of moments that are no start and no end.
_OTHER = ("created_at", "changed_at", "cancelled_at", "arrived_at", "actual_start", "actual_end", "valid_from")
_DAYS = {"date", "date8", "date_german"}
_CLOCKS = {"clock", "hhmm", "minutes_of_day"}


@dataclass(frozen=True, slots=True)
class Part:
    """A column with what it holds: `moment`, `day`, `clock` or `minutes`, and how it is written (a look)."""

    column: str
    holds: str
    look: str


@dataclass(frozen=True, slots=True)
class Span:
    """Where start and end are. `day` and `clock` make a start where no column has the moment."""

    start: Part | None
    day: Part | None
    clock: Part | None
    end: Part | None

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that it needs."""
        return tuple(part.column for part in (self.start, self.day, self.clock, self.end) if part is not None)


def span(sampler: Sampler, table: Table) -> Span | None:
    """The likeliest start and end of a table's rows; None if nothing could be a start."""
    parts = [part for column in table.columns if (part := _part(sampler, table, column)) is not None]
    start = _best(table, parts, "moment", "start")
    day = clock = None
    if start is None:
        day = _best(table, parts, "day", "date") or _best(table, parts, "day", "start")
        clock = _best(table, parts, "clock", "start_time") if day else None
        if day is None:
            return None
        if clock is None and day.look == "day_moment":  # moments that are all midnights
            start, day = replace(day, holds="moment", look="datetime"), None
            parts = [
                replace(part, holds="moment", look="datetime") if part.look == "day_moment" else part for part in parts
            ]
    used = {part.column for part in (start, day, clock) if part}
    rest = [part for part in parts if part.column not in used]
    end = _best(table, rest, "moment", "end")
    if end is None and day is not None:
        end = _best(table, rest, "clock" if clock else "day", "end_time" if clock else "end")
    if end is None and (start or clock):
        end = _best(table, rest, "minutes", "minutes")
    return Span(start, day, clock, end)


def _best(table: Table, parts: Iterable[Part], holds: str, field: str) -> Part | None:
    """The part of that kind whose name says the field best, and says no other field better."""
    scored = [
        (score, part)
        for part in parts
        if part.holds == holds and (score := name_score(table, part.column, COLUMNS[field])) >= 0.4
        if score >= max(name_score(table, part.column, COLUMNS[other]) for other in _OTHER)
    ]
    return max(scored, key=lambda one: one[0])[1] if scored else None


def _part(sampler: Sampler, table: Table, column: Column) -> Part | None:
    if column.name in table.key or column.name in table.refers:
        return None
    shape = sampler.shape(table, column.name)
    holds, look = _holds(column, shape)
    return None if holds is None else Part(column.name, holds, look)


def _holds(column: Column, shape: Shape) -> tuple[str | None, str]:
    """What a column holds (None: nothing of a time) and how it is written."""
    looks = shape.looks
    if column.family in ("datetime", "instant") and (not looks or "moment" in looks):
        midnight = "moment" in looks and "time_of_day" not in looks
        return ("day", "day_moment") if midnight else ("moment", column.family)
    written = [look for look in ("moment", "moment_german", "epoch_ms", "epoch_s") if look in looks]
    if written:
        return "moment", written[0]
    if column.family == "date" or looks & _DAYS:
        return "day", next(iter(sorted(looks & _DAYS)), "date")
    return _length_or_clock(column, looks)


def _length_or_clock(column: Column, looks: frozenset[str]) -> tuple[str | None, str]:
    """`30` may be half an hour or half past midnight: a column's name decides where its values do not."""
    lengths = [look for look in ("duration", "seconds") if look in looks]
    if lengths and name_score_of_minutes(column) > 0.4:
        return "minutes", lengths[0]
    if column.family == "time" or looks & _CLOCKS:
        return "clock", _clock_look(column, looks)
    return ("minutes", "duration") if "duration" in looks else (None, "")


def name_score_of_minutes(column: Column) -> float:
    """How much a column's name says that it is a length of time."""
    return name_score(Table("", "", ()), column.name, COLUMNS["minutes"])


def _clock_look(column: Column, looks: frozenset[str]) -> str:
    """`600` may be 06:00 and ten o'clock: minutes, if all are below a day's 1440 and the rest is no clock."""
    if column.family == "time":
        return "time"
    return "clock" if "clock" in looks else "minutes_of_day" if "minutes_of_day" in looks else "hhmm"


# Put together


def start_sql(dbms: str, where: Span, quoted: dict[str, str]) -> str | None:
    """The start as one expression; None where this database's SQL is not known here."""
    if where.start is not None:
        return _moment(where.start, quoted)
    if where.day is None:
        return None
    if where.clock is None:
        return _day(dbms, where.day, quoted)
    return _at(dbms, where.day, where.clock, quoted)


def end_sql(dbms: str, where: Span, quoted: dict[str, str]) -> str | None:
    """The end as one expression; None where there is no column for it or this database's SQL is not known here."""
    if where.end is None:
        return None
    if where.end.holds == "moment":
        return _moment(where.end, quoted)
    if where.end.holds == "clock" and where.day is not None:
        return _at(dbms, where.day, where.end, quoted)
    if where.end.holds == "day":
        return _add(dbms, _day(dbms, where.end, quoted), "1", "day")  # the last day counts
    start = start_sql(dbms, where, quoted)
    minutes = quoted[where.end.column]
    if where.end.look == "seconds":
        minutes = f"{minutes} / 60"
    return _add(dbms, start, minutes, "minute")


def is_plain(where: Span) -> bool:
    """Whether the start can be compared with moments as it stands, so that a window of it can be read."""
    return where.start is not None and where.start.look in ("datetime", "instant", "moment", "epoch_ms")


def _moment(part: Part, quoted: dict[str, str]) -> str:
    column = quoted[part.column]
    return f"{column} * 1000" if part.look == "epoch_s" else column


def _day(dbms: str, part: Part, quoted: dict[str, str]) -> str | None:
    """A day as a value to which time can be added."""
    column = quoted[part.column]
    if dbms == "sqlite":
        pieces = {"date8": (1, 5, 7), "date_german": (7, 4, 1)}.get(part.look)
        if pieces is None:
            return f"date({column})"
        year, month, day = pieces
        return (
            f"substr({column}, {year}, 4) || '-' || substr({column}, {month}, 2) || '-' || substr({column}, {day}, 2)"
        )
    if dbms == "postgresql":
        form = {"date8": "YYYYMMDD", "date_german": "DD.MM.YYYY"}.get(part.look)
        return f"to_date(CAST({column} AS text), '{form}')" if form else f"CAST({column} AS date)"
    if dbms == "mysql":
        german = part.look == "date_german"
        return f"STR_TO_DATE({column}, '%d.%m.%Y')" if german else f"CAST({column} AS DATE)"
    if dbms == "mssql":
        return f"CONVERT(date, {column}, {104 if part.look == 'date_german' else 112})"
    return None


def _at(dbms: str, day: Part, clock: Part, quoted: dict[str, str]) -> str | None:
    """A day with a time of day."""
    base, column = _day(dbms, day, quoted), quoted[clock.column]
    if base is None:
        return None
    if clock.look == "minutes_of_day":
        return _add(dbms, base, column, "minute")
    if clock.look == "hhmm":
        return _add(dbms, base, _minutes_of_hhmm(dbms, column), "minute")
    forms = {
        "sqlite": f"datetime({base} || ' ' || {column})",
        "postgresql": f"{base} + CAST({column} AS interval)",
        "mysql": f"TIMESTAMP({base}, {column})",
        "mssql": f"CAST({base} AS datetime) + CAST(CAST({column} AS time) AS datetime)",
    }
    return forms.get(dbms)


def _minutes_of_hhmm(dbms: str, column: str) -> str:
    """`0830` as 510."""
    if dbms == "mysql":
        return f"({column} DIV 100) * 60 + MOD({column}, 100)"
    number = f"CAST({column} AS integer)"
    return f"({number} / 100) * 60 + {number} % 100"


def _add(dbms: str, base: str | None, amount: str, unit: str) -> str | None:
    if base is None:
        return None
    forms = {
        "sqlite": f"datetime({base}, ({amount}) || ' {unit}s')",
        "postgresql": f"{base} + ({amount}) * INTERVAL '1 {unit}'",
        "mysql": f"{base} + INTERVAL ({amount}) {unit.upper()}",
        "mssql": f"DATEADD({unit}, {amount}, CAST({base} AS datetime2))",
    }
    return forms.get(dbms)
