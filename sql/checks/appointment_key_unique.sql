-- An appointment stands once in fact_appointment.
SELECT appointment_key
FROM marts.fact_appointment
GROUP BY appointment_key
HAVING count(*) > 1
