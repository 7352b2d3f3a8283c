-- One row per site of a source that is known to be a location of the practice.
--
-- location_key: the location of that name or key; where the practice has one location only, that one.
WITH only_one AS (
    SELECT min(location_key) AS location_key
    FROM ops.location
    HAVING count(*) = 1
)

SELECT
    site.source,
    site.source_id,
    coalesce(min(location.location_key), any_value(only_one.location_key)) AS location_key
FROM staging.location AS site
LEFT JOIN ops.location AS location
    ON lower(trim(site.name)) = lower(trim(location.name)) OR site.source_id = location.location_key
LEFT JOIN only_one ON true
WHERE site.kind IS DISTINCT FROM 'room'
GROUP BY site.source, site.source_id
HAVING coalesce(min(location.location_key), any_value(only_one.location_key)) IS NOT NULL
ORDER BY site.source, site.source_id
