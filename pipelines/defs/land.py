"""Station 1: what the sources say, one asset per record type.

A run of every half minute reports `raw/run` alone, with the rows of each table as its metadata; the nightly one reports
each table. Dagster pays about 50 ms per reported asset, more than reading one takes.
"""
# Dagster reads annotations at run time: they are not postponed here.

from collections.abc import Container, Iterator, Mapping

import dagster as dg

from connectors import records
from pipelines.defs.partition import PRACTICE, PROGRESS, note_sync_run, opened
from pipelines.land import Landed, land
from pipelines.run import AllAway, Scope, all_away, begin, new_rows, totals

#: What a step reports: what it made, and how its checks came out.
Results = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]

#: What happened at the sources in a run; the checks of the landing hang on it.
RUN = dg.AssetKey(["raw", "run"])

SOURCES_ANSWER = dg.AssetCheckSpec("sources_answer", asset=RUN, description="Every source said all it had to say.")
NOTHING_STOPPED = dg.AssetCheckSpec("nothing_stopped", asset=RUN, description="No source lost a large share of rows.")
ROWS_ACCEPTED = dg.AssetCheckSpec("rows_accepted", asset=RUN, description="No row was set aside as unreadable.")
CODES_MAPPED = dg.AssetCheckSpec("codes_mapped", asset=RUN, description="Every code of a source is known.")

#: A source that is away is asked again after a minute; the pause grows, because it may be starting up.
RETRY_AFTER, RETRIES = 60, 2


def raw_key(table: str) -> dg.AssetKey:
    """The asset of one table of raw."""
    return dg.AssetKey(["raw", table])


#: What a landing may write, and what one row of it is.
TABLES = {
    **{resource: (record.__doc__ or "").splitlines()[0] for resource, record in records.RECORDS.items()},
    "rejected": "A row that could not become a record, with the rule that it broke.",
    "unmapped": "A code of a source that no map knows.",
}


def _spec(table: str) -> dg.AssetSpec:
    return dg.AssetSpec(raw_key(table), group_name="raw", description=TABLES[table])


class LandConfig(dg.Config):
    """How much to read: what changed, or everything (which also finds what is gone)."""

    scope: Scope = "changes"


@dg.multi_asset(
    name="land",
    specs=[
        *(_spec(table) for table in TABLES),
        dg.AssetSpec(RUN, group_name="raw", description="One row per run: what each source said, in counts."),
    ],
    check_specs=[SOURCES_ANSWER, NOTHING_STOPPED, ROWS_ACCEPTED, CODES_MAPPED],
    can_subset=True,
    partitions_def=PRACTICE,
    required_resource_keys={PROGRESS},
)
def landing(context: dg.AssetExecutionContext, config: LandConfig) -> Results:
    """Begin a run and read every source of the practice; if none answers, try again later."""
    with opened(context) as (practice, o, _):
        run = begin(practice, o, config.scope).run
        note_sync_run(context, run)
        landed = land(practice, o, run, scope=config.scope, progress=context.resources.progress)
        if all_away(landed):
            raise _away(landed, context.retry_number)
        yield from _materialized(landed, new_rows(practice, landed), context.selected_asset_keys)
        yield from (check for check in _checks(landed) if _key(check) in context.selected_asset_check_keys)


def _key(check: dg.AssetCheckResult) -> dg.AssetCheckKey:
    return dg.AssetCheckKey(RUN, check.check_name or "")


def _away(landed: Landed, tried: int) -> Exception:
    """A retry is asked for here and nowhere else: what else fails, fails again."""
    if tried < RETRIES:
        return dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=RETRY_AFTER * (tried + 1))
    return AllAway(landed)


def _materialized(
    landed: Landed, rows: Mapping[str, int], selected: Container[dg.AssetKey]
) -> Iterator[dg.MaterializeResult[None]]:
    """Every table asked for, also where nothing is new: a step whose inputs are not all reported would be left out."""
    for table in TABLES:
        if raw_key(table) in selected:
            metadata = {"run": landed.run, "rows": rows.get(table, 0)}
            yield dg.MaterializeResult(asset_key=raw_key(table), metadata=metadata)
    if RUN in selected:
        brought = {f"rows/{table}": count for table, count in sorted(rows.items())}
        yield dg.MaterializeResult(asset_key=RUN, metadata={"run": landed.run, **totals(landed), **brought})


def _checks(landed: Landed) -> Iterator[dg.AssetCheckResult]:
    """Counts by source; WARN, because the run goes on with those that answered."""
    yield _check(SOURCES_ANSWER, {read.source: read.state for read in landed.sources if read.state != "ok"})
    yield _check(NOTHING_STOPPED, {read.source: read.removed for read in landed.sources if read.state == "stopped"})
    yield _check(ROWS_ACCEPTED, {read.source: read.rejected for read in landed.sources if read.rejected})
    yield _check(CODES_MAPPED, {read.source: read.unmapped for read in landed.sources if read.unmapped})


def _check(spec: dg.AssetCheckSpec, found: Mapping[str, str | int]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=RUN,
        check_name=spec.name,
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=dict(found),
    )
