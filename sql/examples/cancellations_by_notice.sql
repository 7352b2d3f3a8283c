-- How much notice patients give when they cancel, as shares of all that was booked for the month.
SELECT
    date_trunc('month', service_date)::DATE AS month,
    notice_bucket,
    count(*) AS cancelled,
    count(*) / sum(count(*)) OVER (PARTITION BY month) AS share_of_cancelled
FROM marts.fact_appointment
WHERE is_counted AND outcome = 'cancelled_patient' AND notice_bucket IS NOT NULL
GROUP BY month, notice_bucket
ORDER BY month, notice_bucket
