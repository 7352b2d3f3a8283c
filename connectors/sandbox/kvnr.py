"""The Krankenversichertennummer: a letter, eight digits, a check digit (§ 290 SGB V, annex 1)."""

from __future__ import annotations

import numpy as np
import polars as pl

from connectors.sandbox.names import Ints

#: How many numbers there are without the check digit: 26 letters, eight digits.
SPACE = 26 * 10**8

#: Weights of the ten digits: the letter as two (A = 01 ... Z = 26), then the eight.
_WEIGHTS = np.array([1, 2] * 5)
#: Shares no factor with SPACE, so that n -> n * STRIDE mod SPACE never meets twice and looks shuffled.
_STRIDE = 1_618_033_991


def check_digits(numbers: Ints) -> Ints:
    """The check digit of each number in [0, SPACE): sum of the cross-sums of the weighted digits, modulo 10."""
    letter, digits = numbers // 10**8 + 1, numbers % 10**8
    columns = [letter // 10, letter % 10, *(digits // 10**power % 10 for power in range(7, -1, -1))]
    products = np.stack(columns) * _WEIGHTS[:, None]
    total: Ints = (products // 10 + products % 10).sum(axis=0) % 10
    return total


def texts(numbers: Ints, check: Ints) -> pl.Series:
    """Ten characters: letter, eight digits, the given check digit."""
    letters = pl.Series([chr(ord("A") + i) for i in range(26)]).gather(numbers // 10**8)
    tail = pl.Series((numbers % 10**8) * 10 + check).cast(pl.String).str.zfill(9)
    return letters + tail


def distinct_numbers(n: int, rng: np.random.Generator) -> Ints:
    """`n` different numbers in [0, SPACE), n <= SPACE."""
    first = int(rng.integers(SPACE))
    return (first + np.arange(n, dtype=np.int64)) * _STRIDE % SPACE
