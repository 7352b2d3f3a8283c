-- One row per room.
--
-- location_key: the location that its site is; where the practice has one location only, that one.
WITH only_one AS (
    SELECT min(location_key) AS location_key
    FROM ops.location
    HAVING count(*) = 1
),

ranked AS (
    SELECT
        link.entity_id AS room_id,
        staged.source,
        staged.name,
        staged.part_of,
        row_number() OVER (
            PARTITION BY link.entity_id
            ORDER BY sources.system = 'pvs' DESC NULLS LAST, staged.source, staged.source_id
        ) AS place
    FROM staging.location AS staged
    INNER JOIN core.link AS link
        ON link.kind = 'room' AND staged.source = link.source AND staged.source_id = link.source_id
    LEFT JOIN ops.source AS sources ON staged.source = sources.source
)

SELECT
    ranked.room_id,
    entity_key.key AS room_key,
    ranked.name,
    coalesce(site.location_key, (SELECT location_key FROM only_one)) AS location_key
FROM ranked
INNER JOIN core.entity_key AS entity_key ON entity_key.kind = 'room' AND ranked.room_id = entity_key.entity_id
LEFT JOIN core.location_link AS site ON ranked.source = site.source AND ranked.part_of = site.source_id
WHERE ranked.place = 1
ORDER BY ranked.room_id
