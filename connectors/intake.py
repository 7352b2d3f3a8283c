"""Vendor rows to a record: the one gate through which a table's rows become a batch.

A profile's mapping is applied to whole columns: text is trimmed, types are read, codes are translated beside the
vendor's own value, wall time becomes UTC, telephone numbers get their E.164 form. What cannot become a record is set
aside with the rule that it broke; nothing is dropped and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from connectors import phones, records
from connectors.casts import Doubt, as_text, cast
from connectors.decoders import DECODERS
from connectors.mapping import FieldMapping, code_rows, with_derived
from connectors.source import REJECTED_SCHEMA, UNMAPPED_SCHEMA

#: Columns of the vendor frame beside the mapped fields: the key, and whether the source calls the row deleted.
KEY = "source_id"
DELETED = "deleted"

#: Fields that are the two ends of an interval, for all records that have both.
INTERVAL = ("start", "end")


@dataclass(frozen=True, slots=True)
class Intake:
    """What became of some vendor rows; read == frame.height + rejected.height + len(removed)."""

    frame: pl.DataFrame
    removed: tuple[str, ...]
    rejected: pl.DataFrame
    issues: pl.DataFrame
    unmapped: pl.DataFrame
    read: int
    #: The last key, so that the next partition of the same reading can tell a repeated one.
    last_key: str | None


def take_in(
    resource: str,
    vendor: pl.DataFrame,
    fields: Mapping[str, FieldMapping],
    *,
    timezone: str,
    region: str = "DE",
    last_key: str | None = None,
) -> Intake:
    """Apply a mapping to rows that hold one column per mapped field, `source_id` and perhaps `deleted`.

    Rows are ordered by key. `timezone` is the zone of `local` values, `region` the country of numbers without prefix.
    """
    keys = as_text(vendor[KEY])
    columns, doubts = _fields(resource, vendor, fields, timezone)
    columns[KEY] = keys
    doubts = [*((KEY, doubt) for doubt in _key_doubts(keys, last_key)), *doubts]
    for name, of in with_derived(resource, fields).items():
        columns[name] = phones.e164(columns[of], region)
    doubts += _record_doubts(resource, columns)
    deleted = _deleted(vendor) & keys.is_not_null()
    found = _sort_out(resource, doubts, ~deleted)
    frame = _shape(resource, columns).filter(~deleted & ~found.aside)
    return Intake(
        frame=frame,
        removed=tuple(keys.filter(deleted)),
        rejected=_report(resource, vendor, found.rejected),
        issues=_report(resource, vendor, found.issues),
        unmapped=_unmapped(resource, frame, fields),
        read=vendor.height,
        last_key=keys[-1] if vendor.height else last_key,
    )


def _fields(
    resource: str, vendor: pl.DataFrame, fields: Mapping[str, FieldMapping], timezone: str
) -> tuple[dict[str, pl.Series], list[tuple[str, Doubt]]]:
    """The mapped columns of the record (with the codes beside them), and the doubts about their values."""
    dtypes, codes = records.columns(resource), records.codes(resource)
    columns: dict[str, pl.Series] = {}
    doubts: list[tuple[str, Doubt]] = []
    for name, mapping in fields.items():
        if mapping.const is not None:
            columns[name] = pl.Series([mapping.const], dtype=dtypes[name]).new_from_index(0, vendor.height)
            continue
        raw = DECODERS[mapping.decoder](vendor[name]) if mapping.decoder else vendor[name]
        if name in codes:
            code = as_text(raw)
            columns[name] = _translate(code, mapping.map or {code: code for code in codes[name]})
            columns[f"{name}_code"] = _kept(code, mapping)
        else:
            result = cast(raw, mapping.written_as(dtypes[name]), formats=mapping.formats, timezone=timezone)
            columns[name] = result.values
            doubts += [(name, doubt) for doubt in result.doubts]
    return columns, doubts


def _kept(code: pl.Series, mapping: FieldMapping) -> pl.Series:
    """The vendor's code as it is landed: "no code" is a code where the map gives it a meaning."""
    return code.fill_null("") if "" in (mapping.map or {}) else code


def _translate(code: pl.Series, meaning: Mapping[str, str]) -> pl.Series:
    """Our value for each code: `unknown` for one that the map lacks, null for one that means nothing here."""
    known = {vendor: value or None for vendor, value in meaning.items()}
    if "" in meaning:
        code = code.fill_null("")
    translated = code.replace_strict(
        pl.Series(list(known), dtype=pl.String),
        pl.Series(list(known.values()), dtype=pl.String),
        default=records.UNKNOWN,
        return_dtype=pl.String,
    )
    return translated.set(code.is_null(), None)


def _key_doubts(keys: pl.Series, last_key: str | None) -> list[Doubt]:
    repeated = (keys == keys.shift(1, fill_value=last_key)).fill_null(value=False) | (~keys.is_first_distinct())
    repeated &= keys.is_not_null()
    return [
        doubt
        for doubt in (
            Doubt("key-missing", "a key in every row", keys.is_null()),
            Doubt("key-repeated", "one row per key", repeated),
        )
        if doubt.rows.any()
    ]


def _record_doubts(resource: str, columns: Mapping[str, pl.Series]) -> list[tuple[str, Doubt]]:
    found = [
        (name, Doubt("missing", "a value in a field that the record needs", columns[name].is_null()))
        for name in records.required(resource)
    ]
    if all(name in columns for name in INTERVAL):
        start, end = (columns[name] for name in INTERVAL)
        found.append(
            (
                "end",
                Doubt("ends-before-start", "an end that is not before the start", (end < start).fill_null(value=False)),
            )
        )
    return [(name, doubt) for name, doubt in found if doubt.rows.any()]


@dataclass(frozen=True, slots=True)
class _SortedOut:
    """Which rows are set aside, and the doubts about rows, as (index, field, rule, expected)."""

    aside: pl.Series
    rejected: pl.DataFrame
    issues: pl.DataFrame


def _sort_out(resource: str, doubts: list[tuple[str, Doubt]], alive: pl.Series) -> _SortedOut:
    """A doubt about a needed field, the key or the interval sets the row aside; the first one names the reason."""
    needed = {*records.required(resource), *INTERVAL}
    aside = pl.Series([False]).new_from_index(0, len(alive))
    listed: list[pl.DataFrame] = []
    for field, doubt in doubts:
        rows, fatal = doubt.rows & alive, doubt.lost and field in needed
        aside = aside | rows if fatal else aside
        listed.append(
            pl.DataFrame({"row": rows.arg_true()}).with_columns(
                field=pl.lit(field), rule=pl.lit(doubt.rule), expected=pl.lit(doubt.expected), fatal=pl.lit(fatal)
            )
        )
    if not listed:
        empty = pl.DataFrame(schema={"row": pl.UInt32, "field": pl.String, "rule": pl.String, "expected": pl.String})
        return _SortedOut(aside, empty, empty)
    found = pl.concat(listed)
    reasons = found.filter("fatal").unique("row", keep="first", maintain_order=True).sort("row").drop("fatal")
    issues = found.filter(~pl.col("fatal")).join(reasons, on="row", how="anti").drop("fatal")
    return _SortedOut(aside, reasons, issues.sort("row", "field"))


def _deleted(vendor: pl.DataFrame) -> pl.Series:
    if DELETED not in vendor.columns:
        return pl.Series([False]).new_from_index(0, vendor.height)
    return cast(vendor[DELETED], "bool").values.fill_null(value=False)


def _shape(resource: str, columns: Mapping[str, pl.Series]) -> pl.DataFrame:
    """The columns as the record's frame; fields that the mapping lacks are null."""
    schema = records.schema(resource)
    frame = pl.DataFrame([column.alias(name) for name, column in columns.items()])
    missing = {name: pl.lit(None, dtype) for name, dtype in schema.items() if name not in columns}
    return frame.with_columns(**missing).select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def _report(resource: str, vendor: pl.DataFrame, doubts: pl.DataFrame) -> pl.DataFrame:
    """The doubts with the vendor's value and, as JSON, the whole row: enough to replay it."""
    if doubts.is_empty():
        return pl.DataFrame(schema=REJECTED_SCHEMA)
    rows = doubts["row"]
    texts = pl.DataFrame([as_text(column).gather(rows) for column in vendor.get_columns()])
    found = pl.coalesce(
        *(pl.when(doubts["field"] == name).then(texts[name]) for name in texts.columns), pl.lit(None, pl.String)
    )
    return doubts.with_columns(
        texts.select(payload=pl.struct(pl.all()).struct.json_encode()).to_series(),
        resource=pl.lit(resource),
        source_id=texts[KEY],
        found=found,
    ).select(pl.col(name).cast(dtype) for name, dtype in REJECTED_SCHEMA.items())


def _unmapped(resource: str, frame: pl.DataFrame, fields: Mapping[str, FieldMapping]) -> pl.DataFrame:
    """Codes that no map knew, with their rows; a code that a map calls `unknown` is known."""
    known = pl.DataFrame(code_rows(resource, fields), schema=("resource", "field", "code", "value"), orient="row")
    listed = [
        frame.filter((pl.col(field) == records.UNKNOWN) & pl.col(f"{field}_code").is_not_null())
        .group_by(pl.col(f"{field}_code").alias("code"))
        .agg(pl.len().alias("rows"))
        .select(pl.lit(resource).alias("resource"), pl.lit(field).alias("field"), "code", "rows")
        for field in records.codes(resource)
    ]
    if not listed:
        return pl.DataFrame(schema=UNMAPPED_SCHEMA)
    return (
        pl.concat(listed)
        .join(known.cast(pl.String), on=("field", "code"), how="anti")
        .select(pl.col(name).cast(dtype) for name, dtype in UNMAPPED_SCHEMA.items())
        .sort("field", "code")
    )
