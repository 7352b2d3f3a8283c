-- One row per person: the most telling record of those that are linked to them (practice software first).
--
-- person_id: identity from the ledger.
-- person_key: pseudonym under which marts know the person.
WITH ranked AS (
    SELECT
        link.entity_id AS person_id,
        staged.*,
        row_number() OVER (
            PARTITION BY link.entity_id
            ORDER BY sources.system = 'pvs' DESC NULLS LAST, staged.source, staged.source_id
        ) AS place
    FROM staging.patient AS staged
    INNER JOIN core.link AS link
        ON link.kind = 'person' AND staged.source = link.source AND staged.source_id = link.source_id
    LEFT JOIN ops.source AS sources ON staged.source = sources.source
)

SELECT
    ranked.person_id,
    pseudonym.person_key,
    ranked.* EXCLUDE (person_id, place, run, first_run)
FROM ranked
LEFT JOIN ops.pseudonym AS pseudonym ON ranked.person_id = pseudonym.entity_id
WHERE ranked.place = 1
ORDER BY ranked.person_id
