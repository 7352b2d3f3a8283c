"""A `[sources.<name>]` table of a booking platform: everything that is wrong with it, at once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from connectors import errors, records
from connectors.booking.apiauth import Dialect
from connectors.booking.settings import BookingSettings
from connectors.booking.source import code_map, open_source, problems

GOOD: dict[str, Any] = {"kind": "isik", "base_url": "https://booking.example/fhir"}
APIAUTH = {"kind": "apiauth", "access_id": "praxis", "secret": "booking-key"}

WELL: dict[str, dict[str, Any]] = {
    "the least": {},
    "the other flavour": {"kind": "booking-json"},
    "a server on this machine": {"base_url": "http://127.0.0.1:8765/fhir"},
    "a server on this machine by name": {"base_url": "http://localhost:8765/fhir"},
    "no auth": {"auth": {"kind": "none"}},
    "bearer": {"auth": {"kind": "bearer", "secret": "token"}},
    "apiauth": {"auth": APIAUTH},
    "codes": {"codes": {"appointment": {"status": {"verlegt": "rescheduled"}}}},
    "extensions": {"extensions": {"appointment": {"channel": "https://booking.example/channel"}}},
}


@pytest.mark.parametrize("change", WELL.values(), ids=WELL)
def test_well(change: dict[str, Any]) -> None:
    assert problems("booking", {**GOOD, **change}) == []


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no address": ({"base_url": None}, "base_url"),
    "an address without a host": ({"base_url": "fhir"}, "base_url"),
    "another protocol": ({"base_url": "ftp://booking.example/"}, "base_url"),
    "plain HTTP to elsewhere": ({"base_url": "http://booking.example/fhir"}, "https"),
    "a password in the address": ({"base_url": "https://u:p@booking.example/fhir"}, "user name"),
    "a query in the address": ({"base_url": "https://booking.example/fhir?a=b"}, "query"),
    "a port beyond all ports": ({"base_url": "https://booking.example:999999/"}, "base_url"),
    "an unknown key": ({"pagesize": 5}, "pagesize"),
    "a page of nothing": ({"page_size": 0}, "page_size"),
    "no time": ({"request_seconds": 0}, "request_seconds"),
    "an unknown auth": ({"auth": {"kind": "basic"}}, "auth"),
    "a switch that turns TLS off": ({"verify": False}, "verify"),
    "apiauth without a secret": ({"auth": {"kind": "apiauth", "access_id": "x"}}, "secret"),
    "a colon in the access id": ({"auth": {**APIAUTH, "access_id": "a:b"}}, "access_id"),
    "an unknown digest": ({"auth": {**APIAUTH, "digest": "sha3"}}, "digest"),
    "a missing CA": ({"ca_file": "/nowhere/ca.pem"}, "ca_file"),
    "a code of no field": ({"codes": {"appointment": {"start": {"x": "y"}}}}, "codes.appointment"),
    "a code of no record": ({"codes": {"termin": {"status": {"x": "booked"}}}}, "codes.termin"),
    "a value that is none": ({"codes": {"appointment": {"status": {"x": "verlegt"}}}}, "verlegt"),
    "an extension of no field": ({"extensions": {"appointment": {"diagnosis": "urn:x"}}}, "diagnosis"),
}


@pytest.mark.parametrize(("change", "says"), WRONG.values(), ids=WRONG)
def test_wrong(change: dict[str, Any], says: str) -> None:
    found = problems("booking", {**GOOD, **change})
    assert len(found) == 1
    assert says in found[0]
    assert found[0].startswith("practice.toml: [sources.booking")


def test_all_problems_at_once() -> None:
    table = {**GOOD, "page_size": 0, "base_url": "http://booking.example", "x": 1}
    assert len(problems("booking", table)) == 3
    with pytest.raises(errors.ProfileError) as caught:
        open_source("booking", table, secret=str, timezone="Europe/Berlin", now=lambda: dt.datetime.now(dt.UTC))
    assert caught.value.problems == problems("booking", table)


VERSIONS = [
    ({"version": "1.0"}, Dialect("sha1", "Content-MD5", sign_method=False)),
    ({"version": "2.0", "digest": "sha256"}, Dialect("sha256", "Content-MD5", sign_method=True)),
    ({}, Dialect("sha1", "X-Authorization-Content-SHA256", sign_method=True)),
    ({"version": "1.0", "sign_method": True}, Dialect("sha1", "Content-MD5", sign_method=True)),
    ({"version": "2.0", "hash_header": "X-Authorization-Content-SHA256"}, Dialect()),
]


@pytest.mark.parametrize(("how", "dialect"), VERSIONS)
def test_dialect(how: dict[str, Any], dialect: Dialect) -> None:
    auth = BookingSettings.model_validate({**GOOD, "auth": {**APIAUTH, **how}}).auth
    assert auth.dialect() == dialect


def test_a_secret_is_asked_for_by_its_name() -> None:
    asked: list[str] = []

    def secret(name: str) -> str:
        asked.append(name)
        return "s3cret"

    now = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    open_source("booking", {**GOOD, "auth": APIAUTH}, secret=secret, timezone="Europe/Berlin", now=lambda: now).close()
    assert asked == ["booking-key"]


@pytest.mark.parametrize("kind", ["isik", "booking-json"])
def test_code_map(kind: str) -> None:
    codes = {"appointment": {"status": {"verlegt": "rescheduled"}}}
    found = code_map({**GOOD, "kind": kind, "codes": codes})
    assert found.columns == ["resource", "field", "code", "value"]
    assert found.equals(found.sort("resource", "field", "code"))
    assert found.select("resource", "field", "code").is_unique().all()
    assert found.filter(pl.col("code") == "verlegt")["value"].to_list() == ["rescheduled"]
    for resource, field, _, value in found.iter_rows():
        assert value in records.codes(resource)[field]


def test_a_private_ca_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    assert problems("booking", {**GOOD, "ca_file": str(tmp_path / "ca.pem")}) == []
