"""A large practice for benchmarks: a made-up PVS of any size, landed, registered and published by the product itself.

    <base>/practices/bulk/    the practice
    <base>/practices-keys/    its keys
    <base>/pvs.db             its practice software

Its ops.db also has the runs of the past: a practice whose software changes 200 times a day has 50,000 of them a year.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
from measure import once

from connectors.sandbox import pvs
from connectors.sandbox.world import make_bulk
from connectors.sandbox.world_plan import OPENING_HOURS, SITES
from pipelines import run as stations
from pipelines.ops.bulk import insert_rows
from pipelines.ops.database import Ops, create, open_ops
from pipelines.ops.models import SyncRun, SyncRunSource
from pipelines.ops.models.base import to_microseconds
from pipelines.practice import Practice, utc_now

#: Time between two runs of the past.
_PAUSE = dt.timedelta(minutes=7)


@dataclass(frozen=True)
class Size:
    """Rows of the PVS, and runs of the past."""

    appointments: int
    patients: int
    calendars: int
    runs: int


FULL = Size(1_000_000, 50_000, 20, 50_000)
SMALL = Size(50_000, 4_000, 4, 500)


@dataclass(frozen=True)
class Bulk:
    """Where the practice lies, its size, and what making it took in seconds."""

    base: Path
    size: Size
    made: dict[str, float]

    @property
    def folder(self) -> Path:
        """The practice's own folder."""
        return self.base / "practices" / "bulk"


def arguments(description: str) -> argparse.ArgumentParser:
    """Options of every benchmark over this practice."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--small", action="store_true", help=f"{SMALL.appointments:,} appointments")
    for name in asdict(FULL):
        parser.add_argument(f"--{name}", type=int, help=f"default {getattr(FULL, name):,}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="keep the practice there, or use the one that is there")
    return parser


def size_of(given: argparse.Namespace) -> Size:
    """The size that the options ask for."""
    start = asdict(SMALL if given.small else FULL)
    return Size(
        **{name: value if getattr(given, name) is None else getattr(given, name) for name, value in start.items()}
    )


def look_in(base: Path) -> None:
    """This process and its children find their practices below `base`."""
    os.environ["PRAXISTAKT_HOME"] = str(base / "practices")
    os.environ["PRAXISTAKT_KEYS"] = str(base / "practices-keys")


@contextmanager
def bulk_practice(size: Size, folder: Path | None = None) -> Iterator[Bulk]:
    """The practice, made in a process of its own unless `folder` holds it already; a temporary one goes at the end."""
    with tempfile.TemporaryDirectory(prefix="praxistakt-bench-") as temporary:
        base = (folder or Path(temporary)).absolute()
        look_in(base)
        description = base / "size.json"
        if not description.exists():
            base.mkdir(parents=True, exist_ok=True)
            print(f"making a practice of {size.appointments:,} appointments in {base}", flush=True)
            made = once(_make, str(base), size).result
            description.write_text(json.dumps({"size": asdict(size), "made": made}), encoding="utf-8")
        found = json.loads(description.read_text(encoding="utf-8"))
        print("  ".join(f"{name} {seconds:.1f} s" for name, seconds in found["made"].items()), flush=True)
        yield Bulk(base, Size(**found["size"]), found["made"])


def _make(base: str, size: Size) -> dict[str, float]:
    """Seconds of each step."""
    begun = time.monotonic()
    frames = make_bulk(size.appointments, size.patients, size.calendars, 1, utc_now().date())
    pvs.create(Path(base) / "pvs.db", frames)
    played = time.monotonic()
    practice, _ = Practice.init(Path(base) / "practices" / "bulk", settings(Path(base), frames), keystore="file")
    create(practice.ops_path, practice.key("ops"))
    with open_ops(practice, keep_connection=True) as o:
        _past_runs(o, size.runs, practice.now())
        first = stations.run(practice, o, scope="full")
    if first.built is None or first.built.generation is None:
        raise RuntimeError(f"the first run published nothing: {[read.cause for read in first.landed.sources]}")
    landed = sum(read.seconds for read in first.landed.sources)
    return {
        "other side": played - begun,
        "landing": landed,
        "first run": first.seconds,
        "first build": first.built.seconds,
    }


def settings(base: Path, frames: dict[str, pl.DataFrame]) -> str:
    """practice.toml of a practice with this PVS."""
    lines = ['name = "Praxis am Markt"', 'timezone = "Europe/Berlin"']
    hours = "{ " + ", ".join(f"{day} = {json.dumps(spans)}" for day, spans in OPENING_HOURS.items()) + " }"
    for site in SITES[: frames["location"].height]:
        named = {"name": site.name, "state": site.state, "categories": list(site.categories)}
        lines += [*_table(f"[locations.{site.key}]", named), f"opening_hours = {hours}"]
    url = f"sqlite:///{(base / 'pvs.db').as_posix()}"
    lines += _table("[sources.pvs]", {"kind": "pvs", "title": "Praxissoftware", "profile": "demo", "url": url})
    for calendar in frames["schedule"].iter_rows(named=True):
        key, name, site = calendar["source_id"], calendar["name"], SITES[int(calendar["location_id"]) - 1]
        lines += _table("[[calendars]]", {"key": f"k{key}", "name": name, "kind": "person", "location": site.key})
        lines += [f'schedules = {{ pvs = "{key}" }}']
    return "\n".join(lines) + "\n"


def _table(head: str, values: dict[str, Any]) -> list[str]:
    """A table of TOML; JSON's texts and lists are TOML's too."""
    return ["", head, *(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())]


def _past_runs(o: Ops, count: int, now: dt.datetime) -> None:
    """Runs that ended well, the last one just now, each with a few rows of news."""
    instants = [to_microseconds(now - _PAUSE * (count - number)) for number in range(count)]
    rows = [("changes", "ok", at, at + 2_000_000) for at in instants]
    reads = [(number, "pvs", "ok", 900, 1, 1, 0, 0, 0, 0, 0.4, at) for number, at in enumerate(instants, start=1)]
    counts = ("read", "new", "changed", "removed", "rejected", "unmapped", "late")
    with o.transaction() as session:
        insert_rows(session, SyncRun, ("kind", "state", "started_at", "finished_at"), rows)
        insert_rows(session, SyncRunSource, ("run", "source", "state", *counts, "seconds", "recorded_at"), reads)
