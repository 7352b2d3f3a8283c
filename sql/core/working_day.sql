-- One row per state and local day: whether it is a working day (Monday to Friday, no public holiday there).
--
-- published: no
-- A day is a holiday of a state when it is one for at least one location there.
-- number: running number of working days of the state, so that two days can be subtracted.
WITH bounds AS (
    SELECT
        greatest(
            coalesce(min((start AT TIME ZONE getvariable('zone'))::DATE), rule.today),
            (rule.today - INTERVAL 10 YEAR)::DATE
        ) AS first_day,
        (rule.today + to_months(rule.window_ahead_months::INTEGER))::DATE AS last_day
    FROM staging.rule AS rule
    LEFT JOIN staging.appointment AS appointment ON true
    GROUP BY rule.today, rule.window_ahead_months
),

day AS (
    SELECT unnest(range(
        make_date(year(least(first_day, last_day)), 1, 1)::TIMESTAMP,
        make_date(year(last_day) + 1, 1, 1)::TIMESTAMP,
        INTERVAL 1 DAY
    ))::DATE AS date
    FROM bounds
),

holiday AS (
    SELECT location.state, holiday.date, min(holiday.name) AS name
    FROM ops.holiday AS holiday
    INNER JOIN ops.location AS location ON holiday.location_key = location.location_key
    WHERE holiday.kind = 'public'
    GROUP BY location.state, holiday.date
),

judged AS (
    SELECT
        state.state,
        day.date,
        holiday.name AS holiday_name,
        isodow(day.date) <= 5 AND holiday.date IS NULL AS is_working_day
    FROM day
    CROSS JOIN (SELECT DISTINCT state FROM ops.location) AS state
    LEFT JOIN holiday ON state.state = holiday.state AND day.date = holiday.date
)

SELECT
    state,
    date,
    holiday_name,
    is_working_day,
    (count(*) FILTER (is_working_day) OVER (PARTITION BY state ORDER BY date))::BIGINT AS number
FROM judged
ORDER BY state, date
