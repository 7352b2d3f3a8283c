"""Ask several foreign systems at once, and leave alone whoever keeps the others waiting.

Each is asked in a thread of its own; what they say is heard one after the other in the caller's thread, so that
nothing but the asking itself has to stand several threads. A thread cannot be ended from outside: one that is late is
not listened to any more, stops at the next thing that it says, and never keeps the process from ending.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from connectors.errors import SourceStalled

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: how long a source may say nothing, and how long it may take in all."""

    silent: float
    total: float


@dataclass(frozen=True, slots=True)
class Heard(Generic[T]):
    """Something that a source said; without an item, its end, after so many seconds, with what went wrong."""

    name: str
    item: T | None = None
    error: Exception | None = None
    seconds: float = 0.0


class LeftAlone(Exception):
    """Nobody listens any more."""


class Speaker(Generic[T]):
    """One source's end of the line. `limits` may be set by the source's own thread while it speaks."""

    def __init__(self, name: str, line: queue.SimpleQueue[Heard[T]], limits: Limits) -> None:
        self.name = name
        self.limits = limits
        self._line = line
        self._began = self._spoke = time.monotonic()
        self._left_alone = False

    def tell(self, item: T) -> None:
        """Say something.

        :raises LeftAlone: it came too late.
        """
        if self._left_alone:
            raise LeftAlone
        self._spoke = time.monotonic()
        self._line.put(Heard(self.name, item))

    def run(self, ask: Callable[[Speaker[T]], None]) -> None:
        """The thread: ask, tell, tell the end."""
        error: Exception | None = None
        try:
            ask(self)
        except LeftAlone:
            return
        except Exception as raised:  # noqa: BLE001 - it is raised or told in the thread that listens
            error = raised
        self._line.put(Heard(self.name, error=error, seconds=self.seconds))

    def leave_alone(self) -> None:
        """Listen no more."""
        self._left_alone = True

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def patience(self) -> float:
        """Seconds until it will have been waited for long enough; negative when it is late."""
        return min(self._spoke + self.limits.silent, self._began + self.limits.total) - time.monotonic()

    def late(self) -> Heard[T]:
        """Its end, as if it had told it itself."""
        if self.seconds >= self.limits.total:
            error = SourceStalled(f"{self.name}: not at its end after {self.limits.total:g} s; the others go on")
        else:
            error = SourceStalled(f"{self.name}: nothing was heard for {self.limits.silent:g} s; the others go on")
        return Heard(self.name, error=error, seconds=self.seconds)


@contextmanager
def listening(asked: Mapping[str, Callable[[Speaker[T]], None]], limits: Limits) -> Iterator[Iterator[Heard[T]]]:
    """Ask all of them at once and hear what they say until the last one came to its end or was left alone.

    Items of one source come in its order; exactly one `Heard` without an item ends each. An exception that is none of
    a source's own comes out of it as any other, as `error`: whoever listens decides.

    :param limits: for each of them; `Speaker.limits` changes them for one.
    """
    line: queue.SimpleQueue[Heard[T]] = queue.SimpleQueue()
    speakers = {name: Speaker(name, line, limits) for name in asked}
    with closing(_heard(line, speakers)) as heard:
        for name, speaker in speakers.items():
            threading.Thread(target=speaker.run, args=(asked[name],), name=f"ask {name}", daemon=True).start()
        yield heard


def _heard(line: queue.SimpleQueue[Heard[T]], speakers: Mapping[str, Speaker[T]]) -> Generator[Heard[T], None, None]:
    speaking = dict(speakers)
    try:
        while speaking:
            for one in _next(line, speaking):
                if one.name in speaking:  # else it had been left alone when it spoke
                    if one.item is None:
                        speaking.pop(one.name)
                    yield one
    finally:
        for speaker in speakers.values():
            speaker.leave_alone()


def _next(line: queue.SimpleQueue[Heard[T]], speaking: Mapping[str, Speaker[T]]) -> list[Heard[T]]:
    """What was said next; if nothing is, the ends of those that are late."""
    try:
        return [line.get(timeout=max(0.0, min(speaker.patience() for speaker in speaking.values())))]
    except queue.Empty:
        overdue = [speaker for speaker in speaking.values() if speaker.patience() <= 0]
        for speaker in overdue:
            speaker.leave_alone()
        return [speaker.late() for speaker in overdue]
