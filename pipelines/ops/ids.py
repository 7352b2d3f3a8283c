"""New ids: ULIDs, 26 characters of Crockford's base 32, sortable by the time of their making.

The last 80 of their 128 bits come from the operating system's generator and none from what the id stands for: an id
tells nothing about a person. Source: https://github.com/ulid/spec
"""

from __future__ import annotations

import datetime as dt
import secrets

import numpy as np

from pipelines.ops.models.base import to_microseconds

_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", dtype="S1")
_BITS = np.array([16, 8, 4, 2, 1], dtype=np.uint8)
_TIME_CHARACTERS = 10
_RANDOM_CHARACTERS = 16
_RANDOM_BYTES = 10


def new_ids(count: int, now: dt.datetime) -> list[str]:
    """This many new ids of one moment, in ascending order."""
    bits = np.unpackbits(np.frombuffer(secrets.token_bytes(count * _RANDOM_BYTES), dtype=np.uint8))
    letters = _ALPHABET[bits.reshape(count, _RANDOM_CHARACTERS, 5) @ _BITS]
    tails = np.ascontiguousarray(letters).view(f"S{_RANDOM_CHARACTERS}").ravel()
    prefix = _time_text(now)
    return [prefix + tail.decode() for tail in np.sort(tails).tolist()]


def new_id(now: dt.datetime) -> str:
    """One new id."""
    return new_ids(1, now)[0]


def _time_text(now: dt.datetime) -> str:
    """Milliseconds since 1970 as the leading 48 bits."""
    milliseconds = to_microseconds(now) // 1000
    digits = ((milliseconds >> 5 * place) & 31 for place in reversed(range(_TIME_CHARACTERS)))
    return b"".join(_ALPHABET[digit] for digit in digits).decode()
