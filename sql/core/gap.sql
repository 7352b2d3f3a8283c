-- One row per calendar and stretch of bookable time with a free place, in which nothing changes.
--
-- published: no
-- never_booked: places that no appointment ever held, whatever became of it.
-- free: places that no appointment holds now; the time of a cancelled one is free again.
-- A sweep of its own over the bookable time and the appointments as they are: never-booked time comes from these gaps,
-- not from what the other parts of the waterfall leave over, so that the sum of the parts proves something.
WITH event AS (
    SELECT calendar_key, start_at AS instant, capacity AS places, 0 AS held, 0 AS taken
    FROM core.available_time
    WHERE is_bookable
    UNION ALL
    SELECT calendar_key, end_at, -capacity, 0, 0
    FROM core.available_time
    WHERE is_bookable
    UNION ALL
    SELECT calendar_key, start_at, 0, 1, is_active::INTEGER FROM core.occupancy
    UNION ALL
    SELECT calendar_key, end_at, 0, -1, -is_active::INTEGER FROM core.occupancy
),

stepped AS (
    SELECT
        calendar_key,
        instant,
        sum(places)::DOUBLE AS places,
        sum(held)::DOUBLE AS held,
        sum(taken)::DOUBLE AS taken
    FROM event
    GROUP BY calendar_key, instant
),

swept AS (
    SELECT
        calendar_key,
        instant AS start_at,
        lead(instant) OVER running AS end_at,
        (sum(places) OVER running)::BIGINT AS places,
        (sum(held) OVER running)::BIGINT AS held,
        (sum(taken) OVER running)::BIGINT AS taken
    FROM stepped
    WINDOW running AS (PARTITION BY calendar_key ORDER BY instant)
)

SELECT
    calendar_key,
    start_at,
    end_at,
    greatest(places - held, 0) AS never_booked,
    places - taken AS free
FROM swept
WHERE places > taken
