-- A key stands once in its dimension.
SELECT 'dim_person' AS dimension, person_key AS key FROM marts.dim_person GROUP BY ALL HAVING count(*) > 1
UNION ALL
SELECT 'person_alias', person_key FROM marts.person_alias GROUP BY ALL HAVING count(*) > 1
UNION ALL
SELECT 'dim_practitioner', practitioner_key FROM marts.dim_practitioner GROUP BY ALL HAVING count(*) > 1
UNION ALL
SELECT 'dim_type', type_key FROM marts.dim_type GROUP BY ALL HAVING count(*) > 1
UNION ALL
SELECT 'dim_room', room_key FROM marts.dim_room GROUP BY ALL HAVING count(*) > 1
UNION ALL
SELECT 'dim_location', location_key FROM marts.dim_location GROUP BY ALL HAVING count(*) > 1
UNION ALL
SELECT 'dim_calendar', calendar_key FROM marts.dim_calendar GROUP BY ALL HAVING count(*) > 1
UNION ALL
SELECT 'dim_date', date || ' ' || state FROM marts.dim_date GROUP BY ALL HAVING count(*) > 1
