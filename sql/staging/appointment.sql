-- One row per appointment of a source, as it last told it, entered-in-error included.
--
-- What a source has removed is left out; coded fields are read through the maps in force, else as they were landed.
WITH newest AS (
    SELECT source, source_id, max(run) AS run, min(run) AS first_run
    FROM raw.appointment
    WHERE run <= getvariable('run')
    GROUP BY source, source_id
),

known AS (
    SELECT raw_appointment.*, newest.first_run
    FROM newest
    INNER JOIN raw.appointment AS raw_appointment USING (source, source_id, run)
    WHERE NOT raw_appointment.removed
)

SELECT known.* EXCLUDE (removed) REPLACE (
    CASE
        WHEN status_map.code IS NOT NULL THEN status_map.value
        WHEN known.status_code IS NOT NULL AND list_contains(mapped.fields, 'status') THEN 'unknown'
        ELSE known.status
    END AS status,
    CASE
        WHEN channel_map.code IS NOT NULL THEN channel_map.value
        WHEN known.channel_code IS NOT NULL AND list_contains(mapped.fields, 'channel') THEN 'unknown'
        ELSE known.channel
    END AS channel,
    CASE
        WHEN modality_map.code IS NOT NULL THEN modality_map.value
        WHEN known.modality_code IS NOT NULL AND list_contains(mapped.fields, 'modality') THEN 'unknown'
        ELSE known.modality
    END AS modality,
    CASE
        WHEN booked_by_map.code IS NOT NULL THEN booked_by_map.value
        WHEN known.booked_by_code IS NOT NULL AND list_contains(mapped.fields, 'booked_by') THEN 'unknown'
        ELSE known.booked_by
    END AS booked_by,
    CASE
        WHEN cancelled_by_map.code IS NOT NULL THEN cancelled_by_map.value
        WHEN known.cancelled_by_code IS NOT NULL AND list_contains(mapped.fields, 'cancelled_by') THEN 'unknown'
        ELSE known.cancelled_by
    END AS cancelled_by
)
FROM known
LEFT JOIN staging.mapped AS mapped ON known.source = mapped.source AND mapped.resource = 'appointment'
LEFT JOIN ops.code_map AS status_map
    ON known.source = status_map.source AND known.status_code = status_map.code
    AND status_map.resource = 'appointment' AND status_map.field = 'status'
LEFT JOIN ops.code_map AS channel_map
    ON known.source = channel_map.source AND known.channel_code = channel_map.code
    AND channel_map.resource = 'appointment' AND channel_map.field = 'channel'
LEFT JOIN ops.code_map AS modality_map
    ON known.source = modality_map.source AND known.modality_code = modality_map.code
    AND modality_map.resource = 'appointment' AND modality_map.field = 'modality'
LEFT JOIN ops.code_map AS booked_by_map
    ON known.source = booked_by_map.source AND known.booked_by_code = booked_by_map.code
    AND booked_by_map.resource = 'appointment' AND booked_by_map.field = 'booked_by'
LEFT JOIN ops.code_map AS cancelled_by_map
    ON known.source = cancelled_by_map.source AND known.cancelled_by_code = cancelled_by_map.code
    AND cancelled_by_map.resource = 'appointment' AND cancelled_by_map.field = 'cancelled_by'
