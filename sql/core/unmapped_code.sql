-- One row per source, coded field and vendor code that no map in force knows, with the number of current records.
--
-- published: no
WITH code AS (
    SELECT source, 'patient' AS resource, 'gender' AS field, gender_code AS code
    FROM staging.patient
    WHERE gender = 'unknown' AND gender_code IS NOT NULL
    UNION ALL
    SELECT source, 'patient' AS resource, 'insurance_kind' AS field, insurance_kind_code AS code
    FROM staging.patient
    WHERE insurance_kind = 'unknown' AND insurance_kind_code IS NOT NULL
    UNION ALL
    SELECT source, 'related_person' AS resource, 'relationship' AS field, relationship_code AS code
    FROM staging.related_person
    WHERE relationship = 'unknown' AND relationship_code IS NOT NULL
    UNION ALL
    SELECT source, 'location' AS resource, 'kind' AS field, kind_code AS code
    FROM staging.location
    WHERE kind = 'unknown' AND kind_code IS NOT NULL
    UNION ALL
    SELECT source, 'schedule' AS resource, 'kind' AS field, kind_code AS code
    FROM staging.schedule
    WHERE kind = 'unknown' AND kind_code IS NOT NULL
    UNION ALL
    SELECT source, 'slot' AS resource, 'status' AS field, status_code AS code
    FROM staging.slot
    WHERE status = 'unknown' AND status_code IS NOT NULL
    UNION ALL
    SELECT source, 'appointment' AS resource, 'status' AS field, status_code AS code
    FROM staging.appointment
    WHERE status = 'unknown' AND status_code IS NOT NULL
    UNION ALL
    SELECT source, 'appointment' AS resource, 'channel' AS field, channel_code AS code
    FROM staging.appointment
    WHERE channel = 'unknown' AND channel_code IS NOT NULL
    UNION ALL
    SELECT source, 'appointment' AS resource, 'modality' AS field, modality_code AS code
    FROM staging.appointment
    WHERE modality = 'unknown' AND modality_code IS NOT NULL
    UNION ALL
    SELECT source, 'appointment' AS resource, 'booked_by' AS field, booked_by_code AS code
    FROM staging.appointment
    WHERE booked_by = 'unknown' AND booked_by_code IS NOT NULL
    UNION ALL
    SELECT source, 'appointment' AS resource, 'cancelled_by' AS field, cancelled_by_code AS code
    FROM staging.appointment
    WHERE cancelled_by = 'unknown' AND cancelled_by_code IS NOT NULL
    UNION ALL
    SELECT source, 'working_hours' AS resource, 'kind' AS field, kind_code AS code
    FROM staging.working_hours
    WHERE kind = 'unknown' AND kind_code IS NOT NULL
    UNION ALL
    SELECT source, 'absence' AS resource, 'kind' AS field, kind_code AS code
    FROM staging.absence
    WHERE kind = 'unknown' AND kind_code IS NOT NULL
    UNION ALL
    SELECT source, 'consent' AS resource, 'purpose' AS field, purpose_code AS code
    FROM staging.consent
    WHERE purpose = 'unknown' AND purpose_code IS NOT NULL
    UNION ALL
    SELECT source, 'consent' AS resource, 'channel' AS field, channel_code AS code
    FROM staging.consent
    WHERE channel = 'unknown' AND channel_code IS NOT NULL
    UNION ALL
    SELECT source, 'recall' AS resource, 'status' AS field, status_code AS code
    FROM staging.recall
    WHERE status = 'unknown' AND status_code IS NOT NULL
)

SELECT code.source, code.resource, code.field, code.code, count(*) AS rows
FROM code
-- A map may say `unknown` itself ("not asked"), and FHIR has a code of that name: both are known well enough.
ANTI JOIN ops.code_map AS known
    ON code.source = known.source AND code.resource = known.resource
    AND code.field = known.field AND code.code = known.code
WHERE code.code <> 'unknown'
GROUP BY ALL
ORDER BY ALL
