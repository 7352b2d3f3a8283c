"""A practice is a partition: how a step finds the folder that it is about, and what all steps share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from pipelines.ops.database import Ops, open_ops
from pipelines.practice import Practice
from pipelines.run import fail, is_under_way

PRACTICE = dg.DynamicPartitionsDefinition(name="practice")

#: Called with station, part and rows while a step is at work: a progress bar of the command line, else nothing.
PROGRESS = "progress"
progress = dg.ResourceDefinition.none_resource("Called with station, part and rows while a step is at work.")

#: The sync run that a Dagster run began; later steps find it there, and so does whoever looks at the run.
SYNC_RUN_TAG = "praxistakt/run"


@contextmanager
def opened(context: dg.AssetExecutionContext) -> Iterator[tuple[Practice, Ops, int | None]]:
    """The practice of the partition, its ops.db and the sync run under way (None: a step that was started alone).

    A step that fails ends the sync run as failed, so that the page says so; Dagster gets the exception.
    """
    practice = Practice.open(context.partition_key)
    with open_ops(practice, keep_connection=True) as o:
        try:
            yield practice, o, _sync_run(context, o)
        except dg.RetryRequested:
            raise
        except Exception as error:
            begun = _sync_run(context, o)
            if begun is not None:
                fail(practice, o, begun, error)
            raise


def note_sync_run(context: dg.AssetExecutionContext, run: int) -> None:
    """Keep the number of the sync run that this Dagster run began."""
    context.instance.add_run_tags(context.run.run_id, {SYNC_RUN_TAG: str(run)})


def _sync_run(context: dg.AssetExecutionContext, o: Ops) -> int | None:
    found = context.instance.get_run_by_id(context.run.run_id)
    number = found.tags.get(SYNC_RUN_TAG) if found else None
    return int(number) if number and is_under_way(o, int(number)) else None
