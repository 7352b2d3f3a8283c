"""The one place that opens connections: what a foreign server may do to us ends in a named error, and soon."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors import errors
from connectors.booking.apiauth import APIAuth
from connectors.booking.fhir import next_link
from connectors.booking.http import Clocks, Http, Limits, parse
from connectors.sandbox.booking import DIALECT
from tests.kit.booking import ACCESS_ID, NOW, SECRET, Played, played
from tests.kit.certificates import self_signed

#: For what ends by itself, and for what only the deadline ends.
QUICK = Limits(request_seconds=5, retries=0)
HASTY = Limits(request_seconds=0.3, retries=0)
WAITS = ("drip", "stall", "lost-answer", "never answers", "drips good headers")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with played(tmp_path_factory.mktemp("platform")) as running:
        yield running


@pytest.fixture
def server(platform: Played) -> Iterator[Played]:
    yield platform
    platform.server.faults.clear()
    platform.slept.clear()


def client(server: Played, limits: Limits = QUICK, secret: str = SECRET) -> Http:
    auth = APIAuth(ACCESS_ID, secret, DIALECT, server.now)
    return Http(server.server.fhir_url, clocks=server.clocks(), auth=auth, limits=limits)


@contextmanager
def answering(
    *parts: bytes, pause: float = 0.0, linger: float = 0.0, context: ssl.SSLContext | None = None
) -> Iterator[int]:
    """A server that reads something and then sends these parts; yields its port."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)
        thread = threading.Thread(target=_answer, args=(listening, parts, pause, linger, context, ended))
        thread.start()
        yield listening.getsockname()[1]
        ended.set()
        thread.join()


def _answer(
    listening: socket.socket,
    parts: tuple[bytes, ...],
    pause: float,
    linger: float,
    context: ssl.SSLContext | None,
    ended: threading.Event,
) -> None:
    connection, _ = listening.accept()
    with connection:
        try:
            speaking = context.wrap_socket(connection, server_side=True) if context else connection
            with speaking:
                speaking.recv(65_536)
                for part in parts:
                    speaking.sendall(part)
                    ended.wait(pause)
                ended.wait(linger)
        except OSError:
            return


def get(port: int, limits: Limits = QUICK, **more: str) -> object:
    with Http(f"http://127.0.0.1:{port}", clocks=Clocks(now=lambda: NOW), limits=limits, **more) as http:
        return http.get("Patient").body


FAULTS: list[tuple[str, dict[str, object], type[errors.ConnectorError], str]] = [
    ("status", {"status": 401}, errors.SourceRefused, "401"),
    ("status", {"status": 401, "headers": {"content-encoding": "gzip"}}, errors.SourceRefused, "401"),
    ("status", {"status": 403}, errors.SourceRefused, "403"),
    ("status", {"status": 404}, errors.BadAnswer, "404"),
    ("status", {"status": 429}, errors.SourceBusy, "429"),
    ("status", {"status": 500}, errors.BadAnswer, "500"),
    ("status", {"status": 502}, errors.SourceAway, "502"),
    ("status", {"status": 503}, errors.SourceBusy, "503"),
    ("status", {"status": 504}, errors.SourceAway, "504"),
    ("invalid-json", {}, errors.BadAnswer, "no valid JSON"),
    ("deep-json", {}, errors.BadAnswer, "no valid JSON"),
    ("half-page", {}, errors.BadAnswer, "broke off"),
    ("drip", {}, errors.SourceStalled, "0.3 s"),
    ("stall", {}, errors.SourceStalled, "0.3 s"),
    ("lost-answer", {}, errors.SourceStalled, "0.3 s"),
    ("redirect", {}, errors.BadAnswer, "redirects"),
    ("bomb", {}, errors.BadAnswer, "compressed"),
    ("huge", {}, errors.BadAnswer, "8,388,608 bytes"),
]


@pytest.mark.parametrize(("kind", "how", "error", "says"), FAULTS, ids=lambda value: str(value)[:24])
def test_fault(server: Played, kind: str, how: dict[str, object], error: type[Exception], says: str) -> None:
    server.server.faults.add(kind, **how)
    began = time.monotonic()
    limits = HASTY if kind in WAITS else QUICK
    with client(server, limits) as http, pytest.raises(error, match=says) as caught:
        http.get("Patient")
    assert type(caught.value) is error
    assert time.monotonic() - began < 3


def test_a_next_link_to_another_server_is_not_followed(server: Played) -> None:
    server.server.faults.add("foreign-next")
    with client(server) as http, pytest.raises(errors.BadAnswer, match="another server"):
        list(http.pages("Patient", {}, next_link))


def test_the_client_is_well_again_after_a_fault(server: Played) -> None:
    server.server.faults.add("drip")
    with client(server, Limits(request_seconds=1, retries=0)) as http:
        with pytest.raises(errors.SourceStalled):
            http.get("Patient")
        assert http.get("Patient").status == 200


HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BROKEN: dict[str, tuple[tuple[bytes, ...], dict[str, float], type[errors.ConnectorError]]] = {
    "never answers": ((), {"linger": 9}, errors.SourceStalled),
    "hangs up at once": ((), {}, errors.SourceAway),
    "drips good headers": ((HEADERS, *(b"X-%d: x\r\n" % n for n in range(99))), {"pause": 0.05}, errors.SourceStalled),
    "speaks another protocol": ((b"220 mail.example ESMTP\r\n\r\n",), {}, errors.BadAnswer),
    "half of a chunked body": ((HEADERS + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{}",), {}, errors.BadAnswer),
    "no end of headers": ((b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 200_000,), {}, errors.BadAnswer),
    "a list": ((HEADERS + b"Content-Length: 2\r\n\r\n[]",), {}, errors.BadAnswer),
    "nothing": ((HEADERS + b"Content-Length: 0\r\n\r\n",), {}, errors.BadAnswer),
    "a bare NaN": ((HEADERS + b'Content-Length: 9\r\n\r\n{"a":NaN}',), {}, errors.BadAnswer),
    "unknown coding": ((HEADERS + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",), {}, errors.BadAnswer),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_server_that_is_none(name: str) -> None:
    parts, how, error = BROKEN[name]
    began = time.monotonic()
    with answering(*parts, **how) as port, pytest.raises(error) as caught:
        get(port, HASTY if name in WAITS else QUICK)
    assert type(caught.value) is error
    assert time.monotonic() - began < 3


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(errors.SourceAway, match="no connection"):
        get(port)


def test_identity_is_asked_for_and_may_be_named() -> None:
    with answering(HEADERS + b'Content-Encoding: identity\r\nContent-Length: 7\r\n\r\n{"a":1}') as port:
        assert get(port) == {"a": 1}


RETRIES = [
    # statuses that come first       slept (half of the ceiling)         requests get through
    ([],                             [],                                 True),
    ([503],                          [0.5],                              True),
    ([429, 502, 504],                [0.5, 1.0, 2.0],                    True),
    ([503] * 6,                      [0.5, 1.0, 2.0, 4.0, 8.0, 16.0],    True),
    ([503] * 7,                      [0.5, 1.0, 2.0, 4.0, 8.0, 16.0],    False),
    ([500],                          [],                                 False),
    ([401],                          [],                                 False),
]  # fmt: skip


@pytest.mark.parametrize(("statuses", "slept", "through"), RETRIES)
def test_retries(server: Played, statuses: list[int], slept: list[float], through: bool) -> None:
    for status in statuses:
        server.server.faults.add("status", status=status)
    with client(server, Limits()) as http:
        if through:
            assert http.get("Patient").status == 200
        else:
            with pytest.raises(errors.ConnectorError):
                http.get("Patient")
    assert server.slept == slept


def test_the_pause_has_a_ceiling(server: Played) -> None:
    server.server.faults.add("status", status=503, times=4)
    with client(server, Limits(backoff_cap=3.0)) as http:
        http.get("Patient")
    assert server.slept == [0.5, 1.0, 1.5, 1.5]


PAUSES = [
    ("2", [2.0], True),
    ("900", [900.0], True),
    ("901", [], False),
    ("Mon, 02 Mar 2026 07:00:30 GMT", [30.0], True),
    ("Mon, 02 Mar 2026 06:00:00 GMT", [0.0], True),
    ("Mon, 02 Mar 2026 09:00:00 GMT", [], False),
    ("soon", [0.5], True),
    ("-5", [0.5], True),
    ("9" * 400, [], False),
]


@pytest.mark.parametrize(("stated", "slept", "through"), PAUSES)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(server: Played, status: int, stated: str, slept: list[float], through: bool) -> None:
    server.server.faults.add("status", status=status, headers={"retry-after": stated})
    with client(server, Limits()) as http:
        if through:
            http.get("Patient")
        else:
            with pytest.raises(errors.SourceBusy) as caught:
                http.get("Patient")
            assert caught.value.retry_after is not None
            assert caught.value.retry_after > 900
    assert server.slept == slept


def test_a_stalled_reading_is_tried_again(server: Played) -> None:
    server.server.faults.add("stall")
    with client(server, Limits(request_seconds=1)) as http:
        assert http.get("Patient").status == 200
    assert server.slept == [0.5]


def test_all_pages_of_a_reading_share_their_retries(server: Played) -> None:
    server.server.faults.add("status", status=503, times=4)
    with client(server, Limits(retries=4)) as http:
        pages = http.pages("Patient", {"_count": "1"}, next_link)
        next(pages)
        server.server.faults.add("status", status=503)
        with pytest.raises(errors.SourceBusy):
            next(pages)


@pytest.mark.parametrize("fault", ["stall", "lost-answer", "half-page", "status"])
def test_a_write_is_sent_once(server: Played, fault: str) -> None:
    server.server.faults.add(fault, status=503)
    with client(server, Limits(request_seconds=0.3)) as http, pytest.raises(errors.ConnectorError):
        http.send("POST", "Patient", {"resourceType": "Patient"})
    assert server.slept == []


def test_no_proxy_from_the_environment(server: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with client(server) as http:
        assert http.get("Patient").status == 200


def test_a_configured_proxy_is_used() -> None:
    body = HEADERS + b'Content-Length: 15\r\n\r\n{"via":"proxy"}'
    with (
        answering(body) as port,
        Http(
            "http://127.0.0.1:9", clocks=Clocks(now=lambda: NOW), limits=QUICK, proxy=f"http://127.0.0.1:{port}"
        ) as http,
    ):
        assert http.get("Patient").body == {"via": "proxy"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that no authority of this machine vouches for."""
    return self_signed(tmp_path_factory.mktemp("tls") / "authority.pem")


def over_tls(authority: Path, ca_file: Path | None, host: str = "127.0.0.1") -> object:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    known = None if ca_file is None else str(ca_file)
    with (
        answering(HEADERS + b'Content-Length: 7\r\n\r\n{"a":1}', context=context) as port,
        Http(f"https://{host}:{port}", clocks=Clocks(now=lambda: NOW), limits=QUICK, ca_file=known) as http,
    ):
        return http.get("Patient").body


def test_a_private_authority_is_trusted_by_its_file(authority: Path) -> None:
    assert over_tls(authority, authority) == {"a": 1}


def test_a_certificate_that_nobody_vouches_for_is_refused(authority: Path) -> None:
    with pytest.raises(errors.SourceRefused, match="ca_file"):
        over_tls(authority, None)


def test_a_certificate_for_another_name_is_refused(authority: Path) -> None:
    with pytest.raises(errors.SourceRefused, match="certificate"):
        over_tls(authority, authority, host="localhost")


def test_a_server_that_stalls_in_the_tls_greeting(authority: Path) -> None:
    clocks, known = Clocks(now=lambda: NOW), str(authority)
    with answering(linger=9) as port:
        http = Http(f"https://127.0.0.1:{port}", clocks=clocks, limits=HASTY, ca_file=known)
        with http, pytest.raises(errors.SourceAway):
            http.get("Patient")


def test_an_id_that_climbs_is_refused(server: Played) -> None:
    with client(server) as http, pytest.raises(errors.BadAnswer, match="plain"):
        http.get("Patient/..")


def test_the_servers_clock(server: Played) -> None:
    with client(server) as http:
        assert http.get("Patient").date == NOW


def test_errors_quote_neither_address_nor_body(server: Played) -> None:
    server.server.faults.add("invalid-json")
    with client(server) as http, pytest.raises(errors.BadAnswer) as caught:
        http.get("Patient", {"family": "Berg"})
    assert "Berg" not in str(caught.value)
    assert "entry" not in str(caught.value)


PARSED: list[tuple[bytes, object]] = [
    (b'{"a": "\\u00e4"}', {"a": "ä"}),
    (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
    (b'{"a": "\\ud83d", "b": ["\\udc00x"]}', {"a": "?", "b": ["?x"]}),
    (json.dumps({"a": "ü"}, ensure_ascii=False).encode(), {"a": "ü"}),
]


@pytest.mark.parametrize(("body", "value"), PARSED)
def test_json(body: bytes, value: object) -> None:
    assert parse(body) == value


@pytest.mark.parametrize(
    "body", [b"", b"nul", b'{"a": 1', b"\xff\xfe", b'{"a": Infinity}', b'"x"', b"1" * 5_000, b"[" * 99_999]
)
def test_no_json(body: bytes) -> None:
    with pytest.raises(errors.BadAnswer):
        parse(body)


#: Faults -> what a hurried reading sleeps, and whether it gets through; it may lose 3 s.
HURRIED = [
    ([503], [0.5], True),
    ([503, 503], [0.5, 1.0], True),
    ([503, 503, 503], [0.5, 1.0], False),
    ([429], [0.5], True),
]


@pytest.mark.parametrize(("statuses", "slept", "through"), HURRIED)
def test_where_others_wait_pauses_are_counted(
    server: Played, statuses: list[int], slept: list[float], through: bool
) -> None:
    for status in statuses:
        server.server.faults.add("status", status=status)
    with client(server, Limits()) as http:
        with http.hurried(5.0, 3.0):
            if through:
                assert http.get("Patient").status == 200
            else:
                with pytest.raises(errors.SourceBusy):
                    http.get("Patient")
        assert server.slept == slept


def test_where_others_wait_a_stalled_request_ends_it_and_a_longer_pause_is_handed_on(server: Played) -> None:
    with client(server, Limits()) as http, http.hurried(0.3, 0.1):
        server.server.faults.add("stall")
        with pytest.raises(errors.SourceStalled, match=r"within 0\.3 s"):
            http.get("Patient")
        server.server.faults.add("status", status=429, headers={"retry-after": "30"})
        with pytest.raises(errors.SourceBusy) as caught:
            http.get("Patient")
        assert caught.value.retry_after == 30
    assert server.slept == []


def test_all_requests_of_a_hurried_reading_lose_together_and_the_next_one_starts_anew(server: Played) -> None:
    with client(server, Limits()) as http:
        with http.hurried(5.0, 2.4):
            for _ in range(2):
                server.server.faults.add("status", status=503)
                http.get("Patient")
            server.server.faults.add("status", status=503)
            with pytest.raises(errors.SourceBusy):
                http.get("Patient")
        server.server.faults.add("status", status=503, times=3)
        assert http.get("Patient").status == 200
    assert server.slept == [0.5, 1.0, 0.5, 1.0, 2.0]
