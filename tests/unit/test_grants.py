"""The rights that a profile needs: which tables it names, what is printed, and that this is enough and no more."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import sqlalchemy as sa

from connectors.errors import SourceRefused
from connectors.pvs import grants, profile, rights
from connectors.pvs.rights import Rights, Rule, mysql_rights
from connectors.pvs.source import Login, PvsSource
from connectors.source import Change, ReadRequest
from tests.kit.demo_pvs import NOW
from tests.kit.servers import Server


@pytest.mark.parametrize(
    ("sql", "clause", "tables"),
    [
        ("termin t", True, ["termin"]),
        ("termin t LEFT JOIN patient p ON p.id = t.pat, raum", True, ["termin", "patient", "raum"]),
        ("praxis.termin t JOIN [dbo].[Pat] p ON 1 = 1", True, ["praxis.termin", "[dbo].[Pat]"]),
        ("p JOIN LATERAL (SELECT c.v FROM kontakt c WHERE c.p = p.id ORDER BY c.id) k ON true", True, ["p", "kontakt"]),
        ("config c, LATERAL unnest(string_to_array(c.wert, ',')) b(name, pos)", True, ["config"]),
        ("(SELECT max(x.id) FROM versicherung x WHERE x.pat = p.id)", False, ["versicherung"]),
        ("EXTRACT(YEAR FROM t.beginn)", False, []),
        ("CASE WHEN t.art = 'FROM nirgends' THEN 1 END -- FROM auch nicht", False, []),
        ("SELECT count(*) FROM information_schema.columns WHERE table_name = 'termin'", False, []),
        ("WITH neu AS (SELECT 1 FROM alt) SELECT * FROM neu JOIN b USING (id)", False, ["alt", "b"]),
        ('SELECT 1 FROM "Mein Termin" UNION SELECT 2 FROM andere', False, ['"Mein Termin"', "andere"]),
    ],
)
def test_tables_are_those_that_a_statement_reads(sql: str, clause: bool, tables: list[str]) -> None:
    assert grants.named_in(sql, clause=clause) == tables


def described(dialect: str) -> profile.Profile:
    """A small profile over two of three tables, with one field that may be written."""
    here = "table_schema = DATABASE() AND " if dialect == "mysql" else ""
    named = "table_name = 'termin' AND column_name = 'beginn'"
    catalogue = f"SELECT count(*) FROM information_schema.columns WHERE {here}{named}"
    return profile.parse(
        "klein.toml",
        {
            "profile": "klein",
            "title": "Klein",
            "dialect": dialect,
            "probe": catalogue,
            "expect": "1",
            "patient": {
                "from": "patient p",
                "key": "p.id",
                "columns": {"family_name": "p.nachname", "phone": "p.telefon"},
                "writable": {"phone": {"table": "patient", "key": "id", "column": "telefon", "version": "stand"}},
            },
            "appointment": {
                "from": "termin t",
                "key": "t.id",
                "columns": {"patient_id": "t.patid", "start": "t.beginn", "end": "t.ende"},
            },
        },
    )


ROWS = (
    "CREATE TABLE patient (id integer PRIMARY KEY, nachname varchar(40), telefon varchar(40), stand integer)",
    "CREATE TABLE termin (id integer PRIMARY KEY, patid integer, beginn timestamp NULL, ende timestamp NULL)",
    "CREATE TABLE befund (id integer PRIMARY KEY, text varchar(40))",
    "INSERT INTO patient VALUES (1, 'Ahlgrimm', '030 5550101', 1)",
    "INSERT INTO termin VALUES (7, 1, '2026-03-04 08:30:00', '2026-03-04 08:50:00')",
    "INSERT INTO befund VALUES (1, 'geheim')",
)


def granted(request: pytest.FixtureRequest, fixture: str, role: grants.Role) -> tuple[Server, sa.URL]:
    """A real server with the rows and a login made by the printed statements; its URL with the password."""
    server: Server = request.getfixturevalue(fixture).database()
    server.run(*ROWS)
    login = f"{'leser' if role == 'reading' else 'schreiber'}_{server.url.database}"
    for line in grants.statements(
        described(server.dialect), server.dialect, login=login, database=str(server.url.database), role=role
    ):
        if not line.startswith("--"):
            server.run(line.replace(grants.PASSWORD, "nur-hier"))
    return server, server.url.set(username=login, password="nur-hier")


SERVERS = pytest.mark.parametrize("fixture", ["postgres_server", "mariadb_server"], ids=["postgresql", "mariadb"])


def opened(server: Server, url: sa.URL, rule: Rule, writing: sa.URL | None = None) -> PvsSource:
    """The small profile under a login, with the practice's rule about logins that can write."""
    return PvsSource(
        "pvs",
        described(server.dialect),
        Login(url, writing or url),
        timezone="Europe/Berlin",
        now=lambda: NOW,
        rule=rule,
    )


@pytest.mark.engine
@SERVERS
def test_the_reading_login_reads_everything_it_needs_and_can_do_nothing_else(
    request: pytest.FixtureRequest, fixture: str
) -> None:
    server, url = granted(request, fixture, "reading")
    with opened(server, url, Rule()) as source:
        found = {name: next(iter(source.read(ReadRequest(name, "full")))).frame for name in source.resources}
        levels = {one.check: one.level for one in source.check()}
    assert found["patient"]["family_name"].to_list() == ["Ahlgrimm"]
    assert found["appointment"]["patient_id"].to_list() == ["1"]
    assert levels["rights"] == "ok"
    bare = Server(server.dialect, url)
    assert bare.ask("SELECT count(*) FROM termin") == [(1,)]
    for statement in (
        "UPDATE termin SET patid = 2", "DELETE FROM termin", "INSERT INTO termin (id) VALUES (8)", "DROP TABLE termin",
        "CREATE TABLE neu (a integer)", "SELECT * FROM befund",
    ):  # fmt: skip
        with pytest.raises(sa.exc.DBAPIError, match=r"denied|permission|must be owner|read-only"):
            bare.run(statement)
    assert server.ask("SELECT count(*) FROM termin WHERE patid = 1") == [(1,)]


@pytest.mark.engine
@SERVERS
def test_the_writing_login_writes_its_columns_and_no_others(request: pytest.FixtureRequest, fixture: str) -> None:
    server, reading = granted(request, fixture, "reading")
    writer = f"schreiber_{server.url.database}"
    for line in grants.statements(
        described(server.dialect), server.dialect, login=writer, database=str(server.url.database), role="writing"
    ):
        if not line.startswith("--"):
            server.run(line.replace(grants.PASSWORD, "nur-hier"))
    writing = server.url.set(username=writer, password="nur-hier")
    change = Change("update", "patient", "1", {"phone": "030 5550999"}, {"phone": "030 5550101"}, key="k1")
    with opened(server, reading, Rule(write_back=True), writing) as source:
        assert source.write(change).outcome == "written"
    bare = Server(server.dialect, writing)
    for statement in ("UPDATE patient SET nachname = 'x'", "DELETE FROM patient", "UPDATE termin SET patid = 2"):
        with pytest.raises(sa.exc.DBAPIError, match=r"denied|permission"):
            bare.run(statement)


@pytest.mark.engine
@SERVERS
def test_a_login_that_can_write_is_refused_unless_the_practice_says_why(
    request: pytest.FixtureRequest, fixture: str
) -> None:
    server: Server = request.getfixturevalue(fixture).database()
    server.run(*ROWS)
    request_ = ReadRequest("patient", "full")
    with opened(server, server.url, Rule()) as source:
        with pytest.raises(SourceRefused, match="accept_writable_login"):
            next(iter(source.read(request_)))
        refused = [one for one in source.check() if one.check == "rights"]
    assert [one.level for one in refused] == ["error"]
    with opened(server, server.url, Rule(accepted="der Hersteller gibt keine andere")) as source:
        assert next(iter(source.read(request_))).frame.height == 1
        accepted = [one for one in source.check() if one.check == "rights"]
    assert [one.level for one in accepted] == ["warn"]
    assert "der Hersteller gibt keine andere" in accepted[0].message
    assert "the session is read-only" in accepted[0].message


@pytest.mark.parametrize(
    ("lines", "writes"),
    [
        (["GRANT USAGE ON *.* TO `l`@`%`", "GRANT SELECT ON `praxis`.* TO `l`@`%`"], False),
        (["GRANT ALL PRIVILEGES ON *.* TO `l`@`%` WITH GRANT OPTION"], True),
        (["GRANT SELECT, UPDATE (`telefon`) ON `praxis`.`patient` TO `l`@`%`"], True),
        (["GRANT INSERT ON `andere`.* TO `l`@`%`"], False),
        (["GRANT INSERT ON `prax%`.* TO `l`@`%`"], True),
        (["GRANT INSERT ON `praxi_`.* TO `l`@`%`"], True),
        (["GRANT INSERT ON `praxi\\_`.* TO `l`@`%`"], False),
        (["GRANT SELECT, CREATE TEMPORARY TABLES, LOCK TABLES ON `praxis`.* TO `l`@`%`"], False),
        (["GRANT `rolle` TO `l`@`%`"], False),
    ],
)
def test_grants_of_mysql_are_read(lines: list[str], writes: bool) -> None:
    assert mysql_rights(lines, "praxis").writes is writes


@pytest.mark.parametrize(
    ("found", "rule", "level"),
    [
        (Rights(False, "reads", "mysql"), Rule(), "ok"),
        (Rights(True, "writes", "mysql"), Rule(), "error"),
        (Rights(True, "writes", "mysql"), Rule(write_back=True), "ok"),
        (Rights(True, "writes", "mssql"), Rule(accepted="so"), "warn"),
        (Rights(None, "silent", ""), Rule(), "warn"),
    ],
)
def test_the_rule_about_logins(found: Rights, rule: Rule, level: str) -> None:
    assert rights.finding(found, rule).level == level


def test_sql_server_has_no_read_only_session_and_the_finding_says_so() -> None:
    found = rights.finding(Rights(True, "writes", "mssql"), Rule(accepted="so"))
    assert "no read-only sessions" in found.message


#: SQL Server as text only: none was run against.
EXPECTED: Mapping[str, list[str]] = {
    "mssql": [
        f"CREATE LOGIN [leser] WITH PASSWORD = '{grants.PASSWORD}';",
        "USE [praxis];",
        "CREATE USER [leser] FOR LOGIN [leser];",
        "GRANT SELECT ON OBJECT::dbo.patient TO [leser];",
        "GRANT SELECT ON OBJECT::dbo.termin TO [leser];",
    ],
    "postgresql": [
        f"CREATE ROLE leser LOGIN PASSWORD '{grants.PASSWORD}' NOSUPERUSER NOCREATEDB NOCREATEROLE;",
        "ALTER ROLE leser SET default_transaction_read_only = on;",
        'GRANT CONNECT ON DATABASE "praxis" TO leser;',
        "GRANT USAGE ON SCHEMA public TO leser;",
        "GRANT SELECT ON public.patient TO leser;",
        "GRANT SELECT ON public.termin TO leser;",
    ],
}


@pytest.mark.parametrize("dbms", EXPECTED)
def test_the_statements_of_a_system(dbms: str) -> None:
    assert grants.statements(described("postgresql"), dbms, login="leser", database="praxis") == EXPECTED[dbms]


def test_every_shipped_profile_names_its_tables() -> None:
    for name in profile.names():
        known = profile.load(profile.find(name))
        found = grants.tables_read(known)
        assert found, name
        plain = {table.rsplit(".", 1)[-1].strip('"`[]').lower() for table in found}
        assert {table.rsplit(".", 1)[-1].lower() for table in known.fingerprint} <= plain
