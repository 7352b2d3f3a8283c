"""Every figure of the page "Auslastung", for forty random practices, equals hand-written SQL over raw and ops.

Each practice is looked at in two random weeks, as a viewer would who chooses a week, a view and a location; the figures
come through the page's own queries and sums. Expected values: `tests/kit/figures_by_hand.sql`.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from dashboards import figures
from dashboards.figures import MINUTES, Period
from dashboards.queries import QUERIES
from dashboards.views.utilisation import KINDS
from pipelines import transform
from tests.kit.reference_practice import Practice, instant, warehouse

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("figures")]

PRACTICES = 40
BY_HAND = Path(__file__).parent.parent / "kit" / "figures_by_hand.sql"
WEEK = dt.timedelta(weeks=1)
#: A viewer's day: any in two years, the weekends when clocks change among the weeks around it.
FIRST_TODAY = dt.date(2025, 9, 1)
TARGETS = ("marts.fact_capacity_day", "marts.fact_capacity_hour", "marts.fact_appointment", "marts.dim_calendar",
           "marts.dim_location", "desk.practitioner", "desk.calendar")  # fmt: skip
STATUSES = (
    ["fulfilled"] * 8 + ["booked"] * 5 + ["noshow"] * 2 + ["cancelled"] * 4
    + ["rescheduled", "arrived", "unknown", "block", "pending", "entered-in-error"]
)  # fmt: skip
CODES = {"1": "fulfilled", "2": "booked", "3": "cancelled", "4": "noshow"}

#: Where a figure stands, in the order of the page: the tiles, the charts, the table.
FIGURES = (
    "minutes", "shares", "lost", "year before", "appointments", "free", "estimated", "waterfall", "heatmap", "trend",
    "table",
)  # fmt: skip


@dataclass(frozen=True)
class Looked:
    """What a viewer chose."""

    view: str
    location: str
    period: Period


# --- forty practices -------------------------------------------------------------------------------------------------


class Maker:
    """One random practice; equal seeds make equal ones."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.today = FIRST_TODAY + dt.timedelta(days=self.dice.randint(0, 700))
        self.monday = self.today - dt.timedelta(days=self.today.weekday())
        self.weeks = sorted(self.monday + WEEK * back for back in self.dice.sample(range(-6, 3), 2))
        self.practice = Practice(
            settings={
                "late_cancel_hours": self.dice.choice(["24", "48", "2"]),
                "infer_no_show": self.dice.choice(["true", "false"]),
                "window_ahead_months": "2",
            }
        )
        self.practice.ops["source"].append({"source": "booking", "system": "platform", "title": "Online-Buchung"})
        self.mapped = self.dice.random() < 0.3
        self.places()
        self.calendars()
        self.hours()
        self.exceptions()
        self.patients = [self.practice.record("patient", f"p{number}", family_name="X") for number in range(6)]
        # In order: the order of a set of days is another one in each process.
        for week in sorted({*self.shown_weeks(), self.monday, self.monday + WEEK, self.monday + 2 * WEEK}):
            self.appointments(week)

    def shown_weeks(self) -> set[dt.date]:
        """The weeks that are looked at, and their partners of the year before."""
        return {one for week in self.weeks for one in (week, _year_before(week)) if one}

    def places(self) -> None:
        """Two locations in different Länder, each with its opening hours and a room or a site of the same name."""
        for key, state in (("markt", "BY"), ("nord", self.dice.choice(["BE", "HE", "BY"]))):
            self.practice.location(key, state)
            self.practice.record("location", f"site-{key}", name=key, kind="site", active=True)
            for weekday in self.dice.sample(range(1, 6), 4):
                self.practice._ops(
                    "opening_hours", location_key=key, weekday=weekday, start_time=dt.time(9), end_time=dt.time(15)
                )
        for number, minutes in enumerate((15, 20, 30, 5)):
            is_active = minutes != 5 and (minutes != 15 or self.dice.random() < 0.5)
            self.practice.record(
                "healthcare_service", f"t{number}", name=f"Art {number}", minutes=minutes, active=is_active,
                overbooking_intended=minutes != 30,
            )  # fmt: skip

    def calendars(self) -> None:
        """Two people's calendars (sometimes one person's), a room, and sometimes a calendar that nobody named."""
        for key, family in (("d1", "Demir"), ("d2", "Vogel")):
            self.practice.record(
                "practitioner", key, name_prefix="Dr.", given_name="A", family_name=family, active=True
            )
        second = self.dice.choice(["d1", "d2", None])
        people = (("erste", "1", "markt", "d1"), ("zweite", "2", "nord", second))
        for key, schedule, location, practitioner in people:
            leads = self.dice.choice(["pvs", "platform", "both"])
            self.practice.calendar(
                key, capacity=self.dice.choice([1, 1, 2, 3]), location=location, leads=leads,
                practitioner=practitioner, schedules={"pvs": schedule, "booking": f"s{schedule}"},
            )  # fmt: skip
            self.practice.raw["schedule"][-1]["practitioner_id"] = None
        self.practice.calendar(
            "labor", capacity=self.dice.randint(1, 3), kind=self.dice.choice(["room", "room", "device"]),
            location=self.dice.choice(["markt", "nord"]), room="room", schedules={"pvs": "3"},
        )  # fmt: skip
        if self.dice.random() < 0.5:
            self.practice.record(
                "schedule", "9", name="Vertretung", kind="person", capacity=2, location_id="site-nord", active=True
            )

    def schedules(self) -> list[tuple[str, str]]:
        """Source and schedule_id of every schedule."""
        return [(row["source"], row["source_id"]) for row in self.practice.raw["schedule"]]

    def hours(self) -> None:
        """Weekly hours in the practice software; a calendar without any has the opening hours of its location."""
        for source, schedule in self.schedules():
            if source == "booking" or self.dice.random() < 0.3:
                continue
            for weekday in range(1, 7):
                start, length = self.dice.randint(7 * 60, 10 * 60), self.dice.choice([180, 240, 300])
                limits = self.dice.choice([{}, {}, {"valid_from": self.weeks[1]}, {"valid_to": self.weeks[0]}])
                if self.dice.random() < 0.2:
                    limits = {"week_interval": 2, "valid_from": self.monday - 60 * WEEK}
                self.rule(schedule, start, length, weekday=weekday, **limits)
            if self.dice.random() < 0.4:
                self.rule(schedule, 17 * 60, 120, kind="extra", date=str(self.day_of_a_week()))
        if self.dice.random() < 0.2:
            self.rule(None, 16 * 60, 60, weekday=self.dice.randint(1, 5))

    def rule(self, schedule: str | None, start: int, length: int, **rule: Any) -> None:
        """Hours from a minute of the day on."""
        self.practice.hours(schedule, _time(start), _time(start + length), **rule)

    def day_of_a_week(self) -> dt.date:
        """A day that is looked at, or one of the next days."""
        week = self.dice.choice([*self.weeks, *self.weeks, *sorted(self.shown_weeks()), self.monday])
        return week + dt.timedelta(days=self.dice.randint(0, 6))

    def exceptions(self) -> None:
        """Holidays, closures, absences, other work."""
        for _ in range(4):
            kind = self.dice.choice(["public", "public", "school"])
            self.practice.holiday(self.dice.choice(["markt", "nord"]), str(self.day_of_a_week()), kind=kind)
        for _ in range(2):
            closed = self.day_of_a_week()
            until = closed + dt.timedelta(days=self.dice.randint(0, 2))
            self.practice.closure(self.dice.choice([None, "markt", "nord"]), str(closed), str(until))
        for _ in range(7):
            owner = self.dice.choice(
                [{"schedule_id": "1"}, {"schedule_id": "2"}, {"schedule_id": "3"}, {"practitioner_id": "d1"}, {}]
            )
            start = instant(f"{self.day_of_a_week()} {_time(self.dice.randint(7 * 60, 12 * 60))}")
            end = start + dt.timedelta(minutes=self.dice.choice([45, 120, 400]), seconds=self.dice.randint(0, 59))
            kind = self.dice.choice(["absence", "closure", "block"])
            self.practice.record("absence", kind=kind, start=start, end=end, **{"schedule_id": None} | owner)

    def appointments(self, week: dt.date) -> None:
        """Some on every day of a week in every schedule, more in the morning than fit."""
        for source, schedule in self.schedules():
            for day in range(6):
                for _ in range(self.dice.randint(0, 6)):
                    self.appointment(source, schedule, week + dt.timedelta(days=day))

    def appointment(self, source: str, schedule: str, date: dt.date) -> None:
        """One appointment, its former version, what the room, the platform and the patient have to do with it."""
        dice = self.dice
        start = instant(f"{date} {_time(min(dice.randint(6 * 60 + 30, 17 * 60) for _ in range(2)))}")
        start += dt.timedelta(seconds=dice.choice([0, 0, 0, 29]))
        row = {
            "schedule_id": schedule, "status": dice.choice(STATUSES), "patient_id": dice.choice([*self.patients, None]),
            "start": start, "end": start + dt.timedelta(minutes=dice.choice([10, 15, 20, 30, 60, 60, 0, -20])),
        }  # fmt: skip
        if row["status"] in ("cancelled", "rescheduled") and dice.random() < 0.9:
            row["cancelled_at"] = start - dt.timedelta(
                minutes=dice.choice([-10, 0, 60, 119, 120, 1439, 1440, 2880, 9999])
            )
            row["cancelled_by"] = dice.choice(["patient", "practice", "system", "unknown", None])
        if source == "pvs" and dice.random() < 0.2:
            row["room_id"] = "room"
        if source == "pvs" and dice.random() < 0.8:
            row["healthcare_service_id"] = dice.choice(["t0", "t1", "t2"])
        if source == "pvs" and self.mapped:
            row["status_code"] = dice.choice([*CODES, "77", None])
        if row["status"] in ("booked", "noshow") and dice.random() < 0.2:
            row["actual_end"] = row["end"]
        if row["patient_id"] and source == "pvs" and dice.random() < 0.1:
            self.practice.record("visit", source=source, patient_id=row["patient_id"], arrived_at=start)
        if self.practice.raw.get("appointment") and dice.random() < 0.1:
            row["replaces"] = dice.choice(self.practice.raw["appointment"])["source_id"]
        key = self.practice.record("appointment", source=source, run=2, **row)
        if dice.random() < 0.15:  # it was somewhere else before
            earlier = row | {"start": start - WEEK, "end": row["end"] - WEEK, "status": "booked"}
            self.practice.record("appointment", key, source=source, run=1, **earlier)
        if dice.random() < 0.1:  # it is gone now
            self.practice.record("appointment", key, source=source, run=3, removed=True, **row)
        if source == "pvs" and dice.random() < 0.1:  # another one at the same time, as some types want it
            another = row | {"healthcare_service_id": "t1", "patient_id": dice.choice(self.patients)}
            self.practice.record("appointment", source=source, run=2, **another)
        if source == "pvs" and schedule in ("1", "2") and dice.random() < 0.3:  # the platform has it too
            twin = row | {"schedule_id": f"s{schedule}", "room_id": None, "status_code": None, "patient_id": None}
            twin["healthcare_service_id"] = None
            self.practice.record("appointment", source="booking", run=2, **twin)

    def made(self) -> Practice:
        """The practice, its status codes mapped or not."""
        if self.mapped:
            self.practice.set_code_map("appointment", "status", CODES)
        return self.practice

    def looks(self) -> list[Looked]:
        """Both weeks, each in a view and a location of chance."""
        views, locations = ["team", "people", "rooms"], ["", "markt", "nord"]
        return [
            Looked(self.dice.choice(views), self.dice.choice(locations), Period(week, week + dt.timedelta(days=6)))
            for week in self.weeks
        ]


def _year_before(date: dt.date) -> dt.date | None:
    """The same weekday of the same ISO week a year earlier; a week 53 has no partner."""
    year, week, weekday = date.isocalendar()
    return None if week == 53 else dt.date.fromisocalendar(year - 1, week, weekday)


def _time(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


# --- what the page shows ---------------------------------------------------------------------------------------------


class Page:
    """The page over the marts of one practice, without the drawing."""

    def __init__(self, con: duckdb.DuckDBPyConnection, today: dt.date) -> None:
        self.con, self.today = con, today
        self.capacity, self.appointments = self.read("capacity_day"), self.read("appointment_day")

    def read(self, query: str, **bound: object) -> pl.DataFrame:
        """What a page reads by a query's name."""
        return self.con.execute(QUERIES[query].sql, bound or None).pl()

    def shows(self, looked: Looked) -> dict[str, Any]:
        """Every figure for what a viewer chose, by where it stands."""
        all_days = self._of(self.capacity, looked)
        days, before = looked.period.of(all_days), looked.period.year_before()
        found, counted = figures.minutes(days), self._counts(looked)
        earlier = figures.minutes(before.of(all_days)) if before else None
        ahead = figures.free_ahead(all_days, self.today)
        return {
            "minutes": found.by_name,
            "shares": {name: found.share(name) for name in ("booked_min", "used_min", "never_booked_min")},
            "lost": found.share("no_show_min", "late_cancelled_min"),
            "year before": earlier and {name: earlier.share(name) for name in ("booked_min", "used_min")},
            "appointments": {
                "booked": counted.booked, "no show": counted["no_show"], "cancelled": counted.cancelled,
                "unknown": counted.unknown_share, "too few": counted.too_few, "too unknown": counted.too_unknown,
            },
            "free": (ahead["free_min"], ahead["usable_min"], ahead["bookable_min"]),
            "estimated": figures.is_estimated(days),
            "waterfall": [(step.name, step.start, step.end) for step in figures.waterfall(found)],
            "heatmap": figures.by_hour(self._hours(looked)).rows(),
            "trend": self._trend(all_days, looked),
            "table": self._table(days, looked.view),
        }  # fmt: skip

    def _of(self, frame: pl.DataFrame, looked: Looked) -> pl.DataFrame:
        chosen = frame.filter(pl.col("resource_kind").is_in(KINDS[looked.view]))
        return chosen.filter(pl.col("location_key") == looked.location) if looked.location else chosen

    def _counts(self, looked: Looked) -> figures.Counts:
        return figures.counts(looked.period.of(self._of(self.appointments, looked)))

    def _hours(self, looked: Looked) -> pl.DataFrame:
        kind, other = KINDS[looked.view]
        span = {"first": looked.period.first, "last": looked.period.last}
        return self.read("capacity_hour", kind=kind, other_kind=other, location=looked.location, **span)

    def _trend(self, all_days: pl.DataFrame, looked: Looked) -> list[tuple[Any, ...]]:
        monday = self.today - dt.timedelta(days=self.today.weekday())
        complete = all_days.filter(pl.col("service_date") < monday)
        weeks = figures.with_year_before(figures.by_week(complete)).tail(52)
        return weeks.filter(pl.col("monday") == looked.period.first).rows()

    def _table(self, days: pl.DataFrame, view: str) -> list[tuple[Any, ...]]:
        group, query = {
            "team": ("location_key", "locations"), "people": ("person", "persons"), "rooms": ("calendar_key", "rooms"),
        }[view]  # fmt: skip
        names = dict(self.read(query).iter_rows())
        rows = figures.by_group(days, group).with_columns(name=pl.col(group).replace_strict(names))
        return sorted(rows.select("name", *COLUMNS).rows())


COLUMNS = (
    "bookable_min", "booked", "used", "no_show_min", "lost_min", "never_booked_min", "outside_min", "double_booked_min",
    "double_booked_intended_min",
)  # fmt: skip


# --- the same by hand ------------------------------------------------------------------------------------------------


class ByHand:
    """The same figures from the rows of `hand.minute`, `hand.usable` and `hand.counts`."""

    def __init__(self, con: duckdb.DuckDBPyConnection, today: dt.date, days: list[dt.date]) -> None:
        self.con, self.today = con, today
        con.execute("CREATE SCHEMA hand")
        con.execute("CREATE TABLE hand.day AS SELECT unnest($1::DATE[]) AS day", [days])
        con.execute(BY_HAND.read_text(encoding="utf-8"))

    def shows(self, looked: Looked) -> dict[str, Any]:
        """See `Page.shows`."""
        first, last = looked.period.first, looked.period.last
        found = self.sums(looked, first, last)
        before = _year_before(first)
        earlier = self.sums(looked, before, before + 6 * ONE_DAY) if before else None
        ahead = self.sums(looked, self.today, self.today + dt.timedelta(days=13))
        return {
            "minutes": found,
            "shares": {name: _share(found, name) for name in ("booked_min", "used_min", "never_booked_min")},
            "lost": _share(found, "no_show_min", "late_cancelled_min"),
            "year before": earlier and {name: _share(earlier, name) for name in ("booked_min", "used_min")},
            "appointments": self.appointments(looked),
            "free": (ahead["free_min"], ahead["usable_min"], ahead["bookable_min"]),
            "estimated": False,
            "waterfall": _steps(found),
            "heatmap": self.heatmap(looked),
            "trend": self.trend(looked, found, earlier) if last < self.today - self.today.weekday() * ONE_DAY else [],
            "table": self.table(looked),
        }

    def where(self, looked: Looked, first: dt.date, last: dt.date) -> str:
        """The rows that a viewer chose, as SQL; nothing but our own words and dates goes in."""
        kinds = "kind = 'person'" if looked.view != "rooms" else "kind IN ('room', 'device')"
        place = f"AND location_key = '{looked.location}'" if looked.location else ""
        return f"{kinds} {place} AND day BETWEEN DATE '{first}' AND DATE '{last}'"

    def sums(self, looked: Looked, first: dt.date, last: dt.date) -> dict[str, int]:
        """Minutes by the names of fact_capacity_day."""
        where, named = self.where(looked, first, last), [name for name in MINUTES if name != "usable_min"]
        wanted = ", ".join(f"coalesce(sum({name}), 0)::BIGINT AS {name}" for name in named)
        row = self.con.execute(f"SELECT {wanted} FROM hand.minute WHERE {where}").pl().row(0, named=True)
        usable = self.con.execute(
            "SELECT coalesce(sum(usable_min), 0)::BIGINT FROM hand.usable JOIN hand.calendar USING (calendar_key) "
            f"WHERE {where}"
        ).fetchone()
        return {name: usable[0] if name == "usable_min" and usable else row.get(name) for name in MINUTES}

    def appointments(self, looked: Looked) -> dict[str, Any]:
        """How many, by what became of them."""
        where = self.where(looked, looked.period.first, looked.period.last)
        found = dict(
            self.con.execute(f"SELECT outcome, count(*) FROM hand.counts WHERE {where} GROUP BY outcome").fetchall()
        )
        booked = sum(found.get(name, 0) for name in ("attended", "booked", "no_show", "unknown"))
        over = booked - found.get("booked", 0)
        unknown = found.get("unknown", 0) / over if over else None
        return {
            "booked": booked,
            "no show": found.get("no_show", 0),
            "cancelled": found.get("cancelled_patient", 0) + found.get("cancelled_practice", 0),
            "unknown": unknown,
            "too few": booked < 20,
            "too unknown": (unknown or 0) > 0.1,
        }

    def heatmap(self, looked: Looked) -> list[tuple[Any, ...]]:
        """Cells: weekday, hour, bookable minutes, booked and used share."""
        where = self.where(looked, looked.period.first, looked.period.last)
        return self.con.execute(
            "SELECT isodow(day) AS weekday, hour, sum(bookable_min)::BIGINT AS bookable, "
            "sum(booked_min) / nullif(bookable, 0), sum(used_min) / nullif(bookable, 0) "
            f"FROM hand.minute WHERE {where} "
            "AND (bookable_min > 0 OR outside_min > 0) GROUP BY ALL ORDER BY weekday, hour"
        ).fetchall()

    def trend(self, looked: Looked, found: dict[str, int], earlier: dict[str, int] | None) -> list[tuple[Any, ...]]:
        """The week's point on each of the three lines."""
        where = self.where(looked, looked.period.first, looked.period.last)
        if self.con.execute(f"SELECT count(*) FROM hand.minute WHERE {where}").fetchone() == (0,):
            return []
        year, week, _ = looked.period.first.isocalendar()
        before = _share(earlier, "booked_min") if earlier else None
        shares = _share(found, "booked_min"), _share(found, "used_min")
        return [(year, week, looked.period.first, *shares, before)]

    def table(self, looked: Looked) -> list[tuple[Any, ...]]:
        """A row per location, person or room."""
        group = {"team": "location_key", "people": "person", "rooms": "name"}[looked.view]
        where = self.where(looked, looked.period.first, looked.period.last)
        return sorted(
            self.con.execute(
                f"SELECT {group}, sum(bookable_min)::BIGINT AS bookable, sum(booked_min) / nullif(bookable, 0), "
                "sum(used_min) / nullif(bookable, 0), sum(no_show_min)::BIGINT, "
                "sum(no_show_min + late_cancelled_min)::BIGINT, sum(never_booked_min)::BIGINT, "
                "sum(outside_min)::BIGINT, sum(double_booked_min)::BIGINT, "
                "sum(double_booked_intended_min)::BIGINT "
                f"FROM hand.minute WHERE {where} GROUP BY {group}"
            ).fetchall()
        )


ONE_DAY = dt.timedelta(days=1)


def _share(found: dict[str, int], *names: str) -> float | None:
    return sum(found[name] for name in names) / found["bookable_min"] if found["bookable_min"] else None


def _steps(found: dict[str, int]) -> list[tuple[str, int, int]]:
    """Bars one after the other: each begins where the one before ended; totals stand on the ground."""
    signs = {
        "holiday_min": -1, "closure_min": -1, "extra_min": 1, "absence_min": -1, "block_min": -1, "bookable_min": 0,
        "never_booked_min": -1, "other_cancelled_min": -1, "late_cancelled_min": -1, "no_show_min": -1,
        "unknown_min": -1, "ahead_min": -1, "used_min": 0,
    }  # fmt: skip
    steps, at = [("template_min", 0, found["template_min"])], found["template_min"]
    for name, sign in signs.items():
        if sign == 0:
            assert at == found[name], f"the bars before {name} do not meet it"
            steps.append((name, 0, at))
        elif found[name]:
            steps.append((name, at, at + sign * found[name]))
            at += sign * found[name]
    return steps


# --- and both are equal ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Compared:
    """One look at one practice."""

    seed: int
    looked: Looked
    shown: dict[str, Any]
    by_hand: dict[str, Any]


@pytest.fixture(scope="module")
def compared() -> list[Compared]:
    """Two looks at each of the forty practices, each figure in both ways."""
    return [one for seed in range(PRACTICES) for one in _compare(seed)]


def _compare(seed: int) -> list[Compared]:
    maker = Maker(seed)
    with warehouse(maker.made(), str(maker.today), *TARGETS) as con:
        assert not [check.name for check in transform.checks(con) if check.rows and check.severity == "error"], seed
        page, by_hand = Page(con, maker.today), ByHand(con, maker.today, _days(maker))
        return [Compared(seed, looked, page.shows(looked), by_hand.shows(looked)) for looked in maker.looks()]


def _days(maker: Maker) -> list[dt.date]:
    """The days of the weeks that are looked at, and the next fourteen."""
    of_weeks = {week + ONE_DAY * number for week in maker.shown_weeks() for number in range(7)}
    return sorted(of_weeks | {maker.today + ONE_DAY * number for number in range(14)})


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_of_the_page_equals_sql_by_hand(compared: list[Compared], figure: str) -> None:
    for one in compared:
        assert one.shown[figure] == one.by_hand[figure], (one.seed, one.looked)


def test_these_are_all_figures(compared: list[Compared]) -> None:
    assert len(compared) == 2 * PRACTICES
    assert all(tuple(one.shown) == tuple(one.by_hand) == FIGURES for one in compared)


def test_the_practices_have_something_to_show(compared: list[Compared]) -> None:
    """Otherwise equal figures would prove nothing: every part occurs often, every kind of answer sometimes."""
    often = {name: sum(one.shown["minutes"][name] > 0 for one in compared) for name in MINUTES}
    assert {name: count for name, count in often.items() if count < 8} == {}
    assert {bool(one.shown["trend"]) for one in compared} == {True, False}
    assert sum(bool(one.shown["trend"] and one.shown["trend"][0][-1]) for one in compared) > 20
    assert {bool(one.shown["appointments"]["too few"]) for one in compared} == {True, False}
    assert {bool(one.shown["appointments"]["too unknown"]) for one in compared} == {True, False}
    assert {one.looked.view for one in compared} == set(KINDS)
    assert sum(len(one.shown["heatmap"]) for one in compared) > 1_000
    assert sum(free > usable > 0 for free, usable, _ in (one.shown["free"] for one in compared)) > 20
