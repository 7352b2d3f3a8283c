"""A practice between its two played systems: one clock for all three, a desk at each side, settings that change."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from connectors.sandbox import booking, pvs
from connectors.sandbox.booking_store import RESOURCES
from connectors.sandbox.world import World, WorldPlan, make_world
from pipelines import settings
from pipelines.cli import demo_practice
from pipelines.cli.demo_practice import Places
from pipelines.ops import Ops, create, open_ops
from pipelines.practice import Practice
from tests.kit.practices import Clock

_SECRET = "correct horse battery staple"
_PORT = 8501


@dataclass
class TwoSystems:
    """`practice` is opened anew when its settings change; `ops` stays open."""

    practice: Practice
    ops: Ops
    world: World
    clock: Clock
    desk: pvs.PvsDesk
    platform: booking.BookingServer

    def edit_settings(self, old: str, new: str) -> None:
        """Change one passage of practice.toml, as a person would; it must be there exactly once."""
        path = self.practice.folder / settings.FILE_NAME
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"practice.toml: found {text.count(old)} times, expected once: {old!r}")
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.practice = Practice.open(self.practice.folder, clock=self.clock)


@contextmanager
def two_systems(base: Path, plan: WorldPlan, *, more_settings: str = "") -> Iterator[TwoSystems]:
    """The world of a plan as a practice software, a platform that answers, and a practice that has read nothing yet.

    The clock stands at the plan's moment. Keys lie beside the practice: PRAXISTAKT_KEYS must not be set.

    :param more_settings: tables to add to practice.toml.
    """
    world, places = make_world(plan), Places(base)
    clock = Clock(world.now)
    places.other_side.mkdir(parents=True)
    pvs.create(places.other_side / "pvs.db", world.pvs)
    booking.create(places.other_side / "booking.db", {name: world.booking[name] for name in RESOURCES})
    platform = booking.BookingServer(
        places.other_side / "booking.db", demo_practice.ACCESS_ID, _SECRET, clock=lambda: clock.at
    )
    toml = demo_practice.practice_toml(world, places, _PORT) + more_settings
    toml = re.sub(r"http://127\.0\.0\.1:\d+/fhir", platform.fhir_url, toml)
    practice, _ = Practice.init(places.practice, toml, keystore="file", clock=clock)
    practice.set_secret(demo_practice.SECRET, _SECRET)
    create(practice.ops_path, practice.key("ops"))
    with platform, open_ops(practice, keep_connection=True) as ops:
        desk = pvs.PvsDesk(places.other_side / "pvs.db", lambda: clock.at)
        yield TwoSystems(practice, ops, world, clock, desk, platform)


def at(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    """An instant by its UTC time of day."""
    return dt.datetime.combine(day, dt.time(hour, minute), tzinfo=dt.UTC)
