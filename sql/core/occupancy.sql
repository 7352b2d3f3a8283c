-- One row per counted appointment and calendar that it holds time of: its own, and the calendar of its room.
--
-- published: no
-- part: which part of the waterfall its time falls into.
-- is_active: the time is (or was) taken: attended, ahead, no_show or unknown. A cancelled time is free again.
-- is_intended: its type is meant to be booked beside others (acute slots).
WITH held AS (
    SELECT
        appointment.appointment_key,
        appointment.calendar_key,
        appointment.room_id,
        appointment.start_at,
        appointment.end_at,
        coalesce(service.overbooking_intended, false) AS is_intended,
        CASE
            WHEN appointment.outcome = 'booked' THEN 'ahead'
            WHEN appointment.outcome IN ('attended', 'no_show', 'unknown') THEN appointment.outcome
            WHEN appointment.outcome IN ('cancelled_patient', 'rescheduled')
                AND appointment.notice_hours < rule.late_cancel_hours THEN 'late_cancelled'
            ELSE 'other_cancelled'
        END AS part
    FROM core.appointment AS appointment
    CROSS JOIN staging.rule AS rule
    LEFT JOIN core.service AS service ON appointment.service_id = service.service_id
    WHERE appointment.is_counted
        AND appointment.outcome <> 'block'
        AND appointment.start_at < appointment.end_at
)

SELECT
    appointment_key,
    calendar_key,
    part,
    part IN ('attended', 'ahead', 'no_show', 'unknown') AS is_active,
    is_intended,
    start_at,
    end_at
FROM held
UNION ALL
SELECT
    held.appointment_key,
    room.calendar_key,
    held.part,
    held.part IN ('attended', 'ahead', 'no_show', 'unknown'),
    held.is_intended,
    held.start_at,
    held.end_at
FROM held
INNER JOIN core.calendar AS room ON room.kind = 'room' AND held.room_id = room.room_id
WHERE held.calendar_key <> room.calendar_key
