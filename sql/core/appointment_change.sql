-- One row per field of an appointment that a run found changed, from the versions that raw keeps.
--
-- seen_at: when the run that saw it read its sources.
WITH several AS (
    SELECT source, source_id
    FROM raw.appointment
    WHERE run <= getvariable('run')
    GROUP BY source, source_id
    HAVING count(*) > 1
),

version AS (
    SELECT
        (md5_number_lower(known.source || '/' || known.source_id) >> 1)::BIGINT AS appointment_key,
        known.run,
        strftime(known.start, '%Y-%m-%dT%H:%MZ') AS start,
        strftime(known.end, '%Y-%m-%dT%H:%MZ') AS end,
        CASE
            WHEN status_map.code IS NOT NULL THEN status_map.value
            WHEN known.status_code IS NOT NULL AND list_contains(mapped.fields, 'status') THEN 'unknown'
            ELSE known.status
        END AS status,
        mapping.calendar_key AS calendar,
        service.key AS type,
        room.key AS room,
        known.removed::VARCHAR AS removed
    FROM several
    INNER JOIN raw.appointment AS known USING (source, source_id)
    LEFT JOIN staging.mapped AS mapped ON known.source = mapped.source AND mapped.resource = 'appointment'
    LEFT JOIN ops.code_map AS status_map
        ON known.source = status_map.source AND known.status_code = status_map.code
        AND status_map.resource = 'appointment' AND status_map.field = 'status'
    LEFT JOIN core.calendar_schedule AS mapping
        ON known.source = mapping.source AND known.schedule_id = mapping.schedule_id
    LEFT JOIN core.link AS service_link
        ON service_link.kind = 'service'
        AND known.source = service_link.source AND known.healthcare_service_id = service_link.source_id
    LEFT JOIN core.entity_key AS service
        ON service.kind = 'service' AND service_link.entity_id = service.entity_id
    LEFT JOIN core.link AS room_link
        ON room_link.kind = 'room' AND known.source = room_link.source AND known.room_id = room_link.source_id
    LEFT JOIN core.entity_key AS room ON room.kind = 'room' AND room_link.entity_id = room.entity_id
    WHERE known.run <= getvariable('run')
),

field AS (
    SELECT
        appointment_key,
        run,
        row_number() OVER (PARTITION BY appointment_key ORDER BY run) AS place,
        unnest([
            {'field': 'start', 'value': start},
            {'field': 'end', 'value': "end"},
            {'field': 'status', 'value': status},
            {'field': 'calendar', 'value': calendar},
            {'field': 'type', 'value': type},
            {'field': 'room', 'value': room},
            {'field': 'removed', 'value': removed}
        ]) AS said
    FROM version
),

compared AS (
    SELECT
        appointment_key,
        run,
        place,
        said.field AS field,
        lag(said.value) OVER earlier AS old,
        said.value AS new
    FROM field
    WINDOW earlier AS (PARTITION BY appointment_key, said.field ORDER BY run)
)

SELECT
    compared.appointment_key,
    compared.field,
    compared.old,
    compared.new,
    run.read_at AS seen_at,
    compared.run
FROM compared
LEFT JOIN raw.run AS run ON compared.run = run.run
WHERE compared.place > 1 AND compared.old IS DISTINCT FROM compared.new
ORDER BY compared.appointment_key, compared.run, compared.field
