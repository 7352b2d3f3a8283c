-- One row per calendar that counts.
--
-- calendar_key: key in all marts.
-- name: name of a room or device; initials for a person's calendar.
-- kind: person, room or device.
-- location_key: where it is.
-- practitioner_key: whose calendar it is; NULL for rooms.
-- capacity: how many appointments it can hold at once (k).
-- leads: whose appointments count: pvs, platform or both.
SELECT
    calendar.calendar_key,
    CASE
        WHEN calendar.kind <> 'person' THEN calendar.name
        ELSE coalesce(
            practitioner.initials,
            -- No practitioner is known: the capitals of the name, titles left out.
            array_to_string(
                regexp_extract_all(
                    regexp_replace(calendar.name, '(?i)\b(dr|prof|med|dent|dipl|univ|priv|doz)\b', '', 'g'),
                    '\b\p{Lu}'
                ),
                ''
            ),
            calendar.calendar_key
        )
    END AS name,
    calendar.kind,
    calendar.location_key,
    calendar.practitioner_key,
    calendar.capacity,
    calendar.leads
FROM core.calendar AS calendar
LEFT JOIN core.practitioner AS practitioner ON calendar.practitioner_id = practitioner.practitioner_id
ORDER BY calendar.calendar_key
