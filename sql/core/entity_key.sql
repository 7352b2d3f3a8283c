-- One row per entity that is no patient: the short key under which marts name it.
--
-- key: a letter and the place of the entity among all of its kind; ids grow with time, so a key never moves.
SELECT
    kind,
    entity_id,
    left(kind, 1) || row_number() OVER (PARTITION BY kind ORDER BY entity_id) AS key
FROM (
    SELECT kind, entity_id FROM ops.link
    UNION
    SELECT kind, entity_id FROM ops.alias
    UNION
    SELECT kind, current_id FROM ops.alias
)
WHERE kind <> 'person'
ORDER BY kind, entity_id
