-- One row per calendar, place and unbroken stretch of free bookable time, cut at local midnight.
--
-- published: no
-- place: 1 where at least one place is free, 2 where at least two are, and so on.
WITH placed AS (
    SELECT calendar_key, unnest(range(1, free + 1)) AS place, start_at, end_at
    FROM core.gap
),

marked AS (
    SELECT
        *,
        start_at IS DISTINCT FROM lag(end_at) OVER (PARTITION BY calendar_key, place ORDER BY start_at) AS is_first
    FROM placed
),

numbered AS (
    SELECT *, sum(is_first::INTEGER) OVER (PARTITION BY calendar_key, place ORDER BY start_at) AS stretch
    FROM marked
),

merged AS (
    SELECT calendar_key, place, min(start_at) AS start_at, max(end_at) AS end_at
    FROM numbered
    GROUP BY calendar_key, place, stretch
)

SELECT
    merged.calendar_key,
    merged.place,
    day.service_date,
    greatest(merged.start_at, day.start_at) AS start_at,
    least(merged.end_at, day.end_at) AS end_at,
    (epoch_us(least(merged.end_at, day.end_at)) - epoch_us(greatest(merged.start_at, day.start_at))) // 60000000
        AS minutes
FROM (
    SELECT
        *,
        unnest(range(
            (start_at AT TIME ZONE getvariable('zone'))::DATE::TIMESTAMP,
            end_at AT TIME ZONE getvariable('zone'),
            INTERVAL 1 DAY
        ))::DATE AS service_date
    FROM merged
) AS merged
INNER JOIN core.day AS day ON merged.service_date = day.service_date
