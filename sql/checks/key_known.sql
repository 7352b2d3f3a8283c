-- Every key of a fact stands in its dimension.
SELECT 'fact_appointment.calendar_key' AS field, fact.calendar_key AS key
FROM marts.fact_appointment AS fact
WHERE fact.calendar_key IS NOT NULL AND fact.calendar_key NOT IN (SELECT calendar_key FROM marts.dim_calendar)
UNION ALL
SELECT 'fact_appointment.location_key', fact.location_key
FROM marts.fact_appointment AS fact
WHERE fact.location_key IS NOT NULL AND fact.location_key NOT IN (SELECT location_key FROM marts.dim_location)
UNION ALL
SELECT 'fact_capacity_day.calendar_key', fact.calendar_key
FROM marts.fact_capacity_day AS fact
WHERE fact.calendar_key NOT IN (SELECT calendar_key FROM marts.dim_calendar)
UNION ALL
SELECT 'fact_capacity_hour.calendar_key', fact.calendar_key
FROM marts.fact_capacity_hour AS fact
WHERE fact.calendar_key NOT IN (SELECT calendar_key FROM marts.dim_calendar)
UNION ALL
SELECT 'dim_calendar.location_key', calendar.location_key
FROM marts.dim_calendar AS calendar
WHERE calendar.location_key IS NOT NULL AND calendar.location_key NOT IN (SELECT location_key FROM marts.dim_location)
