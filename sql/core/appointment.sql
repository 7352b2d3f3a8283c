-- One row per appointment that a source knows, with what became of it.
--
-- appointment_key: 63 bits of the md5 of source and source_id; the same in every build.
-- is_counted: it stands in a leading calendar, so utilisation counts it. Where both sides lead, the platform's copy of
--   an appointment that the practice software holds at the same time is not counted again.
-- start_at: planned start, cut to the minute.
-- outcome: attended, booked (ahead), no_show, unknown, cancelled_patient, cancelled_practice, rescheduled or block.
-- outcome_source: explicit (a source said so), inferred (by the practice's rule) or none.
-- notice_hours: hours between cancellation and planned start; elapsed time, not wall time.
-- lead_days: local days between booking and planned start.
-- is_first_seen_run: it was there when its source was read for the first time.
WITH known AS (
    SELECT
        staged.*,
        mapping.calendar_key,
        coalesce(mapping.is_leading, false) AS is_leading,
        calendar.location_key,
        calendar.leads,
        coalesce(location.state, (SELECT min(state) FROM ops.location)) AS state,
        time_bucket(INTERVAL 1 MINUTE, staged.start) AS start_at,
        time_bucket(INTERVAL 1 MINUTE, staged.end) AS end_at,
        (staged.start AT TIME ZONE getvariable('zone'))::DATE AS service_date,
        coalesce(sources.system, 'pvs') AS system
    FROM staging.appointment AS staged
    LEFT JOIN core.calendar_schedule AS mapping
        ON staged.source = mapping.source AND staged.schedule_id = mapping.schedule_id
    LEFT JOIN core.calendar AS calendar ON mapping.calendar_key = calendar.calendar_key
    LEFT JOIN ops.location AS location ON calendar.location_key = location.location_key
    LEFT JOIN ops.source AS sources ON staged.source = sources.source
    WHERE staged.status IS DISTINCT FROM 'entered-in-error'
),

twin AS (
    SELECT DISTINCT calendar_key, start_at, end_at
    FROM known
    WHERE leads = 'both' AND system <> 'platform'
),

-- A platform may tell a move as a cancellation, and a new appointment that names the old one.
moved AS (
    SELECT DISTINCT source, replaces AS source_id
    FROM staging.appointment
    WHERE replaces IS NOT NULL
),

first_reading AS (
    SELECT source, min(run) AS run
    FROM raw.appointment
    GROUP BY source
),

placed AS (
    SELECT
        known.*,
        person_link.entity_id AS person_id,
        practitioner_link.entity_id AS practitioner_id,
        room_link.entity_id AS room_id_entity,
        service_link.entity_id AS service_id,
        known.is_leading AND NOT (known.system = 'platform' AND twin.calendar_key IS NOT NULL) AS is_counted,
        known.first_run = first_reading.run AS is_first_seen_run,
        rule.infer_no_show
            AND service_day.number < before_today.number
            AND known.arrived_at IS NULL AND known.actual_start IS NULL AND known.actual_end IS NULL
            AND evidence.person_id IS NULL AS is_inferred_no_show,
        moved.source_id IS NOT NULL AS is_moved,
        rule.today
    FROM known
    CROSS JOIN staging.rule AS rule
    INNER JOIN first_reading ON known.source = first_reading.source
    LEFT JOIN moved ON known.source = moved.source AND known.source_id = moved.source_id
    LEFT JOIN twin
        ON known.calendar_key = twin.calendar_key AND known.start_at = twin.start_at AND known.end_at = twin.end_at
    LEFT JOIN core.link AS person_link
        ON person_link.kind = 'person'
        AND known.source = person_link.source AND known.patient_id = person_link.source_id
    LEFT JOIN core.link AS practitioner_link
        ON practitioner_link.kind = 'practitioner'
        AND known.source = practitioner_link.source AND known.practitioner_id = practitioner_link.source_id
    LEFT JOIN core.link AS room_link
        ON room_link.kind = 'room'
        AND known.source = room_link.source AND known.room_id = room_link.source_id
    LEFT JOIN core.link AS service_link
        ON service_link.kind = 'service'
        AND known.source = service_link.source AND known.healthcare_service_id = service_link.source_id
    LEFT JOIN core.working_day AS service_day
        ON known.state = service_day.state AND known.service_date = service_day.date
    LEFT JOIN core.working_day AS before_today
        ON known.state = before_today.state AND rule.today - 1 = before_today.date
    LEFT JOIN core.evidence AS evidence
        ON person_link.entity_id = evidence.person_id AND known.service_date = evidence.service_date
),

judged AS (
    SELECT
        *,
        CASE
            WHEN status = 'block' THEN 'block'
            WHEN status IN ('fulfilled', 'arrived') THEN 'attended'
            -- Not come and yet finished: a contradiction, kept out of every rate.
            WHEN status = 'noshow' AND actual_end IS NOT NULL THEN 'unknown'
            WHEN status = 'noshow' THEN 'no_show'
            WHEN status = 'rescheduled' THEN 'rescheduled'
            WHEN status = 'cancelled' AND cancelled_at >= start THEN 'no_show'
            WHEN status = 'cancelled' AND is_moved THEN 'rescheduled'
            WHEN status = 'cancelled' AND cancelled_by IN ('practice', 'system') THEN 'cancelled_practice'
            WHEN status = 'cancelled' THEN 'cancelled_patient'
            WHEN status IN ('booked', 'pending', 'proposed') AND service_date >= today THEN 'booked'
            WHEN status IN ('booked', 'pending', 'proposed') AND is_inferred_no_show THEN 'no_show'
            ELSE 'unknown'
        END AS outcome
    FROM placed
)

SELECT
    (md5_number_lower(judged.source || '/' || judged.source_id) >> 1)::BIGINT AS appointment_key,
    judged.source,
    judged.source_id,
    judged.is_counted,
    judged.calendar_key,
    judged.location_key,
    judged.practitioner_id,
    judged.room_id_entity AS room_id,
    judged.service_id,
    judged.person_id,
    judged.start_at,
    judged.end_at,
    judged.service_date,
    (epoch_us(judged.end_at) - epoch_us(judged.start_at)) // 60000000 AS minutes,
    judged.status,
    judged.outcome,
    CASE
        WHEN judged.outcome IN ('booked', 'unknown') THEN 'none'
        WHEN judged.outcome = 'no_show' AND judged.status IN ('booked', 'pending', 'proposed') THEN 'inferred'
        ELSE 'explicit'
    END AS outcome_source,
    judged.channel,
    judged.modality,
    judged.booked_by,
    judged.cancelled_by,
    judged.created_at,
    judged.cancelled_at,
    judged.service_date - (judged.created_at AT TIME ZONE getvariable('zone'))::DATE AS lead_days,
    CASE
        WHEN judged.outcome IN ('cancelled_patient', 'cancelled_practice', 'rescheduled')
            OR (judged.outcome = 'no_show' AND judged.status = 'cancelled')
        THEN (epoch_us(judged.start) - epoch_us(judged.cancelled_at)) / 3600000000
    END AS notice_hours,
    judged.series_id,
    judged.first_run,
    judged.is_first_seen_run
FROM judged
