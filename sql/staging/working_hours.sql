-- One row per rule of bookable hours of a source, as it last told it.
--
-- What a source has removed is left out; coded fields are read through the maps in force, else as they were landed.
WITH newest AS (
    SELECT source, source_id, max(run) AS run, min(run) AS first_run
    FROM raw.working_hours
    WHERE run <= getvariable('run')
    GROUP BY source, source_id
),

known AS (
    SELECT raw_working_hours.*, newest.first_run
    FROM newest
    INNER JOIN raw.working_hours AS raw_working_hours USING (source, source_id, run)
    WHERE NOT raw_working_hours.removed
)

SELECT known.* EXCLUDE (removed) REPLACE (
    CASE
        WHEN kind_map.code IS NOT NULL THEN kind_map.value
        WHEN known.kind_code IS NOT NULL AND list_contains(mapped.fields, 'kind') THEN 'unknown'
        ELSE known.kind
    END AS kind
)
FROM known
LEFT JOIN staging.mapped AS mapped ON known.source = mapped.source AND mapped.resource = 'working_hours'
LEFT JOIN ops.code_map AS kind_map
    ON known.source = kind_map.source AND known.kind_code = kind_map.code
    AND kind_map.resource = 'working_hours' AND kind_map.field = 'kind'
