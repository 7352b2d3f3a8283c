"""The played bad link: what it lets through, and how it breaks."""

import socket
import threading
import time

import pytest

from connectors.sandbox.proxy import FaultProxy, Faults

SAID = b"0123456789" * 10


@pytest.fixture
def server():
    """Says the same to everyone who says something, and keeps what was said."""
    heard = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                heard.append(client.recv(100))
                client.sendall(SAID)
                client.recv(1)

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname(), heard
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def asked(proxy, seconds=5.0):
    """What comes until the link ends; the error or the pause that ended it."""
    got = b""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=seconds) as link:
        link.sendall(b"ask")
        try:
            while len(got) < len(SAID):
                piece = link.recv(100)
                if not piece:
                    return got, "closed"
                got += piece
        except OSError as error:
            return got, type(error).__name__
    return got, "whole"


@pytest.mark.parametrize(
    ("faults", "got", "end"),
    [
        (Faults(), SAID, "whole"),
        (Faults(close_after=30), SAID[:30], "closed"),
        (Faults(close_after=0), b"", "closed"),
        (Faults(close_after=1000), SAID, "whole"),
        (Faults(reset_after=0), b"", "ConnectionResetError"),
        (Faults(drip=0.001), SAID, "whole"),
    ],
)
def test_what_comes_through(server, faults, got, end):
    address, heard = server
    with FaultProxy(address, faults) as proxy:
        assert asked(proxy) == (got, end)
        assert heard == [b"ask"]
        assert proxy.log[0].received == len(got)
        assert proxy.log[0].broken == (len(got) < len(SAID))


@pytest.mark.parametrize(("faults", "got"), [(Faults(stall_after=30), SAID[:30]), (Faults(silent=True), b"")])
def test_a_link_that_stands_still_stays_open(server, faults, got):
    with FaultProxy(server[0], faults) as proxy:
        assert asked(proxy, 0.3) == (got, "TimeoutError")


def test_pieces_come_late(server):
    with FaultProxy(server[0], Faults(delay=0.2)) as proxy:
        began = time.monotonic()
        assert asked(proxy) == (SAID, "whole")
        assert time.monotonic() - began >= 0.2


def test_faults_may_change_between_connections(server):
    with FaultProxy(server[0], Faults(close_after=10)) as proxy:
        assert asked(proxy)[1] == "closed"
        proxy.faults = Faults()
        assert asked(proxy) == (SAID, "whole")
