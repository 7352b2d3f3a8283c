"""The shared words: what a record may hold, and that a batch is held to it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import polars as pl
import pytest

from connectors import records
from connectors.source import Batch
from tests.kit import records_page

FORBIDDEN = re.compile(r"diagnos|finding|befund|note|comment|text|reason|icd|allerg|medicat")


@pytest.mark.parametrize("resource", records.RECORDS)
def test_a_record_has_no_place_for_findings(resource: str) -> None:
    assert not [name for name in records.columns(resource) if FORBIDDEN.search(name)]


@pytest.mark.parametrize("resource", records.RECORDS)
def test_the_schema_is_the_record_with_the_vendors_codes_beside_it(resource: str) -> None:
    names = [name for name in records.schema(resource).names() if name in records.columns(resource)]
    assert names == [field.name for field in dataclasses.fields(records.RECORDS[resource])]
    beside = {name.removesuffix("_code") for name in records.schema(resource) if name not in records.columns(resource)}
    assert beside == set(records.codes(resource))


@pytest.mark.parametrize(("resource", "codes"), [(r, c) for r in records.RECORDS for c in records.codes(r).values()])
def test_every_code_list_can_say_that_it_does_not_know(resource: str, codes: tuple[str, ...]) -> None:
    assert codes[-1] == records.UNKNOWN
    assert len(set(codes)) == len(codes)


def test_types_come_from_the_annotations() -> None:
    schema = records.schema("appointment")
    assert schema["start"] == pl.Datetime("us", "UTC")
    assert schema["status"] == schema["status_code"] == pl.String()
    assert records.columns("working_hours")["start_time"] == pl.Time()
    assert records.columns("patient")["birth_date"] == pl.Date()


@pytest.mark.parametrize(
    ("resource", "needed"),
    [
        ("patient", ("source_id",)),
        ("appointment", ("source_id", "start", "end")),
        ("working_hours", ("source_id", "start_time", "end_time")),
        ("billed_service", ("source_id", "patient_id", "code", "service_date")),
    ],
)
def test_what_a_row_must_have_to_be_such_a_record(resource: str, needed: tuple[str, ...]) -> None:
    assert records.required(resource) == needed


def test_a_column_outside_the_record_is_named() -> None:
    assert records.check_columns("patient", ["family_name", "diagnosis", "befund"]) == ["diagnosis", "befund"]


def test_a_batch_with_other_columns_is_refused() -> None:
    with pytest.raises(TypeError, match="diagnosis"):
        Batch("patient", pl.DataFrame({"source_id": ["1"], "diagnosis": ["x"]}), "full")


def test_the_page_of_records_is_what_the_code_says() -> None:
    page = Path(__file__).parents[2] / "docs" / "records.md"
    assert page.read_text(encoding="utf-8") == records_page.page(), "python -m tests.kit.records_page > docs/records.md"
