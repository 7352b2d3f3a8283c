"""How a request to a booking platform proves who sent it: `APIAuth` (HMAC), a bearer token, or nothing.

`APIAuth` is the scheme of the Ruby gem api-auth (https://github.com/mgomes/api_auth). Both sides join what must not be
changed on the way by commas, an absent part is empty, and compare the HMAC of that text:

    METHOD,content-type,content-hash,path?query,date
    Authorization: APIAuth <access id>:<base64 of the HMAC>              (SHA-1, the gem's default)
    Authorization: APIAuth-HMAC-SHA256 <access id>:<base64 of the HMAC>  (any other digest)

The gem's versions differ in whether the method is signed and in the header that carries the hash of the body: see
`DIALECTS`. Date and body hash are computed for every request, also for PATCH, which some of its drivers forget.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass

import httpx

from connectors.booking.instants import http_date, http_instant

#: A request is valid strictly less than this many seconds before and after its date.
WINDOW_SECONDS = 900

DIGESTS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
#: The header of the body's hash, and the hash that it holds.
HASH_HEADERS = {"Content-MD5": "md5", "X-Authorization-Content-SHA256": "sha256"}

# The gem searches this anywhere in the header; here it must be all of it.
_HEADER = re.compile(r"APIAuth(?:-HMAC-(MD5|SHA1|SHA224|SHA256|SHA384|SHA512))? ([^:\s]+):([A-Za-z0-9+/]+=*)")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the versions of the gem do differently; raises ValueError for a digest or header that none of them knows."""

    digest: str = "sha1"
    hash_header: str = "X-Authorization-Content-SHA256"
    sign_method: bool = True

    def __post_init__(self) -> None:
        if self.digest not in DIGESTS:
            raise ValueError(f"digest is {self.digest!r}, expected one of {', '.join(DIGESTS)}")
        if self.hash_header not in HASH_HEADERS:
            raise ValueError(f"hash_header is {self.hash_header!r}, expected one of {', '.join(HASH_HEADERS)}")

    @property
    def scheme(self) -> str:
        """The first word of the Authorization header."""
        return "APIAuth" if self.digest == "sha1" else f"APIAuth-HMAC-{self.digest.upper()}"


#: The gem's versions by their first release. 1.4 and 1.5 sign the method as an option: `2.0` speaks to those too.
DIALECTS = {
    "1.0": Dialect(hash_header="Content-MD5", sign_method=False),
    "2.0": Dialect(hash_header="Content-MD5"),
    "2.5": Dialect(),
    "3.0": Dialect(),
}


def canonical(dialect: Dialect, method: str, uri: str, headers: Mapping[str, str]) -> str:
    """The text that is signed. `uri` is path and query exactly as they travel; names in `headers` are lower case."""
    parts = [
        headers.get("content-type", ""),
        headers.get(dialect.hash_header.lower(), ""),
        uri or "/",
        headers.get("date", ""),
    ]
    return ",".join([method.upper(), *parts] if dialect.sign_method else parts)


def signature(dialect: Dialect, secret: str, text: str) -> str:
    """Strict Base64 of the HMAC of `text` under the secret's UTF-8 bytes."""
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), dialect.digest)).decode()


def content_hash(dialect: Dialect, body: bytes) -> str:
    """Base64 of the body's hash, as the dialect's hash header carries it."""
    digest = hashlib.new(HASH_HEADERS[dialect.hash_header], body, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def verify(
    dialect: Dialect,
    secret_of: Callable[[str], str | None],
    *,
    method: str,
    uri: str,
    headers: Mapping[str, str],
    body: bytes,
    now: dt.datetime,
) -> bool:
    """Whether a request was signed by one whom `secret_of` knows, for this content, within the window around `now`.

    Stricter than the gem where the gem is weak: a body always needs its hash, whatever the method, and the whole header
    must match. `headers` has lower-case names. The scheme has no nonce: a replay within the window passes.
    """
    match = _HEADER.fullmatch(headers.get("authorization", ""))
    if match is None or (match[1] or "SHA1").lower() != dialect.digest:
        return False
    secret = secret_of(match[2])
    expected = signature(dialect, secret or "", canonical(dialect, method, uri, headers))
    signed = hmac.compare_digest(expected, match[3])
    return signed and secret is not None and _fresh(headers.get("date", ""), now) and _untouched(dialect, headers, body)


def _fresh(date: str, now: dt.datetime) -> bool:
    try:
        sent = http_instant(date)
    except ValueError:
        return False
    return abs((now - sent).total_seconds()) < WINDOW_SECONDS


def _untouched(dialect: Dialect, headers: Mapping[str, str], body: bytes) -> bool:
    stated = headers.get(dialect.hash_header.lower())
    if stated is None:
        return not body
    return hmac.compare_digest(stated.encode(), content_hash(dialect, body).encode())


class APIAuth(httpx.Auth):
    """Signs each request at the moment it leaves; a retry is signed anew, with a new date."""

    requires_request_body = True

    def __init__(self, access_id: str, secret: str, dialect: Dialect, now: Callable[[], dt.datetime]) -> None:
        if not access_id or ":" in access_id:
            raise ValueError("access_id must not be empty and must not contain a colon")
        self._access_id = access_id
        self._secret = secret
        self._dialect = dialect
        self._now = now

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add date, body hash and signature."""
        request.headers["Date"] = http_date(self._now())
        if request.content or request.method in ("POST", "PUT", "PATCH"):
            request.headers[self._dialect.hash_header] = content_hash(self._dialect, request.content)
        uri = request.url.raw_path.decode("ascii")
        text = canonical(self._dialect, request.method, uri, request.headers)
        signed = signature(self._dialect, self._secret, text)
        request.headers["Authorization"] = f"{self._dialect.scheme} {self._access_id}:{signed}"
        yield request


class BearerAuth(httpx.Auth):
    """Sends a fixed token (RFC 6750)."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request
