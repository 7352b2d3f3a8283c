-- How full each hour of the week is: weekday by local hour, where there is capacity at all.
SELECT
    weekday,
    hour,
    sum(booked_min) / sum(bookable_min) AS booked_utilisation,
    sum(bookable_min) / 60 AS bookable_hours
FROM marts.fact_capacity_hour
WHERE resource_kind = 'person'
GROUP BY weekday, hour
HAVING sum(bookable_min) > 0
ORDER BY weekday, hour
