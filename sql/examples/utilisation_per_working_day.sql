-- Each ISO week beside the same week of the year before, per working day, so that holidays do not mislead.
WITH week AS (
    SELECT
        date.iso_year,
        date.iso_week,
        sum(capacity.booked_min) AS booked_min,
        sum(capacity.bookable_min) AS bookable_min,
        count(DISTINCT date.date) FILTER (date.is_working_day) AS working_days
    FROM marts.fact_capacity_day AS capacity
    INNER JOIN marts.dim_location AS location USING (location_key)
    INNER JOIN marts.dim_date AS date ON capacity.service_date = date.date AND location.state = date.state
    WHERE capacity.resource_kind = 'person'
    GROUP BY date.iso_year, date.iso_week
)

SELECT
    this.iso_year,
    this.iso_week,
    this.working_days,
    this.booked_min / nullif(this.working_days, 0) AS booked_min_per_working_day,
    before.booked_min / nullif(before.working_days, 0) AS booked_min_per_working_day_year_before
FROM week AS this
LEFT JOIN week AS before ON this.iso_year = before.iso_year + 1 AND this.iso_week = before.iso_week
ORDER BY this.iso_year, this.iso_week
