"""The gate before a tiny app and a doorkeeper in memory: who passes, with what, and what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit.proto.BackMsg_pb2 import BackMsg

from dashboards.doorkeeper import House
from dashboards.gate import Gate
from dashboards.passage import SECURITY_HEADERS
from dashboards.sign_in_forms import Refusal
from dashboards.viewer import Viewer
from dashboards.watched_socket import WatchedSocket, is_activity

HOUSE = House("markt", "Praxis am <Markt>", frozenset({"127.0.0.1", "localhost"}), secure=False)
BASE = "http://127.0.0.1:8501"
SHELL = '<!DOCTYPE html><html lang="en"><head><link rel="service-desc" href="x" /></head><body><noscript>No</noscript>'


class Users:
    """A doorkeeper with two people, whose sessions a test can end."""

    def __init__(self) -> None:
        self.sessions: dict[str, Viewer] = {}
        self.looks: list[tuple[str, bool]] = []
        self.attempts: list[tuple[str, str, str]] = []
        self.link = "einmal-1"

    def sign_in(self, name: str, password: str, address: str) -> str | Refusal:
        self.attempts.append((name, password, address))
        return self.open(name) if password == "richtig" else Refusal.WRONG

    def redeem(self, link_token: str) -> str | Refusal:
        if link_token != self.link:
            return Refusal.LINK
        self.link = "verbraucht"
        return self.open("Jörg")

    def look_up(self, token: str, *, active: bool) -> Viewer | None:
        self.looks.append((token, active))
        return self.sessions.get(token)

    def sign_out(self, token: str) -> None:
        self.sessions.pop(token, None)

    def open(self, name: str, roles: frozenset[str] = frozenset({"manager"})) -> str:
        token = f"token-{len(self.sessions)}-{len(self.looks)}"
        self.sessions[token] = Viewer(name, roles, f"digest-of-{token}")
        return token


async def seen(request: Request) -> Response:
    return JSONResponse({"headers": dict(request.headers), "cookies": request.cookies})


async def shell(request: Request) -> Response:
    return HTMLResponse(SHELL, headers={"ETag": "x", "X-Seen-User": request.headers.get("x-praxistakt-user", "")})


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_bytes(await websocket.receive_bytes())
    except WebSocketDisconnect:
        return


INNER = Starlette(
    routes=[
        Route("/", shell),
        Route("/auslastung", shell),
        Route("/media/{name}", seen),
        Route("/static/{name}", lambda _: PlainTextResponse("js", headers={"Cache-Control": "public, immutable"})),
        Route("/_stcore/health", lambda _: PlainTextResponse("ok")),
        Route("/_stcore/metrics", lambda _: PlainTextResponse("secret")),
        Route("/_stcore/upload_file/{a}/{b}", seen, methods=["PUT", "DELETE"]),
        WebSocketRoute("/_stcore/stream", socket),
    ]
)


@pytest.fixture
def users() -> Users:
    return Users()


def ask(
    users: Users,
    method: str,
    path: str,
    *,
    token: str | None = None,
    house: House = HOUSE,
    base: str = BASE,
    headers: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
    gate: Gate | None = None,
) -> httpx.Response:
    gate = gate or Gate(INNER, house, users)

    async def asking() -> httpx.Response:
        transport = httpx.ASGITransport(app=gate, client=("192.0.2.7", 5000))
        cookies = {house.cookie: token} if token else {}
        async with httpx.AsyncClient(transport=transport, base_url=base, cookies=cookies) as client:
            return await client.request(method, path, headers=headers, data=data)

    return asyncio.run(asking())


def post(users: Users, path: str, data: Mapping[str, str], **more: object) -> httpx.Response:
    return ask(users, "POST", path, data=data, **{"headers": {"Origin": BASE}, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/", "/auslastung"])
def test_a_page_without_a_session_leads_to_the_form(users: Users, path: str) -> None:
    answer = ask(users, "GET", path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/anmelden")


@pytest.mark.parametrize("path", ["/media/a.csv", "/static/x.js", "/sitzung", "/dagster/x", "/_stcore/host-config"])
def test_a_file_without_a_session_is_refused(users: Users, path: str) -> None:
    assert ask(users, "GET", path).status_code == 401
    assert ask(users, "GET", path, token="made-up").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/_stcore/metrics",
        "/_stcore/agent/mcp",
        "/_stcore/agent/openapi.json",
        "/_stcore/script-health-check",
        "/auth/login",
        "/oauth2callback",
        "/app/static/x",
        "/unbekannt",
        "//example.org/",
        "/static/../secret",
        "/static/%2e%2e/secret",
        "/\\example.org",
        "/_stcore/stream",
    ],
)
def test_what_is_no_door_is_404_with_and_without_a_session(users: Users, path: str) -> None:
    url = f"{BASE}{path}"
    assert ask(users, "GET", url).status_code == 404
    assert ask(users, "GET", url, token=users.open("Ada")).status_code == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "user@127.0.0.1", "[::1", "127.0.0.1:port", ""]
)
def test_a_foreign_host_is_404_even_for_health(users: Users, host: str) -> None:
    for path in ("/", "/_stcore/health", "/anmelden"):
        assert ask(users, "GET", path, token=users.open("Ada"), headers={"Host": host}).status_code == 404


def test_health_answers_without_a_session(users: Users) -> None:
    assert ask(users, "GET", "/_stcore/health").text == "ok"


@pytest.mark.parametrize("origin", ["http://evil.example", "https://127.0.0.1:8501", "http://127.0.0.1:9999", "null"])
def test_a_foreign_origin_is_403_with_a_session(users: Users, origin: str) -> None:
    token = users.open("Ada")
    assert ask(users, "GET", "/", token=token, headers={"Origin": origin}).status_code == 403
    assert ask(users, "PUT", "/_stcore/upload_file/a/b", token=token, headers={"Origin": origin}).status_code == 403
    assert ask(users, "POST", "/abmelden", token=token, headers={"Origin": origin}).status_code == 403
    assert token in users.sessions


def test_changing_needs_an_origin(users: Users) -> None:
    token = users.open("Ada")
    assert ask(users, "PUT", "/_stcore/upload_file/a/b", token=token).status_code == 403
    assert ask(users, "POST", "/abmelden", token=token).status_code == 403
    own = {"Origin": BASE}
    assert ask(users, "PUT", "/_stcore/upload_file/a/b", token=token, headers=own).status_code == 200


def test_only_the_methods_of_a_door(users: Users) -> None:
    token = users.open("Ada")
    assert ask(users, "DELETE", "/", token=token, headers={"Origin": BASE}).status_code == 405
    assert ask(users, "POST", "/media/a", token=token, headers={"Origin": BASE}).status_code == 405


def test_every_answer_carries_the_security_headers(users: Users) -> None:
    token = users.open("Ada")
    for path in ("/", "/anmelden", "/unbekannt", "/_stcore/health", "/media/a", "/static/x", "/sitzung.js"):
        for asked in (ask(users, "GET", path), ask(users, "GET", path, token=token)):
            assert {name: asked.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS, path


def test_an_error_of_ours_is_answered_with_the_headers_and_goes_on_to_the_log(users: Users) -> None:
    async def broken(scope: object, receive: object, send: object) -> None:
        raise ZeroDivisionError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    raw = [(b"host", b"127.0.0.1"), (b"cookie", f"{HOUSE.cookie}={users.open('Ada')}".encode())]
    scope = {"type": "http", "method": "GET", "path": "/media/x", "headers": raw, "query_string": b""}
    with pytest.raises(ZeroDivisionError):
        asyncio.run(Gate(broken, HOUSE, users)(scope, receive, send))
    assert sent[0]["status"] == 500
    assert b"content-security-policy" in dict(sent[0]["headers"])


def test_only_static_files_stay_in_a_cache(users: Users) -> None:
    token = users.open("Ada")
    stored = {p: ask(users, "GET", p, token=token).headers.get("cache-control") for p in ("/", "/media/a", "/static/x")}
    assert stored == {"/": "no-store", "/media/a": "no-store", "/static/x": "public, immutable"}
    assert ask(users, "GET", "/static/x").headers["cache-control"] == "no-store"


def test_the_gate_says_who_it_is_and_the_client_cannot(users: Users) -> None:
    token = users.open("Jörg", frozenset({"reception", "it"}))
    claimed = {"X-Praxistakt-User": "chef", "x-praxistakt-roles": "manager", "X-PRAXISTAKT-SESSION": "stolen"}
    found = ask(
        users, "GET", "/media/a", token=token, headers={**claimed, "Cookie": f"{HOUSE.cookie}={token}; theme=dark"}
    )
    headers = found.json()["headers"]
    assert headers["x-praxistakt-user"] == "J%C3%B6rg"
    assert headers["x-praxistakt-roles"] == "it,reception"
    assert headers["x-praxistakt-session"] == f"digest-of-{token}"
    assert found.json()["cookies"] == {"theme": "dark"}, "the session cookie stays at the gate"


def test_the_page_shell_is_german_and_watches_the_session(users: Users) -> None:
    page = ask(users, "GET", "/auslastung", token=users.open("Ada"))
    assert '<html lang="de">' in page.text
    assert '<script src="/sitzung.js" defer></script></head>' in page.text
    assert "service-desc" not in page.text
    assert "JavaScript" in page.text
    assert "etag" not in page.headers
    assert int(page.headers["content-length"]) == len(page.content)


def test_sign_in_sets_a_strict_cookie_and_leads_to_the_page_that_was_wanted(users: Users) -> None:
    first = ask(users, "GET", "/auslastung?standort=markt")
    assert first.headers["location"] == "/anmelden?weiter=/auslastung%3Fstandort%3Dmarkt"
    form = ask(users, "GET", first.headers["location"])
    assert 'value="/auslastung?standort=markt"' in form.text
    assert "Praxis am &lt;Markt&gt;" in form.text
    given = {"name": "Ada", "passwort": "richtig", "weiter": "/auslastung?standort=markt"}
    answer = post(users, "/anmelden", given)
    assert (answer.status_code, answer.headers["location"]) == (303, "/auslastung?standort=markt")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("praxistakt_markt=token-")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    assert users.attempts == [("Ada", "richtig", "192.0.2.7")]


def test_under_tls_the_cookie_is_secure_and_the_browser_stays_with_https(users: Users) -> None:
    house = House("markt", "Praxis", frozenset({"praxis.lan"}), secure=True)
    base = "https://praxis.lan:8501"
    given = {"name": "Ada", "passwort": "richtig"}
    answer = ask(users, "POST", "/anmelden", house=house, base=base, data=given, headers={"Origin": base})
    assert "Secure" in answer.headers["set-cookie"]
    assert "max-age" in answer.headers["strict-transport-security"]


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "/\\evil", "/media/x", "javascript:x", "/?a\r\nb"]
)
def test_after_the_sign_in_nobody_is_led_elsewhere(users: Users, wanted: str) -> None:
    given = {"name": "Ada", "passwort": "richtig", "weiter": wanted}
    assert post(users, "/anmelden", given).headers["location"] == "/"


def test_a_wrong_password_says_when_the_name_gets_locked_and_echoes_nothing(users: Users) -> None:
    answer = post(users, "/anmelden", {"name": '"><b>Ada', "passwort": "falsch"})
    assert answer.status_code == 401
    assert "15 Minuten" in answer.text
    assert "Ada" not in answer.text
    assert "set-cookie" not in answer.headers


def test_too_many_sign_ins_at_once_get_a_friendly_no(users: Users) -> None:
    gate = Gate(INNER, HOUSE, users)

    async def crowd() -> list[int]:
        transport = httpx.ASGITransport(app=gate)
        async with httpx.AsyncClient(transport=transport, base_url=BASE, headers={"Origin": BASE}) as client:
            given = {"name": "Ada", "passwort": "richtig"}
            answers = await asyncio.gather(*(client.post("/anmelden", data=given) for _ in range(30)))
            return [answer.status_code for answer in answers]

    statuses = asyncio.run(crowd())
    assert statuses.count(303) == 8
    assert statuses.count(429) == 22


def test_a_form_larger_than_any_form_is_refused_unread(users: Users) -> None:
    assert post(users, "/anmelden", {"name": "A" * 9000}).status_code == 413
    assert users.attempts == []


def test_a_link_is_redeemed_by_the_button_not_by_opening_it(users: Users) -> None:
    shown = ask(users, "GET", "/einmal?schluessel=einmal-1")
    assert shown.status_code == 200
    assert users.link == "einmal-1"
    assert "set-cookie" not in shown.headers
    assert post(users, "/einmal", {"schluessel": "einmal-1"}).status_code == 303
    second = post(users, "/einmal", {"schluessel": "einmal-1"})
    assert second.status_code == 401
    assert "gilt nicht mehr" in second.text


def test_sign_out_ends_the_session_and_the_cookie(users: Users) -> None:
    token = users.open("Ada")
    gate = Gate(INNER, HOUSE, users)
    assert ask(users, "GET", "/sitzung", token=token, gate=gate).status_code == 204
    assert "Abmelden" in ask(users, "GET", "/abmelden", token=token, gate=gate).text
    answer = post(users, "/abmelden", {}, token=token, gate=gate)
    assert answer.headers["location"] == "/anmelden"
    assert 'praxistakt_markt=""' in answer.headers["set-cookie"]
    assert ask(users, "GET", "/sitzung", token=token, gate=gate).status_code == 401, "not even from what was remembered"


def test_signing_in_again_ends_the_session_before(users: Users) -> None:
    token = users.open("Ada")
    post(users, "/anmelden", {"name": "Ben", "passwort": "richtig"}, token=token)
    assert token not in users.sessions


def test_one_page_load_asks_for_its_session_once_but_a_page_counts_as_activity(users: Users) -> None:
    token = users.open("Ada")
    now = [0.0]
    gate = Gate(INNER, HOUSE, users, ticks=lambda: now[0])
    for path in ("/", "/static/a", "/static/b", "/media/c"):
        ask(users, "GET", path, token=token, gate=gate)
    assert users.looks == [(token, True)]
    now[0] = 1.0
    ask(users, "GET", "/sitzung", token=token, gate=gate)
    assert users.looks == [(token, True), (token, False)], "asking whether the session lives does not prolong it"


def test_the_pipeline_interface_is_for_it_only(users: Users) -> None:
    async def dagster(scope: object, receive: object, send: object) -> None:
        await PlainTextResponse("dagster")(scope, receive, send)  # type: ignore[arg-type]

    gate = Gate(INNER, HOUSE, users, orchestration=dagster)
    chef, it = users.open("Ada"), users.open("Ben", frozenset({"it"}))
    assert ask(users, "GET", "/dagster/runs", token=it, gate=gate).text == "dagster"
    assert ask(users, "GET", "/dagster/runs", token=chef, gate=gate).status_code == 404
    assert ask(users, "GET", "/dagster/runs", token=it).status_code == 404, "off unless asked for"


def handshake(users: Users, headers: Mapping[str, str], path: str = "/_stcore/stream") -> list[Message]:
    """What the gate answers to a handshake followed by a hang-up."""
    sent: list[Message] = []
    incoming: list[Message] = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "websocket", "path": path, "headers": raw, "query_string": b"", "subprotocols": []}
    asyncio.run(Gate(INNER, HOUSE, users)(scope, receive, send))
    return sent


@pytest.mark.parametrize(
    ("host", "origin", "signed_in", "opened"),
    [
        ("127.0.0.1:8501", BASE, True, True),
        ("127.0.0.1:8501", BASE, False, False),
        ("127.0.0.1:8501", "http://evil.example", True, False),
        ("127.0.0.1:8501", None, True, False),
        ("evil.example", "http://evil.example", True, False),
    ],
)
def test_who_may_open_a_websocket(users: Users, host: str, origin: str | None, signed_in: bool, opened: bool) -> None:
    headers = {"Host": host, "Cookie": f"{HOUSE.cookie}={users.open('Ada') if signed_in else 'made-up'}"}
    sent = handshake(users, headers | ({"Origin": origin} if origin else {}))
    assert sent[0]["type"] == ("websocket.accept" if opened else "websocket.close")


def test_no_other_address_opens_a_websocket(users: Users) -> None:
    headers = {"Host": "127.0.0.1:8501", "Origin": BASE, "Cookie": f"{HOUSE.cookie}={users.open('Ada')}"}
    for path in ("/", "/auslastung", "/dagster/graphql", "/_stcore/agent/mcp"):
        assert handshake(users, headers, path)[0]["type"] == "websocket.close"


def rerun(*, by_timer: bool) -> Message:
    message = BackMsg()
    message.rerun_script.is_auto_rerun = by_timer
    return {"type": "websocket.receive", "bytes": message.SerializeToString()}


def test_only_what_a_person_did_is_activity() -> None:
    heartbeat = BackMsg(app_heartbeat=True)
    assert is_activity(rerun(by_timer=False))
    assert not is_activity(rerun(by_timer=True))
    assert not is_activity({"type": "websocket.receive", "bytes": heartbeat.SerializeToString()})
    assert not is_activity({"type": "websocket.receive", "bytes": b"\xff\xff"})
    assert not is_activity({"type": "websocket.receive", "text": "x"})


def test_an_idle_websocket_is_closed_when_its_session_ends() -> None:
    async def watching() -> tuple[list[Message], list[Message], list[bool]]:
        sent: list[Message] = []
        asked: list[bool] = []
        incoming: asyncio.Queue[Message] = asyncio.Queue()
        incoming.put_nowait({"type": "websocket.connect"})
        incoming.put_nowait(rerun(by_timer=False))

        async def alive(active: bool) -> bool:
            asked.append(active)
            return len(asked) < 3

        async def send(message: Message) -> None:
            sent.append(message)

        watched = WatchedSocket(incoming.get, send, alive, seconds=0.01)
        received = [await watched.receive() for _ in range(3)]
        await watched.send({"type": "websocket.send", "bytes": b"a name"})
        return received, sent, asked

    received, sent, asked = asyncio.run(watching())
    assert [message["type"] for message in received] == [
        "websocket.connect",
        "websocket.receive",
        "websocket.disconnect",
    ]
    assert asked == [True, False, False]
    assert sent == [{"type": "websocket.close", "code": 1008}], "nothing is said after the close"
