-- One row per appointment type of a source, as it last told it.
--
-- What a source has removed is left out.
WITH newest AS (
    SELECT source, source_id, max(run) AS run, min(run) AS first_run
    FROM raw.healthcare_service
    WHERE run <= getvariable('run')
    GROUP BY source, source_id
),

known AS (
    SELECT raw_healthcare_service.*, newest.first_run
    FROM newest
    INNER JOIN raw.healthcare_service AS raw_healthcare_service USING (source, source_id, run)
    WHERE NOT raw_healthcare_service.removed
)

SELECT * EXCLUDE (removed)
FROM known
