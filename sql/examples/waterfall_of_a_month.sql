-- Where the time of a month went, in hours: from regular hours to bookable time, and what became of it.
SELECT
    date_trunc('month', service_date)::DATE AS month,
    sum(template_min) / 60 AS regular_hours,
    -sum(holiday_min) / 60 AS holidays,
    -sum(closure_min) / 60 AS closures,
    sum(extra_min) / 60 AS extra_openings,
    -sum(absence_min) / 60 AS absences,
    -sum(block_min) / 60 AS other_work,
    sum(bookable_min) / 60 AS bookable,
    -sum(never_booked_min) / 60 AS never_booked,
    -sum(late_cancelled_min) / 60 AS cancelled_late,
    -sum(other_cancelled_min) / 60 AS cancelled_otherwise,
    -sum(no_show_min) / 60 AS not_come,
    -sum(unknown_min) / 60 AS nobody_knows,
    -sum(ahead_min) / 60 AS still_ahead,
    sum(attended_min) / 60 AS attended
FROM marts.fact_capacity_day
WHERE resource_kind = 'person'
GROUP BY month
ORDER BY month
