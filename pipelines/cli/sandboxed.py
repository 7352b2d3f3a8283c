"""The played other side of a demo practice: its booking platform answers while a command is at work.

Its practice software is a SQLite file and needs no server.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.errors import SecretMissing
from pipelines.practice import Practice

BOOKING = "booking"
BOOKING_FILE, PVS_FILE = "booking.db", "pvs.db"


@contextmanager
def other_side(practice: Practice) -> Iterator[None]:
    """Play the booking platform of a demo practice, unless another process (a demo that is served) does already.

    Without the secret that both sides know there is nobody to play; the reading says what is missing.
    """
    sandbox = practice.settings.sandbox
    table = practice.settings.source_tables.get(BOOKING)
    if sandbox is None or table is None:
        yield
        return
    address = urlsplit(str(table["base_url"]))
    if address.port is None or _answers(address.hostname or "127.0.0.1", address.port):
        yield
        return
    from connectors.sandbox.booking import BookingServer  # noqa: PLC0415  (a server that only a demo needs)

    auth = table["auth"]
    try:
        secret = practice.secret(auth["secret"])
    except SecretMissing:
        yield
        return
    with BookingServer(Path(sandbox.folder) / BOOKING_FILE, auth["access_id"], secret, port=address.port):
        yield


def _answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def free_port() -> int:
    """A port of this machine on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
