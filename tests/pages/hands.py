"""Two ways to use a page in a browser, by mouse and by keyboard, with the same words: a test runs once for each.

The keyboard may put the focus on a part only if Tab could: `reach` asks for that. Data grids are drawn on a canvas;
their rows are found by their place with the mouse and by arrow keys with the keyboard.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Protocol

from playwright.sync_api import Locator, Page, expect

#: Streamlit's grids: height of the header and of a row, and the middle of the column of check boxes, in pixels.
HEADER, ROW, CHECK_BOX = 36, 36, 18


class Hand(Protocol):
    """One way to use the page."""

    def press(self, part: Locator) -> None:
        """A button, a link, a switch."""

    def choose(self, box: Locator, option: str) -> None:
        """An option of a select box."""

    def segment(self, page: Page, option: str) -> None:
        """One of the segments side by side."""

    def ask_help(self, icon: Locator) -> None:
        """Have the text of a help icon shown."""

    def enter_day(self, field: Locator, *days: dt.date) -> None:
        """A day, or the first and the last, in a date field."""

    def pick_row(self, grid: Locator, row: int) -> None:
        """The check box of a row of a data grid, from 0 on."""

    def pick_cell(self, page: Page) -> None:
        """The weekday of the first cell of the heatmap; its box does the same for whoever has no mouse."""


class Mouse:
    """Points and clicks."""

    def press(self, part: Locator) -> None:
        part.click()

    def choose(self, box: Locator, option: str) -> None:
        settled(box.page)
        box.scroll_into_view_if_needed()
        drawn(box.page)  # scrolling closes a list, and is told to it one frame late
        box.click()
        box.page.get_by_role("option", name=option, exact=True).click()

    def segment(self, page: Page, option: str) -> None:
        page.get_by_role("radio", name=option, exact=True).click()

    def ask_help(self, icon: Locator) -> None:
        settled(icon.page)
        icon.scroll_into_view_if_needed()
        drawn(icon.page)  # a tooltip closes when the page scrolls under it
        icon.hover()

    def enter_day(self, field: Locator, *days: dt.date) -> None:
        settled(field.page)
        field.get_by_test_id("stDateInputCalendarButton").click()
        calendar = field.page.get_by_test_id("stDateInputCalendar")
        expect(calendar).to_be_visible()
        for day in days:
            month = f"{MONTHS[day.month - 1]} {day.year}"
            if not calendar.get_by_role("heading", name=month).count():  # a span opens at the month of its first day
                calendar.get_by_role("button", name="Next month").click()
            calendar.get_by_role("button", name=re.compile(rf"\b{day.day}\. {month}")).click()

    def pick_row(self, grid: Locator, row: int) -> None:
        settled(grid.page)
        grid.scroll_into_view_if_needed()
        place = grid.get_by_test_id("data-grid-canvas").bounding_box()
        assert place is not None
        # by its place: what scrolls the grid lies above the canvas
        grid.page.mouse.click(place["x"] + CHECK_BOX, place["y"] + HEADER + ROW * row + ROW // 2)

    def pick_cell(self, page: Page) -> None:
        cells = page.get_by_test_id("stVegaLiteChart").nth(1).locator("path[aria-roledescription='rect mark']")
        cells.first.click(force=True)


class Keyboard:
    """Tab, arrows, Enter, Space and letters."""

    def press(self, part: Locator) -> None:
        reach(part)
        part.press("Space" if part.get_attribute("role") == "switch" else "Enter")

    def choose(self, box: Locator, option: str) -> None:
        settled(box.page)
        reach(box)
        box.page.keyboard.type(option)
        expect(box.page.get_by_role("option", name=option, exact=True)).to_be_visible()
        box.page.keyboard.press("Enter")

    def segment(self, page: Page, option: str) -> None:
        target = page.get_by_role("radio", name=option, exact=True)
        names = page.get_by_role("radio").all_inner_texts()
        chosen = page.get_by_role("radio", checked=True)
        steps = names.index(option) - names.index(chosen.inner_text())
        reach(chosen)
        for _ in range(abs(steps)):
            page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
        expect(target).to_be_focused()
        page.keyboard.press("Enter")

    def ask_help(self, icon: Locator) -> None:
        reach(icon)
        # a tooltip opens for who comes by Tab, not for a script that sets the focus; a grid before it has its own stops
        icon.page.keyboard.press("Shift+Tab")
        for _ in range(12):
            icon.page.keyboard.press("Tab")
            if is_focused(icon):
                break

    def enter_day(self, field: Locator, *days: dt.date) -> None:
        settled(field.page)
        parts = field.get_by_role("spinbutton")
        for number, day in enumerate(days):
            reach(parts.nth(3 * number))
            field.page.keyboard.type(f"{day:%d%m%Y}")
        reach(field.get_by_test_id("stDateInputCalendarButton"))
        field.page.keyboard.press("Tab")

    def pick_row(self, grid: Locator, row: int) -> None:
        settled(grid.page)
        canvas = grid.get_by_test_id("data-grid-canvas")
        reach(canvas)
        canvas.press("Control+Home")
        for _ in range(row):
            canvas.press("ArrowDown")
        canvas.press("Shift+Space")

    def pick_cell(self, page: Page) -> None:
        self.choose(page.get_by_role("combobox", name="Wochentag"), "Mo")


MONTHS = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
    "Dezember",
)  # fmt: skip


def settled(page: Page) -> None:
    """Wait until the page has been drawn: what is drawn anew closes a list that was opened meanwhile."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def drawn(page: Page) -> None:
    """Wait for two frames."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def is_focused(part: Locator) -> bool:
    """Whether the next key goes there."""
    return bool(part.evaluate("e => e === document.activeElement"))


def reach(part: Locator) -> None:
    """Put the focus on a part that Tab reaches too."""
    assert part.evaluate("e => e.tabIndex") >= 0, part
    part.focus()
    expect(part).to_be_focused()
