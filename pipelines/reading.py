"""What one source is asked in a run, in a thread of its own: each record type as cheaply as it allows.

Knows the source and nothing else: no raw, no ops.db, no page. What it hears goes to whoever listens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from connectors.errors import BadAnswer, SchemaMismatch
from connectors.source import Batch, ReadRequest, Source, Window
from pipelines import comparison
from pipelines.comparison import Reading
from pipelines.practice import Practice
from pipelines.side_by_side import Limits, Speaker

#: `changes`: as cheaply as each record type allows; `full`: everything, compared row by row.
Extent = Literal["changes", "full"]

#: No cursor of a practice system can be trusted with these: a window of them is read whole each time.
WINDOWED = frozenset({"appointment", "slot", "absence"})

#: A full comparison has the night, and a source may ask for a pause of 15 minutes in it.
FULL = Limits(silent=45 * 60, total=45 * 60)

#: The first reading of a record type is full, also by day.
_FIRST = 3

#: A source gives up by itself before it is left alone, because it can say more about what is wrong.
_OWN = 0.75


@dataclass(frozen=True, slots=True)
class Task:
    """What a run wants of a source: how much, which window, since which positions, how long others wait for it."""

    extent: Extent
    window: Window
    positions: Mapping[str, str | None]
    limits: Limits


@dataclass(frozen=True, slots=True)
class Delivered:
    """Rows of one more batch."""

    resource: str
    rows: int


@dataclass(frozen=True, slots=True)
class Answered:
    """One record type, whole. `cursor` is what the source's cursor alone would have shown, beside a full reading."""

    reading: Reading
    cursor: Reading | None


@dataclass(frozen=True, slots=True)
class Senseless:
    """One record type that was not answered as agreed; that says nothing about the others."""

    resource: str
    error: BadAnswer | SchemaMismatch


@dataclass(frozen=True, slots=True)
class Load:
    """What the run meant for the source's server: statements, and seconds in which it was busy with us."""

    statements: int = 0
    seconds: float = 0.0


Said = Delivered | Answered | Senseless | Load


def asking(practice: Practice, name: str, task: Task) -> Callable[[Speaker[Said]], None]:
    """For `side_by_side.listening`: opens the source, reads one record type after the other, closes it."""

    def ask(speaker: Speaker[Said]) -> None:
        with practice.open_source(name) as source:
            try:
                for resource in source.resources:
                    speaker.tell(_Reader(source, resource, task, speaker).answer())
            finally:
                speaker.tell(_load(source))

    return ask


def _load(source: Source) -> Load:
    asked = source.journal()
    return Load(sum(one.statements for one in asked), sum(one.milliseconds for one in asked) / 1000)


@dataclass(frozen=True, slots=True)
class _Reader:
    """One record type of one source."""

    source: Source
    resource: str
    task: Task
    speaker: Speaker[Said]

    def answer(self) -> Answered | Senseless:
        try:
            return self._answer()
        except (BadAnswer, SchemaMismatch) as error:
            return Senseless(self.resource, error)

    def _answer(self) -> Answered:
        """The first reading of a record type is always full."""
        task = self.task
        since, known = task.positions.get(self.resource), self.resource in task.positions
        window = task.window if self.resource in WINDOWED else None
        if task.extent == "changes" and not known:
            self.speaker.limits = Limits(_FIRST * task.limits.silent, FULL.total)
        usual = ReadRequest(self.resource, "window" if window else "changes", since, window, self._patience())
        full = ReadRequest(self.resource, "full", patience=self._patience())
        if task.extent == "changes" and known:
            return Answered(self._reading(usual), None)
        if window is not None or since is None:
            return Answered(self._reading(full), None)
        cursor = self._reading(usual)
        if cursor.scope == "full":
            return Answered(cursor, None)
        return Answered(self._reading(full), cursor)

    def _patience(self) -> float | None:
        return None if self.task.extent == "full" else _OWN * self.speaker.limits.silent

    def _reading(self, request: ReadRequest) -> Reading:
        def told() -> Iterator[Batch]:
            for batch in self.source.read(request):
                self.speaker.tell(Delivered(self.resource, batch.read))
                yield batch

        return comparison.fold(self.resource, told())
