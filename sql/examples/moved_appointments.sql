-- Which appointments were moved most often, and by how much the last time.
SELECT
    change.appointment_key,
    count(*) AS times_moved,
    arg_max(change.old, change.seen_at) AS last_from,
    arg_max(change.new, change.seen_at) AS last_to
FROM marts.fact_appointment_change AS change
WHERE change.field = 'start'
GROUP BY change.appointment_key
ORDER BY times_moved DESC, change.appointment_key
LIMIT 100
