-- A calendar's day whose hours do not add up to it.
WITH hours AS (
    SELECT
        calendar_key,
        service_date,
        sum(bookable_min) AS bookable_min,
        sum(booked_min) AS booked_min,
        sum(used_min) AS used_min,
        sum(outside_min) AS outside_min
    FROM marts.fact_capacity_hour
    GROUP BY calendar_key, service_date
)

SELECT day.calendar_key, day.service_date
FROM marts.fact_capacity_day AS day
LEFT JOIN hours ON day.calendar_key = hours.calendar_key AND day.service_date = hours.service_date
WHERE coalesce(hours.bookable_min, 0) <> day.bookable_min
    OR coalesce(hours.booked_min, 0) <> day.booked_min
    OR coalesce(hours.used_min, 0) <> day.used_min
    OR coalesce(hours.outside_min, 0) <> day.outside_min
