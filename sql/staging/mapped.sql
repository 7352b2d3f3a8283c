-- One row per source and record type: the coded fields that have a map in force.
--
-- fields: names of those fields; a vendor value of such a field that its map lacks is `unknown`.
SELECT source, resource, list(DISTINCT field ORDER BY field) AS fields
FROM ops.code_map
GROUP BY source, resource
ORDER BY source, resource
