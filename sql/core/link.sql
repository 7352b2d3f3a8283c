-- One row per source record that has an identity: the entity it stands for today, merged ones followed.
--
-- kind: person, practitioner, room, location, service or calendar.
-- entity_id: identity from the ledger (ULID); never made from content.
SELECT link.kind, link.source, link.source_id, coalesce(alias.current_id, link.entity_id) AS entity_id
FROM ops.link AS link
LEFT JOIN ops.alias AS alias ON link.kind = alias.kind AND link.entity_id = alias.entity_id
ORDER BY link.kind, link.source, link.source_id
