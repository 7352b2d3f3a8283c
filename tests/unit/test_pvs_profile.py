"""Profiles: everything that is wrong is said at once, with file, table and key."""

import copy

import pytest

from connectors.errors import ProfileError
from connectors.pvs import profile

GOOD = {
    "profile": "praxis",
    "title": "Praxis",
    "dialect": "sqlite",
    "timezone": "Europe/Berlin",
    "probe": "SELECT 1",
    "expect": "1",
    "appointment": {
        "from": "termin t",
        "key": "t.nr",
        "window": "start",
        "changed": {"expr": "t.geaendert", "kind": "local", "overlap": "2h"},
        "columns": {
            "start": "t.beginn",
            "end": {"expr": "t.ende", "type": "local"},
            "status": {"expr": "t.status", "map": {"1": "booked"}},
        },
        "writable": {"start": {"table": "termin", "key": "nr", "column": "beginn"}},
    },
}


def edited(path, value):
    """The good profile with one key set (or, with None, gone)."""
    given = copy.deepcopy(GOOD)
    *tables, key = path
    at = given
    for table in tables:
        at = at[table]
    if value is None:
        del at[key]
    else:
        at[key] = value
    return given


def test_a_good_profile():
    described = profile.parse("praxis.toml", GOOD)
    appointment = described.tables["appointment"]
    assert appointment.changed.overlap == 7200
    assert appointment.columns["start"].expr == "t.beginn"
    assert appointment.deletes.kind == "snapshot"


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("dialect",), None, "praxis.toml: [dialect] found nothing, expected a value"),
        (("timezone",), "Berlin", "[timezone] found 'Berlin', expected a time zone of the IANA list"),
        (("termine",), {}, "[termine] found a key that is not known here, expected one of profile, title"),
        (("appointment", "key"), None, "[appointment.key] found nothing"),
        (("appointment", "keys"), "x", "[appointment.keys] found a key that is not known here, expected one of from,"),
        (("appointment", "columns", "start"), None, "[appointment.columns] found no start"),
        (
            ("appointment", "columns", "diagnose"),
            "t.icd10",
            "[appointment.columns.diagnose] found a field that appointment may not hold",
        ),
        (
            ("appointment", "columns", "source_id"),
            "t.nr",
            "[appointment.columns.source_id] found source_id, expected the key",
        ),
        (
            ("appointment", "columns", "start"),
            {"expr": "t.beginn", "type": "date"},
            "[appointment.columns.start.type] found 'date', expected local, utc, epoch_ms",
        ),
        (("appointment", "columns", "start"), {"expr": "t.b", "const": "x"}, "[appointment.columns.start] found"),
        (
            ("appointment", "columns", "status"),
            {"expr": "s", "map": {"1": "gebucht"}},
            "[appointment.columns.status.map.1] found 'gebucht', expected proposed",
        ),
        (
            ("appointment", "columns", "channel"),
            {"const": "fax"},
            "[appointment.columns.channel.const] found 'fax', expected online",
        ),
        (
            ("appointment", "columns", "replaces"),
            {"expr": "x", "map": {"1": "2"}},
            "[appointment.columns.replaces.map] found a map",
        ),
        (
            ("appointment", "columns", "end"),
            {"expr": "x", "decoder": "magic"},
            "[appointment.columns.end.decoder] found 'magic', expected hhmm",
        ),
        (("appointment", "window"), "created_at", "[appointment.window] found 'created_at'"),
        (("appointment", "changed", "overlap"), "10m", "[appointment.changed] found"),
        (
            ("appointment", "changed", "kind"),
            "date",
            "[appointment.changed.kind] found 'date', expected 'utc', 'local', 'epoch_ms' or 'rowversion'",
        ),
        (
            ("appointment", "deletes"),
            {"kind": "soft"},
            "[appointment.deletes] found {'kind': 'soft'}, expected when where kind is soft",
        ),
        (
            ("appointment", "writable", "end"),
            {"table": "t", "key": "nr"},
            "[appointment.writable.end.column] found nothing",
        ),
        (
            ("appointment", "writable", "replaces"),
            {"table": "t", "key": "nr", "column": "x"},
            "[appointment.writable.replaces] found a field that is not read",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(path, value, problem):
    with pytest.raises(ProfileError) as caught:
        profile.parse("praxis.toml", edited(path, value))
    assert any(problem in line for line in caught.value.problems), caught.value.problems


def test_all_problems_at_once():
    given = edited(("appointment", "columns", "diagnose"), "t.icd10")
    del given["probe"]
    given["patient"] = {"from": "patient", "columns": {}}
    with pytest.raises(ProfileError) as caught:
        profile.parse("praxis.toml", given)
    assert [line.split("]")[0] for line in caught.value.problems] == [
        "praxis.toml: [patient.key",
        "praxis.toml: [appointment.columns.diagnose",
        "praxis.toml: [probe",
    ]


def test_no_file_of_that_name():
    with pytest.raises(ProfileError, match="no profile 'dmeo', expected one of demo"):
        profile.find("dmeo")


def test_a_file_that_is_no_toml(tmp_path):
    path = tmp_path / "praxis.toml"
    path.write_text("profile = ", encoding="utf-8")
    with pytest.raises(ProfileError, match="not TOML"):
        profile.load(path)


@pytest.mark.parametrize("name", profile.names())
def test_shipped_profiles_load(name):
    assert profile.load(profile.find(name)).profile == name
