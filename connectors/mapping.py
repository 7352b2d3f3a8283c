"""What a profile says about the fields of a record: where each comes from, how it is written, what its codes mean.

Shared by all sources that are described by a profile (practice databases, lists). Nothing is read here:
`connectors.intake` applies a mapping to rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, model_validator

from connectors import decoders, records

#: How a vendor writes a value. `local` is naive wall time in the profile's zone, `utc` an instant, `id` a key.
FieldType = Literal["text", "id", "int", "bool", "date", "time", "local", "utc", "epoch_ms"]

#: The ways in which a field of a record may be written; the first is assumed when the profile names none.
TYPES_OF: dict[pl.DataType, tuple[FieldType, ...]] = {
    pl.String(): ("text", "id"),
    pl.Int64(): ("int",),
    pl.Boolean(): ("bool",),
    pl.Date(): ("date",),
    pl.Time(): ("time",),
    pl.Datetime("us", "UTC"): ("local", "utc", "epoch_ms"),
}

#: Fields that are worked out of another one unless the profile maps them itself.
DERIVED = {"phone_e164": "phone", "mobile_e164": "mobile"}


#: The columns of a code map as a frame.
CODE_MAP = ("resource", "field", "code", "value")


class FieldMapping(BaseModel):
    """One field: an expression over the vendor's columns, a constant, or what the record's expander unpacks.

    `map` gives a vendor's code (always text; `""` is an empty or missing one) its value; the value `""` says that the
    code means nothing for this field. `formats` are strptime formats, tried in turn; without them, ISO 8601 holds.
    `decoder` names a function of `connectors.decoders` that unpacks the vendor's value before it is read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    expr: str | None = None
    const: str | int | bool | None = None
    unpacked: bool = False
    type: FieldType | None = None
    formats: tuple[str, ...] = ()
    map: dict[str, str] | None = None
    decoder: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _text_is_an_expression(cls, given: object) -> object:
        return {"expr": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if [self.expr is not None, self.const is not None, self.unpacked].count(True) != 1:
            raise ValueError("either expr or const")
        return self

    def written_as(self, dtype: pl.DataType) -> FieldType:
        """The way in which the vendor writes this field, given the field's own type."""
        return self.type or TYPES_OF[dtype][0]


def with_derived(resource: str, fields: Mapping[str, FieldMapping]) -> dict[str, str]:
    """Derived field -> the mapped field that it is worked out of, for this mapping."""
    known = records.columns(resource)
    return {name: of for name, of in DERIVED.items() if name in known and name not in fields and of in fields}


def code_rows(resource: str, fields: Mapping[str, FieldMapping]) -> list[tuple[str, str, str, str | None]]:
    """(resource, field, code, value) of all maps; a field without a map speaks our own codes. None: means nothing."""
    rows: list[tuple[str, str, str, str | None]] = []
    for field, codes in records.codes(resource).items():
        if field in fields and fields[field].const is None:
            meaning = fields[field].map or {code: code for code in codes}
            rows += [(resource, field, code, value or None) for code, value in sorted(meaning.items())]
    return rows


def code_frame(tables: Mapping[str, Mapping[str, FieldMapping]]) -> pl.DataFrame:
    """All code maps of a profile as resource, field, code, value, ordered by these."""
    rows = [row for resource, fields in tables.items() for row in code_rows(resource, fields)]
    return pl.DataFrame(rows, schema=dict.fromkeys(CODE_MAP, pl.String), orient="row").sort(CODE_MAP[:3])


#: A place below the record's table, what was found there, what was expected.
Complaint = tuple[tuple[str, ...], str, str]


def complaints(resource: str, fields: Mapping[str, FieldMapping]) -> list[Complaint]:
    """All that is wrong with a record's mapping: fields outside the allow-list, missing ones, types, codes, names."""
    found: list[Complaint] = [
        (("columns", name), f"a field that {resource} may not hold", _list(_mappable(resource)))
        for name in records.check_columns(resource, fields)
    ]
    missing = [name for name in records.required(resource) if name != "source_id" and name not in fields]
    if missing:
        found.append((("columns",), f"no {_list(missing)}", f"every field that {resource} cannot do without"))
    for name, mapping in fields.items():
        if name in records.columns(resource):
            found += _field_complaints(resource, name, mapping)
    return found


def _field_complaints(resource: str, name: str, mapping: FieldMapping) -> list[Complaint]:
    where = ("columns", name)
    found: list[Complaint] = []
    if name == "source_id":
        found.append((where, "source_id", "the key of the record, which `key` gives"))
    fitting = TYPES_OF[records.columns(resource)[name]]
    if mapping.type is not None and mapping.type not in fitting:
        found.append(((*where, "type"), repr(mapping.type), _list(fitting)))
    if mapping.decoder is not None and mapping.decoder not in decoders.DECODERS:
        found.append(((*where, "decoder"), repr(mapping.decoder), _list(sorted(decoders.DECODERS))))
    return found + _code_complaints(where, records.codes(resource).get(name), mapping)


def _code_complaints(where: tuple[str, ...], codes: tuple[str, ...] | None, mapping: FieldMapping) -> list[Complaint]:
    if codes is None:
        return [((*where, "map"), "a map", "none, because the field has no codes")] if mapping.map is not None else []
    given = {"const": mapping.const} if mapping.const is not None else (mapping.map or {})
    return [
        ((*where, *(("map",) if mapping.map else ()), code), repr(value), _list(codes))
        for code, value in given.items()
        if value not in (*codes, "")
    ]


def _mappable(resource: str) -> list[str]:
    return [name for name in records.columns(resource) if name != "source_id"]


def _list(values: Iterable[str]) -> str:
    return ", ".join(values)
