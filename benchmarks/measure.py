"""How a benchmark measures: each round in a process of its own, seconds by the monotonic clock, memory by the kernel.

A benchmark calls `interleaved` with the ways that it compares and ends with `report`, whose last line is one JSON
object.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Round:
    """One round: seconds of the measured part, peak resident memory of its process in MB, and what it returned."""

    seconds: float
    peak_mb: float
    result: Any


def _child(pipe: Connection, work: Callable[..., Any], args: tuple[Any, ...]) -> None:
    started = time.monotonic()
    result = work(*args)
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pipe.send(Round(seconds, peak, result))


def once(work: Callable[..., Any], *args: Any) -> Round:
    """Run `work` in a fresh process; a `seconds` in the dict that it returns replaces ours, to leave set-up out."""
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
    own = answer.result.get("seconds") if isinstance(answer.result, dict) else None
    return Round(own if own is not None else answer.seconds, answer.peak_mb, answer.result)


def interleaved(ways: dict[str, tuple[Any, ...]], count: int = 5) -> dict[str, list[Round]]:
    """`count` rounds of each way, in turns, so that noise of the machine meets all of them alike."""
    out: dict[str, list[Round]] = {name: [] for name in ways}
    for _ in range(count):
        for name, (work, *args) in ways.items():
            out[name].append(once(work, *args))
    return out


def median(rounds: list[Round]) -> float:
    """Median of the seconds."""
    return statistics.median(r.seconds for r in rounds)


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def report(name: str, rows: dict[str, list[Round]], **figures: Any) -> None:
    """A table for people, then one JSON object for machines as the last line."""
    summary = {}
    for way, rounds in rows.items():
        seconds = [r.seconds for r in rounds]
        middle, peak = median(rounds), max(r.peak_mb for r in rounds)
        print(f"{way:<32} median {middle:8.3f} s  min {min(seconds):8.3f}  max {max(seconds):8.3f}  {peak:7.0f} MB")
        summary[way] = {"median_s": round(middle, 4), "peak_mb": round(peak)}
    print(json.dumps({"benchmark": name, "ways": summary, **figures}))
