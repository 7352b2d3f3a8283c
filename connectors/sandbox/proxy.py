"""A bad link, played by us: a TCP proxy on the loopback between a driver and a real server.

    with FaultProxy(("127.0.0.1", 5432), Faults(stall_after=100_000)) as proxy:
        ...  # connect to proxy.port

Faults meet what the server sends, because that is what a reader waits for; `faults` may be replaced while it runs, and
each new connection is told from then on. What went through is kept in `log`, as numbers only.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Faults:
    """What the link does to the server's bytes; without anything, it passes them on.

    `silent`: takes the connection and never says a word. `stall_after`: after so many bytes nothing comes any more,
    the connection stays open. `reset_after`: it breaks with a reset. `close_after`: it ends in good order. `delay`:
    each piece comes so many seconds late. `drip`: one byte each so many seconds.
    """

    silent: bool = False
    stall_after: int | None = None
    reset_after: int | None = None
    close_after: int | None = None
    delay: float = 0.0
    drip: float = 0.0


@dataclass(slots=True)
class Passed:
    """One connection: bytes of the client and of the server that went through, and whether it was broken."""

    sent: int = 0
    received: int = 0
    broken: bool = False


@dataclass(slots=True)
class FaultProxy:
    """Listens on a free port of the loopback until it is closed; connections live in threads."""

    target: tuple[str, int]
    faults: Faults = field(default_factory=Faults)
    log: list[Passed] = field(default_factory=list)
    _listener: socket.socket = field(init=False)
    _closing: threading.Event = field(init=False, default_factory=threading.Event)
    _open: list[socket.socket] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, name="fault proxy", daemon=True).start()

    @property
    def port(self) -> int:
        """Where to connect to on 127.0.0.1."""
        number: int = self._listener.getsockname()[1]
        return number

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the listening and every connection."""
        self._closing.set()
        for one in [self._listener, *self._open]:
            with suppress(OSError):  # the other end was quicker
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(client)
            if not self.faults.silent:
                self._join(client)

    def _join(self, client: socket.socket) -> None:
        server = socket.create_connection(self.target)
        self._open.append(server)
        link = _Link(client, server, self.faults, self._closing)
        self.log.append(link.passed)
        for work in (link.send, link.receive):
            threading.Thread(target=work, name="fault proxy", daemon=True).start()


@dataclass(slots=True)
class _Link:
    client: socket.socket
    server: socket.socket
    faults: Faults
    closing: threading.Event
    passed: Passed = field(default_factory=Passed)

    def send(self) -> None:
        """The client's bytes, as they are."""
        with suppress(OSError):  # one of the two has gone
            while piece := self.client.recv(_PIECE):
                self.passed.sent += len(piece)
                self.server.sendall(piece)
            self.server.shutdown(socket.SHUT_WR)

    def receive(self) -> None:
        """The server's bytes, with the faults."""
        with suppress(OSError):  # one of the two has gone
            while piece := self.server.recv(_PIECE):
                if not self._pass(piece):
                    return
            self.client.shutdown(socket.SHUT_WR)

    def _pass(self, piece: bytes) -> bool:
        """Pass on what the faults let through; False if that was the last of it."""
        faults = self.faults
        ends = (faults.stall_after, faults.reset_after, faults.close_after)
        limits = [limit for limit in ends if limit is not None]
        if faults.delay:
            self.closing.wait(faults.delay)
        let = piece[: max(0, min(limits) - self.passed.received)] if limits else piece
        for part in _parts(let, faults.drip):
            self.passed.received += len(part)
            self.client.sendall(part)
            if faults.drip:
                self.closing.wait(faults.drip)
        if not limits or self.passed.received < min(limits):
            return not self.closing.is_set()
        self._break()
        return False

    def _break(self) -> None:
        self.passed.broken = True
        if self.faults.stall_after is not None:
            self.closing.wait()
            return
        if self.faults.reset_after is not None:
            # https://man7.org/linux/man-pages/man7/socket.7.html SO_LINGER with zero seconds: close with a reset
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.client.shutdown(socket.SHUT_RD)  # else it lives on while the other thread waits on it
            self.client.close()
        else:
            self.client.shutdown(socket.SHUT_RDWR)
        self.server.close()


def _parts(content: bytes, drip: float) -> list[bytes]:
    if not drip:
        return [content] if content else []
    return [content[place : place + 1] for place in range(len(content))]
