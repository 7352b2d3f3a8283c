"""Requests as they leave: what APIAuth and the bearer token add to them."""

from __future__ import annotations

import datetime as dt

import httpx
import pytest

from connectors.booking.apiauth import DIALECTS, HASH_HEADERS, APIAuth, BearerAuth, Dialect, verify

NOW = dt.datetime(2026, 3, 2, 7, 0, tzinfo=dt.UTC)


def signed(dialect: Dialect, method: str, url: str, **content: object) -> httpx.Request:
    request = httpx.Request(method, url, **content)
    return next(APIAuth("praxis", "geheim ü", dialect, lambda: NOW).auth_flow(request))


def accepted(dialect: Dialect, request: httpx.Request) -> bool:
    return verify(
        dialect,
        {"praxis": "geheim ü"}.get,
        method=request.method,
        uri=request.url.raw_path.decode(),
        headers=request.headers,
        body=request.content,
        now=NOW,
    )


@pytest.mark.parametrize("version", DIALECTS)
@pytest.mark.parametrize("digest", ["md5", "sha1", "sha256", "sha512"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_what_is_signed_is_accepted(version: str, digest: str, method: str) -> None:
    base = DIALECTS[version]
    dialect = Dialect(digest, base.hash_header, base.sign_method)
    body = {} if method in ("GET", "DELETE") else {"json": {"name": "Jäger"}}
    assert accepted(dialect, signed(dialect, method, "https://x.example/fhir/Patient?b=2&a=ä%20b", **body))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("header", HASH_HEADERS)
def test_every_body_has_its_hash(method: str, header: str) -> None:
    dialect = Dialect(hash_header=header)
    assert signed(dialect, method, "https://x.example/a", content=b"{}").headers[header]
    assert signed(dialect, method, "https://x.example/a").headers[header]


def test_a_get_has_no_hash() -> None:
    assert not set(HASH_HEADERS) & set(signed(DIALECTS["3.0"], "GET", "https://x.example/a").headers)


def test_a_changed_body_is_refused() -> None:
    dialect = DIALECTS["3.0"]
    request = signed(dialect, "PATCH", "https://x.example/a", json={"status": "cancelled"})
    changed = httpx.Request("PATCH", request.url, headers=request.headers, json={"status": "fulfilled"})
    assert not accepted(dialect, changed)


def test_bearer_token() -> None:
    request = next(BearerAuth("t0ken").auth_flow(httpx.Request("GET", "https://x.example/")))
    assert request.headers["Authorization"] == "Bearer t0ken"


@pytest.mark.parametrize("access_id", ["", "a:b"])
def test_an_access_id_that_would_change_the_header_is_refused(access_id: str) -> None:
    with pytest.raises(ValueError, match="access_id"):
        APIAuth(access_id, "s", DIALECTS["3.0"], lambda: NOW)


@pytest.mark.parametrize("wrong", [{"digest": "sha3"}, {"hash_header": "X-Hash"}])
def test_an_unknown_dialect_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Dialect(**wrong)


def test_no_secret_in_a_representation() -> None:
    assert "geheim" not in repr(APIAuth("praxis", "geheim", DIALECTS["3.0"], lambda: NOW))
    assert "t0ken" not in repr(BearerAuth("t0ken"))
