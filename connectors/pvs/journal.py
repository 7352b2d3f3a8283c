"""What we asked of a practice's database in one run: statements, rows, and how long its server was busy with us."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from connectors.errors import OverBudget
from connectors.source import Asked

#: Where statements are counted that belong to no record: the version guard, what a session is told.
LINK = "*"


@dataclass(slots=True)
class _Sum:
    statements: int = 0
    rows: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Journal:
    """Counts while a source is open; `budget` is the most rows that it may read, None for no end."""

    budget: int | None = None
    clock: Callable[[], float] = time.monotonic
    _sums: dict[str, _Sum] = field(default_factory=dict)
    _current: str = LINK
    _since: float | None = None

    @contextmanager
    def about(self, resource: str) -> Iterator[None]:
        """What is counted until the end belongs to the record; the server is busy from now on."""
        before, self._current = self._current, resource
        self.resume()
        try:
            yield
        finally:
            self.pause()
            self._current = before

    def pause(self) -> None:
        """The server has nothing to do for us."""
        if self._since is not None:
            self._sum.seconds += self.clock() - self._since
            self._since = None

    def resume(self) -> None:
        """The server is busy for us again."""
        if self._since is None:
            self._since = self.clock()

    def statement(self, count: int = 1) -> None:
        """Statements went out."""
        self._sum.statements += count

    def rows(self, count: int, place: str) -> None:
        """Rows came in; raises OverBudget if they are more than the run may read."""
        self._sum.rows += count
        read = sum(one.rows for one in self._sums.values())
        if self.budget is not None and read > self.budget:
            raise OverBudget(
                f"{place}: found {read} rows in this run, expected at most {self.budget} (row_budget in practice.toml)"
            )

    def entries(self) -> tuple[Asked, ...]:
        """What was asked so far, in the order of the asking."""
        return tuple(
            Asked(resource, one.statements, one.rows, round(one.seconds * 1000)) for resource, one in self._sums.items()
        )

    @property
    def _sum(self) -> _Sum:
        return self._sums.setdefault(self._current, _Sum())
