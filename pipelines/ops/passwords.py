"""Password hashes: argon2id, 64 MiB, 3 rounds (RFC 9106, second recommended option).

At most two are computed at once in a process: a third waits, so that a burst of sign-ins cannot take all memory.
"""

from __future__ import annotations

import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import Type

_AT_ONCE = threading.BoundedSemaphore(2)

hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4, hash_len=32, salt_len=16, type=Type.ID)


def make(password: str) -> str:
    """The hash of a new password, with its salt and parameters in it."""
    with _AT_ONCE:
        return hasher.hash(password)


def matches(hashed: str | None, password: str) -> bool:
    """Whether the password is the one; without a hash (no such user) it costs the same and is not."""
    with _AT_ONCE:
        try:
            hasher.verify(hashed or _nobody(hasher), password)
        except VerifyMismatchError:
            return False
    return hashed is not None


def outdated(hashed: str) -> bool:
    """Whether the hash has other parameters than new ones have."""
    return hasher.check_needs_rehash(hashed)


@cache
def _nobody(of: PasswordHasher) -> str:
    """The hash that stands for users that do not exist; nobody knows its password."""
    return of.hash(secrets.token_urlsafe(32))
