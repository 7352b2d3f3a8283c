-- One row per run and source, up to this build; the live state is not here but in the practice's own status.
--
-- run: number of the run.
-- source: what was read.
-- kind: changes or full.
-- started_at: begin (UTC).
-- finished_at: end (UTC).
-- started_local: begin on the practice's clock.
-- state: ok, away, refused, bad-answer or stopped.
-- read: rows that the source delivered.
-- new: rows that were not known.
-- changed: rows that differed from what was known.
-- removed: rows that were gone.
-- rejected: rows set aside because they are no such record.
-- unmapped: values without a code map.
-- late: changes that the full comparison found and the reading of changes had missed.
-- seconds: how long it took.
-- data_as_of: when the newest data of this build was read.
SELECT
    sync_run.run,
    sync_run.source,
    sync_run.kind,
    sync_run.started_at,
    sync_run.finished_at,
    sync_run.started_at AT TIME ZONE getvariable('zone') AS started_local,
    sync_run.state,
    sync_run.read,
    sync_run.new,
    sync_run.changed,
    sync_run.removed,
    sync_run.rejected,
    sync_run.unmapped,
    sync_run.late,
    sync_run.seconds,
    rule.data_as_of
FROM ops.sync_run AS sync_run
CROSS JOIN staging.rule AS rule
WHERE sync_run.run <= rule.run
ORDER BY sync_run.run, sync_run.source
