"""The two jobs of a practice: read what changed, and compare everything. Both go through all stations."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from pipelines.defs.land import RUN, landing
from pipelines.defs.register import LINK, registering
from pipelines.defs.slot_snapshot import SLOT_SNAPSHOT, snapshot
from pipelines.defs.warehouse import GENERATION, building

#: One asset per station is what a run of every half minute reports (docs/decisions/0007-what-a-run-reports.md).
STATIONS = dg.AssetSelection.assets(RUN, LINK, SLOT_SNAPSHOT, GENERATION)
EVERY_TABLE = dg.AssetSelection.assets(landing, registering, snapshot, building)


#: Events are kept by Dagster and shown by its pages; the console is for trouble.
QUIET = {"loggers": {"console": {"config": {"log_level": "WARNING"}}}}


def _job(name: str, scope: str, reported: dg.AssetSelection, description: str) -> UnresolvedAssetJobDefinition:
    """In process: a process per step would cost a minute, more than all the work."""
    return dg.define_asset_job(
        name,
        selection=reported,
        executor_def=dg.in_process_executor,
        config={"ops": {"land": {"config": {"scope": scope}}}, **QUIET},
        description=description,
    )


SYNC = _job("sync", "changes", STATIONS, "Read what changed at the sources, and build what follows from it.")
FULL = _job(
    "full", "full", EVERY_TABLE, "Read everything and compare it, so that what is gone or was missed comes to light."
)
