-- One row per calendar that counts: the bookable time of one person, room or device.
--
-- capacity: how many appointments it can hold at once (k).
-- leads: whose appointments count: pvs, platform or both.
-- room_id: the room whose calendar it is; appointments that name the room occupy it too.
WITH only_one AS (
    SELECT min(location_key) AS location_key
    FROM ops.location
    HAVING count(*) = 1
),

told AS (
    SELECT
        mapping.calendar_key,
        mapping.is_named,
        schedule.name,
        schedule.kind,
        schedule.capacity,
        schedule.practitioner_id,
        schedule.room_id,
        site.location_key,
        practitioner_link.entity_id AS practitioner_entity,
        room_link.entity_id AS room_entity,
        CASE WHEN sources.system = 'platform' THEN 'platform' ELSE 'pvs' END AS side,
        row_number() OVER (
            PARTITION BY mapping.calendar_key
            ORDER BY mapping.is_leading DESC, sources.system = 'platform', mapping.source, mapping.schedule_id
        ) AS place
    FROM core.calendar_schedule AS mapping
    LEFT JOIN staging.schedule AS schedule
        ON mapping.source = schedule.source AND mapping.schedule_id = schedule.source_id
    LEFT JOIN ops.source AS sources ON mapping.source = sources.source
    LEFT JOIN core.location_link AS site
        ON schedule.source = site.source AND schedule.location_id = site.source_id
    LEFT JOIN core.link AS practitioner_link
        ON practitioner_link.kind = 'practitioner'
        AND schedule.source = practitioner_link.source AND schedule.practitioner_id = practitioner_link.source_id
    LEFT JOIN core.link AS room_link
        ON room_link.kind = 'room'
        AND schedule.source = room_link.source AND schedule.room_id = room_link.source_id
),

gathered AS (
    SELECT
        calendar_key,
        bool_or(is_named) AS is_named,
        arg_min(name, place) AS name,
        arg_min(kind, place) FILTER (kind <> 'unknown') AS kind,
        arg_min(capacity, place) AS capacity,
        arg_min(practitioner_entity, place) AS practitioner_id,
        arg_min(room_entity, place) AS room_id,
        arg_min(location_key, place) AS location_key,
        arg_min(side, place) AS side
    FROM told
    GROUP BY calendar_key
)

SELECT
    coalesce(setting.calendar_key, gathered.calendar_key) AS calendar_key,
    coalesce(setting.name, gathered.name) AS name,
    coalesce(
        setting.kind,
        gathered.kind,
        CASE WHEN gathered.room_id IS NOT NULL AND gathered.practitioner_id IS NULL THEN 'room' ELSE 'person' END
    ) AS kind,
    coalesce(setting.location_key, gathered.location_key, (SELECT location_key FROM only_one)) AS location_key,
    gathered.practitioner_id,
    practitioner.practitioner_key,
    gathered.room_id,
    greatest(coalesce(setting.capacity, gathered.capacity, 1), 1)::BIGINT AS capacity,
    coalesce(setting.leads, gathered.side) AS leads,
    coalesce(gathered.is_named, true) AS is_named
FROM gathered
FULL OUTER JOIN ops.calendar AS setting ON gathered.calendar_key = setting.calendar_key
LEFT JOIN core.practitioner AS practitioner ON gathered.practitioner_id = practitioner.practitioner_id
ORDER BY calendar_key
