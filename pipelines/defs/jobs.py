"""The two jobs of a practice: read what changed, and compare everything. Both go through all stations."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from pipelines.defs.land import landing
from pipelines.defs.register import registering
from pipelines.defs.slot_snapshot import snapshot
from pipelines.defs.warehouse import building

STATIONS = [landing, registering, snapshot, building]


#: Events are kept by Dagster and shown by its pages; the console is for trouble.
QUIET = {"loggers": {"console": {"config": {"log_level": "WARNING"}}}}


def _job(name: str, scope: str, description: str) -> UnresolvedAssetJobDefinition:
    """In process: a process per step would cost a minute, more than all the work."""
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*STATIONS),
        executor_def=dg.in_process_executor,
        config={"ops": {"land": {"config": {"scope": scope}}}, **QUIET},
        description=description,
    )


SYNC = _job("sync", "changes", "Read what changed at the sources, and build what follows from it.")
FULL = _job("full", "full", "Read everything and compare it, so that what is gone or was missed comes to light.")
