"""What can go wrong at a foreign system.

    ConnectorError
    ├── ProfileError          a profile or a source's settings are wrong (nothing was asked of the system)
    ├── SourceAway            nobody answers: refused, timed out, name unknown; trying again later may help
    │   └── SourceStalled     it answered once and then nothing moved for the agreed time
    ├── SourceBusy            it asks us to wait (429, 503, lock timeout); `retry_after` in seconds, if it said so
    ├── SourceRefused         it answers and says no: wrong password, missing right (401, 403); a person must act
    ├── SchemaMismatch        a table, column or version is not what the profile expects
    ├── BadAnswer             it answers, but not in the agreed form (no JSON, half a page, a bomb, a strange address)
    │   └── OverBudget        it answers with more than one run may read
    └── DriverMissing         this machine lacks a driver or a system library; the message names the remedy

Messages hold what was found, what was expected and where. They never hold a value of a patient: they reach logs.
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Anything that a foreign system or its description did not do as agreed."""


class ProfileError(ConnectorError):
    """A profile or a `[sources.<name>]` table is wrong; `problems` lists all that was found, one line each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class SourceAway(ConnectorError):
    """Nobody answers; the next run may find it again."""


class SourceStalled(SourceAway):
    """The link stood open, but nothing moved within the agreed time."""


class SourceBusy(ConnectorError):
    """The system asks for a pause."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class SourceRefused(ConnectorError):
    """Wrong credentials or a missing right: asking again would only lock the account."""


class SchemaMismatch(ConnectorError):
    """The system's tables, columns or version differ from what the profile was written for."""


class BadAnswer(ConnectorError):
    """An answer that is not in the agreed form."""


class OverBudget(BadAnswer):
    """More rows than one run may read of this source; the record type is left as it was."""


class DriverMissing(ConnectorError):
    """A driver or system library that this source needs is not on this machine."""
