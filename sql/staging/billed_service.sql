-- One row per billed service of a source, as it last told it.
--
-- What a source has removed is left out.
WITH newest AS (
    SELECT source, source_id, max(run) AS run, min(run) AS first_run
    FROM raw.billed_service
    WHERE run <= getvariable('run')
    GROUP BY source, source_id
),

known AS (
    SELECT raw_billed_service.*, newest.first_run
    FROM newest
    INNER JOIN raw.billed_service AS raw_billed_service USING (source, source_id, run)
    WHERE NOT raw_billed_service.removed
)

SELECT * EXCLUDE (removed)
FROM known
