"""What Dagster loads. Every module of `defs` is imported by name: a folder loader fails in an installed wheel."""

from __future__ import annotations

import dagster as dg

from pipelines.defs import jobs, land, partition, poll, register, slot_snapshot, warehouse

defs = dg.Definitions(
    assets=[
        land.landing,
        register.registering,
        slot_snapshot.snapshot,
        warehouse.building,
        *warehouse.INPUTS,
    ],
    jobs=[jobs.SYNC, jobs.FULL],
    sensors=[poll.poll],
    resources={partition.PROGRESS: partition.progress},
    executor=dg.in_process_executor,
)
