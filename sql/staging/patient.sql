-- One row per patient of a source, as it last told it.
--
-- What a source has removed is left out; coded fields are read through the maps in force, else as they were landed.
WITH newest AS (
    SELECT source, source_id, max(run) AS run, min(run) AS first_run
    FROM raw.patient
    WHERE run <= getvariable('run')
    GROUP BY source, source_id
),

known AS (
    SELECT raw_patient.*, newest.first_run
    FROM newest
    INNER JOIN raw.patient AS raw_patient USING (source, source_id, run)
    WHERE NOT raw_patient.removed
)

SELECT known.* EXCLUDE (removed) REPLACE (
    CASE
        WHEN gender_map.code IS NOT NULL THEN gender_map.value
        WHEN known.gender_code IS NOT NULL AND list_contains(mapped.fields, 'gender') THEN 'unknown'
        ELSE known.gender
    END AS gender,
    CASE
        WHEN insurance_kind_map.code IS NOT NULL THEN insurance_kind_map.value
        WHEN known.insurance_kind_code IS NOT NULL AND list_contains(mapped.fields, 'insurance_kind') THEN 'unknown'
        ELSE known.insurance_kind
    END AS insurance_kind
)
FROM known
LEFT JOIN staging.mapped AS mapped ON known.source = mapped.source AND mapped.resource = 'patient'
LEFT JOIN ops.code_map AS gender_map
    ON known.source = gender_map.source AND known.gender_code = gender_map.code
    AND gender_map.resource = 'patient' AND gender_map.field = 'gender'
LEFT JOIN ops.code_map AS insurance_kind_map
    ON known.source = insurance_kind_map.source AND known.insurance_kind_code = insurance_kind_map.code
    AND insurance_kind_map.resource = 'patient' AND insurance_kind_map.field = 'insurance_kind'
