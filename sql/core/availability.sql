-- One row per calendar and stretch of time that says something about its availability, as instants.
--
-- kind: template (regular hours), extra, holiday, closure, absence or block. Stretches of one kind may overlap.
-- Wall time becomes an instant per day. Where the clocks go back, the hour that is there twice means its first
-- pass; where they go forward, the missing hour means the time that the clock shows instead.
WITH dated AS (
    SELECT rule.*, day.service_date
    FROM core.working_hours AS rule
    INNER JOIN core.day AS day ON rule.date = day.service_date
    UNION ALL
    SELECT rule.*, day.service_date
    FROM core.working_hours AS rule
    INNER JOIN core.day AS day ON rule.weekday = day.weekday
    WHERE rule.date IS NULL
        AND date_diff('week', coalesce(date_trunc('week', rule.valid_from)::DATE, DATE '1970-01-05'), day.week_start)
            % rule.week_interval = 0
),

wall AS (
    SELECT
        calendar_key,
        CASE WHEN kind = 'extra' THEN 'extra' ELSE 'template' END AS kind,
        service_date + start_time AS start_wall,
        -- Hours that end at or after midnight end on the next day.
        service_date + end_time
            + CASE WHEN end_time < start_time OR end_time = TIME '00:00' THEN INTERVAL 1 DAY ELSE INTERVAL 0 DAY END
            AS end_wall
    FROM dated
    WHERE (valid_from IS NULL OR service_date >= valid_from)
        AND (valid_to IS NULL OR service_date <= valid_to)
),

hours AS (
    SELECT
        calendar_key,
        kind,
        least(
            start_wall AT TIME ZONE getvariable('zone'),
            (start_wall - INTERVAL 1 HOUR) AT TIME ZONE getvariable('zone') + INTERVAL 1 HOUR
        ) AS start_at,
        least(
            end_wall AT TIME ZONE getvariable('zone'),
            (end_wall - INTERVAL 1 HOUR) AT TIME ZONE getvariable('zone') + INTERVAL 1 HOUR
        ) AS end_at
    FROM wall
),

holiday AS (
    SELECT calendar.calendar_key, 'holiday' AS kind, day.start_at, day.end_at
    FROM core.calendar AS calendar
    INNER JOIN ops.holiday AS holiday ON calendar.location_key = holiday.location_key AND holiday.kind = 'public'
    INNER JOIN core.day AS day ON holiday.date = day.service_date
),

closure AS (
    SELECT
        calendar.calendar_key,
        'closure' AS kind,
        closure.start_date::TIMESTAMP AT TIME ZONE getvariable('zone') AS start_at,
        (closure.end_date + 1)::TIMESTAMP AT TIME ZONE getvariable('zone') AS end_at
    FROM core.calendar AS calendar
    INNER JOIN ops.closure AS closure
        ON closure.location_key IS NULL OR calendar.location_key = closure.location_key
),

absence AS (
    SELECT
        holds.calendar_key,
        -- An absence of a kind that no map knows still means that the calendar is not there.
        CASE WHEN absence.kind IN ('closure', 'block') THEN absence.kind ELSE 'absence' END AS kind,
        time_bucket(INTERVAL 1 MINUTE, absence.start) AS start_at,
        time_bucket(INTERVAL 1 MINUTE, absence.end) AS end_at
    FROM core.availability_source AS holds
    INNER JOIN staging.absence AS absence ON holds.source = absence.source
    LEFT JOIN core.calendar_schedule AS mapping
        ON absence.source = mapping.source AND absence.schedule_id = mapping.schedule_id
    LEFT JOIN core.link AS link
        ON link.kind = 'practitioner'
        AND absence.source = link.source AND absence.practitioner_id = link.source_id
    LEFT JOIN core.calendar AS calendar ON holds.calendar_key = calendar.calendar_key
    WHERE CASE
        WHEN absence.schedule_id IS NOT NULL THEN mapping.calendar_key = holds.calendar_key
        WHEN absence.practitioner_id IS NOT NULL THEN link.entity_id = calendar.practitioner_id
        ELSE true
    END
),

block AS (
    SELECT calendar_key, 'block' AS kind, start_at, end_at
    FROM core.appointment
    WHERE is_counted AND outcome = 'block'
)

SELECT calendar_key, kind, start_at, end_at
FROM (
    SELECT * FROM hours
    UNION ALL
    SELECT * FROM holiday
    UNION ALL
    SELECT * FROM closure
    UNION ALL
    SELECT * FROM absence
    UNION ALL
    SELECT * FROM block
)
WHERE start_at < end_at
ORDER BY ALL
