-- One row per calendar that counts, by name.
--
-- calendar_key: key in all marts.
-- name: as the practice calls it.
SELECT calendar_key, name
FROM core.calendar
ORDER BY calendar_key
