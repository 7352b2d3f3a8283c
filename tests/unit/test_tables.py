"""Tables: what a cell holds stays a number or a day, what it shows is German."""

from __future__ import annotations

import datetime as dt
import re

import polars as pl
from streamlit.testing.v1 import AppTest

from dashboards import tables

FRAME = pl.DataFrame(
    {
        "service_date": [dt.date(2026, 11, 23), None],
        "booked": [0.8571, None],
        "used_min": [690, None],
        "rows": [1234, None],
        "last_at": [dt.datetime(2026, 11, 3, 9, 5), None],  # noqa: DTZ001 (wall time)
        "name": ["<b>Ada</b>", None],
        "not_shown": [1, 2],
    }
)
HEADINGS = {name: name.upper() for name in FRAME.columns if name != "not_shown"}
SHOWN = ["Mo 23.11.2026", "85,7 %", "11 Std. 30 Min.", "1.234", "03.11.2026 09:05"]


def cells(styled: object) -> list[str]:
    """What a Styler shows, row by row."""
    found = re.findall(r"<td[^>]*>(.*?)</td>", styled.to_html(), re.DOTALL)  # type: ignore[attr-defined]
    return [cell.replace("\u00a0", " ").replace("&nbsp;", " ").strip() for cell in found]


def test_values_are_written_in_german_and_missing_ones_are_dashes() -> None:
    styled = tables._styled(FRAME.drop("not_shown"))
    assert cells(styled)[:5] == SHOWN
    assert cells(styled)[6:] == ["–"] * 6
    assert styled.data["rows"].dtype.kind == "f", "a number to sort by"


def draw() -> None:
    from dashboards import tables  # noqa: PLC0415 (AppTest runs the source of this function)
    from tests.unit.test_tables import FRAME, HEADINGS  # noqa: PLC0415

    tables.static_table(FRAME.drop("name"), HEADINGS, alt="x")
    tables.table(FRAME, HEADINGS, alt="x")


def test_both_kinds_of_table_have_german_headings_and_leave_out_what_has_none() -> None:
    at = AppTest.from_function(draw).run()
    assert not at.exception
    assert list(at.table[0].value.columns) == ["SERVICE_DATE", "BOOKED", "USED_MIN", "ROWS", "LAST_AT"]
    assert list(at.dataframe[0].value.columns) == list(HEADINGS)
