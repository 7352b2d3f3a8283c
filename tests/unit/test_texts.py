"""Foreign text in places that read Markdown: nothing in it may become a link, an image, a colour or a formula."""

from __future__ import annotations

import ast
import html
import inspect
import re
from string import Formatter
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import casts, intake, records
from connectors.booking import frames
from dashboards import record_words, texts
from pipelines import errors

#: What CommonMark, GFM's bare addresses and Streamlit's own directives would act on.
HOSTILE = [
    "![x](http://evil.example/i.png)",
    "[klick](http://evil.example)",
    "<img src=http://evil.example/j>",
    "<http://evil.example>",
    "www.evil.example",
    "https://evil.example/a?b=c",
    "mail@evil.example",
    ":red[rot] :material/delete: :smile:",
    "$\\frac{1}{2}$",
    "# Überschrift",
    "- Punkt",
    "1. Punkt",
    "> Zitat",
    "`code`",
    "&amp; &#33;",
    "a\nb\r\n# c",
    "~~weg~~ **fett** _kursiv_",
]
ADDRESS = re.compile(r"(https?|ftp|mailto|xmpp):[^\W]|://|www\.\w|\w@\w|\w\.\w")


def rendered(markdown: str) -> str:
    """What is left to read once backslashes have done their work."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)


@pytest.mark.parametrize("foreign", HOSTILE)
def test_every_sign_that_means_something_is_escaped(foreign: str) -> None:
    escaped = texts.plain(foreign)
    assert not re.search(r"(?<!\\)(\\\\)*[!\"#$%&'()*+,\-./:;<=>?@\[\]^_`{|}~]", escaped.replace("\\\\", ""))
    assert "\n" not in escaped


@pytest.mark.parametrize("foreign", HOSTILE)
def test_nothing_looks_like_an_address_any_more(foreign: str) -> None:
    assert not ADDRESS.search(rendered(texts.plain(foreign)))


@given(st.text())
def test_it_reads_as_before(foreign: str) -> None:
    shown = html.unescape(rendered(texts.plain(foreign))) if "&" not in foreign else rendered(texts.plain(foreign))
    assert shown.replace("\u2060", "") == " ".join(foreign.split()).replace("\u2060", "")


def test_an_ordinary_name_stays_what_it_is() -> None:
    assert texts.plain("Aylin Öztürk") == "Aylin Öztürk"
    assert rendered(texts.plain("Dr. O'Brien-Müller")).replace("\u2060", "") == "Dr. O'Brien-Müller"


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_sentences_with_gaps_name_only_what_the_pages_fill() -> None:
    reasons = [part for pair in texts.REASONS.values() for part in pair]
    assert set().union(*map(placeholders, reasons)) == {"time"}
    assert set().union(*(placeholders(text) for _, text in texts.TILES.values())) == {"hours"}
    assert set().union(*map(placeholders, texts.REQUESTS.values())) == {"time"}


#: DOMAIN 6.2: words that practice people misread must not come back.
MISREAD = ["Wahrgenommen", "No-Show", "Slot", "Sync-", "Datenfluss", "Zeilen heute", "n=", "PP", "Fragmentierung"]


def test_no_word_that_is_misread() -> None:
    public = [value for name, value in vars(texts).items() if name.isupper() and not name.startswith("_")]
    everything = "\n".join(str(value) for value in public)
    found = [word for word in MISREAD if word in everything]
    assert found == []


@pytest.mark.parametrize("resource", sorted(records.RECORDS))
def test_every_record_type_and_every_field_has_a_german_name(resource: str) -> None:
    assert record_words.resource(resource) in record_words.RESOURCES.values()
    nameless = [name for name in records.columns(resource) if record_words.field(resource, name) == name]
    assert nameless == []


def rules_of(module: ModuleType) -> set[str]:
    """Rules that a connector's module gives to doubts: kebab words that stand in its code as texts."""
    tree = ast.parse(inspect.getsource(module))
    texts_in = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    said = {name for name in texts_in if re.fullmatch(r"[a-z]+(-[a-z]+)+", name)}
    return said | (texts_in & {"missing", "unreadable", "format"})


def test_every_rule_of_a_connector_has_its_german_words() -> None:
    rules = rules_of(casts) | rules_of(intake) | set(frames._EXPECTED)
    assert rules == set(record_words.RULES)


def test_what_was_expected_is_said_in_german_with_the_formats() -> None:
    wanted = [*casts._WANTED.values(), "a date and a time"]
    said = [record_words.expected("unreadable", text) for text in wanted]
    assert not set(said) & {*wanted, record_words.RULES["unreadable"][1]}
    assert record_words.expected("unreadable", "a day as %d.%m.%Y or %Y%m%d") == "ein Datum (%d.%m.%Y oder %Y%m%d)"
    assert record_words.expected("unreadable", "something else") == "ein lesbarer Wert"
    assert record_words.expected("ends-before-start", "an end after the start") == "ein Ende nach dem Beginn"


def test_what_nobody_translated_is_shown_as_it_is() -> None:
    assert record_words.rule("a-new-rule") == "a-new-rule"
    assert record_words.expected("a-new-rule", "what it wants") == "what it wants"
    assert record_words.expected("a-new-rule", None) == ""
    assert record_words.field("appointment", "a_new_field") == "a_new_field"
    assert record_words.field("schedule", None) == ""
    assert record_words.resource("a_new_record") == "a_new_record"


def test_every_trouble_is_an_error_of_the_pipeline() -> None:
    assert all(issubclass(getattr(errors, name), errors.PipelineError) for name in texts.TROUBLES if name)
