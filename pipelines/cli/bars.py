"""Progress bars: one line per thing that is at work, on the terminal alone, gone when it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from pipelines import run
from pipelines.cli import say


@contextmanager
def bars(*, shown: bool) -> Iterator[run.Progress | None]:
    """What stations call with their progress; None where nobody looks (a pipe, --json)."""
    if not shown or not say.err.is_terminal:
        yield None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[rows]:,} rows"), console=say.err, transient=True) as made:
        tasks: dict[tuple[str, str], TaskID] = {}

        def show(station: str, part: str, rows: int) -> None:
            key = (station, part)
            if key not in tasks:
                tasks[key] = made.add_task(f"{station} {part}", total=None, rows=0)
            made.update(tasks[key], rows=rows)

        yield show
