"""From a table of practice.toml to a source: every problem is named, and each kind loads only what it needs."""

import subprocess
import sys

import pytest

from connectors import registry
from connectors.errors import ProfileError
from connectors.files.source import ListSource
from connectors.pvs.source import PvsSource
from tests.kit.demo_pvs import NOW, made, read

PVS = {"kind": "pvs", "title": "Praxissoftware", "profile": "demo", "url": "sqlite:////praxis/pvs.db"}
LIST = {"kind": "list", "title": "Terminliste", "path": "/praxis/termine.csv"}


def opened(name, table):
    return registry.open_source(name, table, secret=lambda name: f"<{name}>", timezone="Europe/Berlin", now=lambda: NOW)


@pytest.mark.parametrize("table", [PVS, LIST])
def test_a_good_table(table):
    assert registry.problems("it", table) == []


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"title": "x"}, "[sources.it.kind] found None, expected one of pvs, isik, booking-json, list"),
        ({"kind": "tomedo"}, "[sources.it.kind] found 'tomedo', expected one of pvs"),
        (PVS | {"url": "C:\\pvs.db"}, "[sources.it] url: found text that is no database URL"),
        (PVS | {"url": "sqlite://u:geheim@/pvs.db"}, "[sources.it] url: found a password"),
        (PVS | {"url": "mssql+pyodbc://server/pvs"}, "[sources.it.url] found 'mssql', expected the profile's sqlite"),
        (PVS | {"profile": "dmeo"}, "[sources.it] found no profile 'dmeo', expected one of demo"),
        (PVS | {"passwort": "x"}, "[sources.it.passwort] found a key that is not known here, expected one of kind"),
        (LIST | {"profile": "nichts"}, "[sources.it] profile: found no list profile 'nichts', expected one of termine"),
        (LIST | {"encoding": "utf-9"}, "[sources.it.encoding] found 'utf-9', expected an encoding"),
        (LIST | {"headers": {"zeit": "Zeit"}}, "[sources.it.headers] found 'zeit', expected one of nummer"),
    ],
)
def test_a_wrong_table(table, problem):
    assert any(problem in line for line in registry.problems("it", table)), registry.problems("it", table)
    if table.get("kind") in registry.KINDS:
        with pytest.raises(ProfileError):
            opened("it", table)


def test_sources_of_the_kinds_that_are_read_here(tmp_path):
    path = made(tmp_path / "pvs.db")
    with opened("pvs", PVS | {"url": f"sqlite:///{path}"}) as source:
        assert isinstance(source, PvsSource)
        assert read(source, "practitioner")[0].frame.height == 2
    assert isinstance(opened("liste", LIST), ListSource)


def test_what_a_source_is_to_the_practice():
    assert [registry.system({"kind": kind}) for kind in registry.KINDS] == ["pvs", "platform", "platform", "list"]


def test_the_code_maps_in_force():
    codes = registry.code_map("pvs", PVS)
    assert codes.columns == ["resource", "field", "code", "value"]
    assert codes.filter(resource="appointment", field="status", code="5")["value"].to_list() == ["cancelled"]
    assert codes.filter(resource="appointment", field="cancelled_by", code="1")["value"].to_list() == [None]
    assert codes.equals(codes.sort("resource", "field", "code"))


def test_a_field_that_speaks_our_codes_maps_them_to_themselves():
    codes = registry.code_map("liste", LIST).filter(resource="schedule", field="kind")
    assert codes["code"].to_list() == codes["value"].to_list() == ["device", "person", "room", "unknown"]


def test_a_practice_without_odbc_or_booking_loads_neither():
    script = (
        "import sys; from connectors import registry;"
        f"registry.open_source('pvs', {PVS!r}, secret=str, timezone='Europe/Berlin', now=None);"
        "print({'pyodbc', 'httpx', 'fastexcel'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
