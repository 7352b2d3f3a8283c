-- A counted appointment that stands in no calendar.
SELECT appointment_key
FROM marts.fact_appointment
WHERE is_counted AND calendar_key IS NULL
