"""The profile `demo` against the played practice software: what was put in comes out again, whatever the record."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from connectors.pvs import profile
from tests.kit.demo_pvs import frame, made, opened, read, small_practice, without_codes

PRACTICE = small_practice()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    with opened(made(tmp_path_factory.mktemp("vendor") / "pvs.db")) as source:
        yield source


@pytest.mark.parametrize("resource", PRACTICE)
def test_every_record_comes_back_as_it_was_written(source, resource):
    (batch,) = read(source, resource)
    assert_frame_equal(without_codes(batch.frame), without_codes(PRACTICE[resource]))
    assert batch.rejected.is_empty()
    assert batch.issues.is_empty()
    assert batch.unmapped.is_empty()
    assert batch.read == batch.frame.height
    assert batch.last


def test_the_profile_speaks_of_every_record_that_the_software_keeps():
    assert set(profile.load(profile.find("demo")).tables) == set(PRACTICE)


def test_every_finding_of_a_healthy_link_is_ok(source):
    findings = source.check()
    assert {finding.level for finding in findings} == {"ok"}
    assert len(findings) == 1 + len(PRACTICE)


def test_a_status_that_the_profile_does_not_know_becomes_unknown_and_is_listed(tmp_path):
    rows = PRACTICE["appointment"].with_columns(status=pl.lit("unknown"), cancelled_by=pl.lit(None, pl.String))
    with opened(made(tmp_path / "pvs.db", {"appointment": rows})) as source:
        (batch,) = read(source, "appointment")
    assert batch.frame["status"].unique().to_list() == ["unknown"]
    assert batch.frame["status_code"].unique().to_list() == ["9"]
    assert batch.unmapped.rows() == [
        ("appointment", "cancelled_by", "9", rows.height),
        ("appointment", "status", "9", rows.height),
    ]


def test_an_empty_table_is_an_empty_frame_of_the_record(tmp_path):
    with opened(made(tmp_path / "pvs.db", {"patient": frame("patient")})) as source:
        for resource in source.resources:
            (batch,) = read(source, resource)
            assert batch.frame.is_empty()
