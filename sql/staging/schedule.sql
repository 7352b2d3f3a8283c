-- One row per calendar of a source, as it last told it.
--
-- What a source has removed is left out; coded fields are read through the maps in force, else as they were landed.
WITH newest AS (
    SELECT source, source_id, max(run) AS run, min(run) AS first_run
    FROM raw.schedule
    WHERE run <= getvariable('run')
    GROUP BY source, source_id
),

known AS (
    SELECT raw_schedule.*, newest.first_run
    FROM newest
    INNER JOIN raw.schedule AS raw_schedule USING (source, source_id, run)
    WHERE NOT raw_schedule.removed
)

SELECT known.* EXCLUDE (removed) REPLACE (
    CASE
        WHEN kind_map.code IS NOT NULL THEN kind_map.value
        WHEN known.kind_code IS NOT NULL AND list_contains(mapped.fields, 'kind') THEN 'unknown'
        ELSE known.kind
    END AS kind
)
FROM known
LEFT JOIN staging.mapped AS mapped ON known.source = mapped.source AND mapped.resource = 'schedule'
LEFT JOIN ops.code_map AS kind_map
    ON known.source = kind_map.source AND known.kind_code = kind_map.code
    AND kind_map.resource = 'schedule' AND kind_map.field = 'kind'
