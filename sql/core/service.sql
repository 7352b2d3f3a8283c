-- One row per appointment type.
--
-- minutes: how long it takes as a rule.
WITH ranked AS (
    SELECT
        link.entity_id AS service_id,
        staged.*,
        row_number() OVER (
            PARTITION BY link.entity_id
            ORDER BY sources.system = 'pvs' DESC NULLS LAST, staged.source, staged.source_id
        ) AS place
    FROM staging.healthcare_service AS staged
    INNER JOIN core.link AS link
        ON link.kind = 'service' AND staged.source = link.source AND staged.source_id = link.source_id
    LEFT JOIN ops.source AS sources ON staged.source = sources.source
)

SELECT
    ranked.service_id,
    entity_key.key AS type_key,
    ranked.source,
    ranked.name,
    ranked.minutes,
    coalesce(ranked.bookable_online, false) AS bookable_online,
    coalesce(ranked.overbooking_intended, false) AS overbooking_intended,
    coalesce(ranked.needs_room, false) AS needs_room,
    coalesce(ranked.active, true) AS active
FROM ranked
INNER JOIN core.entity_key AS entity_key ON entity_key.kind = 'service' AND ranked.service_id = entity_key.entity_id
WHERE ranked.place = 1
ORDER BY ranked.service_id
