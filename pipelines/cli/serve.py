"""`dashboard` and `dagster`: what stays running. Each ends with Ctrl-C and takes its children along.

Pages import the pipeline, never the other way round; only here, where all is put together, they are started. They
are loaded by name and run in this process: it hears when they answer, and one Ctrl-C ends all in order.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Protocol, cast

import typer

from pipelines.cli import say
from pipelines.cli.process import wait_for
from pipelines.cli.say import Ends, PracticeName
from pipelines.practice import Practice, home

WithDagster = Annotated[bool, typer.Option("--dagster", help="Dagster's pages too, for role it, below /dagster.")]


class Pages(Protocol):
    """What the package of the pages offers."""

    def serve(
        self,
        practice: Practice,
        *,
        with_dagster: bool = False,
        on_ready: Callable[[str], None] | None = None,
    ) -> None:
        """Serve a practice's pages until the process is asked to end; `on_ready` is told their address."""
        ...

    def one_time_address(self, base: str, token: str) -> str:
        """The address that signs in once."""
        ...


def pages() -> Pages:
    """The pages, loaded when they are wanted: they bring Streamlit along."""
    return cast("Pages", import_module("dashboards.serve"))


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(dashboard)
    app.command("dagster")(service)


def dashboard(name: PracticeName, dagster: WithDagster = False) -> None:
    """Serve the pages of a practice until Ctrl-C."""
    practice = Practice.open(name)
    pages().serve(practice, with_dagster=dagster, on_ready=lambda base: tell_ready(practice, base))


def tell_ready(practice: Practice, base: str) -> None:
    """Where the pages are."""
    say.line(f"{practice.settings.name}: {base} (Ctrl-C ends it)")


def service(
    ui: Annotated[
        str | None, typer.Option("--ui", help="Serve this practice's pages with Dagster's in them.", show_default=False)
    ] = None,
) -> None:
    """Run the service for all practices of this machine until Ctrl-C: it polls, queues and runs."""
    from pipelines.defs.daemon import LOG, running  # noqa: PLC0415  (Dagster loads only where it is used)

    say.line(f"service for the practices in {home()}; it writes to {home() / LOG} (Ctrl-C ends it)")
    with running(home()) as daemon:
        if ui is not None:
            dashboard(ui, dagster=True)
        elif (code := wait_for(daemon)) is not None:
            say.err.print(f"[bold red]error:[/] the service ended by itself with code {code}; see {home() / LOG}")
            say.end(Ends.FAILED)
