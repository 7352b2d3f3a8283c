"""Every profile on its own tables: the native driver, ODBC and the Arrow transports give the same, types too."""

import pytest

from connectors.pvs import engine, profile
from connectors.source import Change
from tests.kit.demo_pvs import made
from tests.kit.same_frames import same_everywhere
from tests.kit.servers import odbc_url, sqlite_odbc
from tests.kit.vendors import described, filled, opened

pytestmark = pytest.mark.engine

#: Profile and system; one profile may speak to several.
DATABASES = [
    ("gnuhealth", "postgresql"),
    ("elexis", "postgresql"),
    ("tomedo", "postgresql"),
    ("t2med", "postgresql"),
    ("elexis", "mysql"),
    ("opendental", "mysql"),
    ("openemr", "mysql"),
    ("easyappointments", "mysql"),
]

#: Profile, system, a patient, the number that stands there: the corrections that go over ODBC too.
CORRECTIONS = [
    ("gnuhealth", "postgresql", "1", "0151 5550102"),
    ("gnuhealth", "postgresql", "2", None),
    ("elexis", "postgresql", "k0000004", None),
    ("opendental", "mysql", "9007199254740993", None),
    ("openemr", "mysql", "13", None),
    ("easyappointments", "mysql", "5", None),
]


@pytest.fixture
def database(request):
    started = {"postgresql": "postgres_server", "mysql": "mariadb_server"}
    return lambda vendor, dialect: filled(request.getfixturevalue(started[dialect]), vendor)


def test_no_shipped_profile_is_left_out():
    assert {name for name, _ in DATABASES} | {"demo"} == set(profile.names())


@pytest.mark.parametrize(("vendor", "dialect"), DATABASES)
def test_every_way_to_read_gives_the_same(database, vendor, dialect):
    server = database(vendor, dialect)
    same_everywhere(described(vendor), server.url, server.odbc_url)


def test_every_way_to_read_a_file_gives_the_same(tmp_path):
    path = made(tmp_path / "pvs.db")
    same_everywhere(described("demo"), engine.parse_url(f"sqlite:///{path}"), odbc_url(sqlite_odbc(path), "sqlite"))


@pytest.mark.parametrize(("vendor", "dialect", "patient", "base"), CORRECTIONS)
def test_a_correction_arrives_over_odbc_too(database, vendor, dialect, patient, base):
    server = database(vendor, dialect)
    change = Change("update", "patient", patient, {"mobile": "0151 7654321"}, {"mobile": base}, key="k1")
    with opened(vendor, server.odbc_url) as source:
        assert source.write(change).outcome == "written"
        assert source.write(change).outcome == "already"
    with opened(vendor, server.url) as source:
        assert source.look("patient", patient)["mobile_e164"] == "+491517654321"
