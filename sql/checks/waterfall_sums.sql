-- A calendar's day whose minutes do not add up: hours, parts of the waterfall, booked and free time.
SELECT calendar_key, service_date
FROM marts.fact_capacity_day
WHERE template_min - holiday_min - closure_min + extra_min - absence_min <> gross_min
    OR gross_min - block_min <> bookable_min
    OR attended_min + ahead_min + no_show_min + unknown_min + late_cancelled_min + other_cancelled_min
        + never_booked_min <> bookable_min
    OR attended_min + ahead_min + no_show_min + unknown_min <> booked_min
    OR attended_min <> used_min
    OR booked_min + free_min <> bookable_min
    OR booked_min > bookable_min
    OR usable_min > free_min
    OR double_booked_intended_min > double_booked_min
    OR least(
        template_min, holiday_min, closure_min, extra_min, absence_min, block_min, gross_min, bookable_min,
        attended_min, ahead_min, no_show_min, unknown_min, late_cancelled_min, other_cancelled_min, never_booked_min,
        outside_min, double_booked_min, double_booked_intended_min, free_min
    ) < 0
