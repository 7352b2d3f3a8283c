"""Both pages in a real Chromium, by mouse and by keyboard, under our CSP: nothing foreign is asked for."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
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


Open = Callable[..., Watched]


@pytest.fixture
def open_page(browser: Browser, server: Any) -> Iterator[Open]:
    """Sign in under a name, by keyboard, and open an address; at the end nothing foreign and no error."""
    opened: list[Watched] = []

    def opening(name: str, path: str) -> Watched:
        page = browser.new_context(viewport={"width": 1440, "height": 1000}, locale="de-DE").new_page()
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        watched = Watched(page, server.base)
        opened.append(watched)
        page.goto(server.base + path)
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type(server.password)
        page.keyboard.press("Enter")
        expect(page.locator("[data-testid=stMain] h1")).to_be_visible()
        return watched

    yield opening
    for watched in opened:
        watched.page.context.close()
        assert watched.foreign == []
        assert watched.errors == []


def test_utilisation_by_mouse(open_page: Open) -> None:
    page = open_page("chef", "/auslastung?zeitraum=12w").page
    assert urlsplit(page.url).query == "zeitraum=12w", "the filters survive the sign-in"
    expect(page.get_by_test_id("stMetric")).to_have_count(6)
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(3)
    assert re.search(r"\d{2},\d\s%", page.get_by_test_id("stMetric").first.inner_text())
    page.get_by_text("Je Behandler", exact=True).first.click()
    expect(page.get_by_role("heading", name="Je Behandler")).to_be_visible()
    assert "ansicht=people" in page.url
    page.get_by_text("Als Tabelle").first.click()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)


def test_a_cell_of_the_heatmap_leads_to_its_days(open_page: Open) -> None:
    page = open_page("chef", "/auslastung").page
    cell = page.get_by_test_id("stVegaLiteChart").nth(1).locator("path[aria-roledescription='rect mark']").nth(2)
    cell.click(force=True)
    expect(page.get_by_role("combobox", name=re.compile("Wochentag"))).to_be_visible()
    page.wait_for_url(re.compile("wochentag=1"))


def test_utilisation_by_keyboard(open_page: Open) -> None:
    page = open_page("empfang", "/auslastung").page
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(3)
    place = page.get_by_role("combobox").first
    place.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("standort="))
    page.get_by_label("Als Tabelle").first.focus()
    page.keyboard.press("Space")
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)


def test_names_are_drawn_as_text_and_load_nothing(open_page: Open) -> None:
    page = open_page("empfang", "/auslastung?tag=2026-11-18").page
    expect(page.get_by_role("heading", name="Termine am Mi 18.11.2026")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_have_count(3)
    assert page.locator("a[href*='evil']").count() == 0
    assert page.locator("img[src*='evil']").count() == 0


def test_a_press_of_the_button_is_answered(open_page: Open) -> None:
    page = open_page("edv", "/verbindungen").page
    button = page.get_by_role("button", name="Jetzt synchronisieren", exact=True).last
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("Auftrag: wartet seit 10:4")).first).to_be_visible()
    assert page.locator("a[href*='evil']").count() == 0


def test_after_sign_out_no_page_stays_on_any_screen(open_page: Open) -> None:
    watched = open_page("empfang", "/auslastung")
    page, address = watched.page, watched.page.url
    other = page.context.new_page()
    other.goto(address)
    expect(other.get_by_test_id("stMetric")).to_have_count(6)
    page.get_by_role("button", name="Abmelden").click()
    for one in (page, other):
        one.wait_for_url(re.compile("/anmelden"))
        expect(one.get_by_text("Die Sitzung ist beendet")).to_be_visible()
    other.goto(address)
    other.wait_for_url(re.compile("/anmelden"))
    watched.errors.clear()  # the browser notes each 401 after the sign-out, as it should


def test_the_language_is_german_and_every_control_has_a_name(open_page: Open) -> None:
    page = open_page("chef", "/auslastung").page
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(3)
    assert page.locator("html").get_attribute("lang") == "de"
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('[data-testid=stMain] :is(button, input, [role=combobox])')]
            .filter((e) => e.offsetParent && e.tabIndex >= 0)
            .filter((e) => !(e.ariaLabel || e.labels?.length || e.innerText || e.title
                || e.getAttribute('aria-labelledby')))
            .map((e) => e.outerHTML.slice(0, 200))"""
    )
    assert nameless == []
