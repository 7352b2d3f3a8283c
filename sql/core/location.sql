-- One row per location of the practice, as its settings name them.
SELECT location_key, name, state
FROM ops.location
ORDER BY location_key
