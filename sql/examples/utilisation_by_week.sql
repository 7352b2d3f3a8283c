-- Booked and used utilisation of the team per ISO week: sums divided once, never a mean of ratios.
SELECT
    isoyear(service_date) AS iso_year,
    week(service_date) AS iso_week,
    sum(booked_min) / nullif(sum(bookable_min), 0) AS booked_utilisation,
    sum(used_min) / nullif(sum(bookable_min), 0) AS used_utilisation,
    sum(outside_min) AS outside_min
FROM marts.fact_capacity_day
WHERE resource_kind = 'person' -- people and rooms are never added
GROUP BY iso_year, iso_week
ORDER BY iso_year, iso_week
