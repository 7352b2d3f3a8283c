"""Which values of a coded column may be shown where no patient may be seen: codes, and nothing that is none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

#: More different values than this are no list of codes.
FEW = 24

#: A code that may be shown by itself: a sign or two, a short mark, a small number.
_PLAIN = re.compile(r"\W{1,2}|[A-Za-z][0-9]?|[A-Z0-9]{1,3}|[a-z]{2}|\d{1,4}|-\d{1,2}")
#: A word that may be shown if it stands for many rows.
_WORD = re.compile(r"[^\d@,;]{2,32}|[A-Za-z_\-]{2,24}\d?")


def presentable(
    counts: Iterable[tuple[str, int]], known: Callable[[str], bool] = lambda _: False
) -> tuple[list[tuple[str, int]], int]:
    """Codes that may be shown with their rows, the most frequent first, and how many are held back.

    A column may be another one than its name says, so a value is shown only if it is a code by its form: a sign, a
    short mark, a small number, a word that is `known`, or a word that repeats throughout a short list.
    """
    counted = Counter(dict(counts))
    total, short = sum(counted.values()), len(counted) <= FEW
    repeats = total >= 10 * len(counted)
    shown = [
        (code, rows)
        for code, rows in sorted(counted.items(), key=lambda one: (-one[1], one[0]))
        if known(code) or (short and _PLAIN.fullmatch(code)) or (short and repeats and rows >= 5 and _is_word(code))
    ]
    return shown, len(counted) - len(shown)


def _is_word(code: str) -> bool:
    return _WORD.fullmatch(code) is not None and code.count(" ") <= 2
