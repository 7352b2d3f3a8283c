"""Every value of a practice database is asked for as text, in the database's own way of writing it down.

Drivers disagree about the same value: a zero date is a text, nothing, or an error; `24:00:00` likewise; a moment with a
zone loses it; the largest unsigned number becomes -1; decimals are cut; yes is True, 1, "1" or a byte. The database
itself writes each of them down in one way, so what breaks drivers is settled inside the SELECT, and every transport
gives the same frame. `connectors.casts` reads the texts. It is cheaper, too: the drivers convert nothing.

A system of an unknown dialect is asked for values as they are: what its CAST would do, nobody knows.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from connectors import records

#: A field's name means the same in every record.
_DTYPES = {name: dtype for resource in records.RECORDS for name, dtype in records.schema(resource).items()}


class Text(FunctionElement[str]):
    """A value as the database writes it."""

    name = "as_text"
    inherit_cache = True
    type = sa.String()


class MomentText(Text):
    """A day, a time or a moment."""

    name = "moment_as_text"
    inherit_cache = True


class YesNoText(Text):
    """A truth value, in whatever type the vendor keeps it."""

    name = "yes_no_as_text"
    inherit_cache = True


def as_text(name: str, expression: sa.ColumnElement[Any]) -> Text:
    """The expression for the field `name` (or for anything else) as text; NULL stays NULL."""
    dtype = _DTYPES.get(name)
    if dtype == pl.Boolean():
        return YesNoText(expression)
    return MomentText(expression) if dtype is not None and dtype.is_temporal() else Text(expression)


def bare(text: Text) -> sa.ColumnElement[Any]:
    """The expression that is asked for as text."""
    (expression,) = text.clauses
    return expression


@compiles(Text)
def _as_it_is(element: Text, compiler: SQLCompiler, **given: Any) -> str:
    return compiler.process(element.clauses, **given)


@compiles(Text, "postgresql")
@compiles(Text, "sqlite")
def _cast(element: Text, compiler: SQLCompiler, **given: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **given)} AS TEXT)"


@compiles(Text, "mysql")
@compiles(Text, "mariadb")
def _cast_mysql(element: Text, compiler: SQLCompiler, **given: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **given)} AS CHAR)"


@compiles(YesNoText, "mysql")
@compiles(YesNoText, "mariadb")
def _bits_mysql(element: YesNoText, compiler: SQLCompiler, **given: Any) -> str:
    """BIT(1) is written as a byte, which drivers do not all carry."""
    text = _cast_mysql(element, compiler, **given)
    return f"REPLACE(REPLACE({text}, CHAR(0 USING utf8mb4), '0'), CHAR(1 USING utf8mb4), '1')"


@compiles(Text, "mssql")
def _cast_mssql(element: Text, compiler: SQLCompiler, **given: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **given)} AS NVARCHAR(MAX))"


@compiles(MomentText, "mssql")
def _moment_mssql(element: MomentText, compiler: SQLCompiler, **given: Any) -> str:
    """Style 121: yyyy-mm-dd hh:mi:ss.nnn, and the offset where there is one."""
    return f"CONVERT(NVARCHAR(40), {compiler.process(element.clauses, **given)}, 121)"
