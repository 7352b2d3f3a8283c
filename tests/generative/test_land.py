"""Landing against a slow and obvious reference: a dictionary of what the practice knows."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import records
from connectors.source import Batch
from pipelines import comparison, files
from pipelines.land import usual_window
from pipelines.ops import Ops
from pipelines.practice import Practice
from tests.kit.landing import appointment, current, land_once, versions
from tests.kit.practices import ScriptedSource, batch, rows

IDS = [f"a{number}" for number in range(8)]
#: In the window that is read whole, before it and after it.
DAYS = (-400, -1, 3, 900)

Row = tuple[int, str]
Known = dict[str, Row]


@dataclass(frozen=True)
class Step:
    """A reading: what it covers, what it delivers, which rows it reports as removed or sets aside."""

    scope: Literal["changes", "window", "full"]
    delivered: dict[str, Row]
    removed: frozenset[str]
    aside: frozenset[str]


a_row = st.tuples(st.sampled_from(DAYS), st.sampled_from(["booked", "arrived", "cancelled"]))
some_ids = st.frozensets(st.sampled_from(IDS), max_size=3)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    scope = draw(st.sampled_from(["changes", "window", "full"]))
    delivered = draw(st.dictionaries(st.sampled_from(IDS), a_row, max_size=len(IDS)))
    if scope == "window":
        delivered = {source_id: row for source_id, row in delivered.items() if is_near(row)}
    return Step(scope, delivered, draw(some_ids), draw(some_ids) - set(delivered))


def is_near(row: Row) -> bool:
    return row[0] in (-1, 3)


def expected(known: Known, step: Step, *, stops: bool = True) -> Known:
    """What the practice knows after a step.

    :param stops: whether nothing changes where the whole table would go because nothing was delivered.
    """
    after, absent = dict(known), 0
    for source_id, row in known.items():
        if source_id in step.delivered:
            continue
        covered = step.scope == "full" or (step.scope == "window" and is_near(row))
        if source_id in step.removed:
            del after[source_id]
        elif covered and source_id not in step.aside:
            del after[source_id]
            absent += 1
    after |= step.delivered
    return known if stops and absent and not after else after


def answer(practice: Practice, step: Step) -> Batch:
    frame = rows("appointment", *(appointment(i, days=row[0], status=row[1]) for i, row in step.delivered.items()))
    aside = [{"resource": "appointment", "source_id": source_id, "rule": "date"} for source_id in sorted(step.aside)]
    window = usual_window(practice) if step.scope == "window" else None
    return batch("appointment", frame, scope=step.scope, window=window, removed=sorted(step.removed), rejected=aside)


def known_rows(known: Known) -> dict[str, dict[str, Any]]:
    return {
        row["source_id"]: row
        for row in rows("appointment", *(appointment(i, days=d, status=s) for i, (d, s) in known.items())).to_dicts()
    }


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=st.lists(steps(), min_size=1, max_size=4))
def test_any_sequence_of_readings_leaves_what_the_reference_knows(
    practice: Practice, ops: Ops, sources: dict[str, ScriptedSource], sequence: list[Step]
) -> None:
    if practice.raw_folder.exists():
        shutil.rmtree(practice.raw_folder)
    known: Known = {}
    for step in sequence:
        sources["pvs"].answers["appointment"] = [answer(practice, step)]
        landed = land_once(practice, ops)
        read = landed.sources[0]
        known = expected(known, step)
        assert current(practice, "appointment") == known_rows(known)
        assert read.read == len(step.delivered) + len(step.removed) + len(step.aside)
        added = versions(practice, "appointment").filter(run=landed.run)
        assert added.height == read.new + read.changed + read.removed
        assert land_once(practice, ops).segment is None
    if files.read_manifest(practice) is not None:
        before = versions(practice, "appointment")
        files.compact(practice, landed.run + 2)
        assert versions(practice, "appointment").equals(before)
        assert current(practice, "appointment") == known_rows(known)


def standing_of(known: Known, gone: dict[str, Row]) -> pl.DataFrame:
    live = rows("appointment", *(appointment(i, days=d, status=s) for i, (d, s) in known.items()))
    dead = rows("appointment", *(appointment(i, days=d, status=s) for i, (d, s) in gone.items() if i not in known))
    return pl.concat([live.with_columns(removed=pl.lit(False)), dead.with_columns(removed=pl.lit(True))])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    known=st.dictionaries(st.sampled_from(IDS), a_row),
    gone=st.dictionaries(st.sampled_from(IDS), a_row, max_size=3),
    step=steps(),
)
def test_one_comparison_gives_what_the_reference_gives(
    practice: Practice, known: Known, gone: dict[str, Row], step: Step
) -> None:
    reading = comparison.fold("appointment", [answer(practice, step)])
    difference = comparison.compare(reading, standing_of(known, gone))
    after = expected(known, step, stops=False)
    assert set(difference.new["source_id"]) == set(step.delivered) - set(known)
    assert set(difference.changed["source_id"]) == {i for i, row in step.delivered.items() if known.get(i, row) != row}
    assert set(difference.gone["source_id"]) == set(known) - set(after) - set(step.delivered)
    assert difference.rows().schema == {**records.schema("appointment"), "removed": pl.Boolean}
    ids = difference.rows()["source_id"]
    assert ids.len() == ids.n_unique()
