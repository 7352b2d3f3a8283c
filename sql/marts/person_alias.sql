-- One row per pseudonym that was merged into another, so that figures saved under it can be followed.
--
-- person_key: pseudonym that was used before.
-- current_key: pseudonym of the same person today.
SELECT old.person_key, new.person_key AS current_key
FROM ops.alias AS alias
INNER JOIN ops.pseudonym AS old ON alias.entity_id = old.entity_id
INNER JOIN ops.pseudonym AS new ON alias.current_id = new.entity_id
WHERE alias.kind = 'person'
ORDER BY old.person_key
