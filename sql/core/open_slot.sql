-- One row per calendar, appointment type and free stretch ahead: how many appointments of the type fit in it.
--
-- published: no
-- Interim count: starts are packed from the beginning of the stretch in steps of the type's minutes, so a stretch of 70
--   minutes holds three of 20. Types are those of the sources that lead the calendar.
-- start_at: first open start, never before the instant of the snapshot.
-- slots: number of starts, `start_at` + 0, 1, 2, ... times `minutes`.
WITH offered AS (
    SELECT DISTINCT mapping.calendar_key, service.service_id, service.type_key, service.minutes
    FROM core.calendar_schedule AS mapping
    INNER JOIN core.service AS service ON mapping.source = service.source
    WHERE mapping.is_leading AND service.active AND service.minutes > 0
),

ahead AS (
    SELECT
        free_time.calendar_key,
        free_time.service_date,
        greatest(free_time.start_at, rule.not_before) AS start_at,
        free_time.end_at
    FROM core.free_time AS free_time
    CROSS JOIN staging.rule AS rule
    WHERE free_time.place = 1 AND free_time.end_at > rule.not_before
),

fitted AS (
    SELECT
        ahead.calendar_key,
        offered.service_id,
        offered.type_key,
        ahead.service_date,
        ahead.start_at,
        ahead.end_at,
        offered.minutes,
        (epoch_us(ahead.end_at) - epoch_us(ahead.start_at)) // 60000000 // offered.minutes AS slots
    FROM ahead
    INNER JOIN offered ON ahead.calendar_key = offered.calendar_key
)

SELECT *
FROM fitted
WHERE slots > 0
ORDER BY calendar_key, type_key, start_at
