"""Looks at the pages of an encrypted SQLite file one by one.

SQLCipher refuses a file whose first page does not verify with the same words for three different troubles. Its format
is documented: pages of 4096 bytes, the last 80 of each an IV of 16 and an HMAC-SHA512 of 64 over the page's text, the
IV and the page number; the first 16 bytes of the file are the salt; the HMAC's key is derived from the raw key and the
salt XOR 0x3a by 2 rounds of PBKDF2. So each page can be asked whether it was written under this key.

Source: https://www.zetetic.net/sqlcipher/design/ ; `tests/unit/test_ops_pages.py` holds it against the library.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path

PAGE = 4096
RESERVED = 80
SALT = 16
MAC = 64
_PLAIN_HEADER = b"SQLite format 3\x00"
#: A message names this many pages at most.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class PageState:
    """What a file's pages say under a key."""

    size: int
    plain: bool
    total: int
    broken: tuple[int, ...]

    @property
    def good(self) -> int:
        """Pages that were written under this key and are whole."""
        return self.total - len(self.broken)

    @property
    def whole_pages(self) -> bool:
        """Whether the size can be that of an encrypted database at all."""
        return self.size > 0 and self.size % PAGE == 0

    @property
    def description(self) -> str:
        """What it looks like instead, for a message."""
        if self.plain:
            return "it is an unencrypted SQLite database"
        return f"it has {self.size} bytes, expected a multiple of {PAGE}"

    @property
    def broken_text(self) -> str:
        """The broken pages by number, counted from 1."""
        named = ", ".join(str(page) for page in self.broken[:_NAMED])
        more = f" and {len(self.broken) - _NAMED} more" if len(self.broken) > _NAMED else ""
        return f"page {named}{more} of {self.total} was changed after it was written"


def look(path: Path, raw_key: str) -> PageState:
    """Which pages of the file verify under this key (64 hexadecimal digits). Reads the whole file once."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(SALT)
        total = size // PAGE
        mac_key = _mac_key(bytes.fromhex(raw_key), head)
        file.seek(0)
        broken = tuple(number for number in range(1, total + 1) if not _verifies(file.read(PAGE), number, mac_key))
    return PageState(size, head == _PLAIN_HEADER, total, broken)


def _mac_key(raw: bytes, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", raw, bytes(byte ^ 0x3A for byte in salt), 2, 32)


def _verifies(page: bytes, number: int, mac_key: bytes) -> bool:
    begin = SALT if number == 1 else 0
    signed, expected = page[begin : PAGE - MAC], page[PAGE - MAC :]
    found = hmac.new(mac_key, signed + number.to_bytes(4, "little"), hashlib.sha512).digest()
    return hmac.compare_digest(found, expected)
