"""One sensor for all practices of the box: it keeps the partitions, gives signs of life and requests due runs."""

from __future__ import annotations

import datetime as dt
import json
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import dagster as dg

from pipelines import health
from pipelines.defs.instance import HOST_TAG, PRACTICE_TAG, REASON_TAG, forget, started, unfinished
from pipelines.defs.jobs import FULL, SYNC
from pipelines.defs.partition import PRACTICE
from pipelines.poll import Visit, visit
from pipelines.practice import practices, utc_now

#: Dagster gives a tick up after 60 s.
BUDGET_SECONDS = 20.0

#: When each practice was last looked at; kept in the sensor's cursor.
Looks = dict[str, dt.datetime]


@dg.sensor(
    jobs=[SYNC, FULL],
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks every practice of this box whether it needs a run.",
)
def poll(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """One tick."""
    names, looks = practices(), _looks(context.cursor)
    at_work = unfinished(context.instance)
    busy = {run.practice for run in at_work}
    visits = VISITORS.collect([name for name in names if name not in busy], looks, BUDGET_SECONDS)
    late = health.stuck(started(at_work), utc_now())
    for said in (*_problems(visits), *_stuck(late)):
        context.log.warning(said)
    requests = [_request(visited) for visited in visits if visited.due]
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else _summary(len(names), visits, busy & set(names), late),
        cursor=_cursor({**looks, **{visited.practice: visited.looked_at for visited in visits}}, names),
        dynamic_partitions_requests=list(_partitions(context.instance, names)),
    )


def _looks(cursor: str | None) -> Looks:
    return {name: dt.datetime.fromisoformat(at) for name, at in json.loads(cursor or "{}").items()}


def _cursor(looks: Looks, names: Iterable[str]) -> str:
    return json.dumps({name: looks[name].isoformat() for name in names if name in looks}, sort_keys=True)


class Visitors:
    """Visits to practices, a few at a time, that outlive a tick.

    A source that does not answer keeps its visit waiting, and nothing else: the tick ends without it, and the one that
    finds it done collects it. Until then the practice is not visited again.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="visit")
        self._under_way: dict[str, Future[Visit]] = {}

    def collect(self, names: Iterable[str], looks: Looks, seconds: float) -> list[Visit]:
        """Visit these practices and give what is there after at most so many seconds, in the order of the names."""
        wanted = tuple(names)
        for name in wanted:
            if name not in self._under_way:
                self._under_way[name] = self._pool.submit(visit, name, looks.get(name))
        wait([self._under_way[name] for name in wanted], timeout=seconds)
        done = [name for name in wanted if self._under_way[name].done()]
        return [self._under_way.pop(name).result() for name in done]


VISITORS = Visitors()


def _problems(visits: Iterable[Visit]) -> Iterator[str]:
    return (f"{visited.practice}: {visited.problem}" for visited in visits if visited.problem)


def _stuck(late: Iterable[health.Stuck]) -> Iterator[str]:
    return (f"{one.practice}: run {one.run} started {one.minutes} min ago; {one.remedy}" for one in late)


def _request(visited: Visit) -> dg.RunRequest:
    """No run key: it would let a reason count once for ever. An unfinished run keeps the next one away."""
    due = visited.due
    if due is None:
        raise ValueError(f"{visited.practice}: no run is due")
    return dg.RunRequest(
        job_name="full" if due.scope == "full" else "sync",
        partition_key=visited.practice,
        tags=run_tags(visited.practice, due.reason),
    )


def run_tags(practice: str, reason: str) -> Mapping[str, str]:
    """The tags that every run carries."""
    return {PRACTICE_TAG: practice, HOST_TAG: platform.node(), REASON_TAG: reason}


def _summary(count: int, visits: Sequence[Visit], busy: set[str], late: Sequence[health.Stuck]) -> str:
    """Counts for Dagster's list of ticks; the names of those in trouble stand in the log."""
    problems = Counter(visited.problem is not None for visited in visits)
    parts = {
        "without news": problems[False],
        "not readable": problems[True],
        "with an unfinished run": len(busy),
        "of these stuck": len(late),
        "still looked at": count - len(visits) - len(busy),
    }
    return ", ".join([f"{count} practices", *(f"{number} {words}" for words, number in parts.items() if number)])


def _partitions(
    instance: dg.DagsterInstance, names: Iterable[str]
) -> Iterator[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest]:
    """What makes Dagster's partitions the practices that there are; a practice that is gone takes its runs along."""
    known, there = set(instance.get_dynamic_partitions(PRACTICE.name or "")), set(names)
    for gone in sorted(known - there):
        forget(instance, gone)
    if there - known:
        yield PRACTICE.build_add_request(sorted(there - known))
    if known - there:
        yield PRACTICE.build_delete_request(sorted(known - there))
