"""`next` links: where a foreign server may send us, and where not."""

from __future__ import annotations

import httpx
import pytest

from connectors.booking import links
from connectors.booking.links import Trail
from connectors.errors import BadAnswer

BASE = httpx.URL("https://booking.example/fhir")
FIRST = httpx.URL("https://booking.example/fhir/Patient?_count=2")

FOLLOWED = {
    "https://booking.example/fhir/Patient?page=2": "https://booking.example/fhir/Patient?page=2",
    "https://booking.example:443/fhir?_getpages=1": "https://booking.example/fhir?_getpages=1",
    "https://BOOKING.example/fhir/a..b?x=1..2": "https://booking.example/fhir/a..b?x=1..2",
    "/fhir/Patient?page=2": "https://booking.example/fhir/Patient?page=2",
    "?page=2": "https://booking.example/fhir/Patient?page=2",
    "Patient?page=%2Ffhir": "https://booking.example/fhir/Patient?page=%2Ffhir",
}

REFUSED = [
    "http://booking.example/fhir/Patient?page=2",
    "https://booking.example:8443/fhir/Patient?page=2",
    "https://elsewhere.example/fhir/Patient?page=2",
    "https://booking.example.elsewhere.example/fhir/Patient",
    "//elsewhere.example/fhir/Patient",
    "https://user:word@booking.example/fhir/Patient?page=2",
    "https://booking.example@elsewhere.example/fhir/Patient",
    "https://booking.example/admin",
    "https://booking.example/fhirx/Patient",
    "/",
    "https://booking.example/fhir/../admin",
    "https://booking.example/fhir/%2e%2e/admin",
    "https://booking.example/fhir/%2E./admin",
    "https://booking.example/fhir/..%2fadmin",
    "..",
    "../admin",
    "https://booking.example/fhir\\..\\admin",
    "https:\\\\elsewhere.example/fhir",
    "https://booking.example/fhir/Patient\r\nHost: x",
    "https://booking.example/fhir/Pat ient",
    "https://booking.example/fhir/Pätient",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://[::1/fhir",
    "https://booking.example:99999999/fhir",
    "",
    None,
    7,
    ["https://booking.example/fhir"],
    "https://booking.example/fhir/Patient?_count=2",
]


@pytest.mark.parametrize("link", FOLLOWED)
def test_followed(link: str) -> None:
    assert str(Trail(BASE, FIRST).follow(link)) == FOLLOWED[link]


@pytest.mark.parametrize("link", REFUSED, ids=str)
def test_refused(link: object) -> None:
    with pytest.raises(BadAnswer, match="next link"):
        Trail(BASE, FIRST).follow(link)


def test_a_circle_ends() -> None:
    trail = Trail(BASE, FIRST)
    trail.follow("?page=2")
    trail.follow("?page=3")
    with pytest.raises(BadAnswer, match="followed before"):
        trail.follow("?page=2")


def test_pages_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MAX_PAGES", 3)
    trail = Trail(BASE, FIRST)
    trail.follow("?page=2")
    trail.follow("?page=3")
    with pytest.raises(BadAnswer, match="would be page 4"):
        trail.follow("?page=4")


def test_a_refusal_does_not_quote_the_link() -> None:
    with pytest.raises(BadAnswer) as caught:
        Trail(BASE, FIRST).follow("https://elsewhere.example/?name=Berg")
    assert "Berg" not in str(caught.value)
