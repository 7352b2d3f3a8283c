"""How a practice's sync is doing, and what is due: pure functions over facts that others have read.

Nothing here opens a file, a source or a clock. Ages count opening minutes only, so that a closed weekend, a holiday or
the practice's leave ages nothing.
Defaults of the limits: H1 and H2 of the sync health table (`docs/decisions/`), for a practice that is polled.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from pipelines.settings import TimeRange

#: `grey`: nothing is known. It is no kind of green.
Light = Literal["green", "yellow", "red", "grey"]

#: Why a source has its light: a word that the page and the command line put into a sentence.
Reason = Literal["current", "late", "outdated", "away", "refused", "bad-answer", "stopped", "never-read", "no-service"]

#: Opening hours of a site by ISO weekday (1-7): local [start, end) times.
OpeningHours = Mapping[int, Sequence[tuple[dt.time, dt.time]]]

#: Opening minutes after which data are late, and after which they are out of date.
LATE_AFTER, OUTDATED_AFTER = 45, 120

#: The service is alive while its last beat is younger than this many polls.
BEATS_MISSED = 4

#: A run that has not come to an end by then will not: the slowest full comparison takes minutes.
RUN_LIMIT = {"changes": dt.timedelta(minutes=15), "full": dt.timedelta(minutes=60)}

#: A nightly comparison that failed is tried again after this pause, not at every poll.
RETRY_FULL_AFTER = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What is known of one source: its newest reading, the newest that went well, its breaker.

    `state` is that of the newest reading (`ok`, `away`, `refused`, `bad-answer`, `stopped`), None if there was none.
    `heard_at` is when the source last said all it had to say, or that it has nothing new.
    """

    source: str
    title: str
    state: str | None = None
    heard_at: dt.datetime | None = None
    cause: str | None = None
    remedy: str | None = None
    breaker: str = "closed"
    retry_at: dt.datetime | None = None
    needs_person: bool = False
    rejected: int = 0
    unmapped: int = 0


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """A source's light, why it has that light, and the age of its data in opening minutes."""

    source: str
    title: str
    light: Light
    reason: Reason
    heard_at: dt.datetime | None
    age_minutes: int | None
    facts: SourceFacts


@dataclass(frozen=True, slots=True)
class Stuck:
    """A run that started and has not ended within its limit, and what to do about it."""

    practice: str
    run: str
    minutes: int
    remedy: str


@dataclass(frozen=True, slots=True)
class Failure:
    """What stopped the last run as a whole: the type of the error, its message, and since when runs fail."""

    error: str
    cause: str
    since: dt.datetime


@dataclass(frozen=True, slots=True)
class PracticeHealth:
    """The practice's light is the worst of its sources'; grey counts as yellow beside a light of its own.

    It is red as well where a run is stuck or the last one failed, however the sources are.
    """

    light: Light
    service_alive: bool
    sources: tuple[SourceHealth, ...]
    stuck: tuple[Stuck, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """When a practice is open: the hours of each site, and the (site, local day) on which that site is closed."""

    hours: Mapping[str, OpeningHours]
    closed: frozenset[tuple[str, dt.date]] = frozenset()

    @property
    def is_known(self) -> bool:
        """Whether any hours are on record."""
        return any(spans for hours in self.hours.values() for spans in hours.values())

    def spans(self, day: dt.date) -> tuple[tuple[dt.time, dt.time], ...]:
        """When any site is open on a day, in order."""
        of_sites = ((site, hours.get(day.isoweekday(), ())) for site, hours in self.hours.items())
        return merged(span for site, spans in of_sites if (site, day) not in self.closed for span in spans)

    def is_open(self, day: dt.date) -> bool:
        """Whether any site is open for a while; without hours on record every day counts."""
        return bool(self.spans(day)) or not self.is_known


def closed_days(
    sites: Iterable[str],
    holidays: Iterable[tuple[str, dt.date]],
    closures: Iterable[tuple[str | None, dt.date, dt.date]],
) -> frozenset[tuple[str, dt.date]]:
    """The days of each site without opening hours.

    :param holidays: site and day of each public holiday.
    :param closures: site (None: all of them), first and last day.
    """
    everywhere = tuple(sites)
    days = (
        (one, first + dt.timedelta(days=n))
        for site, first, last in closures
        for one in ((site,) if site is not None else everywhere)
        for n in range((last - first).days + 1)
    )
    return frozenset((*holidays, *days))


def merged(spans: Iterable[tuple[dt.time, dt.time]]) -> tuple[tuple[dt.time, dt.time], ...]:
    """Spans of one day in order, those that touch or overlap made into one: two sites open at once count once."""
    out: list[tuple[dt.time, dt.time]] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return tuple(out)


def opening_minutes(start: dt.datetime, end: dt.datetime, opening: Opening, zone: ZoneInfo) -> int:
    """Whole minutes of [start, end) (instants) in which the practice was open; without hours, all minutes count."""
    if end <= start:
        return 0
    if not opening.is_known:
        return int((end - start).total_seconds() // 60)
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    days = (first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    spans = ((day, span) for day in days for span in opening.spans(day))
    seconds = sum(_overlap(start, end, *_instants(day, span, zone)) for day, span in spans)
    return int(seconds // 60)


def _instants(day: dt.date, span: tuple[dt.time, dt.time], zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """A local span of a day as UTC instants: differences of local times would be an hour off at a clock change."""
    opens, closes = (dt.datetime.combine(day, time, tzinfo=zone).astimezone(dt.UTC) for time in span)
    return opens, closes


def _overlap(start: dt.datetime, end: dt.datetime, opens: dt.datetime, closes: dt.datetime) -> float:
    return max((min(end, closes) - max(start, opens)).total_seconds(), 0.0)


def source_health(
    facts: SourceFacts, *, now: dt.datetime, opening: Opening, zone: ZoneInfo, service_alive: bool
) -> SourceHealth:
    """The light of one source. What failed is red with its own reason; else the age of its data decides."""
    age = None if facts.heard_at is None else opening_minutes(facts.heard_at, now, opening, zone)
    light, reason = _light(facts, age, service_alive)
    return SourceHealth(facts.source, facts.title, light, reason, facts.heard_at, age, facts)


#: States of a reading that are red by themselves, whatever the age of the data.
_FAILED: dict[str, Reason] = {"away": "away", "refused": "refused", "bad-answer": "bad-answer", "stopped": "stopped"}


def _light(facts: SourceFacts, age: int | None, service_alive: bool) -> tuple[Light, Reason]:
    failed = _failed(facts)
    if failed is not None:
        return "red", failed
    if age is None:
        return "grey", "never-read"
    if age < LATE_AFTER:
        return "green", "current"
    if not service_alive:
        return "grey", "no-service"
    return ("red", "outdated") if age >= OUTDATED_AFTER else ("yellow", "late")


def _failed(facts: SourceFacts) -> Reason | None:
    if facts.needs_person:
        return "refused"
    if facts.state in _FAILED:
        return _FAILED[facts.state]
    return "away" if facts.breaker != "closed" else None


def service_alive(last_beat: dt.datetime | None, now: dt.datetime, poll_seconds: int) -> bool:
    """Whether a service polls this practice: a page fed by a dead service must not stay green."""
    return last_beat is not None and now - last_beat <= dt.timedelta(seconds=BEATS_MISSED * poll_seconds)


def stuck(runs: Iterable[tuple[str, str, str, dt.datetime]], now: dt.datetime) -> tuple[Stuck, ...]:
    """Of unfinished runs (practice, run, scope, started_at), those beyond the limit of their scope, oldest first."""
    late = [run for run in runs if now - run[3] > RUN_LIMIT.get(run[2], RUN_LIMIT["full"])]
    return tuple(
        Stuck(
            practice=practice,
            run=run,
            minutes=int((now - started_at).total_seconds() // 60),
            remedy=f"end its process, then `praxistakt run {practice}`: it clears the run and starts anew",
        )
        for practice, run, _, started_at in sorted(late, key=lambda run: run[3])
    )


def practice_health(
    sources: Sequence[SourceHealth],
    *,
    service_alive: bool,
    stuck: Sequence[Stuck] = (),
    failure: Failure | None = None,
) -> PracticeHealth:
    """The practice's light: the worst of its sources; nothing known of any is grey, of some is yellow."""
    lights = {source.light for source in sources}
    light: Light
    if "red" in lights or stuck or failure:
        light = "red"
    elif lights <= {"grey"}:
        light = "grey"
    else:
        light = "green" if lights == {"green"} else "yellow"
    return PracticeHealth(light, service_alive, tuple(sources), tuple(stuck), failure)


def last_due(at: dt.time, now: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The newest instant up to `now` at which the practice's wall clock came to `at`.

    A time that the spring change skips is due when the clock has jumped over it; one that the autumn change shows
    twice is due at the first.
    """
    today = now.astimezone(zone).date()
    due = dt.datetime.combine(today, at, tzinfo=zone).astimezone(dt.UTC)
    if due <= now:
        return due
    return dt.datetime.combine(today - dt.timedelta(days=1), at, tzinfo=zone).astimezone(dt.UTC)


def is_quiet(now: dt.datetime, quiet: Iterable[TimeRange], zone: ZoneInfo) -> bool:
    """Whether the practice's wall clock is in one of the quiet hours."""
    time = now.astimezone(zone).time()
    return any(time in span for span in quiet)


@dataclass(frozen=True, slots=True)
class DueFacts:
    """What decides whether a practice needs a run, apart from news at its sources.

    `full_ok_at`, `full_tried_at`: start of the newest full comparison that ended well, and of the newest at all.
    `built`: (ops number, local day) of the published generation, None if nothing is published.
    """

    full_ok_at: dt.datetime | None
    full_tried_at: dt.datetime | None
    snapshot_on: dt.date | None
    requests: int
    ops_number: int
    built: tuple[int, dt.date] | None


@dataclass(frozen=True, slots=True)
class Due:
    """A run that should start, and why: the reason goes into the run's tags."""

    scope: Literal["changes", "full"]
    reason: Literal["first", "full", "request", "snapshot", "decision", "day", "news", "repair"]


def due(
    facts: DueFacts,
    *,
    now: dt.datetime,
    zone: ZoneInfo,
    full_at: dt.time,
    snapshot_at: dt.time,
    quiet: Sequence[TimeRange],
) -> Due | None:
    """The run that is due without asking any source; None leaves it to the news.

    However many nights were missed, one full comparison makes up for them. Quiet hours hold back what is not asked
    for by a person or by the schedule itself.
    """
    if facts.full_tried_at is None:
        return Due("full", "first")
    if _full_is_due(facts, now, last_due(full_at, now, zone)):
        return Due("full", "full")
    if facts.requests:
        return Due("changes", "request")
    if is_quiet(now, quiet, zone):
        return None
    return _outdated(facts, now.astimezone(zone), snapshot_at)


def _full_is_due(facts: DueFacts, now: dt.datetime, at: dt.datetime) -> bool:
    if facts.full_ok_at is not None and facts.full_ok_at >= at:
        return False
    tried = facts.full_tried_at
    return tried is None or tried < at or now - tried >= RETRY_FULL_AFTER


def _outdated(facts: DueFacts, local: dt.datetime, snapshot_at: dt.time) -> Due | None:
    """What makes the published figures those of yesterday, or of before a decision."""
    today = local.date()
    if local.time() >= snapshot_at and facts.snapshot_on != today:
        return Due("changes", "snapshot")
    if facts.built is None or facts.built[0] < facts.ops_number:
        return Due("changes", "decision")
    return Due("changes", "day") if facts.built[1] < today else None
