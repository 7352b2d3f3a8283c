-- One row per schedule of a source that is a calendar of the practice: which calendar, and whether it leads it.
--
-- calendar_key: as the settings name it; a schedule of the practice software that they do not name is a calendar of
--   its own. A platform's schedule that they do not name is none, unless the practice has no other source.
-- is_leading: utilisation counts the appointments of leading schedules only.
WITH platform_alone AS (
    SELECT coalesce(bool_and(system = 'platform'), false) AS holds FROM ops.source
),

known AS (
    SELECT source, source_id AS schedule_id FROM staging.schedule
    UNION
    SELECT source, schedule_id FROM staging.appointment WHERE schedule_id IS NOT NULL
),

unnamed AS (
    SELECT
        known.source,
        known.schedule_id,
        coalesce(entity_key.key, 'c' || left(md5(known.source || '/' || known.schedule_id), 8)) AS calendar_key
    FROM known
    LEFT JOIN ops.source AS sources ON known.source = sources.source
    LEFT JOIN core.link AS link
        ON link.kind = 'calendar' AND known.source = link.source AND known.schedule_id = link.source_id
    LEFT JOIN core.entity_key AS entity_key
        ON entity_key.kind = 'calendar' AND link.entity_id = entity_key.entity_id
    WHERE (sources.system IS DISTINCT FROM 'platform' OR (SELECT holds FROM platform_alone))
        AND NOT EXISTS (
            SELECT 1
            FROM ops.calendar_schedule AS named
            WHERE named.source = known.source AND named.schedule_id = known.schedule_id
        )
)

SELECT source, schedule_id, calendar_key, true AS is_leading, false AS is_named
FROM unnamed
UNION ALL
SELECT
    named.source,
    named.schedule_id,
    named.calendar_key,
    calendar.leads = 'both'
        OR calendar.leads = CASE WHEN sources.system = 'platform' THEN 'platform' ELSE 'pvs' END AS is_leading,
    true AS is_named
FROM ops.calendar_schedule AS named
INNER JOIN ops.calendar AS calendar ON named.calendar_key = calendar.calendar_key
LEFT JOIN ops.source AS sources ON named.source = sources.source
ORDER BY source, schedule_id
