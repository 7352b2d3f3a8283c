-- A calendar's day stands once in fact_capacity_day, its hour once in fact_capacity_hour.
SELECT calendar_key, service_date, NULL AS hour
FROM marts.fact_capacity_day
GROUP BY calendar_key, service_date
HAVING count(*) > 1
UNION ALL
SELECT calendar_key, service_date, hour
FROM marts.fact_capacity_hour
GROUP BY calendar_key, service_date, hour
HAVING count(*) > 1
