"""Reading page by page while patients change things: after the next poll nothing is missing, and an idle one knows it.

The reference is the platform's own state at the end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.booking.source import BookingSource, open_source
from connectors.sandbox.booking_store import text
from connectors.source import ReadRequest, Window
from tests.kit.booking import NOW, SECRET, Played, played, small_practice

KEYS = [f"k{number:02}" for number in range(12)]
ONE_HOUR = dt.timedelta(hours=1)
WINDOW = Window(NOW, NOW + dt.timedelta(days=10))
#: What identifies the content of a row here.
CONTENT = {"patient": "mobile", "appointment": "start"}

#: Who, seconds after the edit before, day of the appointment (11 and later lie behind the window). Time passes between
#: two edits: a row that is touched twice in one tick of the clock is the stated limit of stamps.
Edit = tuple[str, int, int]
edits = st.lists(st.tuples(st.sampled_from(KEYS), st.integers(1, 400), st.integers(0, 20)), max_size=12)


@dataclass
class Busy:
    """A platform on which something happens before each request, and on which time passes meanwhile."""

    platform: Played
    resource: str
    edits: list[Edit] = field(default_factory=list)
    done: int = 0

    def now(self) -> dt.datetime:
        """The client's clock, which it reads to sign a request."""
        if self.edits:
            self.edit(*self.edits.pop(0))
        return self.platform.now()

    def edit(self, key: str, seconds: int, day: int) -> None:
        """A patient gets another number, or an appointment another time."""
        self.platform.pass_time(dt.timedelta(seconds=seconds))
        self.done += 1
        start = NOW + dt.timedelta(days=day, minutes=self.done)
        bodies = {
            "patient": {"family_name": "Berg", "active": True, "mobile": f"0151 {1_000_000 + self.done}"},
            "appointment": {
                "status": "booked", "patient_id": "p1", "start": text(start), "end": text(start + ONE_HOUR),
            },
        }  # fmt: skip
        self.platform.server.store.put(self.resource, key, bodies[self.resource], self.platform.now())

    def open(self, kind: str, page_size: int) -> BookingSource:
        """A client of it."""
        return open_source(
            "booking",
            self.platform.table(kind, page_size=page_size),
            secret={"booking-key": SECRET}.__getitem__,
            timezone="Europe/Berlin",
            now=self.now,
        )

    def truth(self) -> dict[str, Any]:
        """Row -> content, as it stands there."""
        stored = self.platform.server.store.search(self.resource)
        content = CONTENT[self.resource]
        found = {one.id: one.body.get(content) for one in stored}
        return found if self.resource == "patient" else {k: dt.datetime.fromisoformat(v) for k, v in found.items()}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with played(tmp_path_factory.mktemp("platform"), small_practice()) as running:
        yield running


def take(source: BookingSource, resource: str, known: dict[str, Any], since: str | None) -> str:
    """Bring `known` up to date as a station would; the position afterwards."""
    usual: Any = "changes" if resource == "patient" else "window"
    request = ReadRequest(resource, "full" if since is None else usual, since, WINDOW if since else None)
    delivered: dict[str, Any] = {}
    for batch in source.read(request):
        delivered.update(batch.frame.select("source_id", CONTENT[resource]).iter_rows())
        scope, position = batch.scope, batch.position
    for key, content in list(known.items()):
        if scope == "window" and WINDOW.start <= content < WINDOW.end:
            del known[key]
    known.update(delivered)
    assert position is not None
    return position


@pytest.mark.parametrize("kind", ["isik", "booking-json"])
@pytest.mark.parametrize("resource", CONTENT)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(page_size=st.integers(1, 8), during=st.lists(edits, min_size=1, max_size=3), between=st.lists(edits, max_size=3))
def test_nothing_is_lost(
    platform: Played, kind: str, resource: str, page_size: int, during: list[list[Edit]], between: list[list[Edit]]
) -> None:
    busy = Busy(platform.afresh(), resource)
    with busy.open(kind, page_size) as source:
        known: dict[str, Any] = {}
        position: str | None = None
        for number, meanwhile in enumerate(during):
            busy.edits = list(meanwhile)
            position = take(source, resource, known, position)
            busy.edits = []
            for edit in between[number] if number < len(between) else []:
                busy.edit(*edit)
        others = {of: whole(source, of) for of in source.resources if of not in (resource, "slot")}
        if known != busy.truth():
            assert source.has_news(others | {resource: position or ""})
        position = take(source, resource, known, position)
        assert known == busy.truth()
        assert not source.has_news(others | {resource: position})


def whole(source: BookingSource, resource: str) -> str:
    """The position of a record type that nobody touches here."""
    return [batch.position or "" for batch in source.read(ReadRequest(resource, "full"))][-1]
