-- One row per location of the practice.
--
-- location_key: key in all marts, from the practice's settings.
-- name: as the practice calls it.
-- state: Bundesland, whose holidays hold there.
SELECT location_key, name, state
FROM core.location
ORDER BY location_key
