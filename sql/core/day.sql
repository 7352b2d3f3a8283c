-- One row per local day for which capacity is computed: from the first counted appointment to the end of the window.
--
-- published: no
-- At most ten years back, so that one mistyped year does not make a century of empty days.
-- start_at: local midnight as an instant; a day has 23 or 25 hours when the clocks change.
WITH bounds AS (
    SELECT
        greatest(
            least(coalesce(min(appointment.service_date), rule.today), rule.today),
            (rule.today - INTERVAL 10 YEAR)::DATE
        ) AS first_day,
        (rule.today + to_months(rule.window_ahead_months::INTEGER))::DATE AS last_day
    FROM staging.rule AS rule
    LEFT JOIN core.appointment AS appointment ON appointment.is_counted
    GROUP BY rule.today, rule.window_ahead_months
)

SELECT
    wall::DATE AS service_date,
    isodow(wall)::BIGINT AS weekday,
    date_trunc('week', wall)::DATE AS week_start,
    wall AT TIME ZONE getvariable('zone') AS start_at,
    (wall + INTERVAL 1 DAY) AT TIME ZONE getvariable('zone') AS end_at
FROM (
    SELECT unnest(range(first_day::TIMESTAMP, (last_day + 1)::TIMESTAMP, INTERVAL 1 DAY)) AS wall
    FROM bounds
)
ORDER BY service_date
