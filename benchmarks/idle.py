"""A run with nothing new: what the half-minute costs when nobody did anything.

The demo's practice, its PVS and its booking platform; one warm process runs all stations again and again. Nothing may
come of it: no segment, no generation. Beside it, what the service asks before it starts a run at all.
"""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from functools import partial
from typing import Any

from demo_practice import arguments, demo_practice
from measure import Goal, Round, median, once, repeated, report

from pipelines import files, poll
from pipelines import run as stations
from pipelines.ops.database import Ops, open_ops
from pipelines.practice import Practice

LIMIT_S = 0.5


def idle(folder: str, count: int, profiled: bool) -> dict[str, Any]:
    """Rounds of the run and of the look before it, in one process, and what stood before and after them."""
    practice = Practice.open(folder)
    with open_ops(practice, keep_connection=True) as o:
        first = stations.run(practice, o, scope="full")
        second = _same(practice, o)
        before = _standing(practice)
        runs = repeated(partial(_same, practice, o), count)
        looks = repeated(partial(poll.look, practice, o), count)
        if profiled:
            _profile(partial(_same, practice, o))
        return {
            "run": [_plain(one) for one in runs],
            "look": [_plain(one) for one in looks],
            "first_s": {"landing": sum(read.seconds for read in first.landed.sources), "all": first.seconds},
            "cold_s": second.seconds,
            "read_s": {read.source: read.seconds for read in runs[-1].result.landed.sources},
            "read_rows": {read.source: read.read for read in runs[-1].result.landed.sources},
            "wrote": _standing(practice) != before,
            "asks_for_a_run": any(one.result is not None for one in looks),
        }


def _same(practice: Practice, o: Ops) -> stations.RunResult:
    """One run; it must find nothing."""
    result = stations.run(practice, o)
    reads = result.landed.sources
    if result.state != "ok" or result.landed.segment or result.snapshot or any(r.new + r.changed for r in reads):
        raise RuntimeError(f"run {result.run} is {result.state} and found something: {reads}")
    if result.built is None or result.built.generation is not None:
        raise RuntimeError(f"run {result.run} published a generation, expected none")
    return result


def _plain(one: Round) -> Round:
    """The same without what it returned."""
    return Round(one.seconds, one.peak_mb, None, one.cpu)


def _standing(practice: Practice) -> tuple[object, ...]:
    """Everything that a run may write: segments, generation, and the files of both."""
    paths = sorted(path for top in (practice.raw_folder, practice.published_folder) for path in top.rglob("*"))
    return files.read_manifest(practice), files.current(practice), tuple((p, p.stat().st_mtime_ns) for p in paths)


def _profile(work: Callable[[], Any]) -> None:
    with cProfile.Profile() as profile:
        work()
    pstats.Stats(profile).sort_stats("cumulative").print_stats(60)


def main() -> None:
    """Make the practice, run it, say what came out."""
    parser = arguments("A run with nothing new.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--profile", action="store_true", help="where the time of one more run goes")
    given = parser.parse_args()
    with demo_practice(given) as (practice, world, _):
        found = once(idle, str(practice.folder), given.rounds, given.profile).result
        appointments = {"pvs": world.pvs["appointment"].height, "booking": world.booking["appointment"].height}
    if found["wrote"]:
        raise RuntimeError("a run with nothing new wrote something")
    rows = {"run with nothing new": found["run"], "look whether a run is due": found["look"]}
    named = ("first_s", "cold_s", "read_s", "read_rows", "wrote", "asks_for_a_run")
    figures = {name: found[name] for name in named}
    report(
        "idle",
        rows,
        [Goal("run with nothing new, s", median(found["run"]), LIMIT_S)],
        appointments=appointments,
        **figures,
    )


if __name__ == "__main__":
    main()
