"""The doors of the server as it really runs: who gets what without a session, with one, and from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from httpx import Client

#: Streamlit's routes, judged one by one: behind which door each lies. A route that is not here fails the test.
JUDGED = {
    "/_stcore/health": "open",
    "/_stcore/metrics": "closed",
    "/_stcore/host-config": "session",
    "/media/{file_id:path}": "session",
    "/_stcore/upload_file/{session_id}/{file_id}": "session",
    "/component/{path:path}": "session",
    "/_stcore/bidi-components/{path:path}": "session",
    "/_stcore/stream": "session",
    "/auth/login": "closed",
    "/auth/logout": "closed",
    "/oauth2callback": "closed",
    "/_stcore/agent/openapi.json": "closed",
    "/_stcore/agent/interact": "closed",
    "/_stcore/agent/mcp": "closed",
    "": "session",
    "/": "session",
}
EXPECTED = {
    "server.address": "127.0.0.1",
    "server.allowedHosts": ["127.0.0.1", "::1", "localhost"],
    "server.trustedUserHeaders": {
        "X-Praxistakt-User": "name",
        "X-Praxistakt-Roles": "roles",
        "X-Praxistakt-Session": "session",
    },
    "server.enableXsrfProtection": True,
    "server.enableAgentApi": False,
    "server.enableStaticServing": False,
    "server.maxUploadSize": 20,
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "global.developmentMode": False,
}


Visit = Callable[..., Client]


@pytest.fixture
def visit(server: Any) -> Iterator[Visit]:
    """A browser without a cookie, or one that is signed in under a name."""
    with ExitStack() as stack:

        def visiting(name: str | None = None) -> Client:
            client = stack.enter_context(Client(base_url=server.base))
            if name is not None:
                given = {"name": name, "passwort": server.password}
                assert client.post("/anmelden", data=given, headers={"Origin": server.base}).status_code == 303
            return client

        yield visiting


@pytest.fixture
def stranger(visit: Visit) -> Client:
    return visit()


@pytest.fixture
def chef(visit: Visit) -> Client:
    return visit("chef")


def test_each_option_stands_as_it_must_in_the_running_server(server: Any) -> None:
    assert server.told["options"] == EXPECTED


def test_a_crash_would_write_no_memory_to_disk(server: Any) -> None:
    assert server.told["core"] == 0


def test_each_route_of_streamlit_was_judged(server: Any) -> None:
    assert set(server.told["routes"]) <= set(JUDGED), "a new route: judge it, then add it with its door"


def test_the_judged_routes_behave_as_judged(server: Any, stranger: Client, chef: Client) -> None:
    for route in server.told["routes"]:
        path = route.split("{")[0] + ("x/y" if "{" in route else "") or "/"
        statuses = (stranger.get(path).status_code, chef.get(path).status_code)
        match JUDGED[route]:
            case "open":
                assert statuses == (200, 200), path
            case "closed":
                assert statuses == (404, 404), path
            case _:
                assert statuses[0] in {303, 401, 404, 405}, path
                assert "Nicht angemeldet" in stranger.get(path).text or statuses[0] in {303, 404, 405}, path


@pytest.mark.parametrize("path", ["/static/", "/media/x.csv", "/_stcore/host-config", "/component/x", "/favicon.png"])
def test_without_a_cookie_no_file(stranger: Client, path: str) -> None:
    assert stranger.get(path).status_code == 401


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_without_a_cookie_no_upload(server: Any, stranger: Client, method: str) -> None:
    answer = stranger.request(method, "/_stcore/upload_file/a/b", headers={"Origin": server.base})
    assert answer.status_code == 401


def test_an_upload_needs_the_xsrf_token_too(server: Any, chef: Client) -> None:
    answer = chef.put("/_stcore/upload_file/a/b", files={"f": b"x"}, headers={"Origin": server.base})
    assert answer.status_code == 403


def test_a_foreign_host_is_404(server: Any, chef: Client) -> None:
    for host in ("evil.example", f"evil.example:{urlsplit(server.base).port}"):
        assert chef.get("/", headers={"Host": host}).status_code == 404


def test_a_page_is_html_that_no_cache_keeps(chef: Client) -> None:
    page = chef.get("/auslastung")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert '<html lang="de">' in page.text
    assert "/sitzung.js" in page.text


def test_a_link_signs_in_once(server: Any, visit: Visit) -> None:
    address = server.told["links"][0]
    token = httpx.QueryParams(urlsplit(address).query)["schluessel"]
    client = visit()
    assert client.get(address).status_code == 200
    first = client.post("/einmal", data={"schluessel": token}, headers={"Origin": server.base})
    second = visit().post("/einmal", data={"schluessel": token}, headers={"Origin": server.base})
    assert (first.status_code, second.status_code) == (303, 401)
    assert client.get("/sitzung").status_code == 204


def test_after_sign_out_the_cookie_opens_nothing(server: Any, visit: Visit) -> None:
    client = visit("empfang")
    cookie = dict(client.cookies)
    assert client.post("/abmelden", headers={"Origin": server.base}).status_code == 303
    for path in ("/sitzung", "/favicon.png"):
        assert httpx.get(server.base + path, cookies=cookie).status_code == 401


def test_the_pipeline_interface_is_off_unless_asked_for(visit: Visit) -> None:
    assert visit("edv").get("/dagster/").status_code == 404
