"""What foreign text can do to our readers: nothing but be set aside, whatever its form."""

from __future__ import annotations

import datetime as dt
import string
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import records
from connectors.booking import fhir, frames, isik, json_api
from connectors.booking.apiauth import DIALECTS, APIAuth, verify
from connectors.booking.directory import Directory
from connectors.booking.http import parse
from connectors.booking.instants import http_date, http_instant, instant, stamp
from connectors.booking.links import Trail
from connectors.booking.polling import Position
from connectors.errors import BadAnswer

BASE = httpx.URL("https://booking.example/fhir")
NOW = dt.datetime(2026, 3, 2, 7, 0, tzinfo=dt.UTC)

FIRST, LAST = dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)  # noqa: DTZ001 (Hypothesis adds the zone)
moments = st.datetimes(FIRST, LAST, timezones=st.just(dt.UTC))
words = st.one_of(
    st.text(max_size=6),
    moments.map(lambda at: at.isoformat()),
    st.sampled_from(
        ["Slot/x", "x", "Patient/x", "free", "booked", "canceled", "1980-02-30", "1980-02-29", "true", "#x"]
    ),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["reference", "coding", "code", "system", "value", "use", "family", "given", "url", "valueString", "actor",
         "lastUpdated", "extension", "line", "type", "other", "display"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
elements = st.sampled_from(
    ["id", "meta", "status", "start", "end", "schedule", "slot", "participant", "actor", "identifier", "name",
     "telecom", "address", "link", "extension", "serviceType", "cancelationReason", "gender", "birthDate", "active",
     "deceasedDateTime", "created", "physicalType", "partOf", "type"]
)  # fmt: skip
resources = st.dictionaries(elements, values, max_size=10)


@pytest.mark.parametrize("resource", list(json_api.PATHS))
@given(found=st.lists(resources, max_size=3))
@settings(max_examples=30, deadline=None)
def test_any_resource_is_kept_or_set_aside(resource: str, found: list[dict[str, Any]]) -> None:
    reader = isik.Reader(isik.EXTENSIONS, Directory.of(found, {}, found))
    rows = [reader.row(resource, one, {}) for one in found]
    check(frames.parse(resource, rows, found, isik.CODES.get(resource, {})), resource, len(found))


@pytest.mark.parametrize("resource", ["patient", "appointment", "slot", "schedule", "healthcare_service"])
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_any_item_is_kept_or_set_aside(resource: str, data: st.DataObject) -> None:
    fields = st.sampled_from(list(records.columns(resource)))
    items = data.draw(st.lists(st.dictionaries(fields, values, max_size=8), max_size=3))
    check(frames.parse(resource, items, items, json_api.CODES[resource]), resource, len(items))


def check(parsed: frames.Parsed, resource: str, rows: int) -> None:
    assert parsed.frame.height + parsed.rejected.height == rows
    assert parsed.frame.schema == records.schema(resource)
    for name in records.required(resource):
        assert parsed.frame[name].null_count() == 0
    for field, codes in records.codes(resource).items():
        assert set(parsed.frame[field].drop_nulls()) <= set(codes)
        assert parsed.frame[field].is_null().eq(parsed.frame[f"{field}_code"].is_null()).all()
    if "end" in parsed.frame.columns:
        assert (parsed.frame["end"] > parsed.frame["start"]).all()
    parsed.frame.rows()


@given(body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | resources.map(repr).map(str.encode))
def test_any_bytes_are_an_object_or_a_bad_answer(body: bytes) -> None:
    try:
        assert isinstance(parse(body), dict)
    except BadAnswer:
        return


@given(body=resources)
def test_any_object_is_a_bundle_or_a_bad_answer(body: dict[str, Any]) -> None:
    page = {
        "resourceType": "Bundle",
        "entry": [{"resource": {**body, "resourceType": "Patient"}, "search": body}],
        **body,
    }
    assert isinstance(fhir.bundle(page, "Patient").matches, list)
    fhir.next_link({"link": list(body.values())})
    fhir.outcome({"issue": list(body.values())})


pieces = st.sampled_from(
    ["https://booking.example", "http://booking.example", "//", "/", "fhir", "..", "%2e", ".", "\\", "@", ":", "443",
     "?", "a=b", "#", "elsewhere.example", "user", " ", "%2f", ";", "[", "]", "ä"]
)  # fmt: skip


@given(link=st.lists(pieces, max_size=8).map("".join) | st.text(string.printable, max_size=20))
@settings(max_examples=300)
def test_a_followed_link_stays_below_the_base(link: str) -> None:
    try:
        followed = urlsplit(str(Trail(BASE, httpx.URL("https://booking.example/fhir/Patient")).follow(link)))
    except BadAnswer:
        return
    assert (followed.scheme, followed.netloc) == ("https", "booking.example")
    assert f"{followed.path}/".startswith("/fhir/")
    assert ".." not in followed.path.split("/")


@given(at=moments)
def test_instants_come_back(at: dt.datetime) -> None:
    assert instant(stamp(at)) == at
    assert http_instant(http_date(at)) == at.replace(microsecond=0)


@given(text=st.text(max_size=30) | st.from_regex(r"\A[A-Z][a-z]{2}, \d{1,2} Jan \d{1,9} \d\d:\d\d:\d\d [+-]\d{1,9}\Z"))
def test_any_text_is_an_instant_or_none(text: str) -> None:
    for reader in (instant, http_instant):
        try:
            assert reader(text).tzinfo is not None
        except ValueError:
            continue


@given(mark=moments, rows=st.integers(0, 10**9), digest=st.text("0123456789abcdef", max_size=16))
def test_positions_come_back(mark: dt.datetime, rows: int, digest: str) -> None:
    position = Position(mark, rows, digest)
    assert Position.parse(str(position)) == position


requests = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
        "path": st.text(string.ascii_letters + "/%", max_size=8),
        "body": st.binary(max_size=12),
    }
)


@given(signed=requests, received=requests, version=st.sampled_from(["2.0", "3.0"]), late=st.integers(-1_000, 1_000))
def test_a_request_is_accepted_exactly_as_it_was_signed(
    signed: dict[str, Any], received: dict[str, Any], version: str, late: int
) -> None:
    dialect = DIALECTS[version]
    request = httpx.Request(signed["method"], f"https://x.example/{signed['path']}", content=signed["body"])
    request = next(APIAuth("praxis", "s", dialect, lambda: NOW).auth_flow(request))
    for arrived in (signed, received):
        sent = httpx.Request(arrived["method"], f"https://x.example/{arrived['path']}").url.raw_path.decode()
        accepted = verify(
            dialect,
            {"praxis": "s"}.get,
            method=arrived["method"],
            uri=sent,
            headers=request.headers,
            body=arrived["body"],
            now=NOW + dt.timedelta(seconds=late),
        )
        same = (arrived["method"], sent, arrived["body"]) == (
            signed["method"],
            request.url.raw_path.decode(),
            signed["body"],
        )
        assert accepted == (same and abs(late) < 900)
