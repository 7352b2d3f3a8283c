-- One row per appointment, with the patient's name: what staff must be able to read.
--
-- appointment_key: key in all marts.
-- calendar_key: calendar that it stands in.
-- service_date: local day.
-- start_local: planned start on the practice's clock.
-- end_local: planned end on the practice's clock.
-- family_name: of the patient.
-- given_name: of the patient.
-- birth_date: of the patient.
-- type_name: appointment type.
-- outcome: what became of it.
-- status: FHIR status as the source tells it.
-- source: where it stands.
SELECT
    appointment.appointment_key,
    appointment.calendar_key,
    appointment.service_date,
    appointment.start_at AT TIME ZONE getvariable('zone') AS start_local,
    appointment.end_at AT TIME ZONE getvariable('zone') AS end_local,
    person.family_name,
    person.given_name,
    person.birth_date,
    service.name AS type_name,
    appointment.outcome,
    appointment.status,
    appointment.source
FROM core.appointment AS appointment
LEFT JOIN core.person AS person ON appointment.person_id = person.person_id
LEFT JOIN core.service AS service ON appointment.service_id = service.service_id
ORDER BY appointment.service_date, start_local, appointment.appointment_key
