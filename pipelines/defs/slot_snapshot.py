"""How many slots were open on a day: counted once a day, because it cannot be counted later."""
# Dagster reads annotations at run time: they are not postponed here.

import dagster as dg

from pipelines.defs.partition import PRACTICE, opened
from pipelines.defs.register import LINK
from pipelines.slot_snapshot import take

SLOT_SNAPSHOT = dg.AssetKey(["raw", "slot_snapshot"])


@dg.asset(
    key=SLOT_SNAPSHOT,
    group_name="raw",
    description="One row per day, calendar, type and day looked at: open slots and the first three starts.",
    deps=[LINK],
    partitions_def=PRACTICE,
)
def snapshot(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Take the day's snapshot if it is missing."""
    with opened(context) as (practice, o, run):
        taken = None if run is None else take(practice, o, run)
        return dg.MaterializeResult(metadata={"rows": taken.rows if taken else 0, "taken": taken is not None})
