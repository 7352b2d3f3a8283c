"""Profiles: everything that is wrong is said at once, with file, table and key."""

import copy
import re
import tomllib
from pathlib import Path

import pytest

from connectors.decoders import DECODERS
from connectors.errors import ProfileError
from connectors.mapping import FieldMapping
from connectors.pvs import profile
from connectors.pvs.decoders import EXPANDERS

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
            "[appointment.columns.end.decoder] found 'magic', expected arrival_in_history",
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
        (("version",), "SELECT 1", "[min_version] found nothing, expected version (a query) and min_version"),
        (("min_version",), "latest", "[min_version] found 'latest', expected a version with numbers, as 24.3"),
        (("fingerprint",), {"termin": {"nr": "bigint"}}, "[fingerprint.termin.nr] found 'bigint', expected 'text'"),
        (("verified",), "maybe", "[verified] found 'maybe'"),
        (
            ("appointment", "deletes"),
            {"kind": "snapshot", "since": True},
            "[appointment.deletes] found {'kind': 'snapshot', 'since': True}, expected since where kind is tombstone",
        ),
        (
            ("appointment", "expand"),
            "magic",
            "[appointment.expand] found 'magic', expected one of day_limits, listed, recurrence, working_plan",
        ),
        (("appointment", "expand"), "working_plan", "[appointment.packed.plan] found nothing, expected a column for"),
        (("appointment", "expand"), "working_plan", "[appointment.writable] found writable fields, expected none"),
        (("appointment", "packed"), {"plan": "t.plan"}, "[appointment.packed] found packed columns, expected none"),
        (
            ("appointment", "columns", "series_id"),
            {"unpacked": True},
            "[appointment.columns.series_id] found a field that nothing unpacks",
        ),
        (("appointment", "paste_order"), ["start", "info"], "[appointment.paste_order] found 'info', expected fields"),
        (("appointment", "open_url"), "https://{host}/termin", "[appointment.open_url] found no {id}"),
        (("appointment", "id_pattern"), "[0-9", "[appointment.id_pattern] found no pattern"),
        (
            ("appointment", "writable", "start"),
            {"table": "termin", "key": "nr", "column": "beginn", "through": {"table": "t"}},
            "[appointment.writable.start.through.key] found nothing",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(path, value, problem):
    with pytest.raises(ProfileError) as caught:
        profile.parse("praxis.toml", edited(path, value))
    assert any(problem in line for line in caught.value.problems), caught.value.problems


def test_a_window_by_days_needs_a_window():
    given = edited(("appointment", "window"), None)
    given["appointment"]["window_day"] = "t.tag"
    with pytest.raises(ProfileError, match=r"\[appointment.window_day\] found no window"):
        profile.parse("praxis.toml", given)


def test_tombstones_since_need_a_cursor():
    given = edited(("appointment", "changed"), None)
    given["appointment"]["deletes"] = {"kind": "tombstone", "query": "SELECT nr, wann FROM weg", "since": True}
    with pytest.raises(ProfileError, match=r"\[appointment.deletes.since\] found no cursor"):
        profile.parse("praxis.toml", given)


@pytest.mark.parametrize(
    ("older", "newer"), [("24.3", "24.3.1.0"), ("9.10", "24.3"), ("24.2.99", "24.3"), ("5", "v5_1"), ("", "1")]
)
def test_versions_compare_as_numbers(older, newer):
    assert profile.numbers(older) < profile.numbers(newer)


@pytest.mark.parametrize(
    ("source_id", "address"),
    [("17", "https://pvs.example/p/17"), ("17/../x", None), ("", None), ("17\n", None)],
)
def test_a_record_is_opened_by_a_key_of_its_form_alone(source_id, address):
    given = edited(("appointment", "open_url"), "https://{host}/p/{id}")
    record = profile.parse("praxis.toml", given).tables["appointment"]
    assert profile.open_url(record, source_id, "pvs.example") == address


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


# The reference in docs/profiles.md

REFERENCE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")


def test_the_example_of_the_reference_is_a_profile():
    (example,) = re.findall(r"```toml\n(.*?)```", REFERENCE, re.DOTALL)
    assert profile.parse("praxis.toml", tomllib.loads(example)).tables["appointment"].window == "start"


@pytest.mark.parametrize(
    "model",
    [profile.Profile, profile.RecordProfile, profile.Changed, profile.Deletes, profile.Stamp, profile.Through,
     profile.Insertion, profile.Writable, profile.Creation, FieldMapping],
    ids=lambda model: model.__name__,
)  # fmt: skip
def test_the_reference_has_every_key(model):
    keys = {field.alias or name for name, field in model.model_fields.items()} - {"tables"}
    assert {key for key in keys if re.search(rf"`[^`]*\b{key}\b[^`]*`", REFERENCE) is None} == set()


NAMES = {*profile.names(), *DECODERS, *EXPANDERS, *(part for one in EXPANDERS.values() for part in one.packed)}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_reference_has_every_name(name):
    assert f"`{name}`" in REFERENCE
