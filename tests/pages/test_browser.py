"""Both pages in a real Chromium under our CSP: every part by mouse and by keyboard, each with what it changes.

The browser stands in New York, so that a time of the browser's own would show. One browser and one server for all.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from dashboards import texts

spec = importlib.util.spec_from_file_location("hands", Path(__file__).with_name("hands.py"))
assert spec is not None
assert spec.loader is not None
hands = importlib.util.module_from_spec(spec)
sys.modules["hands"] = hands
spec.loader.exec_module(hands)

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason="chromium is not installed (Debian package chromium)"),
]
PATIENCE = 60_000
#: Streamlit looks for its own address below the page's first and is told 404: that is how it finds its base.
PROBE = re.compile(r"/(auslastung|verbindungen)/_stcore/")
UTILISATION, CONNECTIONS = "/auslastung", "/verbindungen"

both_hands = pytest.mark.parametrize("hand", [hands.Mouse(), hands.Keyboard()], ids=["mouse", "keyboard"])


# not of the session: while Playwright is open, no other test of the process can run an event loop
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        expect.set_options(timeout=PATIENCE)
        yield browser
        browser.close()


class Watched:
    """A page, and what went wrong or elsewhere while it was open."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.foreign: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self._asked(request.url, base))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._console)

    def _asked(self, url: str, base: str) -> None:
        if not url.startswith((base, "data:", "blob:", base.replace("http", "ws", 1))):
            self.foreign.append(url)

    def _console(self, message: Any) -> None:
        if message.type == "error" and not PROBE.search(message.location.get("url", "")):
            self.errors.append(message.text)


def sign_in(context: BrowserContext, server: Any, name: str, path: str) -> Page:
    """By keyboard alone, from the form to the page that was asked for."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(server.base + path)
    expect(page.get_by_label("Name")).to_be_focused(timeout=PATIENCE)
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(server.password)
    page.keyboard.press("Enter")
    expect(page.locator("[data-testid=stMain] h1")).to_be_visible()
    return page


@pytest.fixture(scope="module")
def contexts(browser: Browser, server: Any) -> Iterator[Callable[[str], BrowserContext]]:
    """The browser of a user, signed in once."""
    known: dict[str, BrowserContext] = {}

    def context_of(name: str) -> BrowserContext:
        if name not in known:
            known[name] = _context(browser)
            sign_in(known[name], server, name, UTILISATION).close()
        return known[name]

    yield context_of
    for context in known.values():
        context.close()


def _context(browser: Browser) -> BrowserContext:
    return browser.new_context(viewport={"width": 1440, "height": 1000}, locale="de-DE", timezone_id="America/New_York")


Open = Callable[..., Page]


@pytest.fixture
def open_page(contexts: Callable[[str], BrowserContext], server: Any) -> Iterator[Open]:
    """Open an address as a user; at the end nothing foreign was asked for, no error was seen, all was German."""
    opened: list[Watched] = []

    def opening(name: str, path: str) -> Page:
        watched = Watched(contexts(name).new_page(), server.base)
        watched.page.set_default_timeout(PATIENCE)
        opened.append(watched)
        watched.page.goto(server.base + path)
        expect(watched.page.locator("[data-testid=stMain] h1")).to_be_visible()
        return watched.page

    yield opening
    for watched in opened:
        sound(watched.page)
        watched.page.close()
        assert watched.foreign == []
        assert watched.errors == []


#: What no German page writes: decimal points, thousands by comma, ISO days, slashes, empty values of programs.
FOREIGN_FORMATS = re.compile(
    r"\d\.\d+\s?%|\b\d{1,3},\d{3}\b|\d{4}-\d{2}-\d{2}|\d/\d{1,2}/\d|\b[AP]M\b|\bnan\b|\bNaT\b|\bNone\b|undefined"
)


def sound(page: Page) -> None:
    """No exception on the page, and every number and day in German."""
    expect(page.get_by_test_id("stException")).to_have_count(0)
    for place in ("stMain", "stSidebar"):
        written = page.get_by_test_id(place).inner_text()
        assert FOREIGN_FORMATS.findall(written) == [], place


def expect_query(page: Page, **expected: str) -> None:
    """The address names these filters."""
    for name, value in expected.items():
        page.wait_for_url(re.compile(rf"[?&]{name}={re.escape(value)}(&|$)"))


def charts(page: Page) -> Locator:
    return page.get_by_test_id("stVegaLiteChart")


def grid(page: Page, title: str) -> Locator:
    """The data grid of this name."""
    return page.get_by_test_id("stDataFrame").filter(has=page.locator(f"[aria-label='Search: {title}']"))


def cells(table: Locator, text: str) -> Locator:
    """Cells of a grid by what screen readers are told of them."""
    return table.locator("[role=gridcell]", has_text=text)


def heading(page: Page, name: str) -> Locator:
    return page.get_by_role("heading", name=name, exact=True)


def first_tile(page: Page) -> Locator:
    return page.get_by_test_id("stMetric").first


@both_hands
def test_navigation_and_the_sidebar(open_page: Open, hand: Any) -> None:
    page = open_page("chef", UTILISATION)
    hand.press(page.get_by_role("link", name="Verbindungen"))
    expect(heading(page, "Praxissoftware")).to_be_visible()
    assert urlsplit(page.url).path == CONNECTIONS
    hand.press(page.get_by_role("link", name="Auslastung"))
    expect(heading(page, texts.WATERFALL)).to_be_visible()
    assert urlsplit(page.url).path == UTILISATION
    page.get_by_test_id("stSidebar").hover()
    hand.press(page.locator("[aria-label='Collapse sidebar']"))
    expect(page.get_by_role("button", name="Abmelden")).not_to_be_in_viewport()
    hand.press(page.get_by_test_id("stExpandSidebarButton"))
    expect(page.get_by_role("button", name="Abmelden")).to_be_in_viewport()


@both_hands
def test_filters_change_the_figures_and_stand_in_the_address(open_page: Open, hand: Any) -> None:
    page = open_page("chef", UTILISATION)
    span = page.get_by_text(re.compile("Vorjahr: "))
    expect(span).to_have_text("26.10.–22.11.2026 · Vorjahr: 27.10.–23.11.2025")
    whole = first_tile(page).inner_text()
    hand.choose(page.get_by_role("combobox", name="Standort"), "Nordstraße 9")
    expect_query(page, standort="nord")
    expect(first_tile(page)).not_to_have_text(whole)
    hand.choose(page.get_by_role("combobox", name="Zeitraum"), "Letzte 12 Wochen")
    expect_query(page, zeitraum="12w")
    expect(span).to_have_text("31.08.–22.11.2026 · Vorjahr: 01.09.–23.11.2025")
    hand.choose(page.get_by_role("combobox", name="Zeitraum"), "Eigener Zeitraum")
    own = page.get_by_test_id("stDateInput").filter(has_text=texts.OWN_PERIOD)
    hand.enter_day(own, dt.date(2026, 11, 3), dt.date(2026, 11, 13))
    expect(span).to_have_text("03.11.–13.11.2026 · Vorjahr: 04.11.–14.11.2025")
    expect_query(page, von="2026-11-03", bis="2026-11-13")


@both_hands
def test_each_view_has_its_table(open_page: Open, hand: Any) -> None:
    page = open_page("chef", UTILISATION)
    expect(grid(page, texts.BY_LOCATION)).to_be_visible()
    hand.segment(page, "Räume")
    expect(heading(page, texts.BY_ROOM)).to_be_visible()
    expect(cells(grid(page, texts.BY_ROOM), "Labor")).to_have_count(1)
    expect(page.get_by_text(texts.ROOMS_NO_NAMES)).to_be_visible()
    expect_query(page, ansicht="rooms")
    hand.segment(page, "Je Behandler")
    expect(heading(page, texts.BY_PERSON).first).to_be_visible()
    hand.pick_row(grid(page, texts.BY_PERSON), 1)
    expect_query(page, ansicht="people", behandler="p2")
    expect(page.get_by_role("combobox", name="Behandler")).to_have_value("Dr. Jonas Weber")


@both_hands
def test_each_chart_as_a_table_and_back(open_page: Open, hand: Any) -> None:
    page = open_page("empfang", UTILISATION)
    expect(charts(page)).to_have_count(3)
    for number, value in enumerate(("Sprechzeit laut Plan", "Mo 8–9 Uhr", "KW 47 · 2026")):
        switch = page.get_by_role("switch", name=texts.AS_TABLE).nth(number)
        hand.press(switch if isinstance(hand, hands.Keyboard) else page.get_by_text(texts.AS_TABLE).nth(number))
        table = page.get_by_test_id("stTable")
        expect(table.get_by_role("cell", name=value, exact=True)).to_be_visible()
        expect(charts(page)).to_have_count(2)
        sound(page)
        hand.press(switch if isinstance(hand, hands.Keyboard) else page.get_by_text(texts.AS_TABLE).nth(number))
        expect(charts(page)).to_have_count(3)


@both_hands
def test_each_help_icon_says_what_a_figure_means_and_how_old_it_is(open_page: Open, hand: Any) -> None:
    page = open_page("analyse", UTILISATION)
    for label, definition in texts.TILES.values():
        hand.ask_help(page.get_by_role("button", name=f"Help for {label}"))
        expect(page.get_by_role("tooltip")).to_contain_text(definition.split("{")[0].strip())
        expect(page.get_by_role("tooltip")).to_contain_text("Daten bis 10:39.")


@both_hands
def test_from_a_figure_to_its_days_and_to_the_patients_of_a_day(open_page: Open, hand: Any) -> None:
    page = open_page("chef", UTILISATION)
    days = grid(page, texts.DRILL_DOWN)
    hand.pick_cell(page)
    expect_query(page, wochentag="1")
    expect(cells(days, "2026-11-16")).to_have_count(1)
    expect(cells(days, "2026-11-17")).to_have_count(0)
    hand.choose(page.get_by_role("combobox", name="Behandler"), "Dr. Aylin Demir")
    hand.choose(page.get_by_role("combobox", name="Wochentag"), "Mi")
    expect_query(page, wochentag="3", behandler="p1")
    hand.pick_row(days, 1)
    expect(heading(page, "Termine am Mi 11.11.2026")).to_be_visible()
    expect(cells(grid(page, "Termine am Mi 11.11.2026"), "Öztürk").first).to_be_attached()
    hand.enter_day(page.get_by_test_id("stDateInput").filter(has_text=texts.DAY), dt.date(2026, 11, 18))
    expect(heading(page, "Termine am Mi 18.11.2026")).to_be_visible()
    expect_query(page, tag="2026-11-18")


@both_hands
@pytest.mark.parametrize("title", [texts.TREND, texts.BY_LOCATION])
def test_a_chart_and_a_table_fill_the_screen_and_leave_it(open_page: Open, hand: Any, title: str) -> None:
    page = open_page("empfang", UTILISATION)
    part = charts(page).nth(2) if title == texts.TREND else grid(page, title)
    expect(part).to_be_visible()
    hands.settled(page)
    part.scroll_into_view_if_needed()
    hands.drawn(page)
    part.hover()
    hand.press(page.locator(f"[aria-label^='Fullscreen: {title}']"))
    expect(page.locator("[aria-label^='Close fullscreen']")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[aria-label^='Close fullscreen']")).to_have_count(0)


@both_hands
def test_a_press_of_each_button_waits_is_served_and_told(open_page: Open, server: Any, hand: Any) -> None:
    page = open_page("edv", CONNECTIONS)
    buttons = page.get_by_role("button", name=texts.SYNC_NOW, exact=True)
    waiting, done = (page.get_by_text(re.compile(f"Auftrag: {word}")) for word in ("wartet seit 1", "fertig um 1"))
    for button, cards in (
        (buttons.nth(0), 1),
        (buttons.nth(1), 1),
        (page.get_by_role("button", name=texts.SYNC_ALL), 2),
    ):
        hand.press(button)
        expect(waiting).to_have_count(cards)
        server.serve_requests()
        expect(waiting).to_have_count(0)  # without a press: the page looks again by itself
        expect(done.first).to_be_visible()


@both_hands
def test_help_on_the_connections(open_page: Open, hand: Any) -> None:
    page = open_page("edv", CONNECTIONS)
    helps = page.get_by_role("button", name="Help", exact=True)
    for number, text in enumerate((texts.UNMAPPED_HELP, texts.SET_ASIDE_HELP, texts.DOUBTFUL_HELP)):
        hand.ask_help(helps.nth(number))
        expect(page.get_by_role("tooltip")).to_have_text(text)
    for title in (texts.UNMAPPED, texts.SET_ASIDE, texts.DOUBTFUL):
        expect(grid(page, title)).to_be_visible()
    assert page.locator("a[href*='evil']").count() == 0


#: user -> (address, what it shows, what it must not show)
MAY = {
    "chef": {UTILISATION: True, CONNECTIONS: True},
    "empfang": {UTILISATION: True, CONNECTIONS: True},
    "edv": {UTILISATION: False, CONNECTIONS: True},
    "analyse": {UTILISATION: True, CONNECTIONS: False},
}


@pytest.mark.parametrize("name", MAY)
def test_a_typed_address_shows_what_the_role_may_see(open_page: Open, name: str) -> None:
    for path, allowed in MAY[name].items():
        page = open_page(name, f"{path}?ansicht=people&behandler=p1&tag=2026-11-18")
        refusal, shown = page.get_by_text(texts.NOT_ALLOWED), page.get_by_test_id("stMetric").first
        expect(shown if allowed else refusal).to_be_visible()
        expect(refusal if allowed else shown).to_have_count(0)
        expect(page.get_by_role("combobox", name="Behandler")).to_have_count(
            int(path == UTILISATION and name == "chef")
        )
        by_name = path == UTILISATION and name in {"chef", "empfang"}
        expect(page.get_by_text("Termine am Mi 18.11.2026")).to_have_count(int(by_name))
    first = next(path for path, allowed in MAY[name].items() if allowed)
    page.goto(f"{urlsplit(page.url).scheme}://{urlsplit(page.url).netloc}/")
    page.wait_for_url(re.compile(first))


def test_the_link_of_the_only_page_leads_back_to_it(open_page: Open) -> None:
    page = open_page("edv", UTILISATION)
    page.get_by_role("link", name="Verbindungen").click()
    expect(heading(page, "Praxissoftware")).to_be_visible()


def test_times_and_weeks_are_those_of_the_practice_wherever_the_browser_stands(open_page: Open) -> None:
    page = open_page("chef", UTILISATION)
    week = charts(page).nth(2).locator("text").filter(has_text="24.11.2025")
    expect(week).to_have_text("KW\u00a04824.11.2025")
    expect(charts(page).nth(2).locator("text").filter(has_text="16.11.2026")).to_have_text("KW\u00a04716.11.2026")
    expect(page.get_by_text("Daten bis 10:39")).to_be_visible()
    assert re.search(r"\d{2},\d\s%", first_tile(page).inner_text())


def test_names_are_drawn_as_text_and_load_nothing(open_page: Open) -> None:
    page = open_page("empfang", "/auslastung?tag=2026-11-18")
    expect(heading(page, "Termine am Mi 18.11.2026")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_have_count(3)
    assert page.locator("a[href*='evil']").count() == 0
    assert page.locator("img[src*='evil']").count() == 0


def test_the_language_is_german_and_every_control_has_a_name(open_page: Open) -> None:
    page = open_page("chef", UTILISATION)
    expect(charts(page)).to_have_count(3)
    assert page.locator("html").get_attribute("lang") == "de"
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('[data-testid=stMain] :is(button, input, [role=combobox])')]
            .filter((e) => e.offsetParent && e.tabIndex >= 0)
            .filter((e) => !(e.ariaLabel || e.labels?.length || e.innerText || e.title
                || e.getAttribute('aria-labelledby')))
            .map((e) => e.outerHTML.slice(0, 200))"""
    )
    assert nameless == []


@both_hands
def test_after_sign_out_no_page_stays_on_any_screen(browser: Browser, server: Any, hand: Any) -> None:
    with _context(browser) as context:
        page = sign_in(context, server, "empfang", "/auslastung?zeitraum=12w")
        assert urlsplit(page.url).query == "zeitraum=12w", "the filters survive the sign-in"
        address, other = page.url, context.new_page()
        other.goto(address)
        expect(other.get_by_test_id("stMetric")).to_have_count(6)
        hand.press(page.get_by_role("button", name="Abmelden"))
        for one in (page, other):
            one.wait_for_url(re.compile("/anmelden"))
            expect(one.get_by_text("Die Sitzung ist beendet")).to_be_visible()
        other.goto(address)
        other.wait_for_url(re.compile("/anmelden"))
