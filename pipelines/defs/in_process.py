"""A job of a practice here and now, in this process: as the service would run it, recorded in the same place."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from pipelines.definitions import defs
from pipelines.defs.instance import opened
from pipelines.defs.partition import PRACTICE, PROGRESS
from pipelines.defs.poll import run_tags
from pipelines.run import Progress, Scope

JOBS: dict[Scope, str] = {"changes": "sync", "full": "full"}


def execute(home: Path, practice: str, scope: Scope, progress: Progress | None = None) -> str:
    """Run all stations of a practice through Dagster; returns the id of Dagster's run. What fails in a step raises."""
    with opened(home) as instance:
        instance.add_dynamic_partitions(str(PRACTICE.name), [practice])
        result = defs.resolve_job_def(JOBS[scope]).execute_in_process(
            instance=instance,
            partition_key=practice,
            tags=dict(run_tags(practice, "command")),
            resources={PROGRESS: dg.ResourceDefinition.hardcoded_resource(progress)},
        )
        return result.run_id
