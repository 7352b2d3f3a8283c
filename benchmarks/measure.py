"""How a benchmark measures: each round in a process of its own, seconds by the monotonic clock, memory by the kernel.

A benchmark calls `interleaved` with the ways that it compares and ends with `report`, whose last line is one JSON
object that also says what it is held to and whether that was kept.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Round:
    """One round: seconds of the measured part, peak resident memory of its process in MB, and what it returned.

    `cpu` are seconds of all its threads on a processor: on a machine that others use too they say more than the clock.
    """

    seconds: float
    peak_mb: float
    result: Any
    cpu: float = 0.0


@dataclass(frozen=True)
class Goal:
    """A figure and the most that it may be."""

    what: str
    value: float
    limit: float

    @property
    def held(self) -> bool:
        """Whether the figure stays within its limit."""
        return self.value <= self.limit


def peak_mb() -> float:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _child(pipe: Connection, work: Callable[..., Any], args: tuple[Any, ...]) -> None:
    started, busy = time.monotonic(), time.process_time()
    result = work(*args)
    pipe.send(Round(time.monotonic() - started, peak_mb(), result, time.process_time() - busy))


def once(work: Callable[..., Any], *args: Any) -> Round:
    """Run `work` in a fresh process; `seconds` and `cpu` in the dict that it returns replace ours, without set-up."""
    parent, child = SPAWN.Pipe()
    process = SPAWN.Process(target=_child, args=(child, work, args))
    process.start()
    child.close()
    try:
        answer: Round = parent.recv()
    except EOFError as gone:
        process.join()
        raise RuntimeError(f"{work.__name__} ended with exit code {process.exitcode}") from gone
    process.join()
    own = answer.result if isinstance(answer.result, dict) else {}
    seconds, cpu = own.get("seconds", answer.seconds), own.get("cpu", answer.cpu)
    return Round(seconds, answer.peak_mb, answer.result, cpu)


def interleaved(ways: dict[str, tuple[Any, ...]], count: int = 5) -> dict[str, list[Round]]:
    """`count` rounds of each way, in turns, so that noise of the machine meets all of them alike."""
    out: dict[str, list[Round]] = {name: [] for name in ways}
    for _ in range(count):
        for name, (work, *args) in ways.items():
            out[name].append(once(work, *args))
    return out


def median(measured: Sequence[Round]) -> float:
    """Median of the seconds."""
    return statistics.median(one.seconds for one in measured)


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that `share` of them do not exceed (nearest rank)."""
    rank = math.ceil(round(len(values) * share, 9))
    return sorted(values)[max(rank, 1) - 1]


def repeated(work: Callable[[], Any], count: int) -> list[Round]:
    """`count` rounds in this process, one after the other: what a process that is warm takes."""
    out = []
    for _ in range(count):
        started, busy = time.monotonic(), time.process_time()
        result = work()
        out.append(Round(time.monotonic() - started, peak_mb(), result, time.process_time() - busy))
    return out


@dataclass
class Written:
    """Bytes of the files that appear under some folders; a file that is only linked again was not written."""

    folders: tuple[Path, ...]
    sizes: dict[str, int] = field(default_factory=dict)
    linked: set[str] = field(default_factory=set)

    def look(self) -> None:
        """Take in what is there now. A log that DuckDB keeps while it writes is not counted, a file's name is final."""
        known: dict[int, str] = {}
        found = sorted(path for folder in self.folders for path in folder.rglob("*") if path.suffix != ".wal")
        for path in sorted(found, key=lambda path: str(path) not in self.sizes):
            self._take(path, known)

    def _take(self, path: Path, known: dict[int, str]) -> None:
        try:
            about = path.stat()
        except FileNotFoundError:  # replaced or removed since it was listed
            return
        name = str(path).removesuffix(".new")
        if path.is_dir():
            return
        if known.setdefault(about.st_ino, name) != name and name not in self.sizes:
            self.linked.add(name)
        self.sizes[name] = max(self.sizes.get(name, 0), about.st_size)

    @property
    def total(self) -> int:
        """Bytes written so far, those that were there at first included."""
        return sum(size for name, size in self.sizes.items() if name not in self.linked)


def _cost(measured: Sequence[Round]) -> dict[str, float]:
    """What the rounds used of processor and memory; nothing where others did the work."""
    used = {
        "cpu_s": round(statistics.median(one.cpu for one in measured), 3),
        "peak_mb": round(max(one.peak_mb for one in measured)),
    }
    return {name: value for name, value in used.items() if value}


def report(name: str, rows: dict[str, list[Round]], goals: Sequence[Goal] = (), **figures: Any) -> None:
    """A table for people, then one JSON object for machines as the last line."""
    summary = {}
    for way, measured in rows.items():
        seconds = [r.seconds for r in measured]
        spread = f"median {median(measured):8.3f} s  min {min(seconds):8.3f}  max {max(seconds):8.3f}"
        cost = _cost(measured)
        print(f"{way:<36} {spread}  {'  '.join(f'{name} {value:g}' for name, value in cost.items())}")
        summary[way] = {"median_s": round(median(measured), 4), **cost}
    for goal in goals:
        said = "held" if goal.held else "NOT HELD"
        print(f"{goal.what:<60} {goal.value:10.3f}  at most {goal.limit:g}: {said}")
    kept = [
        {"what": goal.what, "value": round(goal.value, 4), "limit": goal.limit, "held": goal.held} for goal in goals
    ]
    load = round(os.getloadavg()[0], 1)  # others at work on the machine: seconds are theirs too, ratios are not
    held = all(goal.held for goal in goals)
    print(json.dumps({"benchmark": name, "held": held, "goals": kept, "ways": summary, "load": load, **figures}))
