"""`[sources.<name>]` of a practice database: URLs of all engines, ODBC, transports, budget; all problems at once."""

import datetime as dt

import pytest

from connectors.errors import DriverMissing, ProfileError
from connectors.pvs import engine, settings

KNOWN = {"kind": "pvs", "title": "PVS", "profile": "demo", "url": "sqlite:////nowhere/praxis.db"}


def problems(**changes):
    return settings.problems("pvs", {**KNOWN, **changes})


def test_nothing_is_wrong_with_the_demo():
    assert problems() == []
    assert problems(url="odbc:DRIVER={SQLite3};Database=/nowhere/praxis.db", row_budget=100_000) == []
    assert problems(url="odbc:DSN=praxis", transport="arrow_odbc") == []
    assert problems(url="odbc://leser@praxis?dialect=sqlite") == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "odbc:DSN=praxis;PWD=geheim"}, "password_secret"),
        ({"url": "odbc:DSN"}, "no ODBC connection string"),
        ({"url": "odbc://praxis?dialect=mysql"}, "the profile's sqlite"),
        ({"url": "postgresql://leser@server/pvs"}, "the profile's sqlite"),
        ({"transport": "adbc"}, "a url that begins with postgresql"),
        ({"transport": "arrow_odbc"}, "a url that begins with odbc or mssql"),
        ({"transport": "pigeon"}, "transport"),
        ({"row_budget": 0}, "row_budget"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(changes, words):
    found = problems(**changes)
    assert len(found) == 1
    assert words in found[0]
    assert "geheim" not in found[0]


def test_an_odbc_source_speaks_what_its_profile_speaks():
    source = settings.open_source(
        "pvs", {**KNOWN, "url": "odbc:DSN=praxis", "password_secret": "pvs"}, secret=lambda _: "geheim",
        timezone="Europe/Berlin", now=lambda: dt.datetime(2026, 3, 2, tzinfo=dt.UTC),
    )  # fmt: skip
    with source:
        url = source._login.reading
    assert engine.dialect_of(url) == "sqlite"
    assert url.password == "geheim"
    assert "geheim" not in str(url)


def test_a_driver_that_cannot_be_broken_off_is_refused():
    for url in ("postgresql+psycopg2://a@b/c", "mysql+mysqldb://a@b/c"):
        with pytest.raises(DriverMissing, match="broken off"):
            engine.reading_engine(engine.parse_url(url), (), engine.Deadline())


@pytest.mark.parametrize(("url", "driver"), [("postgresql://a@b/c", "psycopg"), ("mysql://a@b/c", "pymysql"),
                                             ("mariadb://a@b/c", "pymysql")])  # fmt: skip
def test_the_driver_need_not_be_named(url, driver):
    reading = engine.reading_engine(engine.parse_url(url), (), engine.Deadline())
    assert reading.dialect.driver == driver


def test_settings_that_are_wrong_open_nothing():
    with pytest.raises(ProfileError, match="transport"):
        settings.open_source(
            "pvs", {**KNOWN, "transport": "adbc"}, secret=str, timezone="Europe/Berlin",
            now=lambda: dt.datetime(2026, 3, 2, tzinfo=dt.UTC),
        )  # fmt: skip
