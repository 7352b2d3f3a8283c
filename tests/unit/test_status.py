"""When a practice is open, by what is on record: hours and closures as set, holidays of each location's Land."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipelines import status
from pipelines.ops import create, holidays, open_ops, service
from tests.kit.practices import SETTINGS, Clock, make_practice

TWO_LANDS = f"""{SETTINGS}
[locations.hanau]
name = "Bahnhofstraße 12"
state = "HE"
opening_hours = {{ mon = ["13:00-15:00"], tue = ["09:00-10:00"] }}

[[closures]]
start = 2026-02-16
end = 2026-02-17
name = "Fasching"
location = "markt"

[[closures]]
start = 2026-12-24
end = 2026-12-31
name = "Weihnachten"
"""
MORNING, AFTERNOON = (dt.time(8), dt.time(12)), (dt.time(14), dt.time(18))


@pytest.mark.parametrize(
    ("day", "spans"),
    [
        ("2026-03-02", [MORNING, (dt.time(13), dt.time(18))]),  # both sites
        ("2026-03-03", [MORNING]),  # the hour of one within the morning of the other
        ("2026-03-04", []),  # a Wednesday
        ("2026-01-06", [(dt.time(9), dt.time(10))]),  # Heilige Drei Könige: Bavaria alone
        ("2026-04-06", []),  # Ostermontag: both
        ("2026-04-07", [MORNING]),  # school holidays close nothing
        ("2026-02-16", [(dt.time(13), dt.time(15))]),  # one site on leave
        ("2026-12-28", []),
    ],
)
def test_open_is_what_is_neither_holiday_nor_closure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, day: str, spans: list[tuple[dt.time, dt.time]]
) -> None:
    practice = make_practice(tmp_path, monkeypatch, settings=TWO_LANDS)
    create(practice.ops_path, practice.key("ops"))
    with open_ops(practice) as o:
        for state in ("BY", "HE"):
            holidays.ensure(o, state, [2026], practice.now())
        assert list(status.opening(practice, o).spans(dt.date.fromisoformat(day))) == spans


def test_holidays_that_come_on_record_count_from_then_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    practice = make_practice(tmp_path, monkeypatch)
    create(practice.ops_path, practice.key("ops"))
    monday = dt.date(2026, 4, 6)
    with open_ops(practice) as o:
        assert status.opening(practice, o).is_open(monday)
        assert status.opening(practice, o) is status.opening(practice, o)
        holidays.ensure(o, "BY", [2026], practice.now())
        assert not status.opening(practice, o).is_open(monday)


def test_over_easter_nothing_gets_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heard on Holy Thursday, looked at on the Tuesday after: both days between are holidays, the rest is weekend."""
    clock = Clock(dt.datetime(2026, 4, 2, 15, 0, tzinfo=dt.UTC))
    practice = make_practice(tmp_path, monkeypatch, clock=clock)
    create(practice.ops_path, practice.key("ops"))
    with open_ops(practice) as o:
        holidays.ensure(o, "BY", [2026], practice.now())
        for name in practice.source_names():
            service.beat(o, practice.now(), f"{status.HEARD}{name}")
        clock.at = dt.datetime(2026, 4, 7, 6, 20, tzinfo=dt.UTC)
        found = status.practice_health(practice, o)
        assert [(source.light, source.age_minutes) for source in found.sources] == [("green", 20), ("green", 20)]
        assert status.status(practice, o).health == found
