-- Two stretches of one calendar and one part of the waterfall overlap.
SELECT calendar_key, part, start_at
FROM (
    SELECT
        calendar_key,
        part,
        start_at,
        lag(end_at) OVER (PARTITION BY calendar_key, part ORDER BY start_at, end_at) AS earlier_end
    FROM core.capacity_part
)
WHERE earlier_end > start_at
