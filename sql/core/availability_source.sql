-- One row per calendar and source whose hours and absences hold for it.
--
-- Its leading sources; where none of them tells regular hours for it, the other sources that do as well.
-- Without a `schedule_id`, hours hold for every calendar of their source.
WITH told AS (
    SELECT DISTINCT mapping.calendar_key, mapping.source, mapping.is_leading, hours.source IS NOT NULL AS has_hours
    FROM core.calendar_schedule AS mapping
    LEFT JOIN staging.working_hours AS hours
        ON mapping.source = hours.source
        AND (hours.schedule_id = mapping.schedule_id OR hours.schedule_id IS NULL)
        AND coalesce(hours.kind, 'regular') = 'regular'
),

calendar AS (
    SELECT calendar_key, coalesce(bool_or(has_hours) FILTER (is_leading), false) AS leader_has_hours
    FROM told
    GROUP BY calendar_key
)

SELECT calendar_key, source, bool_or(has_hours) AS has_hours
FROM told
INNER JOIN calendar USING (calendar_key)
WHERE is_leading OR (has_hours AND NOT leader_has_hours)
GROUP BY calendar_key, source
ORDER BY calendar_key, source
