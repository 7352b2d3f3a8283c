"""APIAuth, as the gem api-auth signs and checks: vectors and the window of time."""

from __future__ import annotations

import datetime as dt

import pytest

from connectors.booking.apiauth import DIALECTS, Dialect, canonical, content_hash, http_date, signature, verify

MILLENNIUM = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
DATE = "Sat, 01 Jan 2000 00:00:00 GMT"
JSON = {"content-type": "application/json"}

MD5, SHA = "content-md5", "x-authorization-content-sha256"
CANONICAL = [
    # version  method   uri             further headers      text that is signed, without the date at its end
    ("1.0",    "GET",    "/",            {},                  ",,/"),
    ("2.0",    "GET",    "/",            {},                  "GET,,,/"),
    ("2.0",    "get",    "",             {},                  "GET,,,/"),
    ("2.0",    "PUT",    "/a?b=1&a=%20", {**JSON, MD5: "x="}, "PUT,application/json,x=,/a?b=1&a=%20"),
    ("2.5",    "PATCH",  "/a",           {**JSON, SHA: "y="}, "PATCH,application/json,y=,/a"),
    ("3.0",    "POST",   "/a",           {**JSON, MD5: "z="}, "POST,application/json,,/a"),
    ("3.0",    "DELETE", "/a",           {},                  "DELETE,,,/a"),
]  # fmt: skip


@pytest.mark.parametrize(("version", "method", "uri", "headers", "text"), CANONICAL)
def test_text_that_is_signed(version: str, method: str, uri: str, headers: dict[str, str], text: str) -> None:
    assert canonical(DIALECTS[version], method, uri, {"date": DATE, **headers}) == f"{text},{DATE}"


def test_a_missing_date_leaves_its_comma() -> None:
    assert canonical(DIALECTS["3.0"], "GET", "/", {}) == "GET,,,/,"


def test_signature_of_the_published_vector() -> None:
    assert signature(DIALECTS["2.0"], "123", f"GET,,,/,{DATE}") == "49FglhLqXWuJqBu5SQOH4F8D1Og="


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.0", "1B2M2Y8AsgTpgAmY7PhCfg=="),
        ("3.0", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
    ],
)
def test_hash_of_an_empty_body(version: str, expected: str) -> None:
    assert content_hash(DIALECTS[version], b"") == expected


@pytest.mark.parametrize(
    ("digest", "scheme"),
    [("sha1", "APIAuth"), ("md5", "APIAuth-HMAC-MD5"), ("sha256", "APIAuth-HMAC-SHA256")],
)
def test_first_word_of_the_header(digest: str, scheme: str) -> None:
    assert Dialect(digest=digest).scheme == scheme


@pytest.mark.parametrize(
    ("seconds", "accepted"),
    [(0, True), (899, True), (-899, True), (900, False), (-900, False), (86_400, False)],
)
def test_window_of_time(seconds: int, accepted: bool) -> None:
    assert checked(now=MILLENNIUM + dt.timedelta(seconds=seconds)) is accepted


REFUSED = {
    "another secret": {"secret": "124"},
    "unknown access id": {"known": "someone"},
    "no header": {"authorization": ""},
    "words in front": {"authorization": "Corporate {}"},
    "words behind": {"authorization": "{} APIAuth"},
    "another digest named": {"scheme": "APIAuth-HMAC-SHA256"},
    "method changed": {"method": "POST"},
    "path changed": {"uri": "/other"},
    "body without its hash": {"body": b"x"},
    "body that is not that of the hash": {"body": b"x", "stated_hash": "1B2M2Y8AsgTpgAmY7PhCfg=="},
    "bad date": {"date": "yesterday"},
    "no date": {"date": ""},
    "date without a zone": {"date": "Sat, 01 Jan 2000 00:00:00 -0000"},
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_refused(change: dict[str, object]) -> None:
    assert checked() is True
    assert checked(**change) is False


def checked(
    *,
    now: dt.datetime = MILLENNIUM,
    secret: str = "123",
    known: str = "1044",
    scheme: str = "APIAuth",
    authorization: str = "{}",
    date: str = DATE,
    method: str = "GET",
    uri: str = "/",
    body: bytes = b"",
    stated_hash: str | None = None,
) -> bool:
    """Whether a request is accepted; it was signed well, for what the defaults say, with the date and hash given."""
    dialect = DIALECTS["2.0"]
    headers = {"date": date} | ({"content-md5": stated_hash} if stated_hash is not None else {})
    signed = signature(dialect, secret, canonical(dialect, "GET", "/", headers))
    headers["authorization"] = authorization.format(f"{scheme} 1044:{signed}")
    return verify(dialect, {known: "123"}.get, method=method, uri=uri, headers=headers, body=body, now=now)


def test_date_is_written_in_gmt() -> None:
    berlin = dt.timezone(dt.timedelta(hours=1))
    assert http_date(dt.datetime(2000, 1, 1, 1, 0, tzinfo=berlin)) == DATE
