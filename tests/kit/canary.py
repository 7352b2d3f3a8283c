"""Looks for people where none may be: their names, numbers and addresses in files, tables and texts.

A token is looked for as it stands, in capitals and in small letters, in UTF-8, UTF-16LE, hexadecimal and base64 (at
each of the three places in which a base64 group can begin). Files are searched byte by byte; databases by their values
too, because pages may be compressed and a text may lie on two of them. There, words are compared whole, so that short
names count as well.
"""

from __future__ import annotations

import base64
import contextlib
import re
import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

#: Encrypted bytes are random: a shorter pattern would turn up in some megabytes of them by chance.
SHORTEST = 6
TOO_SHORT = f"shorter than {SHORTEST} bytes: would turn up by chance in encrypted bytes"
#: A word of two letters is an abbreviation as often as a name.
SHORTEST_WORD = 3
SHORTEST_IN_PROSE = 4
NOT_A_WORD = f"shorter than {SHORTEST_WORD} letters"
OWN_WORD = "a word of the practice's own: its locations, rooms, appointment types"

#: Bytes searched at once, so that a large file needs little memory.
_PIECE = 1 << 22
_BUCKETS = 22


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A token where it should not be: the place (file, table.column), and how it is written there."""

    place: str
    token: str
    form: str


class Scanner:
    """Made for a set of tokens; `skipped` says of each that is not looked for (in files, or in tables) why.

    :param own: texts that the practice publishes about itself; a name that is a word of them says nothing.
    """

    def __init__(self, tokens: Iterable[str], own: Iterable[str] = ()) -> None:
        given = sorted({token.strip() for token in tokens if token and token.strip()})
        own_text = "\n".join(own).casefold()
        self.skipped = _reasons(given, own_text, TOO_SHORT, lambda token: len(token.encode()) < SHORTEST)
        own_words = "\n".join(sorted(_words(own_text)))
        self.skipped_words = _reasons(
            given, f"\n{own_words}\n", NOT_A_WORD, lambda token: len(token) < SHORTEST_WORD, whole=True
        )
        self.words = {token.casefold(): token for token in given if token not in self.skipped_words}
        self._written = frozenset(self.words.values())
        self._patterns: dict[bytes, list[tuple[bytes, str, str]]] = defaultdict(list)
        for token in given:
            if token not in self.skipped:
                for form, pattern in _forms(token):
                    self._patterns[pattern[:SHORTEST]].append((pattern, token, form))
        self._prefixes = np.array(sorted(int.from_bytes(one, "little") for one in self._patterns), dtype=np.uint64)
        self._seen = np.zeros(1 << _BUCKETS, dtype=bool)
        self._seen[_bucket(self._prefixes)] = True

    def in_bytes(self, content: bytes, place: str = "") -> set[Found]:
        """What stands in a piece of memory."""
        found: set[Found] = set()
        longest = max((len(p) for patterns in self._patterns.values() for p, _, _ in patterns), default=0)
        for start in range(0, max(len(content), 1), _PIECE):
            piece = content[start : start + _PIECE + longest]
            found |= {Found(place, token, form) for token, form in self._in_piece(piece)}
        return found

    def _in_piece(self, piece: bytes) -> Iterator[tuple[str, str]]:
        windows = _windows(piece)
        maybe = np.flatnonzero(self._seen[_bucket(windows)])
        places = maybe[np.isin(windows[maybe], self._prefixes)]
        for at in places.tolist():
            for pattern, token, form in self._patterns.get(piece[at : at + SHORTEST], ()):
                if piece.startswith(pattern, at):
                    yield token, form

    def in_text(self, text: str, place: str = "", *, prose: bool = False) -> set[Found]:
        """What stands in a text: the same as in bytes, and whole words however they are written.

        :param prose: our own sentences, in which "can" and "max" are no Can and no Max: words count from four letters
            on, and as they are written.
        """
        if prose:
            found = {word for word in _words(text) if len(word) >= SHORTEST_IN_PROSE and word in self._written}
        else:
            found = {self.words[word] for word in _words(text.casefold()) & self.words.keys()}
        return self.in_bytes(text.encode(), place) | {Found(place, token, "word") for token in found}

    def in_files(self, paths: Iterable[Path]) -> set[Found]:
        """What stands in files as they lie there."""
        return {one for path in paths for one in self.in_bytes(path.read_bytes(), path.name)}

    def in_duckdb(self, con: duckdb.DuckDBPyConnection, database: str) -> set[Found]:
        """What stands in texts and whole numbers of all tables of an attached file, and in its comments.

        Comments are our own sentences, in which a word like `gross` is no name: they are searched as bytes.
        """
        sql = (
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = $1 "
            "AND data_type IN ('VARCHAR', 'BIGINT', 'HUGEINT') ORDER BY ALL"
        )
        found: set[Found] = set()
        for table, column, kind in con.execute(sql, [database]).fetchall():
            rows = con.execute(f'SELECT DISTINCT "{column}"::VARCHAR FROM {database}."{table}"').fetchall()
            text, place = "\n".join(row[0] for row in rows if row[0]), f"{table}.{column}"
            found |= self.in_text(text, place) if kind == "VARCHAR" else self.in_bytes(text.encode(), place)
        said = con.execute(
            "SELECT coalesce(comment, '') || ' ' || table_name FROM duckdb_tables() WHERE database_name = $1 UNION ALL "
            "SELECT coalesce(comment, '') || ' ' || column_name FROM duckdb_columns() WHERE database_name = $1",
            [database],
        ).fetchall()
        return found | self.in_bytes("\n".join(row[0] for row in said).encode(), "comments")

    def in_sqlite(self, path: Path) -> set[Found]:
        """What stands in the values of all tables of a SQLite file; compressed ones are opened."""
        found: set[Found] = set()
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as con:
            tables = [row[0] for row in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                values = (value for row in con.execute(f'SELECT * FROM "{table}"') for value in row)
                text = "\n".join(_as_text(value) for value in values if isinstance(value, str | bytes))
                found |= self.in_text(text, f"{path.name}:{table}", prose=True)
        return found


def _reasons(
    tokens: Iterable[str], own: str, too_short: str, is_short: Callable[[str], bool], *, whole: bool = False
) -> dict[str, str]:
    """Why some tokens are not looked for. In bytes a part of an own word is one too; `whole` asks for a whole word."""
    found = {token: too_short for token in tokens if is_short(token)}
    for token in tokens:
        part = token.casefold()
        if (f"\n{part}\n" if whole and part.isalpha() else part) in own:
            found[token] = OWN_WORD
    return found


def _words(text: str) -> set[str]:
    """Words, double names, and whole lines: an address or a number is no single word."""
    return {
        *text.splitlines(),
        *re.findall(r"[^\W_]+[-'’ ][^\W_]+", text),
        *re.findall(r"[^\W_]+", text),
    }


def _as_text(value: str | bytes) -> str:
    if isinstance(value, str):
        return value
    with contextlib.suppress(zlib.error):
        value = zlib.decompress(value)
    return value.decode("latin-1")


def _forms(token: str) -> Iterator[tuple[str, bytes]]:
    """The ways in which a token may be written, each as bytes of at least SHORTEST."""
    for written in dict.fromkeys((token, token.upper(), token.lower())):
        for form, content in (("utf-8", written.encode()), ("utf-16le", written.encode("utf-16-le"))):
            if len(content) >= SHORTEST:  # a Turkish ı is one byte less in capitals
                yield form, content
            yield f"hex of {form}", content.hex().encode()
            yield f"hex of {form}", content.hex().upper().encode()
            for pattern in _base64(content):
                yield f"base64 of {form}", pattern


def _base64(content: bytes) -> Iterator[bytes]:
    """What a text that has the content somewhere shows of it in base64, wherever its groups of three bytes begin."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + content + bytes(2))
        first, end = -(-before * 8 // 6), (before + len(content)) * 8 // 6
        pattern = whole[first:end]
        if len(pattern) >= SHORTEST:
            yield pattern
            yield pattern.replace(b"+", b"-").replace(b"/", b"_")


def _windows(content: bytes) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Every SHORTEST bytes in a row as one number."""
    numbers = np.frombuffer(content, dtype=np.uint8)
    count = max(len(numbers) - SHORTEST + 1, 0)
    out = np.zeros(count, dtype=np.uint64)
    for at in range(SHORTEST):
        out |= numbers[at : at + count].astype(np.uint64) << np.uint64(8 * at)
    return out


def _bucket(windows: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """A small number for a large one, so that most windows are ruled out by one look."""
    return (windows * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - _BUCKETS)


def people_of(frames: Mapping[str, Iterable[Mapping[str, object]]]) -> set[str]:
    """Tokens of people in records: names, numbers (as written, as E.164 with and without +), addresses, KVNR.

    :param frames: rows by record type; other columns and types are passed over.
    """
    columns = (
        "family_name", "given_name", "birth_name", "kvnr", "phone", "mobile", "phone_e164", "mobile_e164", "email",
        "street",
    )  # fmt: skip
    found: set[str] = set()
    for rows in frames.values():
        for row in rows:
            values = [str(row[name]) for name in columns if row.get(name)]
            found.update(values)
            found.update(value[1:] for value in values if value.startswith("+") and value[1:].isdigit())
            found.update(part for name in ("family_name", "given_name") for part in _parts(row.get(name)))
    return found


def _parts(name: object) -> list[str]:
    """The parts of a double name, which may stand alone."""
    return re.split(r"[-\s]+", str(name)) if name else []
