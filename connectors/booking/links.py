"""Which `next` link a paged answer may send us to: only onward, only to the place we were told to ask.

A link in an answer is foreign text. Followed blindly it makes us ask any host, with our credentials (SSRF), or turn in
a circle for ever. So each link is compared with the configured base address before anything is sent.
"""

from __future__ import annotations

import re

import httpx

from connectors.errors import BadAnswer

MAX_PAGES = 10_000

# A dot segment, plain or percent-encoded: either would leave the base path once a server resolves it.
_DOT_SEGMENT = re.compile(r"(?:^|[/\\]|%2f|%5c)(?:\.|%2e){2}(?:$|[/\\?#]|%2f|%5c)", re.IGNORECASE)
_PLAIN = re.compile(r"[\x21-\x7e]+")


class Trail:
    """The pages of one reading: checks each `next` link and remembers where it has been."""

    def __init__(self, base: httpx.URL, first: httpx.URL) -> None:
        self._base = base
        self._current = first
        self._seen = {str(first)}

    def follow(self, link: object) -> httpx.URL:
        """The address of the next page. Raises BadAnswer, without quoting the link: it may hold search values."""
        url = self._resolved(link)
        problem = self._problem(url)
        if problem is not None:
            raise BadAnswer(f"{self._base.host}: page {len(self._seen)} has a next link that {problem}; not followed")
        self._seen.add(str(url))
        self._current = url
        return url

    def _resolved(self, link: object) -> httpx.URL:
        if not isinstance(link, str) or not _PLAIN.fullmatch(link) or _DOT_SEGMENT.search(link) or "\\" in link:
            raise BadAnswer(f"{self._base.host}: page {len(self._seen)} has a next link that is no plain address")
        try:
            return self._current.join(link)
        except httpx.InvalidURL as error:
            raise BadAnswer(f"{self._base.host}: page {len(self._seen)} has a next link that is no address") from error

    def _problem(self, url: httpx.URL) -> str | None:
        if (url.scheme, url.host, _port(url)) != (self._base.scheme, self._base.host, _port(self._base)):
            return "leads to another server"
        if url.userinfo:
            return "carries a user name"
        base_path = self._base.path.rstrip("/")
        if url.path.rstrip("/") != base_path and not url.path.startswith(f"{base_path}/"):
            return "leaves the base address"
        if str(url) in self._seen:
            return "was followed before"
        if len(self._seen) >= MAX_PAGES:
            return f"would be page {MAX_PAGES + 1:,}"
        return None


def _port(url: httpx.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)
