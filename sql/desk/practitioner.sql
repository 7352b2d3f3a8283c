-- One row per practitioner, by name.
--
-- practitioner_key: key in all marts.
-- name: full name.
-- initials: as marts show them.
SELECT practitioner_key, name, initials
FROM core.practitioner
ORDER BY practitioner_key
