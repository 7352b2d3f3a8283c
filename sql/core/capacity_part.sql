-- One row per calendar, part of the waterfall and stretch of time: how many places of its bookable time fall into it.
--
-- published: no
-- part: attended, ahead, no_show, unknown, late_cancelled, other_cancelled or never_booked.
-- places: places per instant, at most the capacity; stretches of one part and calendar do not overlap.
-- Of several appointments at once, the first ones in the order of the parts above take a place each.
WITH attended AS (
    SELECT *, least(attended, capacity) AS attended_places
    FROM core.capacity_segment
    WHERE is_bookable
),

ahead AS (
    SELECT *, least(ahead, capacity - attended_places) AS ahead_places
    FROM attended
),

no_show AS (
    SELECT *, least(no_show, capacity - attended_places - ahead_places) AS no_show_places
    FROM ahead
),

unknown AS (
    SELECT
        *,
        least(unknown, capacity - attended_places - ahead_places - no_show_places) AS unknown_places
    FROM no_show
),

late AS (
    SELECT *, least(late_cancelled, greatest(capacity - active, 0)) AS late_cancelled_places
    FROM unknown
),

placed AS (
    SELECT
        *,
        least(other_cancelled, greatest(capacity - active, 0) - late_cancelled_places) AS other_cancelled_places
    FROM late
),

part AS (
    SELECT calendar_key, 'attended' AS part, start_at, end_at, attended_places AS places FROM placed
    UNION ALL
    SELECT calendar_key, 'ahead', start_at, end_at, ahead_places FROM placed
    UNION ALL
    SELECT calendar_key, 'no_show', start_at, end_at, no_show_places FROM placed
    UNION ALL
    SELECT calendar_key, 'unknown', start_at, end_at, unknown_places FROM placed
    UNION ALL
    SELECT calendar_key, 'late_cancelled', start_at, end_at, late_cancelled_places FROM placed
    UNION ALL
    SELECT calendar_key, 'other_cancelled', start_at, end_at, other_cancelled_places FROM placed
    UNION ALL
    SELECT calendar_key, 'never_booked', start_at, end_at, never_booked FROM core.gap
)

SELECT calendar_key, part, start_at, end_at, places
FROM part
WHERE places > 0
