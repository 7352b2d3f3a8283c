-- One row per person who answers for a patient of a source, as it last told it.
--
-- What a source has removed is left out; coded fields are read through the maps in force, else as they were landed.
WITH newest AS (
    SELECT source, source_id, max(run) AS run, min(run) AS first_run
    FROM raw.related_person
    WHERE run <= getvariable('run')
    GROUP BY source, source_id
),

known AS (
    SELECT raw_related_person.*, newest.first_run
    FROM newest
    INNER JOIN raw.related_person AS raw_related_person USING (source, source_id, run)
    WHERE NOT raw_related_person.removed
)

SELECT known.* EXCLUDE (removed) REPLACE (
    CASE
        WHEN relationship_map.code IS NOT NULL THEN relationship_map.value
        WHEN known.relationship_code IS NOT NULL AND list_contains(mapped.fields, 'relationship') THEN 'unknown'
        ELSE known.relationship
    END AS relationship
)
FROM known
LEFT JOIN staging.mapped AS mapped ON known.source = mapped.source AND mapped.resource = 'related_person'
LEFT JOIN ops.code_map AS relationship_map
    ON known.source = relationship_map.source AND known.relationship_code = relationship_map.code
    AND relationship_map.resource = 'related_person' AND relationship_map.field = 'relationship'
