"""Script time of both pages over a million appointments, as a signed-in manager sees them.

Each round is a process of its own with a server's modules loaded and the practice open, as `dashboards.serve` leaves
it. The first drawing imports the pages and opens the published files; then filters change, then nothing does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bulk_practice import arguments, bulk_practice, size_of
from measure import Goal, Round, median, once, report

from pipelines.ops.database import open_ops
from pipelines.practice import Practice

FIRST_S, FILTER_S = 0.9, 0.3

PAGES = ("utilisation", "connections")

#: A filter by the key of its widget, and what it is changed to, in this order; None: the second of its options.
FILTERS: tuple[tuple[str, str, str | None], ...] = (
    ("selectbox", "filter_zeitraum", "12w"),
    ("selectbox", "filter_standort", None),
    ("segmented_control", "filter_ansicht", "people"),
    ("selectbox", "filter_zeitraum", "52w"),
    ("selectbox", "filter_behandler", None),
    ("selectbox", "filter_wochentag", "2"),
)

#: Seconds by the clock and on a processor.
Times = dict[str, tuple[float, float]]


def look(folder: str, page: str) -> dict[str, Any]:
    """One person looks at a page for the first time and works with it."""
    begun = time.monotonic()
    from streamlit import logger  # noqa: PLC0415  (what a server has loaded is told apart from the rest)
    from streamlit.testing.v1 import AppTest  # noqa: PLC0415

    from dashboards import data  # noqa: PLC0415

    logger.set_log_level("ERROR")
    practice = Practice.open(folder)
    with open_ops(practice) as o:
        data.serve_from(practice, o, lambda _viewer: None)
        times: Times = {"server": (time.monotonic() - begun, 0.0)}
        at = AppTest.from_string(f"from dashboards.views.{page} import {page}\n{page}()", default_timeout=120)
        at.user = {"name": "Ada", "roles": "manager", "session": "digest"}
        _timed(times, "first", at.run)
        _sound(at)
        if page == "utilisation":
            _work(at, times)
        _timed(times, "nothing changes", at.run)
        _sound(at)
    return {"times": times}


def _work(at: Any, times: Times) -> None:
    """Change one filter after another, then open a day with its patients."""
    for number, (kind, key, value) in enumerate(FILTERS, start=1):
        widget = getattr(at, kind)(key=key)
        chosen = widget.options[1] if value is None else value
        # options are what is shown; the value is the key behind them
        widget = widget.select_index(1) if value is None else widget.set_value(chosen)
        _timed(times, f"filter {number} {key.removeprefix('filter_')}", widget.run)
        _sound(at)
    days = [table.value for table in at.dataframe if "service_date" in table.value.columns][-1]
    day = at.date_input(key="filter_tag").set_value(days["service_date"].iloc[0])
    _timed(times, "a day with names", day.run)
    _sound(at)


def _timed(times: Times, what: str, work: Callable[[], Any]) -> None:
    begun, busy = time.monotonic(), time.process_time()
    work()
    times[what] = (time.monotonic() - begun, time.process_time() - busy)


def _sound(at: Any) -> None:
    """A page that failed is fast."""
    if at.exception or at.error or not at.metric:
        raise RuntimeError(f"the page says {[one.message for one in at.exception]} {[one.value for one in at.error]}")


def main() -> None:
    """Make the practice, look at its pages, say what came out."""
    given = arguments("Script time of both pages.").parse_args()
    rows: dict[str, list[Round]] = {}
    with bulk_practice(size_of(given), given.folder) as bulk:
        for _ in range(given.rounds):
            for page in PAGES:
                one = once(look, str(bulk.folder), page)
                for what, (seconds, cpu) in one.result["times"].items():
                    rows.setdefault(f"{page}: {what}", []).append(Round(seconds, one.peak_mb, None, cpu))
        first = max(median(rows[f"{page}: first"]) for page in PAGES)
        changed = {name: median(measured) for name, measured in rows.items() if "filter" in name or "day" in name}
        slowest = max(changed, key=changed.__getitem__)
        goals = [
            Goal("first drawing, slower page, s", first, FIRST_S),
            Goal(f"filter change, slowest ({slowest}), s", changed[slowest], FILTER_S),
        ]
        report("page", rows, goals, size=vars(bulk.size))


if __name__ == "__main__":
    main()
