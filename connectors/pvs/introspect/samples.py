"""A look at some rows of some tables: enough to see what columns hold, small enough to disturb nobody.

Every question is limited in rows, and the engine that it goes through is read-only and limited in time. Values stay in
this module; shapes, codes and yes or no leave it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from connectors.presentable import FEW, presentable
from connectors.pvs.introspect.catalogue import Catalogue, Column, Table
from connectors.pvs.introspect.shapes import Shape, as_text, shape

#: Rows of a table that are looked at; the newest, where its key tells.
ROWS = 300
#: Rows in which codes are counted.
CODE_ROWS = 50_000
#: Longer texts than this are notes; they are cut before they leave the database.
_LONG = 60

_EMPTY = Shape(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes of a column with their rows, how many more were held back, and what a small table calls them."""

    shown: tuple[tuple[str, int], ...]
    held_back: int
    labels: dict[str, str] = field(default_factory=dict, hash=False)


class Sampler:
    """Asks one database about its tables' values; each table is sampled once."""

    def __init__(self, connection: sa.Connection, catalogue: Catalogue) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._values: dict[str, dict[str, list[object]]] = {}

    def shape(self, table: Table, column: str) -> Shape:
        """What the column's values look like; an empty shape for an empty table."""
        values = self._sample(table).get(column)
        return shape(values) if values else _EMPTY

    def rows(self, table: Table) -> int:
        """Rows that were looked at, at most `ROWS`."""
        return max((len(values) for values in self._sample(table).values()), default=0)

    def contained(self, table: Table, column: str, other: Table, key: str) -> float | None:
        """The share of a column's values that the other table has as keys; None where nothing can be compared."""
        texts = {as_text(value): value for value in self._sample(table).get(column, ()) if as_text(value)}
        if not texts or _kind(table, column) != _kind(other, key):
            return None
        wanted = list(texts.values())[:100]
        select = sa.select(sa.func.count()).select_from(_sql(other)).where(sa.column(key).in_(wanted))
        found = int(self._connection.execute(select).scalar_one())
        return min(1.0, found / len(wanted))

    def codes(self, table: Table, column: str, known: Callable[[str], bool]) -> Codes:
        """The codes of a column with few different values, the most frequent first; more values than few: none."""
        code: list[sa.ColumnElement[Any]] = [sa.column(column).label("code")]
        some = sa.select(*code).select_from(_sql(table))
        some = some.limit(CODE_ROWS) if self._limits else some
        part = some.subquery("part")
        counted = sa.select(part.c.code, sa.func.count().label("n")).group_by(part.c.code)
        rows = self._connection.execute(counted.order_by(sa.func.count().desc())).fetchmany(FEW + 2)
        found = [(as_text(value), int(count)) for value, count in rows if as_text(value)]
        if len(found) > FEW:
            return Codes((), len(found))
        shown, held_back = presentable(found, known)
        return Codes(tuple(shown), held_back)

    def labels(self, table: Table, key: str, label: str) -> dict[str, str]:
        """Key -> text of a small table that only explains codes; a longer one gives nothing."""
        columns: list[sa.ColumnElement[Any]] = [sa.column(key), sa.column(label)]
        select = sa.select(*columns).select_from(_sql(table))
        rows = self._connection.execute(select).fetchmany(FEW + 1)
        return {} if len(rows) > FEW else {as_text(code): as_text(text)[:40] for code, text in rows}

    @property
    def _limits(self) -> bool:
        """A source whose SQL is not known is read from its beginning and left after so many rows."""
        return self._connection.dialect.name != "odbc"

    def _sample(self, table: Table) -> dict[str, list[object]]:
        if table.place not in self._values:
            self._values[table.place] = self._ask(table)
        return self._values[table.place]

    def _ask(self, table: Table) -> dict[str, list[object]]:
        columns = [column for column in table.columns if column.family != "binary"]
        if not columns:
            return {}
        select = sa.select(*(self._shown(column) for column in columns)).select_from(_sql(table))
        if len(table.key) == 1:
            select = select.order_by(sa.column(table.key[0]).desc())
        result = self._connection.execute(select.limit(ROWS) if self._limits else select)
        rows: Sequence[Any] = result.fetchmany(ROWS)
        result.close()
        return {column.name: [row[place] for row in rows] for place, column in enumerate(columns)}

    def _shown(self, column: Column) -> sa.ColumnElement[Any]:
        """A column as it can be read by every driver: zero dates break some, whole letters are nobody's business."""
        plain: sa.ColumnElement[Any] = sa.column(column.name)
        if self._catalogue.dbms == "mysql" and column.family in ("date", "datetime", "instant", "time"):
            return sa.cast(plain, sa.String(40)).label(column.name)
        if column.family == "text" and (column.length is None or column.length > _LONG) and self._limits:
            return sa.func.substring(sa.cast(plain, sa.String), 1, _LONG).label(column.name)
        return plain


def _kind(table: Table, column: str) -> str:
    found = table.column(column)
    return "whole" if found is not None and found.family in ("integer", "number") else "text"


def _sql(table: Table) -> sa.TableClause:
    return sa.table(table.name, schema=table.schema or None)
