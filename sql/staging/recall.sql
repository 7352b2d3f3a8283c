-- One row per recall wish of a source, as it last told it.
--
-- What a source has removed is left out; coded fields are read through the maps in force, else as they were landed.
WITH newest AS (
    SELECT source, source_id, max(run) AS run, min(run) AS first_run
    FROM raw.recall
    WHERE run <= getvariable('run')
    GROUP BY source, source_id
),

known AS (
    SELECT raw_recall.*, newest.first_run
    FROM newest
    INNER JOIN raw.recall AS raw_recall USING (source, source_id, run)
    WHERE NOT raw_recall.removed
)

SELECT known.* EXCLUDE (removed) REPLACE (
    CASE
        WHEN status_map.code IS NOT NULL THEN status_map.value
        WHEN known.status_code IS NOT NULL AND list_contains(mapped.fields, 'status') THEN 'unknown'
        ELSE known.status
    END AS status
)
FROM known
LEFT JOIN staging.mapped AS mapped ON known.source = mapped.source AND mapped.resource = 'recall'
LEFT JOIN ops.code_map AS status_map
    ON known.source = status_map.source AND known.status_code = status_map.code
    AND status_map.resource = 'recall' AND status_map.field = 'status'
