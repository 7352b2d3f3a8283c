from __future__ import annotations

import datetime as dt
import json

import pytest

from connectors import registry
from pipelines import settings
from pipelines.errors import SettingsError
from tests.kit.practices import SETTINGS


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        settings.load(text)
    return refused.value.problems


def test_a_whole_file_becomes_objects() -> None:
    found = settings.load(SETTINGS + "\n[schedule]\nfull_at = 03:15:00\nquiet_hours = ['22:00-06:00']\n")
    assert found.locations["markt"].opening_hours["mon"][1] == settings.TimeRange(dt.time(14), dt.time(18))
    assert found.schedule.full_at == dt.time(3, 15)
    assert found.rules.removal_share == 0.2
    assert found.calendars[0].schedules == {"pvs": "1", "booking": "sched-1"}
    assert found.source_tables["booking"]["auth"] == {"kind": "none"}


def test_settings_are_plain_json_and_come_back_the_same() -> None:
    found = settings.load(SETTINGS)
    plain = json.loads(json.dumps(found.model_dump(mode="json")))
    assert plain["locations"]["markt"]["opening_hours"]["tue"] == ["08:00-12:00"]
    assert settings.Settings.model_validate(plain) == found


@pytest.mark.parametrize(
    ("time", "inside"), [("21:59", False), ("22:00", True), ("03:00", True), ("05:59", True), ("06:00", False)]
)
def test_quiet_hours_may_pass_midnight(time: str, inside: bool) -> None:
    night = settings.TimeRange(dt.time(22), dt.time(6))
    assert (dt.time.fromisoformat(time) in night) is inside


#: What is put in place of what, and the line that it must give.
WRONG = [
    ('state = "BY"', 'state = "XX"', "practice.toml: [locations.markt] state: found 'XX', expected 'BB', 'BE'"),
    ('state = "BY"', 'stat = "BY"', "practice.toml: [locations.markt] stat: unknown key; did you mean state?"),
    ('state = "BY"', 'stat = "BY"', "practice.toml: [locations.markt] state: missing"),
    ('timezone = "Europe/Berlin"', 'timezone = "Berlin"', "practice.toml: timezone: found 'Berlin'"),
    ('timezone = "Europe/Berlin"', 'time_zone = "x"', "practice.toml: time_zone: unknown key; did you mean timezone?"),
    ('"08:00-12:00", "14', '"08:00-15:00", "14', "mon: hours overlap"),
    ('"08:00-12:00", "14', '"8 bis 12", "14', "expected two times of day like 08:00-12:00"),
    ('"08:00-12:00", "14', '"08:00-08:00", "14', "starts and ends at the same time"),
    ('"08:00-12:00", "14', '"08:00-25:00", "14', "expected two times of day"),
    ('mon = [', 'monday = [', "practice.toml: [locations.markt.opening_hours.monday] [key]: found 'monday'"),
    ('title = "Praxissoftware"', "", "practice.toml: [sources.pvs] title: missing"),
    ('location = "markt"', 'location = "mark"', "[[calendars]] demir location: found 'mark', expected one of markt"),
    ('kind = "person"', 'kind = "human"', "practice.toml: [[calendars]] demir kind: found 'human', expected 'person'"),
    ('kind = "person"', 'typ = "person"', "practice.toml: [[calendars]] demir typ: unknown key"),
    ('key = "demir"', "", "practice.toml: [[calendars]] number 1 key: missing"),
    ('leads = "pvs"', "capacity = 0", "[[calendars]] demir capacity: found 0, input should be greater than"),
    ("booking =", "bokking =", "[[calendars]] demir schedules: found 'bokking', expected one of pvs, booking"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "line"), WRONG)
def test_each_error_is_told_with_table_and_key(right: str, wrong: str, line: str) -> None:
    assert right in SETTINGS
    found = problems(SETTINGS.replace(right, wrong, 1))
    assert any(line in problem for problem in found), found
    assert all(problem.startswith("practice.toml: ") for problem in found)


#: Tables put at the end of the file, and the line that they must give.
MORE = [
    ("[serve]\nhost = '0.0.0.0'", "[serve] host: found '0.0.0.0', expected 127.0.0.1"),
    ("[serve]\ncertificate = 'a.pem'", "[serve] certificate and certificate_key: one stands there without"),
    ("[serve]\nport = 80", "[serve] port: found 80"),
    ("[schedule]\npoll_secs = 30", "[schedule] poll_secs: unknown key; did you mean poll_seconds?"),
    ("[schedule]\nfull_at = '2 Uhr'", "[schedule] full_at: found '2 Uhr', expected a time of day like 07:30"),
    ("[rules]\nremoval_share = 1.5", "[rules] removal_share: found 1.5"),
    ("[[closures]]\nstart = 2026-12-24\nend = 2026-12-23\nname = 'x'", "[[closures]] 2026-12-24 end: found 2026-12-23"),
    ("[[closures]]\nstart = 2026-12-24\nend = 2026-12-24\nname = 'x'\nlocation = 'hof'", "location: found 'hof'"),
    (
        "[[calendars]]\nkey = 'demir'\nname = 'x'\nkind = 'room'\nlocation = 'markt'\nschedules = {}",
        "key: stands there",
    ),
    (
        "[[calendars]]\nkey = 'b'\nname = 'x'\nkind = 'room'\nlocation = 'markt'\nschedules = {pvs='1'}",
        "belongs to demir",
    ),
    ("[sandbox]\nfoldr = '/tmp'", "[sandbox] foldr: unknown key; did you mean folder?"),
    ("[serve\n", "not TOML"),
]


@pytest.mark.parametrize(("table", "line"), MORE)
def test_tables_that_contradict_are_told(table: str, line: str) -> None:
    found = problems(f"{SETTINGS}\n{table}\n")
    assert any(line in problem for problem in found), found


def test_all_errors_come_at_once_with_those_of_the_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "problems", lambda name, table: [f"url: missing in {table['kind']}"])
    found = problems(SETTINGS.replace('state = "BY"', 'state = "XX"').replace('kind = "person"', 'kind = "human"'))
    assert len(found) == 4
    assert "practice.toml: [sources.pvs] url: missing in pvs" in found
    assert "practice.toml: [sources.booking] url: missing in isik" in found
