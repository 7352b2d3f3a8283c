"""What becomes of a row that stands in raw, by how much the reading covers and what the source says about the row."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.land import usual_window
from pipelines.ops import Ops
from pipelines.practice import Practice
from tests.kit.landing import appointment, land_once, versions
from tests.kit.practices import ScriptedSource, Shelf, batch, rows

#: Where the row "a" lies: in the window that is read whole each time, or a year before it.
NEAR, FAR = 1, -365

#: The reading, where the row lies, what the source says about it -> what is added to raw.
TABLE = [
    ("changes", NEAR, "not delivered", "nothing"),
    ("changes", NEAR, "the same", "nothing"),
    ("changes", NEAR, "different", "changed"),
    ("changes", NEAR, "reported as removed", "tombstone"),
    ("changes", NEAR, "removed and delivered", "nothing"),
    ("changes", NEAR, "set aside", "nothing"),
    ("window", NEAR, "not delivered", "tombstone"),
    ("window", NEAR, "the same", "nothing"),
    ("window", NEAR, "different", "changed"),
    ("window", NEAR, "reported as removed", "tombstone"),
    ("window", NEAR, "set aside", "nothing"),
    ("window", FAR, "not delivered", "nothing"),
    ("window", FAR, "moved into the window", "changed"),
    ("full", NEAR, "not delivered", "tombstone"),
    ("full", NEAR, "the same", "nothing"),
    ("full", NEAR, "different", "changed"),
    ("full", NEAR, "set aside", "nothing"),
    ("full", FAR, "not delivered", "tombstone"),
    ("full", FAR, "different", "changed"),
]


def said(about: str, days: int) -> tuple[list[dict[str, Any]], list[str], list[dict[str, Any]]]:
    """Delivered rows, removed ids and rejected rows."""
    same, other = appointment("a", days=days), appointment("a", days=days, status="arrived")
    aside = {"resource": "appointment", "source_id": "a", "field": "end", "rule": "required", "payload": "{}"}
    return {
        "not delivered": ([], [], []),
        "the same": ([same], [], []),
        "different": ([other], [], []),
        "moved into the window": ([appointment("a", days=NEAR)], [], []),
        "reported as removed": ([], ["a"], []),
        "removed and delivered": ([same], ["a"], []),
        "set aside": ([], [], [aside]),
    }[about]


@pytest.mark.parametrize(("scope", "days", "about", "becomes"), TABLE)
def test_what_becomes_of_a_row(
    practice: Practice, ops: Ops, sources: dict[str, ScriptedSource],
    scope: str, days: int, about: str, becomes: str,
) -> None:  # fmt: skip
    others = [appointment("b"), appointment("c", days=FAR)]
    source = sources["pvs"]
    source.shelves["appointment"] = Shelf(rows("appointment", appointment("a", days=days), *others))
    land_once(practice, ops)

    delivered, removed, rejected = said(about, days)
    with_others = {"changes": [], "window": others[:1], "full": others}[scope]
    source.answers["appointment"] = [
        batch(
            "appointment",
            rows("appointment", *delivered, *with_others),
            scope=scope,
            window=usual_window(practice) if scope == "window" else None,
            removed=removed,
            rejected=rejected,
        )
    ]
    read = land_once(practice, ops, scope="full" if scope == "full" else "changes").sources[0]

    added = versions(practice, "appointment").filter(run=2)
    assert (read.new, read.changed, read.removed) == (0, int(becomes == "changed"), int(becomes == "tombstone"))
    if becomes == "nothing":
        assert added.is_empty()
        return
    (row,) = added.rows(named=True)
    assert row["removed"] is (becomes == "tombstone")
    last_known = appointment("a", days=days) if becomes == "tombstone" else delivered[0]
    assert {name: row[name] for name in last_known} == last_known


def test_a_row_that_was_gone_and_comes_back_is_new(
    practice: Practice, ops: Ops, sources: dict[str, ScriptedSource]
) -> None:
    shelf = sources["pvs"].shelves["appointment"] = Shelf(rows("appointment", appointment("a"), appointment("b")))
    whole = shelf.frame
    land_once(practice, ops)
    shelf.frame = whole.filter(source_id="b")
    assert land_once(practice, ops).sources[0].removed == 1
    assert land_once(practice, ops).segment is None
    shelf.frame = whole
    assert land_once(practice, ops).sources[0].new == 1
    history = versions(practice, "appointment").filter(source_id="a")
    assert history["removed"].to_list() == [False, True, False]


#: Live rows, how many of them are no longer delivered, which reading -> whether a person is asked.
REMOVALS = [
    (100, 20, "full", False),
    (100, 21, "full", True),
    (100, 100, "full", True),
    (60, 19, "full", False),
    (30, 19, "full", False),
    (30, 20, "full", True),
    (2, 1, "full", False),
    (2, 2, "full", True),
    (1, 1, "full", True),
    (100, 21, "window", True),
    (100, 20, "window", False),
    (3, 3, "window", True),
]


@pytest.mark.parametrize(("live", "gone", "scope", "asks"), REMOVALS)
def test_when_removals_need_a_yes(
    practice: Practice, ops: Ops, sources: dict[str, ScriptedSource], live: int, gone: int, scope: str, asks: bool
) -> None:
    shelf = sources["pvs"].shelves["appointment"] = Shelf(
        rows("appointment", *(appointment(f"{number:03}") for number in range(live)))
    )
    land_once(practice, ops)
    shelf.frame = shelf.frame.tail(live - gone) if gone < live else shelf.frame.clear()
    extent = "full" if scope == "full" else "changes"
    read = land_once(practice, ops, scope=extent).sources[0]
    assert (read.state, read.removed) == (("stopped", 0) if asks else ("ok", gone))
    if asks:
        yes = land_once(practice, ops, scope=extent, accept_removals=True).sources[0]
        assert (yes.state, yes.removed) == ("ok", gone)
