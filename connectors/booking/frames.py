"""Rows of a booking platform's answers to frames of `records.schema`: types, codes, telephone numbers, rejects.

A flavour (`isik`, `json_api`) turns each JSON object into a flat row `{field: value}` with the platform's own words;
here a page of such rows becomes a frame at once. Nothing is guessed: an unreadable optional value is null, a row
without a required one is set aside with its rule, a code without a mapping becomes `unknown` and is listed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from connectors import phones, records
from connectors.source import REJECTED_SCHEMA, UNMAPPED_SCHEMA

Row = Mapping[str, Any]
#: field -> platform's code -> our code
CodeMap = Mapping[str, Mapping[str, str]]

_INSTANT = "%Y-%m-%dT%H:%M:%S%.f%#z"
_PHONES = {"phone": "phone_e164", "mobile": "mobile_e164"}
_EXPECTED = {
    "missing": "a value",
    "format": "ISO 8601, an instant with its offset: 2026-01-31, 2026-01-31T08:00:00+01:00",
    "ends-before-start": "an end after the start",
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A page as frames; frame.height + rejected.height is the number of rows that were given.

    `issues` has the form of `rejected` and lists unreadable optional values of rows that are in the frame.
    """

    frame: pl.DataFrame
    rejected: pl.DataFrame
    issues: pl.DataFrame
    unmapped: pl.DataFrame


def parse(resource: str, rows: Sequence[Row], payloads: Sequence[Mapping[str, Any]], codes: CodeMap) -> Parsed:
    """Typed frames from flat rows; `payloads` are the JSON objects that the rows came from, in the same order."""
    raw = pl.DataFrame({name: _column(name, dtype, rows) for name, dtype in records.columns(resource).items()})
    typed = raw.with_columns(_typed(resource)).with_columns(_e164(resource, raw))
    broken = raw.select(_broken_rule(resource, raw, typed)).to_series()
    coded = _with_codes(resource, typed.filter(broken.is_null()), codes)
    return Parsed(
        frame=coded.select(records.schema(resource).names()),
        rejected=_report(resource, raw, broken, payloads),
        issues=_issues(resource, raw, typed, broken, payloads),
        unmapped=_unmapped(resource, coded, codes),
    )


def _column(name: str, dtype: pl.DataType, rows: Sequence[Row]) -> pl.Series:
    """One field of all rows as it was written: text, unless the field is a number or a truth value."""
    values = [row.get(name) for row in rows]
    if dtype == pl.Boolean:
        return pl.Series(name, [value if isinstance(value, bool) else None for value in values], dtype=pl.Boolean)
    if dtype == pl.Int64:
        return pl.Series(name, [_whole(value) for value in values], dtype=pl.Int64)
    return pl.Series(name, [_text(value) for value in values], dtype=pl.String)


def _text(value: object) -> str | None:
    """Text as it stands; blank is nothing, a number is its digits, a structure is no value for a field."""
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, (int, float)) else None


def _whole(value: object) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    return value if fits and isinstance(value, int) else None


def _typed(resource: str) -> list[pl.Expr]:
    readers: dict[pl.DataType, Callable[[pl.Expr], pl.Expr]] = {
        pl.Datetime("us", "UTC"): lambda text: _plausible(
            text.str.to_datetime(_INSTANT, time_unit="us", time_zone="UTC", strict=False)
        ),
        pl.Date(): lambda text: _plausible(text.str.to_date("%Y-%m-%d", strict=False)),
        pl.Time(): lambda text: text.str.to_time("%H:%M:%S", strict=False),
    }
    return [readers[dtype](pl.col(name)) for name, dtype in records.columns(resource).items() if dtype in readers]


def _plausible(time: pl.Expr) -> pl.Expr:
    """Years that a practice can mean; beyond them, a later reader's calendar may end."""
    return pl.when(time.dt.year().is_between(1800, 2999)).then(time)


def _e164(resource: str, raw: pl.DataFrame) -> list[pl.Series]:
    columns = records.columns(resource)
    return [phones.e164(raw[of]).alias(name) for of, name in _PHONES.items() if name in columns]


def _broken_rule(resource: str, raw: pl.DataFrame, typed: pl.DataFrame) -> pl.Expr:
    """`field:rule` of the first thing that makes a row no record, else null."""
    required = records.required(resource)
    rules = [pl.when(raw[name].is_null()).then(pl.lit(f"{name}:missing")) for name in required]
    rules += [pl.when(typed[name].is_null()).then(pl.lit(f"{name}:format")) for name in required]
    if {"start", "end"} <= set(required):
        rules.append(pl.when(typed["end"] <= typed["start"]).then(pl.lit("end:ends-before-start")))
    return pl.coalesce(rule.otherwise(None) for rule in rules)


def _with_codes(resource: str, frame: pl.DataFrame, codes: CodeMap) -> pl.DataFrame:
    vendor = [pl.col(name).alias(f"{name}_code") for name in records.codes(resource)]
    return frame.with_columns(vendor).with_columns(
        pl.when(pl.col(name).is_not_null()).then(
            pl.col(name).replace_strict(dict(codes.get(name, {})), default=records.UNKNOWN, return_dtype=pl.String)
        )
        for name in records.codes(resource)
    )


def _unmapped(resource: str, frame: pl.DataFrame, codes: CodeMap) -> pl.DataFrame:
    counted = [
        frame.select(code=f"{name}_code")
        .filter(pl.col("code").is_not_null() & ~pl.col("code").is_in(list(codes.get(name, {}))))
        .group_by("code")
        .agg(rows=pl.len().cast(pl.Int64))
        .select(pl.lit(resource).alias("resource"), pl.lit(name).alias("field"), "code", "rows")
        for name in records.codes(resource)
    ]
    return pl.concat([pl.DataFrame(schema=UNMAPPED_SCHEMA), *counted]).sort("field", "code")


def _issues(
    resource: str, raw: pl.DataFrame, typed: pl.DataFrame, broken: pl.Series, payloads: Sequence[Mapping[str, Any]]
) -> pl.DataFrame:
    optional = [name for name, dtype in raw.schema.items() if dtype != typed.schema[name]]
    lost = [broken.is_null() & raw[name].is_not_null() & typed[name].is_null() for name in optional]
    found = [
        _report(resource, raw, pl.select(pl.when(rows).then(pl.lit(f"{name}:format"))).to_series(), payloads)
        for name, rows in zip(optional, lost, strict=True)
        if rows.any()
    ]
    return pl.concat([pl.DataFrame(schema=REJECTED_SCHEMA), *found])


def _report(resource: str, raw: pl.DataFrame, rules: pl.Series, payloads: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """One line for each row that has a `field:rule`."""
    rows = [
        _report_row(resource, rule, raw.row(index, named=True), payloads[index])
        for index, rule in enumerate(rules)
        if rule is not None
    ]
    return pl.DataFrame(rows, schema=REJECTED_SCHEMA, orient="row")


def _report_row(resource: str, rule: str, row: Row, payload: Mapping[str, Any]) -> tuple[str | None, ...]:
    name, kind = rule.split(":")
    whole = json.dumps(payload, ensure_ascii=False)
    return (resource, row["source_id"], name, kind, row[name], _EXPECTED[kind], whole)
