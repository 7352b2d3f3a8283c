"""The scanner finds what is planted, in every form and place, and says what it does not look for."""

from __future__ import annotations

import base64
import random
import sqlite3
import zlib
from pathlib import Path

import duckdb
import pytest

from tests.kit.canary import NOT_A_WORD, OWN_WORD, TOO_SHORT, Found, Scanner, people_of

TOKENS = ("Quittenbaum", "+4915550100200", "A123456789", "Birkenweg 12", "eva@example.org", "Jäger-Öl", "Abel", "Ng")
LONG = TOKENS[:6]


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner(TOKENS)


def _forms(token: str) -> dict[str, bytes]:
    made = {}
    for name, text in (("utf-8", token.encode()), ("utf-16le", token.encode("utf-16-le"))):
        made[name] = text
        made[f"hex of {name}"] = text.hex().encode()
        made[f"base64 of {name}"] = base64.b64encode(b"name=" + text + b";")
    return made


@pytest.mark.parametrize("token", LONG)
@pytest.mark.parametrize("before", range(4))
def test_every_form_is_found_among_random_bytes_wherever_it_lies(scanner: Scanner, token: str, before: int) -> None:
    dice = random.Random(before)
    for form, planted in _forms("x" * before + token).items():
        content = dice.randbytes(50_000 + before) + planted + dice.randbytes(1_000)
        assert scanner.in_bytes(content, "here") == {Found("here", token, form)}


@pytest.mark.parametrize("written", [str.upper, str.lower])
def test_capitals_hide_nothing(scanner: Scanner, written: object) -> None:
    assert {one.token for one in scanner.in_bytes(written("Quittenbaum").encode())} == {"Quittenbaum"}


def test_a_token_on_the_edge_of_two_pieces_is_found(scanner: Scanner) -> None:
    content = bytes((1 << 22) - 4) + b"Quittenbaum" + bytes(100)
    assert {one.token for one in scanner.in_bytes(content)} == {"Quittenbaum"}


def test_a_name_that_is_shorter_in_capitals_hides_no_other() -> None:
    scanner = Scanner(["Yıldı", "Quittenbaum", "Zander"])
    assert {one.token for one in scanner.in_bytes(b"-Quittenbaum-Zander-")} == {"Quittenbaum", "Zander"}


def test_random_bytes_hold_nobody(scanner: Scanner) -> None:
    assert scanner.in_bytes(random.Random(1).randbytes(3_000_000)) == set()


def test_what_is_not_looked_for_has_a_reason() -> None:
    own = ["Labor", "Marktplatz 1, Aschaffenburg", "Heilige Drei Könige"]
    scanner = Scanner([*TOKENS, "Labor", "Marktplatz 1", "König", ""], own)
    own_words = {"Labor": OWN_WORD, "Marktplatz 1": OWN_WORD}
    assert scanner.skipped == {**own_words, "König": OWN_WORD, "Abel": TOO_SHORT, "Ng": TOO_SHORT}
    assert scanner.skipped_words == {**own_words, "Ng": NOT_A_WORD}
    assert {one.token for one in scanner.in_text("König")} == {"König"}
    assert scanner.in_text("im Labor, Marktplatz 1") == set()


def test_short_names_are_found_as_whole_words(scanner: Scanner) -> None:
    assert scanner.in_text("herr abel war da") == {Found("", "Abel", "word")}
    assert scanner.in_text("Kabel") == set()


def test_in_prose_a_word_is_a_name_as_it_is_written() -> None:
    scanner = Scanner(["Can", "Abel", "Quittenbaum"])
    assert scanner.in_text("it can, and abel too", prose=True) == set()
    assert {one.token for one in scanner.in_text("Abel and quittenbaum", prose=True)} == {"Abel", "Quittenbaum"}


def test_tables_are_read_by_value_in_compressed_files_too(scanner: Scanner, tmp_path: Path) -> None:
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{tmp_path / 'planted.duckdb'}' AS planted")
        con.execute("CREATE TABLE planted.t AS SELECT 'Abel' AS who, i FROM range(100000) AS r(i)")
        con.execute("COMMENT ON COLUMN planted.t.i IS 'asked by Quittenbaum'")
        assert scanner.in_duckdb(con, "planted") == {
            Found("t.who", "Abel", "word"),
            Found("comments", "Quittenbaum", "utf-8"),
        }


def test_sqlite_values_are_opened_if_they_are_compressed(scanner: Scanner, tmp_path: Path) -> None:
    path = tmp_path / "planted.db"
    with sqlite3.connect(path) as con:
        con.execute("CREATE TABLE t (a TEXT, b BLOB)")
        con.execute("INSERT INTO t VALUES (?, ?)", ("kvnr A123456789", zlib.compress(b"Birkenweg 12")))
    con.close()
    assert {one.token for one in scanner.in_sqlite(path)} == {"A123456789", "Birkenweg 12"}


def test_tokens_of_people_are_their_names_numbers_and_addresses() -> None:
    row = {
        "family_name": "Jäger-Öl", "given_name": "Eva Maria", "kvnr": "A123456789", "mobile": "0151/555",
        "mobile_e164": "+49151555", "email": "eva@example.org", "street": "Weg 1", "city": "Dresden",
        "birth_name": None,
    }  # fmt: skip
    assert people_of({"patient": [row]}) == {
        "Jäger-Öl", "Jäger", "Öl", "Eva Maria", "Eva", "Maria", "A123456789", "0151/555", "+49151555", "49151555",
        "eva@example.org", "Weg 1",
    }  # fmt: skip
