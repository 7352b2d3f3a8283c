"""Practice systems as their vendors build them: a schema fixture per profile, loaded into a real server, and read.

@pytest.fixture(scope="module")
def server(postgres_server):
    return filled(postgres_server, "gnuhealth")

def test_it(server):
    with opened("gnuhealth", server.url) as source:
        assert shown(source, "patient") == [{...}, ...]
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from connectors.pvs import profile
from connectors.pvs.source import Login, PvsSource
from connectors.source import Batch, ReadRequest
from pipelines.ops import create
from pipelines.practice import Practice
from tests.kit.demo_pvs import NOW, WINDOW
from tests.kit.practices import Clock, make_practice
from tests.kit.servers import Server

SETTINGS = """\
name = "MVZ Am Hafen"
timezone = "Europe/Berlin"

[locations.hafen]
name = "Kaistraße"
state = "HH"

[sources.pvs]
kind = "pvs"
title = "Praxissoftware"
profile = "{vendor}"
url = "{url}"
password_secret = "pvs"
write_back = true
"""

FIXTURES = Path(__file__).parent.parent / "vendors"


def statements(vendor: str) -> list[str]:
    """The statements of `tests/vendors/<vendor>.sql`; a semicolon at the end of a line ends one."""
    text = (FIXTURES / f"{vendor}.sql").read_text(encoding="utf-8")
    code = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
    return [statement.strip() for statement in re.split(r";[ ]*\n", code) if statement.strip()]


def filled(server: Server, vendor: str, options: str = "") -> Server:
    """A new database of the server with the vendor's tables and rows."""
    database = server.database(options)
    database.run(*statements(vendor))
    return database


def described(vendor: str) -> profile.Profile:
    """A shipped profile."""
    return profile.load(profile.find(vendor))


def opened(
    vendor: str | profile.Profile, url: sa.URL, *, now: dt.datetime = NOW, transport: str = "sqlalchemy"
) -> PvsSource:
    """The profile on a database, as a practice in Berlin has it."""
    known = described(vendor) if isinstance(vendor, str) else vendor
    return PvsSource("pvs", known, Login(url, url), timezone="Europe/Berlin", now=lambda: now, transport=transport)


def read(source: PvsSource, resource: str, scope: Any = "full", since: str | None = None) -> Batch:
    """One reading that fits in one batch."""
    (batch,) = source.read(ReadRequest(resource, scope, since=since, window=WINDOW))
    return batch


def frames(source: PvsSource) -> dict[str, pl.DataFrame]:
    """Every record of a source, whole."""
    return {resource: read(source, resource).frame for resource in source.resources}


def shown(batch: Batch) -> list[dict[str, Any]]:
    """The rows of a batch with the fields that are not null, without the vendor's codes."""
    return [
        {name: value for name, value in row.items() if value is not None and not _is_code(name)}
        for row in batch.frame.rows(named=True)
    ]


def told(batch: Batch) -> list[tuple[Any, ...]]:
    """What was set aside or doubted: record's key, field, rule, what stood there."""
    doubts = pl.concat([batch.rejected, batch.issues])
    return doubts.select("source_id", "field", "rule", "found").rows()


def _is_code(name: str) -> bool:
    return name.endswith("_code") and name != "postal_code"


def utc(text: str) -> dt.datetime:
    """`2026-03-03 08:00` as an instant."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def naive(text: str) -> dt.datetime:
    """The same without a zone, as a vendor's column has it."""
    return dt.datetime.fromisoformat(text)


def practice_on(server: Server, vendor: str, folder: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Practice:
    """A practice with this database as its only source; its ops.db is new, nothing has landed."""
    url = server.url.render_as_string().replace(":***@", "@")
    made = make_practice(folder, monkeypatch, settings=SETTINGS.format(vendor=vendor, url=url), clock=clock)
    made.set_secret("pvs", str(server.url.password))
    create(made.ops_path, made.key("ops"))
    return made
