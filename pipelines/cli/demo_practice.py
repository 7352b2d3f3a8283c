"""A demo practice on disk: a made-up world, its practice software and booking platform, and a practice that reads both.

The other side lies outside the practice's folder, as it would in life:

    <base>/practices/demo/    the practice; Dagster's folder beside it
    <base>/practices-keys/    its keys
    <base>/other-side/        pvs.db, booking.db
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.sandbox import booking, pvs
from connectors.sandbox.booking_store import RESOURCES
from connectors.sandbox.world import World, WorldPlan, make_world
from pipelines.cli.sandboxed import BOOKING_FILE, PVS_FILE, free_port
from pipelines.errors import SettingsError
from pipelines.ops import users
from pipelines.ops.database import create, open_ops
from pipelines.practice import Practice

NAME = "demo"
#: The demo's only user sees everything.
ROLES = ("manager", "reception", "it", "analyst")
ACCESS_ID, SECRET = "praxistakt-demo", "booking-key"


@dataclass(frozen=True, slots=True)
class Places:
    """Where a demo keeps what."""

    base: Path

    @property
    def home(self) -> Path:
        """The folder of the practices."""
        return self.base / "practices"

    @property
    def practice(self) -> Path:
        """The practice's own folder."""
        return self.home / NAME

    @property
    def keys(self) -> Path:
        """Where the keys of these practices lie, unless the environment says otherwise."""
        return self.base / "practices-keys"

    @property
    def other_side(self) -> Path:
        """What belongs to the played systems."""
        return self.base / "other-side"


def clear(places: Places) -> None:
    """Remove a former demo. Anything else that might lie there is left alone, and named.

    :raises SettingsError: the folder holds a practice that is no demo.
    """
    if not places.practice.exists():
        return
    if Practice.open(places.practice).settings.sandbox is None:
        raise SettingsError([f"demo: {places.practice}: holds a practice that is no demo; choose another --home"])
    for folder in (places.practice, places.keys, places.other_side, places.home / ".dagster"):
        shutil.rmtree(folder, ignore_errors=True)


def make(places: Places, plan: WorldPlan, user: str, page_port: int) -> tuple[Practice, World]:
    """Make the world of the plan and the practice in it, with one user; nothing is read yet."""
    world = make_world(plan)
    places.other_side.mkdir(parents=True, exist_ok=True)
    pvs.create(places.other_side / PVS_FILE, world.pvs)
    booking.create(places.other_side / BOOKING_FILE, {name: world.booking[name] for name in RESOURCES})
    practice, _ = Practice.init(places.practice, practice_toml(world, places, page_port), keystore="file")
    practice.set_secret(SECRET, secrets.token_urlsafe(32))
    create(practice.ops_path, practice.key("ops"))
    with open_ops(practice) as o:
        users.add(o, user, ROLES, None, practice.now())
    return practice, world


def practice_toml(world: World, places: Places, page_port: int) -> str:
    """The settings of the demo practice."""
    pvs_url = f"sqlite:///{(places.other_side / PVS_FILE).absolute().as_posix()}"
    auth = {
        "kind": "apiauth",
        "access_id": ACCESS_ID,
        "secret": SECRET,
        "digest": "sha256",
        "hash_header": "X-Authorization-Content-SHA256",
        "sign_method": True,
    }
    lines = [
        "# A demo: both systems are made up and played by us.",
        'name = "Praxis am Markt (Demo)"',
        'timezone = "Europe/Berlin"',
        *(line for key, location in world.locations.items() for line in _table(f"[locations.{key}]", location)),
        *_table("[sources.pvs]", {"kind": "pvs", "title": "Praxissoftware", "profile": "demo", "url": pvs_url}),
        *_table(
            "[sources.booking]",
            {
                "kind": "isik",
                "title": "Online-Buchung",
                "base_url": f"http://127.0.0.1:{free_port()}/fhir",
                "auth": auth,
            },
        ),
        *(line for calendar in world.calendars for line in _table("[[calendars]]", calendar)),
        *(line for closure in world.closures for line in _table("[[closures]]", closure)),
        *_table("[schedule]", {"poll_seconds": 30, "full_at": "02:30", "snapshot_at": "00:00"}),
        *_table("[serve]", {"port": page_port}),
        *_table("[sandbox]", {"folder": places.other_side.absolute().as_posix()}),
    ]
    return "\n".join(lines) + "\n"


def _table(head: str, values: Mapping[str, Any]) -> Iterable[str]:
    yield ""
    yield head
    yield from (f"{key} = {_toml(value)}" for key, value in values.items() if value is not None)


def _toml(value: Any) -> str:
    """A value as TOML; tables are written inline."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    if isinstance(value, dt.date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)
