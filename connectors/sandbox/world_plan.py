"""The plan of a made-up practice: its size, sites, staff, services and weekly hours. Words and numbers, no chance."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from connectors.sandbox.names import FAMILY


@dataclass(frozen=True, slots=True)
class WorldPlan:
    """How large the practice is and as of when; `at` is the local time of day at which the systems are looked at.

    `disagreements` is 0 (both systems agree wherever both hold something) or how many of each kind there shall be.
    The calendars of the last `platform_led` practitioners are led by the booking platform.
    """

    today: dt.date
    seed: int = 1
    patients: int = 12_000
    years: float = 3.0
    months_ahead: int = 6
    practitioners: int = 4
    rooms: int = 2
    locations: int = 2
    disagreements: int = 0
    at: dt.time = dt.time(6)
    platform_led: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.locations <= len(SITES):
            raise ValueError(f"locations is {self.locations}, expected 1 to {len(SITES)}")
        if self.practitioners < self.locations or self.platform_led > self.practitioners:
            raise ValueError(f"practitioners is {self.practitioners}, expected at least one per location and platform")

    @property
    def first_day(self) -> dt.date:
        """The first day with appointments."""
        return self.today - dt.timedelta(days=round(self.years * 365.25))

    @property
    def last_day(self) -> dt.date:
        """The last day that can be booked."""
        return self.today + dt.timedelta(days=round(self.months_ahead * 30.5))

    @property
    def template_change(self) -> dt.date:
        """The Monday on which the second set of weekly hours begins: after two thirds of the past."""
        day = self.first_day + (self.today - self.first_day) * 2 // 3
        return day - dt.timedelta(days=day.weekday())


@dataclass(frozen=True, slots=True)
class Site:
    """A place of practice; its key and Land, as practice.toml knows them."""

    key: str
    name: str
    state: str
    categories: tuple[str, ...] = ("public",)


SITES = (
    Site("markt", "Marktplatz 1, Aschaffenburg", "BY", ("public", "catholic")),
    Site("bahnhof", "Bahnhofstraße 12, Hanau", "HE"),
    Site("park", "Parkring 3, Heidelberg", "BW"),
    Site("hafen", "Hafenweg 8, Köln", "NW"),
)


@dataclass(frozen=True, slots=True)
class Service:
    """An appointment type; `same_day` is the share booked for the same day, `lead` the median of days of the others."""

    key: str
    name: str
    minutes: int
    same_day: float
    lead: float
    online: bool = True
    overbooking: bool = False
    needs_room: bool = False
    modality: str = "in-person"


SERVICES = (
    Service("erstgespraech", "Erstgespräch", 30, 0.01, 34),
    Service("kontrolle", "Kontrolle", 15, 0.03, 27),
    Service("sprechstunde", "Sprechstunde", 10, 0.33, 6),
    Service("vorsorge", "Vorsorge", 30, 0.0, 48),
    Service("impfung", "Impfung", 10, 0.06, 15),
    Service("akut", "Akut", 10, 0.93, 1, online=False, overbooking=True),
    Service("video", "Videosprechstunde", 15, 0.2, 6, modality="video"),
    Service("therapie", "Therapie (Serie)", 20, 0.0, 14, online=False),
    Service("labor", "Blutabnahme", 10, 0.12, 5, online=False),
    Service("ultraschall", "Ultraschall", 20, 0.0, 22, needs_room=True),
)
SERVICE_KEYS = tuple(service.key for service in SERVICES)
FIRST_TALK, SHORT, ACUTE, THERAPY, BLOOD = (
    SERVICE_KEYS.index(key) for key in ("erstgespraech", "sprechstunde", "akut", "therapie", "labor")
)

#: What fills a calendar, in the order of SERVICES; the rest to 1 are gaps of ten minutes.
_MIX_PERSON = (0.03, 0.215, 0.37, 0.06, 0.08, 0.11, 0.055, 0.0, 0.0, 0.0)
_MIX_SONO = (0.03, 0.20, 0.33, 0.06, 0.05, 0.10, 0.05, 0.0, 0.0, 0.10)
_MIX_BLOOD = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.28, 0.0)


@dataclass(frozen=True, slots=True)
class Hours:
    """Weekly hours: ISO weekdays, from, to (local "HH:MM"), every `interval` weeks; `version` 1 before the change."""

    weekdays: tuple[int, ...]
    start: str
    end: str
    versions: tuple[int, ...] = (1, 2)
    interval: int = 1


_HOURS = (
    (
        Hours((1, 2, 3, 4, 5), "08:00", "12:00"),
        Hours((1, 2, 4), "14:00", "18:00", (1,)),
        Hours((1, 2), "13:00", "17:00", (2,)),
        Hours((4,), "14:00", "19:00", (2,)),
    ),
    (
        Hours((1, 2, 3, 4), "08:30", "12:30"),
        Hours((5,), "08:00", "12:00", (1,)),
        Hours((5,), "08:00", "13:00", (2,)),
        Hours((1, 2, 4), "14:00", "17:00"),
        Hours((6,), "09:00", "12:00", (2,), interval=2),
    ),
    (
        Hours((1, 2, 3, 4, 5), "07:30", "12:00"),
        Hours((2, 4), "13:00", "18:00", (1,)),
        Hours((2, 4), "13:30", "18:30", (2,)),
    ),
    (
        Hours((1, 2, 3, 4), "09:00", "13:00"),
        Hours((1, 2, 3, 4), "14:00", "18:00", (1,)),
        Hours((1, 2, 3, 4), "13:45", "17:00", (2,)),
        Hours((5,), "09:00", "14:00"),
    ),
)
_ROOM_HOURS = (Hours((1, 2, 3, 4, 5), "07:30", "12:00"), Hours((1, 2, 4), "13:30", "16:00"))

#: Opening hours of a site as practice.toml has them.
OPENING_HOURS = {
    **{day: ["07:30-12:30", "13:00-19:00"] for day in ("mon", "tue", "wed", "thu")},
    "fri": ["07:30-14:00"],
    "sat": ["09:00-12:00"],
}

_STAFF = (
    ("Demir", "Leyla", "Dr. med."), ("Vogel", "Thomas", "Dr. med."), ("Lindner", "Katharina", None),
    ("Brandt", "Michael", "Dr. med."), ("Nowak", "Anna", None), ("Seidel", "Jörg", "Dr. med."),
    ("Haas", "Christine", "Dr. med."), ("Winter", "Stefan", None),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Calendar:
    """One calendar; `index` from 0 over persons, then rooms; `room` is the room that its needs_room services use."""

    index: int
    key: str
    name: str
    kind: str
    site: int
    capacity: int
    leads: str
    hours: tuple[Hours, ...]
    mix: tuple[float, ...]
    room: int | None = None
    family: str = ""
    given: str = ""
    title: str | None = None
    therapy: bool = False


def calendars(plan: WorldPlan) -> list[Calendar]:
    """The practice's calendars: practitioners spread over the sites in order, then rooms.

    Rooms at even places are booked for themselves (blood samples, two chairs); those at odd places are taken along by
    the ultrasound appointments of the first practitioner of their site.
    """
    persons = [_person(plan, i) for i in range(plan.practitioners)]
    return persons + [_room(plan, j) for j in range(plan.rooms)]


def _person(plan: WorldPlan, i: int) -> Calendar:
    family, given, title = _STAFF[i] if i < len(_STAFF) else (str(FAMILY["de"].words[i * 3]), "Kim", None)
    site = i * plan.locations // plan.practitioners
    first_of_site = i == 0 or (i - 1) * plan.locations // plan.practitioners != site
    rooms = [j for j in range(1, plan.rooms, 2) if j % plan.locations == site]
    room = rooms[0] if rooms and first_of_site else None
    leads = "platform" if i >= plan.practitioners - plan.platform_led else "pvs"
    name = f"{title or given} {family}"
    mix = _MIX_PERSON if room is None else _MIX_SONO
    therapy = leads == "pvs" and i % 4 == 2
    # Keys stand in marts and in addresses, so they say no name.
    key = f"arzt-{i + 1}"
    return Calendar(i, key, name, "person", site, 1, leads, _HOURS[i % 4], mix, room, family, given, title, therapy)


def _room(plan: WorldPlan, j: int) -> Calendar:
    own = j % 2 == 0
    name, mix = ("Labor", _MIX_BLOOD) if own else ("Ultraschallraum", tuple(0.0 for _ in SERVICES))
    name, key = (name, name.lower()) if j < 2 else (f"{name} {j // 2 + 1}", f"{name.lower()}-{j // 2 + 1}")
    site, capacity = j % plan.locations, 2 if own else 1
    return Calendar(plan.practitioners + j, key, name, "room", site, capacity, "pvs", _ROOM_HOURS, mix)
