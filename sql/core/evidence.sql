-- One row per person and local day on which something shows that the person was there: a visit, a read card, a service.
-- Empty unless the practice has missed appointments inferred.
--
-- published: no
SELECT DISTINCT link.entity_id AS person_id, seen.service_date
FROM (
    SELECT
        source,
        patient_id,
        (coalesce(arrived_at, started_at, card_read_at, finished_at) AT TIME ZONE getvariable('zone'))::DATE
            AS service_date
    FROM staging.visit
    UNION ALL
    SELECT source, patient_id, service_date
    FROM staging.billed_service
) AS seen
INNER JOIN core.link AS link
    ON link.kind = 'person' AND seen.source = link.source AND seen.patient_id = link.source_id
WHERE seen.service_date IS NOT NULL
    AND (SELECT infer_no_show FROM staging.rule)
ORDER BY person_id, service_date
