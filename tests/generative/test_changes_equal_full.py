"""What the small readings say, put together, is what a full one says: for any edits that the desk makes."""

import datetime as dt

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sandbox.pvs import PvsDesk
from connectors.source import Batch
from tests.kit.demo_pvs import NOW, at, made, opened, read

RESOURCES = ("patient", "appointment", "absence", "practitioner")

#: Quarter hours after a morning inside the window.
TIMES = st.integers(0, 400).map(lambda quarter: at("2026-03-04 08:00") + dt.timedelta(minutes=15 * quarter))
QUARTER = dt.timedelta(minutes=15)

#: Appointment 3 may leave the window. It is never deleted or checked in: outside the window, what touches no timestamp
#: is seen by the nightly full reading alone.
EDITS = st.one_of(
    st.tuples(st.just("book"), TIMES),
    st.tuples(st.just("cancel"), st.integers(1, 8)),
    st.tuples(st.just("arrive"), st.integers(1, 2)),
    st.tuples(st.just("move"), st.integers(1, 8), TIMES),
    st.tuples(st.just("move"), st.just(3), st.just(at("2023-01-09 08:00"))),
    st.tuples(st.just("delete"), st.integers(1, 2)),
    st.tuples(st.just("patient"), st.integers(1, 3), st.sampled_from(["Pirna", "Dresden", "Köln"])),
    st.tuples(st.just("mobile"), st.integers(1, 3), st.sampled_from(["0171 7654321", "54321"])),
    st.tuples(st.just("drop patient"), st.integers(1, 3)),
    st.tuples(st.just("absent"), TIMES),
    st.tuples(st.just("leave"), st.integers(1, 2)),
)


def make(desk: PvsDesk, edit: tuple) -> None:
    what, *values = edit
    if what == "book":
        desk.book(schedule_id="1", patient_id="1", start=values[0], end=values[0] + QUARTER)
    elif what == "move":
        desk.move(str(values[0]), values[1], values[1] + QUARTER)
    elif what in ("cancel", "arrive"):
        getattr(desk, what)(str(values[0]))
    elif what == "patient":
        desk.edit("patient", str(values[0]), city=values[1])
    elif what == "mobile":
        desk.edit("patient", str(values[0]), mobile=values[1])
    elif what == "absent":
        desk.add("absence", schedule_id="1", kind="absence", start=values[0], end=values[0] + QUARTER)
    elif what == "leave":
        desk.edit("practitioner", str(values[0]), active=False)
    else:
        desk.delete("patient" if what == "drop patient" else "appointment", str(values[0]))


def put_together(known: dict[str, dict], batches: list[Batch]) -> dict[str, dict]:
    """Row by row, what a reader of the port must do with the batches of one reading."""
    rows = {row["source_id"]: row for batch in batches for row in batch.frame.to_dicts()}
    kept = {
        key: row
        for key, row in known.items()
        if key not in rows and not _gone(row, batches[-1]) and all(key not in batch.removed for batch in batches)
    }
    return kept | rows


def _gone(row: dict, last: Batch) -> bool:
    if last.scope == "window":
        return last.window.start <= row["start"] < last.window.end
    return last.scope == "full"


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(EDITS, min_size=1, max_size=4), min_size=1, max_size=3))
def test_changes_put_together_equal_a_full_reading(tmp_path_factory, days):
    path = made(tmp_path_factory.mktemp("pvs") / "pvs.db")
    now = [NOW]
    known: dict[str, dict[str, dict]] = {}
    positions: dict[str, str] = {}
    desk = PvsDesk(path, lambda: now[0])
    for edits in [[], *days]:
        now[0] += dt.timedelta(hours=3)
        for edit in edits:
            make(desk, edit)
        with opened(path, now=now[0]) as source:
            for resource in RESOURCES:
                batches = read(source, resource, "changes", positions.get(resource))
                assert all(b.read == b.frame.height + b.rejected.height + len(b.removed) for b in batches)
                known[resource] = put_together(known.get(resource, {}), batches)
                positions[resource] = batches[-1].position
            for resource in RESOURCES:
                full = pl.concat([batch.frame for batch in read(source, resource)])
                rows = sorted(known[resource].values(), key=lambda row: int(row["source_id"]))
                assert rows == full.to_dicts(), resource
