"""Another process that reads what is published, as the pages do, until it is told to stop."""

from __future__ import annotations

import contextlib
import datetime as dt
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

import psutil

from dashboards.published import Published
from dashboards.queries import QUERIES
from pipelines import publish
from pipelines.practice import Practice

#: How long the other process may take for one look, at most; it is told of as an error, not waited for.
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Look:
    """One look at all that both pages show: which generation, and what of it marts and desk say.

    `in_marts`, `in_desk`: appointments by outcome. `rows` by query.
    """

    generation: str
    run: int
    in_marts: dict[str, int]
    in_desk: dict[str, int]
    rows: dict[str, int]


def look(practice: Practice, day: dt.date) -> Look:
    """Ask every query of the pages of one published generation."""
    reader = publish.reader(practice)
    page = Published(lambda: reader)
    span = {"kind": "person", "other_kind": "person", "location": "", "first": day - dt.timedelta(days=30), "last": day}
    bound = {"capacity_hour": span, "counted": {"day": day}, "appointments": {"day": day}}
    rows = {name: page.frame(query, bound.get(name, {})).height for name, query in QUERIES.items()}
    outcomes = "SELECT outcome, count(*) FROM {}.{} GROUP BY outcome ORDER BY outcome"
    in_marts = reader.frame("marts", outcomes.format("marts", "fact_appointment"))
    in_desk = reader.frame("desk", outcomes.format("desk", "appointment"))
    return Look(
        reader.generation.name, reader.generation.run, dict(in_marts.iter_rows()), dict(in_desk.iter_rows()), rows
    )


def _read_on(folder: str, day: dt.date, said: Connection, stop: Event) -> None:
    """The other process: one look after the other; an error is told and ends it."""
    practice = Practice.open(Path(folder))
    while not stop.is_set():
        try:
            said.send(look(practice, day))
        except Exception as error:  # noqa: BLE001 (the parent has to hear of whatever it is)
            said.send(error)
            return


@dataclass
class ReaderProcess:
    """The other process, seen from here; `looks` are those that were taken in."""

    child: Connection
    process: psutil.Process
    looks: list[Look] = field(default_factory=list)

    def next_look(self) -> Look:
        """Wait for a look.

        :raises Exception: what went wrong over there.
        :raises TimeoutError: nothing came.
        """
        if not self.child.poll(PATIENCE_SECONDS):
            raise TimeoutError(f"no look within {PATIENCE_SECONDS:g} s, after {len(self.looks)}")
        said = self.child.recv()
        if isinstance(said, Exception):
            raise said
        self.looks.append(said)
        return self.looks[-1]

    def until(self, generation: str) -> Look:
        """The first look at this generation or a later one."""
        while self.next_look().generation < generation:
            pass
        return self.looks[-1]

    def take_in(self) -> None:
        """The looks that have come meanwhile."""
        while self.child.poll():
            self.next_look()


@contextmanager
def reader_process(practice: Practice, day: dt.date) -> Iterator[ReaderProcess]:
    """Start the other process; it inherits nothing but the environment, and ends with the block.

    :param day: the day whose appointments are read.
    """
    spawn = multiprocessing.get_context("spawn")
    heard, said = spawn.Pipe(duplex=False)
    stop = spawn.Event()
    process = spawn.Process(target=_read_on, args=(str(practice.folder), day, said, stop), daemon=True)
    process.start()
    said.close()
    try:
        yield ReaderProcess(heard, psutil.Process(process.pid))
    finally:
        stop.set()
        with contextlib.suppress(EOFError):  # it may be waiting to be heard
            while True:
                heard.recv()
        process.join(PATIENCE_SECONDS)
        heard.close()
