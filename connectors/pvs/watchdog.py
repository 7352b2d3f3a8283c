"""Something must move: a link on which nothing arrives in time is broken off, whatever its driver would do.

Most drivers wait for ever for a server that accepts bytes and says nothing: a sleeping machine, a firewall that forgot
the connection. So a thread looks at the clock beside each connection and breaks it from outside, by shutting its socket
or by ending the process that the driver runs in; the driver then fails at once.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

#: A watch looks at least so often, because the deadline of its link may be drawn nearer meanwhile.
_LOOK = 0.5
#: A link that was broken off before there was a socket is broken again soon.
_AGAIN = 0.05


@dataclass(slots=True)
class Deadline:
    """Rows must move within `idle` seconds and the whole must end within `total`; both by a clock that never jumps.

    While whoever asked for the rows is busy with them (`rest`), nobody waits for the database.
    """

    idle: float = 60.0
    total: float = 900.0
    clock: Callable[[], float] = time.monotonic
    #: Whether a link was broken off since the start: then its driver's complaint is only the echo.
    broken: bool = field(init=False, default=False)
    _started: float = field(init=False)
    _moved: float = field(init=False)
    _idle: float = field(init=False)
    _resting: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self, patience: float | None = None) -> None:
        """A new statement: both times begin; with `patience`, rows must move within this if it is shorter."""
        self._started = self._moved = self.clock()
        self._idle = self.idle if patience is None else min(self.idle, patience)
        self._resting = self.broken = False

    @property
    def patience(self) -> float:
        """Seconds within which something must move in what was started last."""
        return self._idle

    def moved(self) -> None:
        """Rows arrived, or are waited for again."""
        self._moved = self.clock()
        self._resting = False

    def rest(self) -> None:
        """Nobody waits for rows until `moved`."""
        self._resting = True

    def remaining(self) -> float:
        """Seconds until it expires if nothing moves; negative afterwards."""
        now = self.clock()
        return min(self._idle - (now - self._moved), self.total - (now - self._started))

    def expired(self) -> bool:
        """Whether to break off now."""
        return not self._resting and self.remaining() < 0

    def give_up(self) -> bool:
        """Whether to break off now, for a driver that asks; then it counts as broken off."""
        if self.expired():
            self.broken = True
        return self.broken


class Watch:
    """Looks at the deadline until `end`, and calls `break_off` each time that it finds it expired."""

    def __init__(self, deadline: Deadline, break_off: Callable[[], None]) -> None:
        self._deadline = deadline
        self._break_off = break_off
        self._ended = threading.Event()
        threading.Thread(target=self._look, name="watchdog", daemon=True).start()

    def _look(self) -> None:
        while not self._ended.wait(min(max(self._deadline.remaining(), _AGAIN), _LOOK)):
            if self._deadline.give_up():
                self._break_off()

    def end(self) -> None:
        """The link is closed."""
        self._ended.set()


class SocketWatch(Watch):
    """Breaks a connection by its socket, of which it keeps an own handle: drivers replace theirs."""

    def __init__(self, deadline: Deadline, descriptor: int) -> None:
        self._socket = socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM)
        super().__init__(deadline, self._shut)

    def _shut(self) -> None:
        with suppress(OSError):  # it is closed already: then nobody waits on it
            self._socket.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """The link is closed."""
        super().end()
        self._socket.close()
