-- One row per calendar and rule of its bookable hours, in local wall time.
--
-- hours_source: source (a source tells them), practice (opening hours of the location in the settings) or estimated:
--   per weekday from the 5th percentile of the day's first start to the 95th of its last end, over the eight weeks
--   that end with the calendar's last past appointment.
WITH told AS (
    SELECT DISTINCT
        mapping.calendar_key,
        'source' AS hours_source,
        coalesce(hours.kind, 'regular') AS kind,
        hours.weekday,
        hours.date,
        hours.start_time,
        hours.end_time,
        hours.valid_from::DATE AS valid_from,
        hours.valid_to::DATE AS valid_to,
        greatest(coalesce(hours.week_interval, 1), 1) AS week_interval
    FROM core.availability_source AS holds
    INNER JOIN core.calendar_schedule AS mapping USING (calendar_key, source)
    INNER JOIN staging.working_hours AS hours
        ON mapping.source = hours.source
        AND (hours.schedule_id = mapping.schedule_id OR hours.schedule_id IS NULL)
    WHERE coalesce(hours.kind, 'regular') IN ('regular', 'extra')
),

without AS (
    SELECT calendar_key, location_key
    FROM core.calendar
    WHERE calendar_key NOT IN (SELECT calendar_key FROM told WHERE kind = 'regular')
),

opening AS (
    SELECT
        without.calendar_key,
        opening_hours.weekday,
        opening_hours.start_time,
        opening_hours.end_time
    FROM without
    INNER JOIN ops.opening_hours AS opening_hours ON without.location_key = opening_hours.location_key
),

past AS (
    SELECT
        appointment.calendar_key,
        appointment.service_date,
        min(appointment.start_at AT TIME ZONE getvariable('zone')) AS first_start,
        max(appointment.end_at AT TIME ZONE getvariable('zone')) AS last_end,
        max(appointment.service_date) OVER (PARTITION BY appointment.calendar_key) AS last_day
    FROM core.appointment AS appointment
    INNER JOIN without ON appointment.calendar_key = without.calendar_key
    WHERE appointment.is_counted
        AND appointment.outcome IN ('attended', 'no_show', 'unknown')
        AND appointment.service_date < getvariable('today')
        AND appointment.start_at < appointment.end_at
        AND appointment.calendar_key NOT IN (SELECT calendar_key FROM opening)
    GROUP BY appointment.calendar_key, appointment.service_date
),

estimated AS (
    SELECT
        calendar_key,
        isodow(service_date)::BIGINT AS weekday,
        quantile_disc(first_start::TIME, 0.05) AS start_time,
        -- A day that runs past midnight is taken as ending there.
        quantile_disc(
            CASE WHEN last_end::DATE > service_date THEN TIME '23:59' ELSE last_end::TIME END, 0.95
        ) AS end_time
    FROM past
    WHERE service_date > last_day - 56
    GROUP BY calendar_key, isodow(service_date)
    HAVING start_time < end_time
)

SELECT * FROM told
UNION ALL
SELECT calendar_key, 'practice', 'regular', weekday, NULL, start_time, end_time, NULL, NULL, 1 FROM opening
UNION ALL
SELECT calendar_key, 'estimated', 'regular', weekday, NULL, start_time, end_time, NULL, NULL, 1 FROM estimated
ORDER BY ALL
