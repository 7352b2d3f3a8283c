-- Waiting time: days until the third next open appointment of a type, per snapshot morning and calendar; NULL where
-- fewer than three were open within 180 days. Needs the daily snapshots: it cannot be computed from today's calendar.
WITH start AS (
    SELECT
        snapshot_date,
        calendar_key,
        type_key,
        slot_date,
        unnest([first_start_1, first_start_2, first_start_3]) AS open_start
    FROM marts.fact_slot_snapshot
    WHERE slot_date <= snapshot_date + 180
),

ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY snapshot_date, calendar_key, type_key ORDER BY open_start) AS place
    FROM start
    WHERE open_start IS NOT NULL
)

SELECT
    snapshot_date,
    calendar_key,
    type_key,
    min(slot_date) FILTER (place = 3) - snapshot_date AS days_to_third
FROM ranked
GROUP BY snapshot_date, calendar_key, type_key
ORDER BY snapshot_date, calendar_key, type_key
