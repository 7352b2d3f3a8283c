-- A run lands one version of an appointment: the newest version is one row.
SELECT source, source_id
FROM core.appointment
GROUP BY source, source_id
HAVING count(*) > 1
