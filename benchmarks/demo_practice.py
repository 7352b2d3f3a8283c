"""The demo's practice for benchmarks, its booking platform played by a process of its own, as it would be in life."""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from zoneinfo import ZoneInfo

from measure import SPAWN

from connectors.sandbox.world import World, WorldPlan
from pipelines.cli import demo_practice as demo
from pipelines.cli.sandboxed import PVS_FILE, free_port, other_side
from pipelines.practice import Practice, utc_now

_ZONE = ZoneInfo("Europe/Berlin")


def arguments(description: str) -> argparse.ArgumentParser:
    """Options of every benchmark over this practice."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--small", action="store_true", help="1,500 patients, half a year")
    parser.add_argument("--patients", type=int, help="default 12,000")
    parser.add_argument("--years", type=float, help="default 3")
    return parser


@contextmanager
def demo_practice(given: argparse.Namespace) -> Iterator[tuple[Practice, World, Path]]:
    """A new practice, the world that it lives in, and the file of its practice software; gone at the end."""
    patients, years = (1_500, 0.5) if given.small else (12_000, 3.0)
    with tempfile.TemporaryDirectory(prefix="praxistakt-bench-", ignore_cleanup_errors=True) as temporary:
        places = demo.Places(Path(temporary))
        os.environ["PRAXISTAKT_HOME"], os.environ["PRAXISTAKT_KEYS"] = str(places.home), str(places.keys)
        today = utc_now().astimezone(_ZONE).date()
        plan = WorldPlan(today, patients=given.patients or patients, years=given.years or years, disagreements=20)
        practice, world = demo.make(places, plan, "demo", free_port())
        with _platform(practice):
            yield practice, world, places.other_side / PVS_FILE


@contextmanager
def _platform(practice: Practice) -> Iterator[None]:
    """The booking platform answers until the block ends."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_play, args=(str(practice.folder), theirs))
    process.start()
    theirs.close()
    try:
        ours.recv()
        yield
    finally:
        ours.close()
        process.join()


def _play(folder: str, pipe: Connection) -> None:
    """Ends when the other end of the pipe is gone, however it went."""
    gone = threading.Event()
    with other_side(Practice.open(folder)):
        pipe.send("ready")
        while not gone.is_set():
            try:
                pipe.recv()
            except EOFError:
                gone.set()
