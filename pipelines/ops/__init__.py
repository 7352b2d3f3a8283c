"""ops.db: what was decided here, and how the pipeline does.

    create(path, key)          a new, empty file
    open_ops(practice) -> Ops  an open one, its schema up to date
    Ops.transaction(), Ops.reading()
    number(ops)                how far the changes that a build sees have come

The rest is a module per subject: `numbers, ledger, decisions, settings, holidays, frames` (what a build sees), `runs,
requests, service, breaker, findings` (how the pipeline does), `users, sessions, links, audit` (who may, who did).
"""

from pipelines.ops.database import HasOps, Ops, create, open_ops, open_path
from pipelines.ops.errors import AlreadyThere, ForeignFile, Refused, SchemaNewer
from pipelines.ops.numbers import number

__all__ = [
    "AlreadyThere",
    "ForeignFile",
    "HasOps",
    "Ops",
    "Refused",
    "SchemaNewer",
    "create",
    "number",
    "open_ops",
    "open_path",
]
