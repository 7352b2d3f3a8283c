-- One row per appointment that a source knows, with what became of it.
--
-- appointment_key: 63 bits of the md5 of source and source_id; the same in every build.
-- source: where the appointment stands.
-- is_counted: it stands in a leading calendar; utilisation and rates count these rows only.
-- calendar_key: calendar that it stands in; NULL where the source's calendar is none of the practice.
-- practitioner_key: who sees the patient.
-- room_key: room, where the source names one.
-- location_key: location of the calendar.
-- type_key: appointment type.
-- person_key: pseudonym of the patient; merged ones are followed by person_alias.
-- start_at: planned start (UTC), cut to the minute.
-- end_at: planned end (UTC), exclusive.
-- start_local: planned start on the practice's clock.
-- end_local: planned end on the practice's clock.
-- service_date: local day of the planned start.
-- minutes: planned length; 0 or less is a data error and counts nowhere.
-- status: FHIR status as the source tells it.
-- outcome: attended, booked, no_show, unknown, cancelled_patient, cancelled_practice, rescheduled or block.
-- outcome_source: explicit (a source said so), inferred (by the practice's rule) or none (nothing is known yet).
-- channel: how it was booked.
-- modality: in person, by video, by phone or at home.
-- booked_by: who booked it.
-- cancelled_by: who cancelled it.
-- created_at: when it was booked (UTC).
-- cancelled_at: when it was cancelled or moved (UTC).
-- lead_days: local days between booking and planned start.
-- notice_hours: elapsed hours between cancellation and planned start; NULL unless cancelled or moved.
-- notice_bucket: no_show (at the start or later), <2h, 2-24h, 24-48h, 2-7d or >=7d.
-- series_key: appointments of one series share it.
-- is_first_seen_run: it was there when its source was read for the first time, so nobody saw it arrive.
-- data_as_of: when the newest data of this build was read.
SELECT
    appointment.appointment_key,
    appointment.source,
    appointment.is_counted,
    appointment.calendar_key,
    practitioner.key AS practitioner_key,
    room.key AS room_key,
    appointment.location_key,
    service.key AS type_key,
    pseudonym.person_key,
    appointment.start_at,
    appointment.end_at,
    appointment.start_at AT TIME ZONE getvariable('zone') AS start_local,
    appointment.end_at AT TIME ZONE getvariable('zone') AS end_local,
    appointment.service_date,
    appointment.minutes,
    appointment.status,
    appointment.outcome,
    appointment.outcome_source,
    appointment.channel,
    appointment.modality,
    appointment.booked_by,
    appointment.cancelled_by,
    appointment.created_at,
    appointment.cancelled_at,
    appointment.lead_days,
    appointment.notice_hours,
    CASE
        WHEN appointment.notice_hours <= 0 THEN 'no_show'
        WHEN appointment.notice_hours < 2 THEN '<2h'
        WHEN appointment.notice_hours < 24 THEN '2-24h'
        WHEN appointment.notice_hours < 48 THEN '24-48h'
        WHEN appointment.notice_hours < 168 THEN '2-7d'
        WHEN appointment.notice_hours >= 168 THEN '>=7d'
    END AS notice_bucket,
    CASE
        WHEN appointment.series_id IS NOT NULL THEN md5(appointment.source || '/' || appointment.series_id)
    END AS series_key,
    appointment.is_first_seen_run,
    rule.data_as_of
FROM core.appointment AS appointment
CROSS JOIN staging.rule AS rule
LEFT JOIN ops.pseudonym AS pseudonym ON appointment.person_id = pseudonym.entity_id
LEFT JOIN core.entity_key AS practitioner
    ON practitioner.kind = 'practitioner' AND appointment.practitioner_id = practitioner.entity_id
LEFT JOIN core.entity_key AS room ON room.kind = 'room' AND appointment.room_id = room.entity_id
LEFT JOIN core.entity_key AS service ON service.kind = 'service' AND appointment.service_id = service.entity_id
ORDER BY appointment.service_date, appointment.start_at, appointment.appointment_key
