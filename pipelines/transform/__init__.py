"""Stations 2, 4 and 5: the SQL files of `sql/` become tables, in the order that the SQL itself asks for.

Works on any connection that has the schemas `raw` and `ops`; the target schemas may be attached files (one file per
schema, `core` is then the file's alias) or schemas in memory.
"""

from pipelines.transform.building import CheckResult, ModelFailed, ModelResult, Progress, checks, evaluate, load_ops
from pipelines.transform.copies import copy_published, holds_same
from pipelines.transform.sql_files import (
    Check,
    Model,
    TransformError,
    every_check,
    fingerprint,
    models,
    needed,
    tables_in,
)

__all__ = [
    "Check",
    "CheckResult",
    "Model",
    "ModelFailed",
    "ModelResult",
    "Progress",
    "TransformError",
    "checks",
    "copy_published",
    "evaluate",
    "every_check",
    "fingerprint",
    "holds_same",
    "load_ops",
    "models",
    "needed",
    "tables_in",
]
