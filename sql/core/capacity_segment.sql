-- One row per calendar and stretch in which nothing changes, where it can be booked or somebody is booked.
--
-- published: no
-- attended .. other_cancelled: how many appointments of that part hold the stretch at once.
-- intended: how many of the active ones are of a type that is meant to be booked beside others.
-- One sweep per calendar over bookable time and appointments: steps up and down, running sums between them. The sums
-- are DOUBLE because whole numbers of this size are exact in it, and a running sum of integers takes twice as long.
WITH event AS (
    SELECT calendar_key, 'bookable' AS part, start_at AS instant, 1 AS step
    FROM core.available_time
    WHERE is_bookable
    UNION ALL
    SELECT calendar_key, 'bookable', end_at, -1
    FROM core.available_time
    WHERE is_bookable
    UNION ALL
    SELECT calendar_key, part, start_at, 1 FROM core.occupancy
    UNION ALL
    SELECT calendar_key, part, end_at, -1 FROM core.occupancy
    UNION ALL
    SELECT calendar_key, 'intended', start_at, 1 FROM core.occupancy WHERE is_active AND is_intended
    UNION ALL
    SELECT calendar_key, 'intended', end_at, -1 FROM core.occupancy WHERE is_active AND is_intended
),

stepped AS (
    SELECT
        calendar_key,
        instant,
        coalesce(sum(step) FILTER (part = 'bookable'), 0)::DOUBLE AS bookable,
        coalesce(sum(step) FILTER (part = 'attended'), 0)::DOUBLE AS attended,
        coalesce(sum(step) FILTER (part = 'ahead'), 0)::DOUBLE AS ahead,
        coalesce(sum(step) FILTER (part = 'no_show'), 0)::DOUBLE AS no_show,
        coalesce(sum(step) FILTER (part = 'unknown'), 0)::DOUBLE AS unknown,
        coalesce(sum(step) FILTER (part = 'late_cancelled'), 0)::DOUBLE AS late_cancelled,
        coalesce(sum(step) FILTER (part = 'other_cancelled'), 0)::DOUBLE AS other_cancelled,
        coalesce(sum(step) FILTER (part = 'intended'), 0)::DOUBLE AS intended
    FROM event
    GROUP BY calendar_key, instant
),

swept AS (
    SELECT
        calendar_key,
        instant AS start_at,
        lead(instant) OVER running AS end_at,
        sum(bookable) OVER running > 0 AS is_bookable,
        (sum(attended) OVER running)::BIGINT AS attended,
        (sum(ahead) OVER running)::BIGINT AS ahead,
        (sum(no_show) OVER running)::BIGINT AS no_show,
        (sum(unknown) OVER running)::BIGINT AS unknown,
        (sum(late_cancelled) OVER running)::BIGINT AS late_cancelled,
        (sum(other_cancelled) OVER running)::BIGINT AS other_cancelled,
        (sum(intended) OVER running)::BIGINT AS intended
    FROM stepped
    WINDOW running AS (PARTITION BY calendar_key ORDER BY instant)
)

SELECT
    swept.calendar_key,
    swept.start_at,
    swept.end_at,
    calendar.capacity,
    swept.* EXCLUDE (calendar_key, start_at, end_at),
    swept.attended + swept.ahead + swept.no_show + swept.unknown AS active
FROM swept
INNER JOIN core.calendar AS calendar ON swept.calendar_key = calendar.calendar_key
WHERE swept.end_at IS NOT NULL
    AND (swept.is_bookable OR swept.attended + swept.ahead + swept.no_show + swept.unknown > 0)
