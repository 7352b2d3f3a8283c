"""The bytes of a CSV or XLSX file to a table of texts: encodings, separators, title lines, Excel's dates.

Nothing is written to disk. What the columns mean is none of this module's business; it only finds the line with the
column names among those that are looked for.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import fastexcel
import polars as pl

from connectors.errors import BadAnswer

#: Where the line with the column names is looked for: exports like to begin with a title.
_HEAD_LINES = 30

SEPARATORS = (";", "\t", ",", "|")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a person may say about a file where looking at it does not tell."""

    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None


def plain(header: str) -> str:
    """A column name for comparing: without case, blanks, dots and hyphens."""
    return "".join(letter for letter in header.casefold() if letter.isalnum())


def read_table(name: str, content: bytes, known: Iterable[str], reading: Reading | None = None) -> pl.DataFrame:
    """The table in a file, all columns text and trimmed; `known` are the column names that its header may have.

    The first line that holds most of them is the header. Raises BadAnswer for bytes that are no table.
    """
    reading = reading or Reading()
    read = _xlsx if content.startswith(b"PK\x03\x04") else _csv
    rows = read(name, content, reading)
    return _with_header(name, rows, {plain(header) for header in known})


def _csv(name: str, content: bytes, reading: Reading) -> list[list[str]]:
    text = decoded(name, content, reading.encoding)
    separator = reading.separator or _separator(text)
    try:
        return list(csv.reader(io.StringIO(text), delimiter=separator))
    except csv.Error as error:
        raise BadAnswer(f"{name}: this is no table of text ({error}), expected CSV or XLSX") from error


def decoded(name: str, content: bytes, encoding: str | None = None) -> str:
    """Text of German exports: as said, by its byte order mark, UTF-8, or what Windows wrote before that."""
    tried = [encoding] if encoding else ["utf-8-sig", "cp1252"]
    if encoding is None and content.startswith((b"\xff\xfe", b"\xfe\xff")):
        tried = ["utf-16"]
    for attempt in tried:
        try:
            return content.decode(attempt)
        except UnicodeDecodeError:
            continue
    raise BadAnswer(f"{name}: the bytes are not text in {' or '.join(tried)}; name the encoding in practice.toml")


def _separator(text: str) -> str:
    """The separator that the first lines hold most often, quoted text left out."""
    head = "".join(text.splitlines(keepends=True)[:_HEAD_LINES])
    unquoted = "".join(head.split('"')[::2])
    return max(SEPARATORS, key=unquoted.count)


def _xlsx(name: str, content: bytes, reading: Reading) -> list[list[str]]:
    try:
        workbook = fastexcel.read_excel(content)
        sheet = workbook.load_sheet(reading.sheet or 0, header_row=None, dtypes="string").to_polars()
    except fastexcel.FastExcelError as error:
        raise BadAnswer(f"{name}: this is no readable XLSX file or sheet ({type(error).__name__})") from error
    clean = sheet.with_columns(
        pl.all().str.replace(r"^1899-12-3[01] ", "").str.replace(r"^(\d{4}-\d\d-\d\d) 00:00:00$", "${1}").fill_null("")
    )
    return [list(row) for row in clean.iter_rows()]


def _with_header(name: str, rows: Sequence[Sequence[str]], known: set[str]) -> pl.DataFrame:
    hits = [len(known & {plain(cell) for cell in row}) for row in rows[:_HEAD_LINES]]
    if not any(hits):
        raise BadAnswer(f"{name}: no line among the first {_HEAD_LINES} holds a known column name")
    at = hits.index(max(hits))
    headers = [cell.strip() for cell in rows[at]]
    body = [row for row in rows[at + 1 :] if any(cell.strip() for cell in row)]
    columns = {
        header: [row[place].strip() or None if place < len(row) else None for row in body]
        for place, header in enumerate(headers)
        if header and header not in headers[:place]
    }
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
