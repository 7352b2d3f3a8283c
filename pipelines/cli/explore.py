"""`query` and `snapshot export`: what analysts get, pseudonymous and read-only."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import duckdb
import polars as pl
import typer

from pipelines import publish
from pipelines.cli import say
from pipelines.cli.say import AsJson, PracticeName
from pipelines.errors import PipelineError
from pipelines.practice import Practice

#: A spreadsheet takes a cell that begins so for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

#: Rows that a terminal is shown; --csv and --json give all.
SHOWN = 200


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(query)
    snapshot = typer.Typer(cls=say.Commands, no_args_is_help=True, help="Files for R, DBeaver or Power BI.")
    snapshot.command("export")(export)
    app.add_typer(snapshot, name="snapshot")


def query(
    name: PracticeName,
    sql: Annotated[str, typer.Argument(help="One SELECT over marts.*, in DuckDB's SQL.", show_default=False)],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the published marts: pseudonymous, read-only, no way to other files."""
    frame = _asked(Practice.open(name), sql)
    if as_csv and not as_json:
        typer.echo(_csv(frame), nl=False)
        return
    rows = [dict(zip(frame.columns, row, strict=True)) for row in frame.iter_rows()]
    say.result({"columns": frame.columns, "rows": rows}, lambda: _show(frame), as_json=as_json)


class QueryFailed(PipelineError):
    """The marts did not answer this question; says what DuckDB says of it."""


def _asked(practice: Practice, sql: str) -> pl.DataFrame:
    with publish.connect(practice) as con:
        try:
            return con.execute(sql).pl()
        except duckdb.Error as error:
            raise QueryFailed(str(error).partition("\n")[0]) from error


def _show(frame: pl.DataFrame) -> None:
    say.out.print(say.table(*frame.columns, rows=frame.head(SHOWN).rows()))
    left = frame.height - SHOWN
    say.line(f"{frame.height} row(s)" + (f", {left} of them not shown; --csv prints all" if left > 0 else ""))


def _csv(frame: pl.DataFrame) -> str:
    """CSV that a spreadsheet opens as text and numbers, never as formulas."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(frame.columns)
    writer.writerows([_cell(value) for value in row] for row in frame.iter_rows())
    return text.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def export(
    name: PracticeName,
    path: Annotated[Path, typer.Argument(help="The file to write; it must not exist.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Write the published marts into a file of their own, under a key of its own that is shown once."""
    key = publish.export(Practice.open(name), path)
    say.result({"file": path, "key": key}, lambda: _tell_export(path, key), as_json=as_json)


def _tell_export(path: Path, key: str) -> None:
    say.line(f"Written: {path}")
    say.line(f"Key (shown this once): {key}")
    say.line(f"In DuckDB: ATTACH '{path}' AS marts (READ_ONLY, ENCRYPTION_KEY '{key}')")
