"""ODBC connection strings: read, refused, completed with login and with what a driver must be told."""

import pytest

from connectors.errors import ProfileError
from connectors.pvs import connection_string


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("DSN=pvs", {"DSN": "pvs"}),
        (" DSN = pvs ; UID=leser; ", {"DSN": "pvs", "UID": "leser"}),
        ("DRIVER={MariaDB Unicode};SERVER=h;PORT=3306", {"DRIVER": "MariaDB Unicode", "SERVER": "h", "PORT": "3306"}),
        ("DSN=x;PWD={a;b}}c=d}", {"DSN": "x", "PWD": "a;b}c=d"}),
        ("DRIVER=/usr/lib/odbc/psqlodbcw.so;Database=", {"DRIVER": "/usr/lib/odbc/psqlodbcw.so", "Database": ""}),
    ],
)
def test_pairs(text, pairs):
    assert connection_string.parse(text) == pairs


@pytest.mark.parametrize("text", ["", " ; ", "pvs", "DSN={pvs", "=pvs"])
def test_text_that_is_none(text):
    with pytest.raises(ProfileError, match=r"ODBC|DSN"):
        connection_string.parse(text)


@pytest.mark.parametrize(("text", "has"), [("DSN=x;pwd=y", True), ("DSN=x;Password=", True), ("DSN=x;UID=pwd", False)])
def test_a_password_in_it(text, has):
    assert connection_string.has_password(connection_string.parse(text)) is has


def test_login_is_put_in_and_survives_any_character():
    text = connection_string.complete("DSN=pvs", "", "leser", "ge;h}e m")
    assert text == "DSN=pvs;UID=leser;PWD={ge;h}}e m}"
    assert connection_string.parse(text)["PWD"] == "ge;h}e m"


def test_a_login_that_stands_there_counts():
    assert connection_string.complete("DSN=pvs;uid=anna", "", "leser", None) == "DSN=pvs;uid=anna"


def test_what_the_practice_says_itself_counts():
    text = connection_string.complete("DSN=pvs;fetch=500;boolsaschar=1", "postgresql", None, None)
    pairs = connection_string.parse(text)
    assert (pairs["fetch"], pairs["boolsaschar"], pairs["UseDeclareFetch"]) == ("500", "1", "1")
    assert not {"Fetch", "BoolsAsChar"} & set(pairs)


def test_sql_server_is_told_who_asks_and_that_we_only_read():
    text = connection_string.complete("DSN=pvs", "mssql", readonly=True)
    assert text == "DSN=pvs;APP=praxistakt;ApplicationIntent=ReadOnly"
    assert connection_string.complete("DSN=pvs", "mssql") == "DSN=pvs;APP=praxistakt"
