"""From a URL to an engine: passwords, drivers, deadlines."""

import sys

import pytest

from connectors.errors import DriverMissing, ProfileError
from connectors.pvs import engine


def test_a_password_comes_from_its_secret():
    url = engine.parse_url("postgresql+psycopg://praxis@server/pvs", "geheim")
    assert url.password == "geheim"
    assert "geheim" not in str(url)


def test_a_password_in_the_settings_is_refused_and_not_repeated():
    with pytest.raises(ProfileError, match="password_secret") as caught:
        engine.parse_url("postgresql://praxis:geheim@server/pvs")
    assert "geheim" not in str(caught.value)


def test_text_that_is_no_url():
    with pytest.raises(ProfileError, match="no database URL"):
        engine.parse_url("C:\\praxis\\pvs.db")


def test_odbc_without_its_system_library_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyodbc", None)
    url = engine.parse_url("mssql+pyodbc://praxis@server/pvs?driver=FreeTDS")
    with pytest.raises(DriverMissing, match="apt install unixodbc"):
        engine.reading_engine(url, (), engine.Deadline())


def test_a_dialect_that_nobody_knows():
    with pytest.raises(DriverMissing, match="no driver for turbomed"):
        engine.reading_engine(engine.parse_url("turbomed://server/pvs"), (), engine.Deadline())


def test_a_deadline_ends_when_nothing_moves_or_when_it_takes_too_long():
    now = [0.0]
    deadline = engine.Deadline(idle=60, total=100, clock=lambda: now[0])
    now[0] = 59
    assert not deadline.expired()
    deadline.moved()
    now[0] = 99
    assert not deadline.expired()
    deadline.moved()
    now[0] = 101
    assert deadline.expired()
    deadline.start()
    assert not deadline.expired()
    now[0] = 162
    assert deadline.expired()


def test_a_deadline_is_shorter_where_others_wait_but_never_longer():
    now = [0.0]
    deadline = engine.Deadline(idle=60, total=100, clock=lambda: now[0])
    for patience, idle in ((15, 15), (90, 60), (None, 60)):
        now[0] = 0
        deadline.start(patience)
        now[0] = idle
        assert not deadline.expired()
        now[0] = idle + 0.1
        assert deadline.expired()
