-- One row per consent of a source, as it last told it.
--
-- What a source has removed is left out; coded fields are read through the maps in force, else as they were landed.
WITH newest AS (
    SELECT source, source_id, max(run) AS run, min(run) AS first_run
    FROM raw.consent
    WHERE run <= getvariable('run')
    GROUP BY source, source_id
),

known AS (
    SELECT raw_consent.*, newest.first_run
    FROM newest
    INNER JOIN raw.consent AS raw_consent USING (source, source_id, run)
    WHERE NOT raw_consent.removed
)

SELECT known.* EXCLUDE (removed) REPLACE (
    CASE
        WHEN purpose_map.code IS NOT NULL THEN purpose_map.value
        WHEN known.purpose_code IS NOT NULL AND list_contains(mapped.fields, 'purpose') THEN 'unknown'
        ELSE known.purpose
    END AS purpose,
    CASE
        WHEN channel_map.code IS NOT NULL THEN channel_map.value
        WHEN known.channel_code IS NOT NULL AND list_contains(mapped.fields, 'channel') THEN 'unknown'
        ELSE known.channel
    END AS channel
)
FROM known
LEFT JOIN staging.mapped AS mapped ON known.source = mapped.source AND mapped.resource = 'consent'
LEFT JOIN ops.code_map AS purpose_map
    ON known.source = purpose_map.source AND known.purpose_code = purpose_map.code
    AND purpose_map.resource = 'consent' AND purpose_map.field = 'purpose'
LEFT JOIN ops.code_map AS channel_map
    ON known.source = channel_map.source AND known.channel_code = channel_map.code
    AND channel_map.resource = 'consent' AND channel_map.field = 'channel'
