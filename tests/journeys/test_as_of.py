"""Twenty mornings of a practice between two systems; then the sixth of them once more, from what is kept.

Each day people work at both desks, somebody changes a setting or decides something, and a run publishes. A build as of
a day that is over is given its run, its ops number and its date, and must not see anything that came later.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from connectors.pvs import profile
from connectors.sandbox.booking_store import Declined
from connectors.sandbox.world import WorldPlan
from pipelines import files, publish, run
from pipelines.ops import decisions, ledger
from tests.kit.published import Tables, differing, rows_as_text, tables
from tests.kit.two_systems import TwoSystems, at, two_systems

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("as_of")]

#: The clocks go forward on the twelfth day; Good Friday is among the days that the first morning already sees.
FIRST_DAY = dt.date(2026, 3, 18)
PLAN = WorldPlan(FIRST_DAY, 5, 400, 0.25, months_ahead=2, practitioners=2, rooms=1, locations=2)
DAYS, SIXTH = 20, 6
COPIED = (1, SIXTH, 13, DAYS)
RULES = """
[rules]
window_ahead_months = 3
late_cancel_hours = 24
infer_no_show = false
"""
STORES = ("marts", "desk", "core")

#: Columns that say when or by which process a build was made, and so may differ between two builds of the same.
PROVENANCE: tuple[str, ...] = ()


@dataclass(repr=False)
class Simulation:
    """The days as they went by: what each run published, and copies of some days' files."""

    systems: TwoSystems
    folder: Path
    dice: random.Random = field(default_factory=lambda: random.Random(6))
    built: dict[int, publish.Built] = field(default_factory=dict)
    kept: dict[int, Tables] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Who may still be cancelled, moved or missed on each side: every appointment is used once."""
        world = self.systems.world
        self.ahead = {
            side: self._shuffled(frames["appointment"].filter(pl.col("status") == "booked"))
            for side, frames in (("pvs", world.pvs), ("booking", world.booking))
        }
        self.patients = self._shuffled(world.pvs["patient"].filter("active"))
        self.accounts = self._shuffled(world.booking["patient"].filter("active"))

    def _shuffled(self, frame: pl.DataFrame) -> list[dict[str, Any]]:
        rows = frame.sort("source_id").to_dicts()
        self.dice.shuffle(rows)
        return rows

    def take(self, side: str, after: dt.datetime, before: dt.datetime | None = None) -> dict[str, Any]:
        """An appointment that nobody has touched yet and that starts in a span."""
        rows = self.ahead[side]
        found = next(row for row in rows if row["start"] > after and (before is None or row["start"] < before))
        rows.remove(found)
        return found

    def entity(self, source: str, source_id: str) -> str:
        """Whom a patient's record stands for."""
        links = ledger.links(self.systems.ops).filter(kind="person", source=source, source_id=source_id)
        return str(links["entity_id"].item())


# --- what happens ----------------------------------------------------------------------------------------------------


def work_at_the_practice(days: Simulation, today: dt.date) -> None:
    """Bookings, a cancellation, a move, arrivals, a patient who does not come, a deleted entry, corrected records."""
    desk, tomorrow = days.systems.desk, at(today + dt.timedelta(days=1), 0)
    for minutes in (10, 30):
        start = at(today + dt.timedelta(days=days.dice.randint(1, 40)), days.dice.randint(7, 14), minutes)
        patient, length = days.dice.choice(days.patients), dt.timedelta(minutes=minutes)
        booked = desk.book(schedule_id="1", patient_id=patient["source_id"], start=start, end=start + length)
        assert int(booked) > 0
    desk.cancel(days.take("pvs", tomorrow)["source_id"], by=days.dice.choice(["patient", "practice"]))
    moved = days.take("pvs", tomorrow)
    desk.move(moved["source_id"], moved["start"] + dt.timedelta(days=7), moved["end"] + dt.timedelta(days=7))
    desk.delete("appointment", days.take("pvs", tomorrow)["source_id"])
    for row in [row for row in days.ahead["pvs"] if row["start"].date() == today]:
        days.ahead["pvs"].remove(row)
        came = days.dice.choice(["arrives", "misses", "nobody says"])
        if came == "arrives":
            desk.arrive(row["source_id"])
        elif came == "misses":
            desk.edit("appointment", row["source_id"], status="noshow", cancelled_by=None)
    corrected = days.patients.pop()["source_id"]
    desk.edit("patient", corrected, postal_code=f"{days.dice.randint(10000, 99999)}", mobile="0171 5550100")
    desk.edit("patient", days.patients.pop()["source_id"], birth_date=dt.date(1950 + days.dice.randint(0, 50), 5, 4))


def work_at_the_platform(days: Simulation, today: dt.date) -> None:
    """A patient books, one cancels, one moves to another day, one gets a new number."""
    platform, now, tomorrow = days.systems.platform, days.systems.clock.at, at(today + dt.timedelta(days=1), 0)
    account = days.dice.choice(days.accounts)["source_id"]
    book = partial(platform.book_online, patient_id=account, schedule_id="sched-2", now=now)
    _in_a_free_slot(days, "sched-2", tomorrow, book)
    platform.cancel_online(days.take("booking", tomorrow)["source_id"], now)
    moved = days.take("booking", tomorrow)
    _in_a_free_slot(days, moved["schedule_id"], tomorrow, partial(platform.move_online, moved["source_id"], now=now))
    platform.change_phone(days.accounts.pop()["source_id"], "+49 171 5550101", now)


def _in_a_free_slot(days: Simulation, schedule: str, after: dt.datetime, act: Callable[..., object]) -> None:
    """Whoever is told that an offer is gone takes another one."""
    offers = days.systems.platform.free_slots(schedule, after)
    for start, end in days.dice.sample(offers, len(offers)):
        with contextlib.suppress(Declined):
            act(start=start, end=end)
            return
    raise LookupError(f"{schedule}: found no free slot after {after}, expected one")


def link_account(days: Simulation, account: str, patient: str) -> None:
    """A person decides that an account of the platform is a patient of the practice."""
    target = days.entity("pvs", patient)
    _decide(
        days, "same", [account, patient],
        lambda session, number: ledger.move(
            session, "person", "booking", account, target,
            rule="review", number=number, now=days.systems.clock.at, decision=number,
        ),
    )  # fmt: skip


def merge(days: Simulation, former: str, current: str) -> None:
    """A person decides that two patients are one."""
    ids = days.entity("pvs", former), days.entity("pvs", current)
    now = days.systems.clock.at
    _decide(
        days, "merge", [former, current],
        lambda session, number: ledger.redirect(session, "person", *ids, number=number, now=now, decision=number),
    )  # fmt: skip


def unmerge(days: Simulation, former: str) -> None:
    """Somebody takes that back."""
    entity = days.entity("pvs", former)
    _decide(days, "part", [former], lambda session, number: ledger.restore(session, "person", entity, number=number))


def _decide(days: Simulation, verdict: str, subjects: list[str], change: decisions.Change) -> None:
    decisions.decide(
        days.systems.ops, kind="match", verdict=verdict, actor="berta", subjects=subjects,
        now=days.systems.clock.at, change=change,
    )  # fmt: skip


def set_to(old: str, new: str) -> Callable[[Simulation], None]:
    """Somebody edits practice.toml."""
    return lambda days: days.systems.edit_settings(old, new)


def close(location: str, start: str, end: str) -> Callable[[Simulation], None]:
    """A closure of a location, named in the settings."""
    table = f'[[closures]]\nstart = {start}\nend = {end}\nname = "Umbau"\nlocation = "{location}"\n\n[schedule]'
    return set_to("[schedule]", table)


def moved_counts_as_cancelled(days: Simulation) -> None:
    """The profile's map changes: the vendor's codes of a move are read as cancellations from now on, old ones too."""
    text = profile.find("demo").read_text(encoding="utf-8")
    own = days.folder / "eigenes.toml"
    own.write_text(text.replace('= "rescheduled"', '= "cancelled"'), encoding="utf-8")
    days.systems.edit_settings('profile = "demo"', f'profile = "{own.as_posix()}"')


#: In the morning of a day, before its run.
SETTINGS: dict[int, Callable[[Simulation], None]] = {
    2: close("markt", "2026-04-02", "2026-04-03"),
    6: set_to("late_cancel_hours = 24", "late_cancel_hours = 48"),
    7: set_to("late_cancel_hours = 48", "late_cancel_hours = 36"),
    8: close("bahnhof", "2026-03-20", "2026-03-26"),
    9: set_to('state = "HE"\n', 'state = "HE"\nholidays_add = [{ date = 2026-04-09, name = "Ortsfest" }]\n'),
    11: set_to("infer_no_show = false", "infer_no_show = true"),
    14: set_to("capacity = 2", "capacity = 3"),
    16: moved_counts_as_cancelled,
    18: set_to('name = "Labor"', 'name = "Labor im Keller"'),
}
#: After a day's run: the next one sees it.
DECISIONS: dict[int, Callable[[Simulation], None]] = {
    3: partial(merge, former="11", current="12"),
    4: lambda days: link_account(days, days.accounts[0]["source_id"], "20"),
    6: partial(merge, former="31", current="32"),
    7: lambda days: link_account(days, days.accounts[1]["source_id"], "21"),
    12: partial(unmerge, former="11"),
    15: partial(merge, former="12", current="32"),
}


# --- twenty days -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """The practice after the twentieth day."""
    base = tmp_path_factory.mktemp("as-of")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PRAXISTAKT_KEYS", raising=False)
        with two_systems(base, PLAN, more_settings=RULES) as systems:
            simulation = Simulation(systems, base)
            for number in range(1, DAYS + 1):
                _live(simulation, number)
            yield simulation


def _live(days: Simulation, number: int) -> None:
    """One day: people at work, a changed setting, the run, a decision."""
    systems, today = days.systems, FIRST_DAY + dt.timedelta(days=number - 1)
    if number > 1:
        systems.clock.at = at(today, 8)
        work_at_the_practice(days, today)
        work_at_the_platform(days, today)
    SETTINGS.get(number, _nothing)(days)
    systems.clock.at = at(today, 10)
    done = run.run(systems.practice, systems.ops, scope="full" if number in (1, 10) else "changes")
    assert [read.state for read in done.landed.sources] == ["ok", "ok"]
    assert done.built is not None
    assert done.built.generation is not None
    days.built[number] = done.built
    if number in COPIED:
        days.kept[number] = tables(systems.practice, done.built.generation.folder, STORES)
    DECISIONS.get(number, _nothing)(days)


def _nothing(_days: Simulation) -> None:
    """A day like any other."""


def _as_of(days: Simulation, number: int, folder: Path) -> Tables:
    """A day's build once more, beside what is published."""
    was, systems = days.built[number], days.systems
    folder.mkdir()
    publish.build(systems.practice, systems.ops, run=was.run, ops_number=was.ops_number, today=was.today, out=folder)
    found = tables(systems.practice, folder, STORES)
    shutil.rmtree(folder)
    return found


def test_the_days_differ_in_what_people_did_and_decided(days: Simulation) -> None:
    """Otherwise the tests below would prove nothing."""
    then, now = days.kept[SIXTH], days.kept[DAYS]
    differ = {name.split(".")[1] for name in differing(then, now) if name.startswith("marts.")}
    assert differ >= {
        "dim_calendar", "dim_person", "fact_appointment", "fact_appointment_change", "fact_capacity_day",
        "fact_capacity_hour", "fact_slot_snapshot", "fact_sync_run", "person_alias",
    }  # fmt: skip
    assert (then["marts.person_alias"].height, now["marts.person_alias"].height) == (1, 2)
    assert _closed(then) < _closed(now)
    assert _capacity(then) == {2}
    assert _capacity(now) == {3}
    inferred = pl.col("outcome_source") == "inferred"
    assert then["marts.fact_appointment"].filter(inferred).is_empty()
    assert now["marts.fact_appointment"].filter(inferred).height > 0
    moved = pl.col("status") == "rescheduled", pl.col("source") == "pvs"
    assert then["marts.fact_appointment"].filter(*moved).height > 10
    assert now["marts.fact_appointment"].filter(*moved).is_empty()
    seen = now["marts.fact_appointment_change"].group_by("field").len()
    assert set(seen["field"]) >= {"start", "end", "status", "removed"}
    assert now["marts.fact_slot_snapshot"]["snapshot_date"].n_unique() == DAYS


def _closed(found: Tables) -> int:
    return int(found["marts.fact_capacity_day"]["closure_min"].sum())


def _capacity(found: Tables) -> set[int]:
    return set(found["marts.fact_capacity_day"].filter(pl.col("calendar_key") == "labor")["capacity"])


def test_the_sixth_day_built_again_equals_what_was_published_on_it(days: Simulation, tmp_path: Path) -> None:
    assert differing(_as_of(days, SIXTH, tmp_path / "again"), days.kept[SIXTH], PROVENANCE) == []


def test_so_it_does_after_compaction_and_any_other_day(days: Simulation, tmp_path: Path) -> None:
    practice = days.systems.practice
    files.compact(practice, days.built[DAYS].run)
    manifest = files.read_manifest(practice)
    assert manifest is not None
    assert [segment.first_run for segment in manifest.segments] == [1]
    for number in (SIXTH, 1, 13):
        assert differing(_as_of(days, number, tmp_path / "again"), days.kept[number], PROVENANCE) == [], number


def test_the_published_generation_is_untouched_by_building_the_past(days: Simulation) -> None:
    practice = days.systems.practice
    published = files.current(practice)
    assert published == days.built[DAYS].generation
    assert published is not None
    assert differing(tables(practice, published.folder, STORES), days.kept[DAYS]) == []


def test_two_builds_of_the_same_are_equal_to_the_byte(
    days: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row by row in the order of the file, every value written out; with one thread and with eight."""
    practice, o = days.systems.practice, days.systems.ops
    connect = duckdb.connect
    found = []
    for threads in (1, 8):
        folder = tmp_path / f"{threads}"
        folder.mkdir()
        monkeypatch.setattr(
            duckdb, "connect", lambda *args, config, n=threads: connect(*args, config=config | {"threads": n})
        )
        publish.build(practice, o, out=folder)
        monkeypatch.undo()
        found.append(rows_as_text(practice, folder, STORES))
    one, other = found
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []
    assert sum(map(len, one.values())) > 10_000
