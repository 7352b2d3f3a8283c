"""The codes of a column as a map to be filled in: what a code is known to mean is filled in, the rest are holes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.pvs.introspect.catalogue import Catalogue, Table
from connectors.pvs.introspect.fields import Choice, name_score
from connectors.pvs.introspect.samples import Codes, Sampler
from connectors.pvs.introspect.words import COLUMNS, MEANINGS, folded
from connectors.pvs.profile import HOLE

#: Fields whose codes must be understood before figures mean anything; others are proposed as comments.
NEEDED = ("appointment.columns.status", "slot.columns.status", "patient.columns.gender")

#: Columns with a person in them: their values are no codes, whatever else speaks for it.
_PERSONAL = ("family_name", "given_name", "birth_name", "birth_date", "phone", "mobile", "email", "street", "kvnr")


@dataclass(frozen=True, slots=True)
class Coded:
    """A coded field of a draft: which column, its place in the profile, its expression, why it was chosen."""

    choice: Choice
    place: str
    expression: str
    reason: str


def lines(catalogue: Catalogue, sampler: Sampler, coded: Coded, holes: list[str]) -> Iterator[str]:
    """A coded field as a table of its own; `holes` gets the place of every code that nobody here understands.

    A field that figures can do without is proposed as a comment.
    """
    codes, field = _codes(catalogue, sampler, coded.choice), coded.choice.field
    mark = "" if coded.place in NEEDED and codes.shown else "# "
    yield ""
    yield f"{mark}[{coded.place}]  # {coded.reason}"
    yield f"{mark}expr = {json.dumps(coded.expression, ensure_ascii=False)}"
    yield ""
    yield f"{mark}[{coded.place}.map]"
    for code, rows in codes.shown:
        label = codes.labels.get(code, "")
        value = _meaning(field, code, label)
        if value is None and not mark:
            holes.append(f"{coded.place}.map.{code}")
        said = f"{rows} rows" + (f", {label}" if label else "")
        yield f"{mark}{json.dumps(code, ensure_ascii=False)} = {json.dumps(value or HOLE)}  # {said}"
    if codes.held_back or not codes.shown:
        yield f"# {_held(codes)}"


def _meaning(field: str, code: str, label: str) -> str | None:
    meanings = MEANINGS.get(field, {})
    return meanings.get(folded(label)) or meanings.get(folded(code)) or None


def _held(codes: Codes) -> str:
    if not codes.held_back:
        return "no values yet"
    return f"{codes.held_back} more value(s) are not shown here: too many, too rare or too long for codes"


def _codes(catalogue: Catalogue, sampler: Sampler, choice: Choice) -> Codes:
    if any(name_score(choice.table, choice.column, COLUMNS[field]) >= 0.8 for field in _PERSONAL):
        return Codes((), 0)
    codes = sampler.codes(choice.table, choice.column, lambda code: folded(code) in MEANINGS.get(choice.field, {}))
    explained = _explaining(catalogue, choice.table, choice.column)
    if explained is None:
        return codes
    table, label = explained
    labels = sampler.labels(table, table.key[0], label)
    return Codes(codes.shown, codes.held_back, labels)


def _explaining(catalogue: Catalogue, table: Table, column: str) -> tuple[Table, str] | None:
    """A table that only says what codes are called: referred to, short of columns, and about nobody."""
    other = catalogue.table(table.refers.get(column, ""))
    if other is None or len(other.key) != 1 or len(other.columns) > 8:
        return None
    names = [one.name for one in other.columns]
    if any(name_score(other, name, COLUMNS[field][:6]) >= 0.8 for name in names for field in _PERSONAL):
        return None
    labels = [one.name for one in other.columns if one.family == "text" and one.name not in other.key]
    best = max(labels, key=lambda name: name_score(other, name, COLUMNS["name"]), default=None)
    return None if best is None else (other, best)
