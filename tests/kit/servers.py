"""Real databases for tests: PostgreSQL and MariaDB on free loopback ports, and the ODBC drivers that this machine has.

Each server is one process per test worker, started when the first test asks for it and gone with the worker, even if
that is killed. A test takes a database of its own from it (`Server.database`). What is missing is named in the skip.

    @pytest.mark.engine
    def test_it(postgres_server):
        server = postgres_server.database()
        server.run("CREATE TABLE ...", "INSERT ...")
        server.url    # psycopg or PyMySQL, for SQLAlchemy
        server.odbc   # psqlodbc or MariaDB ODBC, for pyodbc; skips where there is none
"""

from __future__ import annotations

import configparser
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

USER, PASSWORD = "praxis", "geheim"

#: Drivers by what they are for: the names under which machines know them.
ODBC_DRIVERS = {
    "postgresql": ("PostgreSQL Unicode", "PostgreSQL Unicode(x64)"),
    "mysql": ("MariaDB Unicode", "MariaDB ODBC 3.2 Driver", "MariaDB ODBC 3.1 Driver"),
    "sqlite": ("SQLite3", "SQLite3 ODBC Driver"),
}
_NUMBERS = count(1)
_DEADLINE = 30.0


@dataclass(frozen=True)
class Server:
    """One database of a running server, and a login that may do everything in it."""

    dialect: str
    url: sa.URL

    @property
    def odbc(self) -> str:
        """An ODBC connection string without a DSN, password included; skips where the driver is missing."""
        return self.odbc_at(self.url.port or 0)

    @property
    def odbc_url(self) -> sa.URL:
        """The same as a URL for our engines."""
        return odbc_url(self.odbc, self.dialect)

    def odbc_at(self, port: int) -> str:
        """The same by another port, that of a proxy."""
        url = self.url
        return (
            f"DRIVER={{{odbc_driver(self.dialect)}}};SERVER={url.host};PORT={port};DATABASE={url.database};"
            f"UID={url.username};PWD={url.password}"
        )

    @contextmanager
    def engine(self) -> Iterator[sa.Engine]:
        """An engine of SQLAlchemy's own, in autocommit."""
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
        try:
            yield engine
        finally:
            engine.dispose()

    def run(self, *statements: str) -> None:
        """Execute statements, each for itself; none of them is parsed for parameters."""
        with self.engine() as engine, engine.connect() as connection:
            for statement in statements:
                connection.execution_options(no_parameters=True).exec_driver_sql(statement)

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Rows of a statement."""
        with self.engine() as engine, engine.connect() as connection:
            rows = connection.execution_options(no_parameters=True).exec_driver_sql(statement)
            return [tuple(row) for row in rows]

    def database(self, options: str = "") -> Server:
        """A new, empty database on the same server; `options` follow CREATE DATABASE."""
        name = f"pvs_{os.getpid()}_{next(_NUMBERS)}"
        self.run(f"CREATE DATABASE {name} {options}")
        return replace(self, url=self.url.set(database=name))


def odbc_driver(dialect: str) -> str:
    """The name of this machine's ODBC driver for a dialect; skips where it, or unixODBC, is missing."""
    try:
        import pyodbc  # noqa: PLC0415 - a machine without unixODBC has no pyodbc
    except ImportError:
        pytest.skip("unixODBC is missing: apt install unixodbc")
    known = pyodbc.drivers()
    for name in ODBC_DRIVERS[dialect]:
        if name in known:
            return name
    pytest.skip(f"no ODBC driver for {dialect}, expected one of {', '.join(ODBC_DRIVERS[dialect])}")


def odbc_url(string: str, dialect: str) -> sa.URL:
    """An ODBC connection string as a URL for our engines."""
    return sa.URL.create("odbc", query={"odbc_connect": string, "dialect": dialect})


def odbc_library(dialect: str) -> str:
    """The driver's library as odbcinst.ini names it, for `DRIVER=<path>`."""
    drivers = configparser.ConfigParser(interpolation=None)
    drivers.read("/etc/odbcinst.ini", encoding="utf-8")
    return drivers[odbc_driver(dialect)]["Driver"]


def sqlite_odbc(path: Path) -> str:
    """The ODBC connection string of a SQLite file; skips where the driver is missing."""
    return f"DRIVER={{{odbc_driver('sqlite')}}};Database={path}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """PostgreSQL, UTF-8, scram passwords, the login a superuser."""
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[Server]:
    """MariaDB, utf8mb4, no strict mode (as practices have it: zero dates are taken)."""
    with mariadb() as server:
        yield server


@contextmanager
def postgres(*options: str) -> Iterator[Server]:
    """A PostgreSQL server; `options` as `work_mem=64MB`."""
    initdb, postgres_ = _program("initdb", "postgresql"), _program("postgres", "postgresql")
    with _folder("postgres") as (folder, identity):
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        _finish(
            [*identity, initdb, "-D", str(folder / "data"), "-U", USER, "-A", "scram-sha-256", "--pwfile", str(secret),
             "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"],
            folder,
        )  # fmt: skip
        port = free_port()
        settings = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=40", *options)
        command = [*identity, postgres_, "-D", str(folder / "data"), "-h", "127.0.0.1", "-p", str(port), "-k", ""]
        command += [part for setting in settings for part in ("-c", setting)]
        url = sa.URL.create("postgresql+psycopg", USER, PASSWORD, "127.0.0.1", port, "postgres")
        yield from _served(command, folder, Server("postgresql", url))


@contextmanager
def mariadb(*options: str) -> Iterator[Server]:
    """A MariaDB server, never as root; `options` as `--max-allowed-packet=64M`."""
    install, server = _program("mariadb-install-db", "mariadb-server"), _program("mariadbd", "mariadb-server")
    with _folder("mysql") as (folder, identity):
        data = ["--no-defaults", f"--datadir={folder / 'data'}"]
        _finish(
            [*identity, install, *data, "--auth-root-authentication-method=normal", "--skip-test-db",
             "--innodb-log-file-size=4M", "--innodb-flush-method=nosync", "--skip-log-bin", "--skip-name-resolve"],
            folder,
        )  # fmt: skip
        start = folder / "start.sql"
        start.write_text(
            f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;"
            "\nCREATE DATABASE pvs;\n",
            encoding="utf-8",
        )
        start.chmod(0o644)
        port = free_port()
        command = [*identity, server, *data, "--bind-address=127.0.0.1", f"--port={port}", "--skip-name-resolve",
                   f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}", f"--init-file={start}",
                   "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--sql-mode=",
                   "--innodb-buffer-pool-size=64M", "--character-set-server=utf8mb4", *options]  # fmt: skip
        url = sa.URL.create("mysql+pymysql", USER, PASSWORD, "127.0.0.1", port, "pvs", {"charset": "utf8mb4"})
        yield from _served(command, folder, Server("mysql", url))


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def _program(name: str, package: str) -> str:
    """Where a server's program is; Debian keeps PostgreSQL's out of the path."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name.split(".")[0]))
    places = os.pathsep.join(
        [*map(str, reversed(versions)), os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]
    )
    found = shutil.which(name, path=places)
    if found is None:
        pytest.skip(f"{name} is missing: apt install {package}")
    return found


@contextmanager
def _folder(user: str) -> Iterator[tuple[Path, list[str]]]:
    """A folder of the server's own, and how its programs are started: not as root, and ended when we are."""
    identity = []
    with tempfile.TemporaryDirectory(prefix="praxistakt-", ignore_cleanup_errors=True) as name:
        if setpriv := shutil.which("setpriv"):
            identity = [setpriv, "--pdeathsig", "KILL"]
        if os.geteuid() == 0:
            try:
                owner = pwd.getpwnam(user)
            except KeyError:
                pytest.skip(f"no user {user}: as root the server cannot be started")
            if setpriv is None:
                pytest.skip("setpriv is missing: apt install util-linux")
            identity += [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
            os.chown(name, owner.pw_uid, owner.pw_gid)
        yield Path(name), identity


def _finish(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=_environment(folder))
    if done.returncode:
        raise RuntimeError(f"{command[-1]} ended with {done.returncode}: {done.stdout[-800:]} {done.stderr[-800:]}")


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _served(command: list[str], folder: Path, server: Server) -> Iterator[Server]:
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=_environment(folder)
        )
    try:
        _await(process, server, log)
        yield server
    finally:
        process.kill()  # there is nothing in it that anyone will read again
        process.wait()


def _await(process: subprocess.Popen[bytes], server: Server, log: Path) -> None:
    """Until it lets us in."""
    until = time.monotonic() + _DEADLINE
    while not _answers(server):
        if process.poll() is not None or time.monotonic() > until:
            said = log.read_text(encoding="utf-8", errors="replace")[-1500:]
            raise RuntimeError(f"{server.dialect} does not answer: {said}")
        time.sleep(0.02)


def _answers(server: Server) -> bool:
    try:
        server.ask("SELECT 1")
    except sa.exc.DBAPIError:
        return False
    return True
