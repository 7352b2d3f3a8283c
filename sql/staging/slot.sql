-- One row per offered time of a source that keeps offers as rows, as it last told it.
--
-- What a source has removed is left out; coded fields are read through the maps in force, else as they were landed.
WITH newest AS (
    SELECT source, source_id, max(run) AS run, min(run) AS first_run
    FROM raw.slot
    WHERE run <= getvariable('run')
    GROUP BY source, source_id
),

known AS (
    SELECT raw_slot.*, newest.first_run
    FROM newest
    INNER JOIN raw.slot AS raw_slot USING (source, source_id, run)
    WHERE NOT raw_slot.removed
)

SELECT known.* EXCLUDE (removed) REPLACE (
    CASE
        WHEN status_map.code IS NOT NULL THEN status_map.value
        WHEN known.status_code IS NOT NULL AND list_contains(mapped.fields, 'status') THEN 'unknown'
        ELSE known.status
    END AS status
)
FROM known
LEFT JOIN staging.mapped AS mapped ON known.source = mapped.source AND mapped.resource = 'slot'
LEFT JOIN ops.code_map AS status_map
    ON known.source = status_map.source AND known.status_code = status_map.code
    AND status_map.resource = 'slot' AND status_map.field = 'status'
