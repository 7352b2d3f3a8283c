-- An instant at which the parts of the waterfall do not add up to capacity x bookable time, to the minute.
--
-- A sweep of its own over the parts and the bookable time, so that moving a single stretch by a minute is found even
-- where all sums stay equal.
WITH event AS (
    SELECT calendar_key, start_at AS instant, places AS step FROM core.capacity_part
    UNION ALL
    SELECT calendar_key, end_at, -places FROM core.capacity_part
    UNION ALL
    SELECT calendar_key, start_at, -capacity FROM core.available_time WHERE is_bookable
    UNION ALL
    SELECT calendar_key, end_at, capacity FROM core.available_time WHERE is_bookable
),

stepped AS (
    SELECT calendar_key, instant, sum(step)::DOUBLE AS step
    FROM event
    GROUP BY calendar_key, instant
    HAVING sum(step) <> 0
)

SELECT calendar_key, instant
FROM (
    SELECT calendar_key, instant, sum(step) OVER (PARTITION BY calendar_key ORDER BY instant) AS places
    FROM stepped
)
WHERE places <> 0
