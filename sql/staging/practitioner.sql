-- One row per practitioner of a source, as it last told it.
--
-- What a source has removed is left out.
WITH newest AS (
    SELECT source, source_id, max(run) AS run, min(run) AS first_run
    FROM raw.practitioner
    WHERE run <= getvariable('run')
    GROUP BY source, source_id
),

known AS (
    SELECT raw_practitioner.*, newest.first_run
    FROM newest
    INNER JOIN raw.practitioner AS raw_practitioner USING (source, source_id, run)
    WHERE NOT raw_practitioner.removed
)

SELECT * EXCLUDE (removed)
FROM known
