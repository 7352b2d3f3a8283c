"""Named moments at which a test may stop this process for good, to see what is left on disk."""

from __future__ import annotations

from collections.abc import Callable


def _go_on(_name: str) -> None:
    """What happens at a checkpoint outside of such a test: nothing."""


#: A test replaces this by something that kills the process.
on_checkpoint: Callable[[str], None] = _go_on


def checkpoint(name: str) -> None:
    """Say that this moment is reached. Names are lower case with a dot: `segment.written`."""
    on_checkpoint(name)
