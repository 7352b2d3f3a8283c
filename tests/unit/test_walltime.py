"""Wall time to instants: against zoneinfo, at the two hours of the year that are not like others."""

import datetime as dt
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import walltime

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("wall", "instant", "ambiguous", "missing"),
    [
        ("2026-01-05 08:00", "2026-01-05 07:00", False, False),
        ("2026-07-05 08:00", "2026-07-05 06:00", False, False),
        ("2026-03-29 01:59", "2026-03-29 00:59", False, False),
        ("2026-03-29 02:00", None, False, True),
        ("2026-03-29 02:30", None, False, True),
        ("2026-03-29 03:00", "2026-03-29 01:00", False, False),
        ("2026-10-25 01:59", "2026-10-24 23:59", False, False),
        ("2026-10-25 02:00", "2026-10-25 00:00", True, False),
        ("2026-10-25 02:59", "2026-10-25 00:59", True, False),
        ("2026-10-25 03:00", "2026-10-25 02:00", False, False),
    ],
)
def test_the_hours_around_a_clock_change(wall, instant, ambiguous, missing):
    found = walltime.to_utc(pl.Series([dt.datetime.fromisoformat(wall)]), BERLIN)
    expected = None if instant is None else dt.datetime.fromisoformat(instant).replace(tzinfo=dt.UTC)
    assert found.instants.to_list() == [expected]
    assert found.ambiguous.to_list() == [ambiguous]
    assert found.missing.to_list() == [missing]


def test_a_missing_value_is_no_missing_hour():
    found = walltime.to_utc(pl.Series([None], dtype=pl.Datetime("us")), BERLIN)
    assert not found.missing.any()
    assert found.instants.to_list() == [None]


@settings(deadline=None)
@given(
    st.datetimes(dt.datetime.fromisoformat("1990-01-01"), dt.datetime.fromisoformat("2037-12-31")),
    st.sampled_from([BERLIN, "UTC", "Europe/London", "America/New_York", "Asia/Kolkata"]),
)
def test_every_wall_time_is_the_earliest_instant_that_zoneinfo_knows(wall, zone):
    found = walltime.to_utc(pl.Series([wall]), zone)
    both = {wall.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(dt.UTC) for fold in (0, 1)}
    real = sorted(instant for instant in both if walltime.to_wall(instant, zone) == wall)
    assert found.instants.to_list() == [real[0] if real else None]
    assert found.ambiguous.to_list() == [len(real) == 2]
    assert found.missing.to_list() == [not real]
    assert walltime.exists(wall, zone) == bool(real)
