"""Every person, practitioner, room, type and calendar that a source names gets an id of its own in the ledger."""
# Dagster reads annotations at run time: they are not postponed here.

import dagster as dg

from pipelines.defs.land import RUN, raw_key
from pipelines.defs.partition import PRACTICE, opened
from pipelines.matching.register import register

LINK = dg.AssetKey(["ops", "link"])

#: Records that stand for somebody or something that lasts; an appointment may be all that tells of a calendar.
NAMING = ("patient", "practitioner", "location", "healthcare_service", "schedule", "appointment")


@dg.asset(
    key=LINK,
    group_name="ops",
    description="One row per source record and the person, practitioner, room, type or calendar that it is.",
    deps=[RUN, *(raw_key(table) for table in NAMING)],
    partitions_def=PRACTICE,
)
def registering(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Give ids to what is new."""
    with opened(context) as (practice, o, _):
        new = register(practice, o).new
        return dg.MaterializeResult(metadata={f"new_{kind}": count for kind, count in new.items()})
