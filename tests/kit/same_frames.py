"""One profile on one database, read in every way that there is: the frames must be equal, types too.

    def test_every_way_gives_the_same(server):
        same_everywhere(described("gnuhealth"), server.url, server.odbc_url)

`ways` names them: the native driver, ODBC, and the Arrow transports over both. Compared is all that a reading says:
the frames as the driver's columns, and the batches with what was rejected, doubted, unmapped, removed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import polars as pl
import sqlalchemy as sa
from polars.testing import assert_frame_equal

from connectors.pvs import engine, orm, transports
from connectors.pvs.profile import Profile
from connectors.pvs.source import Login, Position, PvsSource
from connectors.pvs.watchdog import Deadline
from connectors.source import Batch, ReadRequest
from tests.kit.demo_pvs import NOW

ZONE = "Europe/Berlin"


def ways(native: sa.URL, odbc: sa.URL | None = None) -> dict[str, tuple[sa.URL, str]]:
    """URL and transport of every way to a database; the first is the reference."""
    found = {"native": (native, "sqlalchemy")}
    if native.get_backend_name() == "postgresql":
        found["adbc"] = (native, "adbc")
    if odbc is not None:
        found |= {"odbc": (odbc, "sqlalchemy"), "arrow_odbc": (odbc, "arrow_odbc")}
    return found


@contextmanager
def opened(described: Profile, url: sa.URL, transport: str, now: dt.datetime = NOW) -> Iterator[PvsSource]:
    """The profile on a database, as a practice in Berlin has it."""
    with PvsSource("pvs", described, Login(url, url), timezone=ZONE, now=lambda: now, transport=transport) as source:
        yield source


def everything(described: Profile, url: sa.URL, transport: str, now: dt.datetime = NOW) -> dict[str, list[Batch]]:
    """All batches of a full reading of every record."""
    with opened(described, url, transport, now) as source:
        return {resource: list(source.read(ReadRequest(resource, "full"))) for resource in source.resources}


def columns(described: Profile, url: sa.URL, transport: str) -> dict[str, list[pl.DataFrame]]:
    """Each record's frames as a transport gives them, before the profile's maps and types."""
    reading = engine.reading_engine(url, described.session, Deadline())
    carry = transports.TRANSPORTS[transport]
    try:
        with reading.connect() as connection:
            return {
                resource: list(carry(connection, orm.record_select(record, ZONE)))
                for resource, record in described.tables.items()
            }
    finally:
        reading.dispose()


def same_everywhere(described: Profile, native: sa.URL, odbc: sa.URL | None = None, now: dt.datetime = NOW) -> None:
    """Fails with the way, the record and the column that differ; and where there is nothing to compare."""
    (first, (url, transport)), *others = ways(native, odbc).items()
    reference, raw = everything(described, url, transport, now), columns(described, url, transport)
    if not any(batch.read for batches in reference.values() for batch in batches):
        raise AssertionError(f"{first}: found no row in any record, expected some to compare")
    for name, (other, by) in others:
        read, told = everything(described, other, by, now), columns(described, other, by)
        for resource, batches in reference.items():
            _same_batches(f"{name}, {resource}", batches, read[resource])
            _same_columns(f"{name}, {resource}", raw[resource], told[resource])


def _same_columns(where: str, left: list[pl.DataFrame], right: list[pl.DataFrame]) -> None:
    _same(where, [frame.height for frame in left], [frame.height for frame in right])
    for one, other in zip(left, right, strict=True):
        _same_frame(f"{where}, columns", one, other)


def _same_batches(where: str, left: list[Batch], right: list[Batch]) -> None:
    _same(where, len(left), len(right))
    for one, other in zip(left, right, strict=True):
        for part in ("frame", "rejected", "issues", "unmapped"):
            _same_frame(f"{where}, {part}", getattr(one, part), getattr(other, part))
        for part in ("removed", "read", "last"):
            _same(f"{where}, {part}", getattr(one, part), getattr(other, part))
        _same(f"{where}, position", _place(one), _place(other))


def _place(batch: Batch) -> object:
    """The position without what only the file itself tells."""
    return None if batch.position is None else replace(Position.parse(batch.position), evidence=None)


def _same(where: str, left: object, right: object) -> None:
    if left != right:
        raise AssertionError(f"{where}: found {right!r}, expected {left!r}")


def _same_frame(where: str, left: pl.DataFrame, right: pl.DataFrame) -> None:
    try:
        assert_frame_equal(right, left, check_dtypes=True, check_column_order=True, check_row_order=True)
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}") from error
