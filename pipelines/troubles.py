"""What went wrong at a source, in the words that pages, command line and ops.db share: state, cause, remedy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from connectors import errors as foreign
from pipelines.errors import SecretMissing
from pipelines.ops import breaker
from pipelines.ops.database import Ops

State = Literal["ok", "away", "refused", "bad-answer", "stopped"]

_WAIT = "it is tried again by itself"
_RESET = "then `praxistakt resync`"

#: The gravest first.
_GRAVITY: tuple[State, ...] = ("refused", "away", "stopped", "bad-answer")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong at a source: a code, what was found, what to do; with `resource`, about that one alone."""

    state: State
    code: str
    text: str
    remedy: str
    resource: str | None = None


#: Error (the most special first) -> state, code, remedy.
_TROUBLES: tuple[tuple[type[Exception], State, str, str], ...] = (
    (foreign.SourceStalled, "away", "source-stalled", f"{_WAIT}; if it stays, look at the network"),
    (foreign.SourceAway, "away", "source-away", f"{_WAIT}; if it stays, look whether it is switched on"),
    (foreign.SourceBusy, "away", "source-busy", _WAIT),
    (foreign.SourceRefused, "refused", "access-refused", f"check user, password and rights, {_RESET}"),
    (foreign.SchemaMismatch, "bad-answer", "schema-mismatch", "its version needs a profile of its own"),
    (foreign.BadAnswer, "bad-answer", "bad-answer", "tell whoever looks after it; nothing of it was taken over"),
    (foreign.DriverMissing, "refused", "driver-missing", "install what the message names"),
    (foreign.ProfileError, "refused", "settings-wrong", "repair practice.toml or the profile"),
    (SecretMissing, "refused", "secret-missing", "set it with `praxistakt secret set`"),
    (foreign.ConnectorError, "bad-answer", "connector-error", "tell whoever looks after it"),
)

#: What may go wrong at one source without a word about the others.
FOREIGN = (foreign.ConnectorError, SecretMissing)


def trouble(error: Exception, resource: str | None = None) -> Trouble:
    """What an error of `FOREIGN` means; about one record type if it is named."""
    _, state, code, remedy = next(row for row in _TROUBLES if isinstance(error, row[0]))
    return Trouble(state, code, " ".join(str(error).split()), remedy, resource)


def left_alone(next_try_at: dt.datetime | None) -> Trouble:
    """A source whose breaker is open; without a time it waits for a person."""
    if next_try_at is None:
        text = "it refused us and is not asked again, because that might lock the account"
        return Trouble("refused", "access-refused", text, f"check user, password and rights, {_RESET}")
    return Trouble("away", "breaker-open", "it failed too often or asked for a pause, and is left alone a while", _WAIT)


def gravest(found: Iterable[Trouble]) -> tuple[Trouble, ...]:
    """All of them, the one that names the source's state first."""
    return tuple(sorted(found, key=lambda one: _GRAVITY.index(one.state)))


def cause(found: Iterable[Trouble]) -> str | None:
    """One line: `code: record types: what was found`, what several record types have in common told once."""
    about: dict[tuple[str, str], list[str]] = {}
    for one in found:
        about.setdefault((one.code, one.text), []).extend(() if one.resource is None else (one.resource,))
    lines = (": ".join(filter(None, (code, ", ".join(of), text))) for (code, text), of in about.items())
    return "; ".join(lines) or None


def note_failure(o: Ops, source: str, error: Exception, now: dt.datetime, *, nonsense_counts: bool = False) -> None:
    """Tell the source's breaker about an error of its link; one of our own settings is none.

    :param nonsense_counts: whether an answer that makes no sense is one; the source did answer.
    """
    away = isinstance(error, foreign.SourceAway | foreign.SourceBusy | foreign.SourceRefused)
    nonsense = isinstance(error, foreign.BadAnswer | foreign.SchemaMismatch)
    if not away and not (nonsense and nonsense_counts):
        return
    asked = error.retry_after if isinstance(error, foreign.SourceBusy) else None
    pause = None if asked is None else dt.timedelta(seconds=asked)
    breaker.failed(o, source, now, needs_person=isinstance(error, foreign.SourceRefused), pause=pause)
