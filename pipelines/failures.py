"""What stopped a run as a whole, kept as a finding until a run comes through: a night's failure is seen in the morning.

Trouble at a source stops no run (`pipelines.troubles`); this is about the practice's own files, keys, disk and checks.
"""

from __future__ import annotations

import datetime as dt

from connectors.errors import ConnectorError
from pipelines.errors import BrokenFile, Busy, DiskFull, FileMissing, KeyringError, PipelineError, SettingsError
from pipelines.health import Failure
from pipelines.ops import findings
from pipelines.ops.database import Ops
from pipelines.transform import TransformError

#: Kind and key of the finding; its detail holds `error` (a type), `cause` and `remedy`.
KIND, KEY = "run-failed", "run"

#: What a run cannot mend it will not mend half a minute later.
PAUSE = dt.timedelta(minutes=15)

#: Error (the most special first) -> remedy.
_REMEDIES: tuple[tuple[type[BaseException], str], ...] = (
    (DiskFull, "make room, or move the practice's folder"),
    (KeyringError, "bring the practice's keys back from its recovery sheet"),
    (BrokenFile, "run again: it goes back to the last complete state; if there is none, restore a backup"),
    (FileMissing, "run again: it goes back to the last complete state; if there is none, restore a backup"),
    (SettingsError, "repair practice.toml"),
    (BaseException, "`praxistakt doctor` looks at all that a run needs"),
)


def note(o: Ops, error: BaseException, now: dt.datetime) -> None:
    """Put on record why a run failed. Not what another process's run or a person's Ctrl-C did."""
    if isinstance(error, Busy) or not isinstance(error, Exception):
        return
    remedy = next(remedy for kind, remedy in _REMEDIES if isinstance(error, kind))
    detail = {"error": type(error).__name__, "cause": _cause(error), "remedy": remedy}
    findings.open_finding(o, KIND, KEY, now, severity="error", detail=detail)


def _cause(error: Exception) -> str:
    """Messages of our own hold no values; what others say nobody can know."""
    ours = isinstance(error, PipelineError | ConnectorError | TransformError)
    return " ".join(str(error).split()) if ours else f"unexpected {type(error).__name__}"


def settle(o: Ops, now: dt.datetime) -> None:
    """A run came through."""
    findings.resolve(o, KIND, KEY, now)


def standing(o: Ops) -> Failure | None:
    """What stopped the last run, until one comes through."""
    for found in findings.open_findings(o, kind=KIND):
        return Failure(found.detail["error"], found.detail["cause"], found.first_seen_at)
    return None


def is_due_again(o: Ops, now: dt.datetime) -> bool:
    """Whether a run may try once more to mend what stopped the last one."""
    return all(found.last_seen_at + PAUSE <= now for found in findings.open_findings(o, kind=KIND))


def broke_a_file(o: Ops) -> bool:
    """Whether the last failure was a file that is not what was written: then looking at sizes is not enough."""
    return any(found.detail.get("error") == BrokenFile.__name__ for found in findings.open_findings(o, kind=KIND))
