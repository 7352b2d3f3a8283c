"""Stations 2, 4, 5 and 6: all SQL models and what is published from them, as one step.

A generation is whole or not there, so a step that is asked for one table builds them all; a subset only chooses what
is reported. What a build has already done for the same rows, decisions, day and SQL is reported as nothing.
"""
# Dagster reads annotations at run time: they are not postponed here.

from collections.abc import Iterable, Iterator

import dagster as dg

from pipelines import transform
from pipelines.defs.land import RUN, TABLES, Results, raw_key
from pipelines.defs.partition import PRACTICE, PROGRESS, opened
from pipelines.defs.register import LINK
from pipelines.defs.slot_snapshot import SLOT_SNAPSHOT
from pipelines.publish import BuildFailed, Built, build
from pipelines.run import finish

GENERATION = dg.AssetKey(["published", "generation"])

#: What the SQL reads and earlier steps make; other inputs (settings, holidays) are decided in ops.db.
MADE_BEFORE = {*(raw_key(table) for table in TABLES), RUN, LINK, SLOT_SNAPSHOT}


def key(table: str) -> dg.AssetKey:
    """`marts.dim_date` -> marts/dim_date."""
    return dg.AssetKey(table.split("."))


def _spec(model: transform.Model) -> dg.AssetSpec:
    return dg.AssetSpec(
        key(model.table),
        group_name=model.schema,
        description=model.grain,
        deps=[key(table) for table in model.depends],
        kinds={"sql", "duckdb"},
        skippable=True,
    )


MODELS = transform.models()
CHECKS = {check.name: check for check in transform.every_check()}

#: Tables that the SQL reads and no step of ours makes: they stand in ops.db and raw.
INPUTS = [
    dg.AssetSpec(found, group_name=found.path[0])
    for found in sorted({key(table) for model in MODELS for table in model.depends})
    if found not in MADE_BEFORE and found not in {key(model.table) for model in MODELS}
]


def _check_spec(check: transform.Check) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(check.name, asset=GENERATION, description=check.meaning)


@dg.multi_asset(
    name="build",
    specs=[
        *(_spec(model) for model in MODELS),
        dg.AssetSpec(
            GENERATION,
            group_name="published",
            description="One generation: core, desk and marts as encrypted files, with the pointer moved to it.",
            deps=[RUN, LINK, SLOT_SNAPSHOT, *(key(model.table) for model in MODELS if model.is_published)],
            skippable=True,
        ),
    ],
    check_specs=[_check_spec(check) for check in CHECKS.values()],
    can_subset=True,
    partitions_def=PRACTICE,
    required_resource_keys={PROGRESS},
)
def building(context: dg.AssetExecutionContext) -> Results:
    """Build and publish if anything differs from what is published, and end the sync run."""
    with opened(context) as (practice, o, run):
        try:
            built = build(practice, o, progress=context.resources.progress)
        except BuildFailed as error:
            yield from _checked(error.broken, context.selected_asset_check_keys)
            raise
        if run is not None:
            finish(practice, o, run, built)
        if built.generation is not None:
            yield from _materialized(built, context.selected_asset_keys)
        yield from _checked(built.checks, context.selected_asset_check_keys)


def _materialized(built: Built, selected: set[dg.AssetKey]) -> Iterator[dg.MaterializeResult[None]]:
    for model in built.models:
        if key(model.name) in selected:
            yield dg.MaterializeResult(asset_key=key(model.name), metadata={"dagster/row_count": model.rows})
    if GENERATION in selected:
        metadata = {"run": built.run, "ops_number": built.ops_number, "carried_over": len(built.carried_over)}
        yield dg.MaterializeResult(asset_key=GENERATION, metadata=metadata)


def _checked(checks: Iterable[transform.CheckResult], selected: set[dg.AssetCheckKey]) -> Iterator[dg.AssetCheckResult]:
    for check in checks:
        if dg.AssetCheckKey(GENERATION, check.name) in selected:
            yield dg.AssetCheckResult(
                asset_key=GENERATION,
                check_name=check.name,
                passed=check.rows == 0,
                severity=dg.AssetCheckSeverity[check.severity.upper()],
                metadata={"rows": check.rows},
            )
