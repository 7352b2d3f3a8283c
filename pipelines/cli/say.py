"""What the command line says and how it ends: text for people, one JSON object for programs, three exit codes.

Nothing here or in a command prints a patient's data; a failure is one clear line, and a traceback only with --debug.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import logging
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from typer.core import TyperGroup

from connectors.errors import ConnectorError
from pipelines.errors import PipelineError
from pipelines.transform import TransformError


class Ends(IntEnum):
    """Exit codes: `ATTENTION` means that it worked and somebody should look."""

    OK = 0
    ATTENTION = 1
    FAILED = 2


STATE_ENDS = {"ok": Ends.OK, "attention": Ends.ATTENTION, "failed": Ends.FAILED}

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

#: Characters that a line of a table may have.
_WIDEST = 10_000

_as_json: ContextVar[bool] = ContextVar("as_json", default=False)
_debug: ContextVar[bool] = ContextVar("debug", default=False)


def _remember_json(value: bool) -> bool:
    """An error must come in the form that was asked for, wherever it happens."""
    _as_json.set(value)
    return value


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.", callback=_remember_json)]
PracticeName = Annotated[str, typer.Argument(help="Name below $PRAXISTAKT_HOME, or a folder.", show_default=False)]


def begin(*, debug: bool) -> None:
    """Start afresh: text until a command says --json. With `debug`, failures show a traceback; it may quote a value."""
    _as_json.set(False)
    _debug.set(debug)


def _plain(value: Any) -> Any:
    """Dataclasses, instants and paths as JSON knows them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def result(data: object, human: Callable[[], None], *, as_json: bool) -> None:
    """Print a command's result: `data` as one JSON object if asked for, else what `human` prints."""
    if as_json:
        typer.echo(json.dumps(data, default=_plain, ensure_ascii=False))
    else:
        human()


def program() -> str:
    """How this program is called from here: by its name, or by its path where the shell would not find it."""
    return "praxistakt" if shutil.which("praxistakt") else sys.argv[0]


def line(text: str = "") -> None:
    """One line for people."""
    out.print(text)


def table(*columns: str, rows: list[tuple[object, ...]]) -> Table:
    """A table of plain texts; numbers stand on the right, None as a dash.

    It is as wide as what it holds, whatever the window: a window breaks long lines, a narrower table would cut values.
    """
    made = Table(box=None, pad_edge=False, header_style="bold")
    for position, column in enumerate(columns):
        number = all(isinstance(row[position], int | float) for row in rows)
        made.add_column(column, justify="right" if number and rows else "left", no_wrap=True)
    for row in rows:
        made.add_row(*("–" if value is None else escape(str(value)) for value in row))
    made.width = Measurement.get(out, out.options.update(max_width=_WIDEST), made).maximum
    return made


@contextmanager
def waiting(text: str, *, shown: bool) -> Iterator[None]:
    """Something that takes a while and has no steps to show."""
    if shown and err.is_terminal:
        with err.status(text):
            yield
    else:
        yield


def end(code: Ends) -> None:
    """End the command with a code other than 0."""
    if code is not Ends.OK:
        raise typer.Exit(int(code))


class Commands(TyperGroup):
    """The outermost door: whatever fails becomes one line (or one JSON object) and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """See TyperGroup."""
        try:
            return super().invoke(ctx)
        except (PipelineError, ConnectorError, TransformError) as error:
            _fail(error, str(error))
        except OSError as error:
            _fail(error, f"{error.strerror or type(error).__name__}: {error.filename or 'no file named'}")
        except (typer.Exit, typer.Abort, typer.TyperException, KeyboardInterrupt):
            raise
        except Exception as error:  # noqa: BLE001 - nothing may leave here as a traceback: it could quote a value
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            _fail(error, f"unexpected {type(error).__name__} at {where}; `praxistakt --debug ...` shows more")


def _fail(error: BaseException, message: str) -> None:
    logging.getLogger("praxistakt").debug("failed: %s", type(error).__name__)
    if _debug.get():
        traceback.print_exception(error)
    if _as_json.get():
        typer.echo(json.dumps({"error": type(error).__name__, "message": message}, ensure_ascii=False))
    else:
        err.print(f"[bold red]error:[/] {escape(message)}")
    raise typer.Exit(int(Ends.FAILED))
