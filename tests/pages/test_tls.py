"""The server under TLS, with Dagster's pages inside: what a practice has whose front desk sits at other machines."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.kit.certificates import self_signed

Visit = Callable[[str | None], httpx.Client]

_QUERY = {"query": "{ version }"}


@pytest.fixture(scope="module")
def served(serve_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, ssl.SSLContext]]:
    folder = tmp_path_factory.mktemp("tls")
    certificate = str(self_signed(folder / "server.pem"))
    with serve_in(folder, certificate) as server:
        yield server, ssl.create_default_context(cafile=certificate)


@pytest.fixture
def visit(served: tuple[Any, ssl.SSLContext]) -> Iterator[Visit]:
    """A browser that trusts the certificate; signed in if a name is given."""
    server, trust = served
    with httpx.Client(base_url=server.base, verify=trust, timeout=60) as client:

        def visiting(name: str | None) -> httpx.Client:
            if name is not None:
                given = {"name": name, "passwort": server.password}
                assert client.post("/anmelden", data=given, headers={"Origin": server.base}).status_code == 303
            return client

        yield visiting


def test_the_pages_answer_under_tls(served: tuple[Any, ssl.SSLContext], visit: Visit) -> None:
    assert urlsplit(served[0].base).scheme == "https"
    client = visit("chef")
    assert client.get("/auslastung").status_code == 200
    assert all(cookie.secure for cookie in client.cookies.jar)


def test_without_tls_nothing_answers(served: tuple[Any, ssl.SSLContext]) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(served[0].base.replace("https:", "http:") + "/anmelden")


def test_a_browser_that_does_not_know_the_certificate_stops(served: tuple[Any, ssl.SSLContext]) -> None:
    with pytest.raises(httpx.ConnectError, match="certificate"):
        httpx.get(served[0].base + "/anmelden")


@pytest.mark.parametrize(("name", "status"), [(None, 401), ("chef", 404), ("empfang", 404), ("analyse", 404)])
def test_dagster_is_for_the_it_alone(visit: Visit, name: str | None, status: int) -> None:
    client = visit(name)
    headers = {"Origin": str(client.base_url).rstrip("/")}
    assert client.post("/dagster/graphql", json=_QUERY, headers=headers).status_code == status
    assert "Dagster" not in client.get("/dagster/", follow_redirects=True).text


def test_the_it_sees_dagster(visit: Visit) -> None:
    client = visit("edv")
    headers = {"Origin": str(client.base_url).rstrip("/")}
    assert client.post("/dagster/graphql", json=_QUERY, headers=headers).json()["data"]["version"].startswith("1.")
    page = client.get("/dagster/", follow_redirects=True)
    assert page.status_code == 200
    assert "Dagster" in page.text
