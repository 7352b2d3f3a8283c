-- One row per field of an appointment that a run found changed; nothing personal.
--
-- appointment_key: the appointment.
-- field: start, end, status, calendar, type, room or removed.
-- old: value before; instants as UTC text, calendar, type and room by their keys.
-- new: value since.
-- seen_at: when the run that saw the change read its sources (UTC).
-- seen_local: the same on the practice's clock.
-- run: the run that saw it.
-- data_as_of: when the newest data of this build was read.
SELECT
    change.appointment_key,
    change.field,
    change.old,
    change.new,
    change.seen_at,
    change.seen_at AT TIME ZONE getvariable('zone') AS seen_local,
    change.run,
    rule.data_as_of
FROM core.appointment_change AS change
CROSS JOIN staging.rule AS rule
ORDER BY change.run, change.appointment_key, change.field
