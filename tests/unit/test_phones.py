"""Telephone numbers as a reception types them."""

import polars as pl
import pytest

from connectors import phones


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0351/54321-0", "+49351543210"),
        ("+49(0)89 1234567", "+49891234567"),
        ("(089) 123 45 67", "+49891234567"),
        ("0049 30 1234567", "+49301234567"),
        ("02362 / 551 55270", "+49236255155270"),
        ("0171-2345678", "+491712345678"),
        ("+43 1 5123456", "+4315123456"),
        ("03581-7654321 Büro", "+4935817654321"),
        ("0711-40760107 (Sohn)", "+4971140760107"),
        ("Mutter: 030 1234567", "+49301234567"),
        ("0049613179843 ab 18 Uhr", "+49613179843"),
        ("54321", None),
        ("171 2345678", None),
        ("110", None),
        ("keine", None),
        ("0", None),
        ("0" * 40, None),
    ],
)
def test_a_number_as_it_is_written(text, number):
    assert phones.to_e164(text) == number


def test_a_column_keeps_its_rows():
    texts = pl.Series("phone", ["030 1234567", None, "nichts", "030 1234567"])
    assert phones.e164(texts).to_list() == ["+49301234567", None, None, "+49301234567"]


def test_a_column_without_any_number():
    assert phones.e164(pl.Series("phone", [None, None], dtype=pl.String)).to_list() == [None, None]
