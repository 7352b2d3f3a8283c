-- One row per practitioner: what the practice software says, else another source.
--
-- initials: from the source, else the first letters of given and family name.
WITH ranked AS (
    SELECT
        link.entity_id AS practitioner_id,
        staged.*,
        row_number() OVER (
            PARTITION BY link.entity_id
            ORDER BY sources.system = 'pvs' DESC NULLS LAST, staged.source, staged.source_id
        ) AS place
    FROM staging.practitioner AS staged
    INNER JOIN core.link AS link
        ON link.kind = 'practitioner' AND staged.source = link.source AND staged.source_id = link.source_id
    LEFT JOIN ops.source AS sources ON staged.source = sources.source
)

SELECT
    ranked.practitioner_id,
    entity_key.key AS practitioner_key,
    nullif(concat_ws(' ', ranked.name_prefix, ranked.given_name, ranked.family_name), '') AS name,
    ranked.family_name,
    ranked.given_name,
    coalesce(
        ranked.initials,
        nullif(concat(upper(left(ranked.given_name, 1)), upper(left(ranked.family_name, 1))), '')
    ) AS initials,
    ranked.lanr,
    coalesce(ranked.active, true) AS active
FROM ranked
INNER JOIN core.entity_key AS entity_key
    ON entity_key.kind = 'practitioner' AND ranked.practitioner_id = entity_key.entity_id
WHERE ranked.place = 1
ORDER BY ranked.practitioner_id
