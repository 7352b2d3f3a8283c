"""Findings that both flavours of booking platform report in the same words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Literal

from connectors.errors import ConnectorError
from connectors.source import Finding

Level = Literal["ok", "warn", "error"]

#: Seconds between our clock and the platform's: worth a word, and close to where signatures are refused (900).
CLOCK_WARN, CLOCK_ERROR = 60, 300


def finding(check: str, level: Level, message: str, remedy: str | None = None) -> Finding:
    """One line of a check."""
    return Finding(check, level, message, remedy)


def ask(check: str, remedy: str, question: Callable[[], list[Finding]]) -> list[Finding]:
    """What the platform said to a question; an error of the link is a finding too."""
    try:
        return question()
    except ConnectorError as error:
        return [finding(check, "error", str(error), remedy)]


def clock_finding(theirs: dt.datetime | None, ours: dt.datetime) -> Finding:
    """How far this machine's clock is from the platform's `Date` header."""
    if theirs is None:
        return finding("clock", "warn", "the platform tells no time, so the clocks cannot be compared")
    apart = abs((ours - theirs).total_seconds())
    level: Level = "ok" if apart < CLOCK_WARN else "warn" if apart < CLOCK_ERROR else "error"
    remedy = None if level == "ok" else "set this machine's clock by a time server"
    return finding("clock", level, f"{apart:.0f} s between this machine and the platform", remedy)
