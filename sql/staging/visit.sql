-- One row per visit of a source, as it last told it.
--
-- What a source has removed is left out.
WITH newest AS (
    SELECT source, source_id, max(run) AS run, min(run) AS first_run
    FROM raw.visit
    WHERE run <= getvariable('run')
    GROUP BY source, source_id
),

known AS (
    SELECT raw_visit.*, newest.first_run
    FROM newest
    INNER JOIN raw.visit AS raw_visit USING (source, source_id, run)
    WHERE NOT raw_visit.removed
)

SELECT * EXCLUDE (removed)
FROM known
