"""Where a calendar's time went, the slow and obvious way: every minute is a number, every stretch a set of minutes.

Shares nothing with the SQL but the input (`Practice`). Wall time becomes an instant by `zoneinfo`.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.kit.reference_practice import ZONE, Practice

#: Of several appointments at once, the first ones in this order take the places.
PARTS = ("attended", "ahead", "no_show", "unknown", "late_cancelled", "other_cancelled")
ACTIVE = PARTS[:4]

Minutes = set[int]


def minute(at: dt.datetime) -> int:
    """Minutes since 1970, seconds cut off."""
    return int(at.timestamp() // 60)


def wall(date: dt.date, time: dt.time) -> int:
    """The minute at which the clock shows a time; of the hour that is there twice, the first pass."""
    return minute(dt.datetime.combine(date, time, tzinfo=ZONE))


def minutes_of_day(date: dt.date) -> Minutes:
    """Every minute of a local day: 23, 24 or 25 hours of them."""
    return set(range(wall(date, dt.time()), wall(date + dt.timedelta(days=1), dt.time())))


@dataclass(frozen=True)
class _Calendar:
    """A calendar with what the rules below ask for again and again."""

    row: dict[str, Any]
    #: (source, schedule_id) whose appointments count, and whose hours and absences hold.
    counted: frozenset[tuple[str, str]]
    telling: frozenset[tuple[str, str]]
    absent: dict[str, Minutes]
    #: Appointments that touch a local day: part, first minute, end, of a type that is meant to be booked beside others.
    held: dict[dt.date, list[tuple[str, int, int, bool]]]


def capacity_days(practice: Practice, today: dt.date, days: list[dt.date]) -> dict[tuple[str, dt.date], dict[str, int]]:
    """Columns of fact_capacity_day by calendar and day, for calendars that the settings name."""
    calendars = [_calendar(practice, row, today) for row in practice.ops["calendar"]]
    return {
        (calendar.row["calendar_key"], date): _day(practice, calendar, date) for calendar in calendars for date in days
    }


def _calendar(practice: Practice, row: dict[str, Any], today: dt.date) -> _Calendar:
    systems = {source["source"]: source["system"] for source in practice.ops["source"]}
    named = [
        (one["source"], one["schedule_id"])
        for one in practice.ops["calendar_schedule"]
        if one["calendar_key"] == row["calendar_key"]
    ]
    counted = frozenset(one for one in named if row["leads"] in (systems[one[0]], "both"))
    with_hours = {
        one
        for one in named
        for rule in practice.raw.get("working_hours", ())
        if rule["source"] == one[0] and rule["schedule_id"] in (None, one[1]) and rule["kind"] == "regular"
    }
    telling = counted if counted & with_hours else counted | with_hours
    absent = {kind: _absent(practice, telling, kind) for kind in ("absence", "closure", "block")}
    for one in practice.raw.get("appointment", ()):
        if (one["source"], one["schedule_id"]) in counted and one["status"] == "block":
            absent["block"] |= set(range(minute(one["start"]), minute(one["end"])))
    return _Calendar(row, counted, frozenset(telling), absent, _held_by_day(practice, row, counted, today))


def _held_by_day(
    practice: Practice, row: dict[str, Any], counted: frozenset[tuple[str, str]], today: dt.date
) -> dict[dt.date, list[tuple[str, int, int, bool]]]:
    """Appointments that hold time of a calendar, as its own or as its room's, by each local day that they touch."""
    limit = float(practice.settings.get("late_cancel_hours", "24"))
    schedules = [one for one in practice.raw["schedule"] if (one["source"], one["source_id"]) in counted]
    rooms = {(one["source"], one.get("room_id")) for one in schedules if one.get("room_id")}
    meant = {
        (one["source"], one["source_id"])
        for one in practice.raw["healthcare_service"]
        if one.get("overbooking_intended")
    }
    held: dict[dt.date, list[tuple[str, int, int, bool]]] = {}
    for one in practice.raw.get("appointment", ()):
        own = (one["source"], one["schedule_id"]) in counted
        in_room = row["kind"] == "room" and (one["source"], one.get("room_id")) in rooms
        part = _part(one, today, limit)
        if part and (own or in_room) and one["start"] < one["end"]:
            date, last = one["start"].astimezone(ZONE).date(), one["end"].astimezone(ZONE).date()
            while date <= last:
                intended = (one["source"], one.get("healthcare_service_id")) in meant
                held.setdefault(date, []).append((part, minute(one["start"]), minute(one["end"]), intended))
                date += dt.timedelta(days=1)
    return held


def _day(practice: Practice, calendar: _Calendar, date: dt.date) -> dict[str, int]:
    whole, k = minutes_of_day(date), calendar.row["capacity"]
    out = Counter[str]()
    hours = _hours(practice, calendar, date, whole)
    bookable = hours["bookable"]
    for name, found in hours.items():
        out[f"{name}_min"] = len(found) * k
    parts: dict[int, list[str]] = {}
    intended = Counter[int]()
    for part, start, end, is_intended in calendar.held.get(date, ()):
        for at in whole.intersection(range(start, end)):
            parts.setdefault(at, []).append(part)
            intended[at] += is_intended and part in ACTIVE
    for at, present in parts.items():
        active = sum(part in ACTIVE for part in present)
        if at not in bookable:
            out["outside_min"] += active > 0
            continue
        for part in sorted(present, key=PARTS.index)[:k]:
            out[f"{part}_min"] += 1
        out["double_booked_min"] += max(active - k, 0)
        out["double_booked_intended_min"] += min(max(active - k, 0), intended[at])
    free = {at: max(k - sum(part in ACTIVE for part in parts.get(at, ())), 0) for at in bookable}
    out["never_booked_min"] = sum(max(k - len(parts.get(at, ())), 0) for at in bookable)
    out["booked_min"] = sum(out[f"{part}_min"] for part in ACTIVE)
    out["used_min"] = out["attended_min"]
    out["free_min"] = sum(free.values())
    shortest = min(row["minutes"] for row in practice.raw["healthcare_service"] if row["minutes"])
    out["usable_min"] = sum(
        length // shortest * shortest
        for place in range(1, k + 1)
        for length in _runs({at for at, places in free.items() if places >= place})
    )
    return out


def _hours(practice: Practice, calendar: _Calendar, date: dt.date, whole: Minutes) -> dict[str, Minutes]:
    """The steps from regular hours to bookable time, each as the minutes of the day that it takes or adds."""
    location = calendar.row["location_key"]
    template = _ruled(practice, calendar.telling, date, "regular") & whole
    extra = _ruled(practice, calendar.telling, date, "extra") & whole
    holidays = [row for row in practice.ops.get("holiday", ()) if row["kind"] == "public" and row["date"] == date]
    holiday = whole if any(row["location_key"] == location for row in holidays) else set()
    closures = [row for row in practice.ops.get("closure", ()) if row["start_date"] <= date <= row["end_date"]]
    closed = whole if any(row["location_key"] in (None, location) for row in closures) else set()
    closed, absent, blocked = (
        one & whole
        for one in (closed | calendar.absent["closure"], calendar.absent["absence"], calendar.absent["block"])
    )

    regular = template - holiday - closed
    opened = regular | extra
    gross = opened - absent
    return {
        "template": template,
        "holiday": template & holiday,
        "closure": (template & closed) - holiday,
        "extra": extra - regular,
        "absence": opened & absent,
        "gross": gross,
        "block": gross & blocked,
        "bookable": gross - blocked,
    }


def _ruled(practice: Practice, telling: frozenset[tuple[str, str]], date: dt.date, kind: str) -> Minutes:
    """Hours that begin on a day or, when they run past midnight, on the day before."""
    found: Minutes = set()
    for row in practice.raw.get("working_hours", ()):
        if row["kind"] == kind and _is_of(row, telling):
            for begin in (date - dt.timedelta(days=1), date):
                if _applies(row, begin):
                    start, end = row["start_time"], row["end_time"]
                    last = begin + dt.timedelta(days=1) if end < start or end == dt.time() else begin
                    found |= set(range(wall(begin, start), wall(last, end)))
    return found


def _is_of(row: dict[str, Any], telling: Iterable[tuple[str, str]]) -> bool:
    """A row without a schedule is of every schedule of its source."""
    return any(row["source"] == source and row["schedule_id"] in (None, schedule) for source, schedule in telling)


def _applies(row: dict[str, Any], date: dt.date) -> bool:
    first, last = row.get("valid_from"), row.get("valid_to")
    if (first and date < first) or (last and date > last):
        return False
    if row.get("date"):
        return bool(row["date"] == date)
    weeks = (_monday(date) - _monday(first)).days // 7 if first else 0
    return row["weekday"] == date.isoweekday() and weeks % (row.get("week_interval") or 1) == 0


def _monday(date: dt.date) -> dt.date:
    return date - dt.timedelta(days=date.weekday())


def _absent(practice: Practice, telling: Iterable[tuple[str, str]], kind: str) -> Minutes:
    """Minutes of an absence of a kind: of a schedule, of the practitioner whose schedule it is, or of everybody."""
    owners = {
        (row["source"], row.get("practitioner_id"))
        for row in practice.raw["schedule"]
        if (row["source"], row["source_id"]) in telling
    }
    found: Minutes = set()
    for row in practice.raw.get("absence", ()):
        owner = row.get("practitioner_id")
        of_owner = row["schedule_id"] is None and owner is not None
        if row["kind"] == kind and ((row["source"], owner) in owners if of_owner else _is_of(row, telling)):
            found |= set(range(minute(row["start"]), minute(row["end"])))
    return found


def _part(row: dict[str, Any], today: dt.date, limit: float) -> str | None:
    status, start = row["status"], row["start"]
    cancelled_at = row.get("cancelled_at")
    notice = (start - cancelled_at).total_seconds() / 3600 if cancelled_at else None
    by_practice = row.get("cancelled_by") in ("practice", "system")
    if status in ("fulfilled", "arrived"):
        return "attended"
    if status == "noshow" or (status == "cancelled" and notice is not None and notice <= 0):
        return "no_show"
    if status == "rescheduled" or (status == "cancelled" and not by_practice):
        return "late_cancelled" if notice is not None and notice < limit else "other_cancelled"
    if status == "cancelled":
        return "other_cancelled"
    if status in ("booked", "pending"):
        return "ahead" if start.astimezone(ZONE).date() >= today else "unknown"
    return "unknown" if status == "unknown" else None


def _runs(found: Minutes) -> list[int]:
    """Lengths of the unbroken stretches."""
    lengths: list[int] = []
    before = None
    for at in sorted(found):
        if before is not None and at == before + 1:
            lengths[-1] += 1
        else:
            lengths.append(1)
        before = at
    return lengths
