-- One row per rule, source, record type and field whose data breaks the rule.
--
-- published: no
-- rows: how many records (for outside_hours: calendar days) break it.
-- severity: error (figures are wrong), warn (figures lack something) or info.
WITH appointment AS (
    SELECT
        staged.*,
        coalesce(staged.status, 'unknown') NOT IN ('cancelled', 'rescheduled', 'block', 'entered-in-error') AS is_active
    FROM staging.appointment AS staged
),

broken AS (
    SELECT 'empty_or_reversed' AS rule, source, 'appointment' AS resource, 'end' AS field, first_run AS run,
        'error' AS severity
    FROM appointment
    WHERE "end" <= start
    UNION ALL
    SELECT 'seconds_in_start', source, 'appointment', 'start', first_run, 'info'
    FROM appointment
    WHERE epoch_us(start) % 60000000 <> 0 OR epoch_us("end") % 60000000 <> 0
    UNION ALL
    SELECT 'no_show_but_finished', source, 'appointment', 'status', first_run, 'warn'
    FROM appointment
    WHERE status = 'noshow' AND actual_end IS NOT NULL
    UNION ALL
    SELECT 'without_schedule', source, 'appointment', 'schedule_id', first_run, 'error'
    FROM appointment
    WHERE schedule_id IS NULL
    UNION ALL
    SELECT 'without_patient', source, 'appointment', 'patient_id', first_run, 'info'
    FROM appointment
    WHERE patient_id IS NULL AND is_active
    UNION ALL
    SELECT 'unknown_patient', appointment.source, 'appointment', 'patient_id', appointment.first_run, 'warn'
    FROM appointment
    LEFT JOIN staging.patient AS patient
        ON appointment.source = patient.source AND appointment.patient_id = patient.source_id
    WHERE appointment.patient_id IS NOT NULL AND patient.source_id IS NULL
    UNION ALL
    SELECT 'attended_ahead', source, 'appointment', 'status', first_run, 'warn'
    FROM appointment
    WHERE status IN ('fulfilled', 'noshow')
        AND (start AT TIME ZONE getvariable('zone'))::DATE > getvariable('today')
    UNION ALL
    SELECT 'schedule_is_no_calendar', schedule.source, 'schedule', NULL, schedule.first_run, 'warn'
    FROM staging.schedule AS schedule
    LEFT JOIN core.calendar_schedule AS mapping
        ON schedule.source = mapping.source AND schedule.source_id = mapping.schedule_id
    WHERE mapping.calendar_key IS NULL
    UNION ALL
    SELECT 'calendar_without_location', mapping.source, 'schedule', 'location_id', schedule.first_run, 'warn'
    FROM core.calendar AS calendar
    INNER JOIN core.calendar_schedule AS mapping ON calendar.calendar_key = mapping.calendar_key
    INNER JOIN staging.schedule AS schedule
        ON mapping.source = schedule.source AND mapping.schedule_id = schedule.source_id
    WHERE calendar.location_key IS NULL
    UNION ALL
    SELECT CASE WHEN kept THEN 'doubtful_' ELSE 'rejected_' END || rule, source, resource, field, run, 'warn'
    FROM staging.rejected
),

counted AS (
    SELECT rule, source, resource, field, count(*) AS rows, min(run) AS first_run, max(run) AS last_run, severity
    FROM broken
    GROUP BY ALL
    UNION ALL
    SELECT 'unmapped_code', source, resource, field, sum(rows)::BIGINT, NULL, NULL, 'warn'
    FROM core.unmapped_code
    GROUP BY source, resource, field
    UNION ALL
    SELECT 'outside_hours', NULL, 'working_hours', NULL, count(*), NULL, NULL, 'warn'
    FROM (
        SELECT capacity.calendar_key, day.service_date
        FROM core.capacity_hour AS capacity
        INNER JOIN core.day AS day ON (capacity.hour_at AT TIME ZONE getvariable('zone'))::DATE = day.service_date
        WHERE capacity.measure = 'outside'
        GROUP BY ALL
        HAVING sum(capacity.minutes) > 60
    )
    HAVING count(*) > 0
)

SELECT
    counted.rule,
    counted.source,
    counted.resource,
    counted.field,
    counted.rows,
    first_run.read_at AS first_seen_at,
    last_run.read_at AS last_seen_at,
    counted.severity
FROM counted
LEFT JOIN raw.run AS first_run ON counted.first_run = first_run.run
LEFT JOIN raw.run AS last_run ON counted.last_run = last_run.run
ORDER BY counted.rule, counted.source, counted.resource, counted.field
