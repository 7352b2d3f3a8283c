-- Share of patients who did not come, by days between booking and appointment; rates from fewer than 20 are noise.
-- Unknown outcomes are in neither number; their share says how far to trust the rate.
SELECT
    CASE
        WHEN lead_days <= 0 THEN '0 days'
        WHEN lead_days <= 7 THEN '1-7 days'
        WHEN lead_days <= 28 THEN '8-28 days'
        WHEN lead_days > 28 THEN 'more than 28 days'
        ELSE 'not known'
    END AS lead_time,
    count(*) FILTER (outcome IN ('attended', 'no_show')) AS n,
    count(*) FILTER (outcome = 'no_show')
    / nullif(count(*) FILTER (outcome IN ('attended', 'no_show')), 0) AS no_show_rate,
    count(*) FILTER (outcome = 'unknown') / count(*) AS unknown_share
FROM marts.fact_appointment
WHERE is_counted AND outcome IN ('attended', 'no_show', 'unknown')
GROUP BY lead_time
ORDER BY lead_time
