-- One row per calendar, hour (UTC) and measure: place-minutes of the calendar's time in that hour.
--
-- published: no
-- measure: template, holiday, closure, extra, absence, gross, block, bookable (the hours); attended, ahead, no_show,
--   unknown, late_cancelled, other_cancelled, never_booked (the parts of bookable time); outside (minutes with an
--   active appointment and no bookable time, once however many there are), double_booked (appointments beyond the
--   capacity, in bookable time) and double_booked_intended (those of them whose type is meant for it).
-- Zones with whole-hour offsets only: an hour then lies in one local hour and one local day.
WITH hours AS (
    SELECT
        calendar_key,
        start_at,
        end_at,
        capacity AS places,
        unnest([
            CASE WHEN is_template THEN 'template' END,
            CASE WHEN is_holiday THEN 'holiday' END,
            CASE WHEN is_closure THEN 'closure' END,
            CASE WHEN is_extra THEN 'extra' END,
            CASE WHEN is_absence THEN 'absence' END,
            CASE WHEN is_gross THEN 'gross' END,
            CASE WHEN is_block THEN 'block' END,
            CASE WHEN is_bookable THEN 'bookable' END
        ]) AS measure
    FROM core.available_time
),

measured AS (
    SELECT calendar_key, measure, start_at, end_at, places FROM hours WHERE measure IS NOT NULL
    UNION ALL
    SELECT calendar_key, part, start_at, end_at, places FROM core.capacity_part
    UNION ALL
    SELECT calendar_key, 'outside', start_at, end_at, 1
    FROM core.capacity_segment
    WHERE NOT is_bookable AND active > 0
    UNION ALL
    SELECT calendar_key, 'double_booked', start_at, end_at, active - capacity
    FROM core.capacity_segment
    WHERE is_bookable AND active > capacity
    UNION ALL
    SELECT calendar_key, 'double_booked_intended', start_at, end_at, least(active - capacity, intended)
    FROM core.capacity_segment
    WHERE is_bookable AND active > capacity AND intended > 0
),

cut AS (
    SELECT
        calendar_key,
        measure,
        places,
        epoch_us(start_at) // 60000000 AS start_minute,
        epoch_us(end_at) // 60000000 AS end_minute,
        unnest(range(epoch_us(start_at) // 3600000000, (epoch_us(end_at) - 1) // 3600000000 + 1)) AS hour
    FROM measured
)

SELECT
    calendar_key,
    make_timestamptz(hour * 3600000000) AS hour_at,
    measure,
    sum(places * (least(end_minute, hour * 60 + 60) - greatest(start_minute, hour * 60)))::BIGINT AS minutes
FROM cut
GROUP BY calendar_key, hour, measure
