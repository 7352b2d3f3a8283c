"""`praxistakt`: the command line. One module per group of commands; each calls one function and says the result."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli import demo, explore, mapping, people, say, serve, setup, work
from pipelines.cli.process import log_to_stderr, no_core_dumps, print_anything

app = typer.Typer(
    cls=say.Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps a practice's two calendars honest. Exit codes: 0 ok, 1 somebody should look, 2 failed.",
)
for group in (setup, mapping, demo, work, serve, explore, people):
    group.register(app)


@app.callback()
def options(debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of failures.")] = False) -> None:
    """What holds for every command."""
    say.begin(debug=debug)
    print_anything()
    no_core_dumps()
    log_to_stderr()


def main() -> None:
    """Entry point of the command `praxistakt`."""
    app(prog_name="praxistakt")
