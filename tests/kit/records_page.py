"""docs/records.md, written from the records themselves: `python -m tests.kit.records_page > docs/records.md`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator

import polars as pl

from connectors import records

_TYPES = {
    pl.String(): "text",
    pl.Int64(): "whole number",
    pl.Boolean(): "yes or no",
    pl.Date(): "day",
    pl.Time(): "time of day",
    pl.Datetime("us", "UTC"): "instant",
}

_HEAD = """\
# Records and their fields

What a profile may map: these fields and no others. A row without a value in a field marked * is set aside.
`source_id` is the `key` of the profile; fields that end in `_id` are keys of another record of the same source.
Instants are resolved in the profile's time zone; an interval ends where the next one may begin. A coded field takes
one of the values listed: a code of the vendor's without a mapping becomes `unknown` and is listed until somebody maps
it. Numbers in E.164 form are made from `phone` and `mobile`.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(line for resource in records.RECORDS for line in _record(resource))])


def _record(resource: str) -> Iterator[str]:
    yield f"## {resource}"
    yield ""
    yield inspect.cleandoc(records.RECORDS[resource].__doc__ or "")
    yield ""
    yield "| field | what it holds |"
    yield "|---|---|"
    codes, required = records.codes(resource), records.required(resource)
    for name, dtype in records.columns(resource).items():
        if name != "source_id" and not name.endswith("_e164"):
            holds = " ".join(f"`{code}`" for code in codes[name]) if name in codes else _TYPES[dtype]
            yield f"| `{name}`{' *' if name in required else ''} | {holds} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
