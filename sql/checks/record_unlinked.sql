-- An appointment of a patient who is there in the source, and whom the ledger has never heard of.
--
-- severity: warn
SELECT appointment.source, appointment.source_id
FROM staging.appointment AS staged
INNER JOIN core.appointment AS appointment
    ON staged.source = appointment.source AND staged.source_id = appointment.source_id
INNER JOIN staging.patient AS patient
    ON staged.source = patient.source AND staged.patient_id = patient.source_id
WHERE appointment.person_id IS NULL
