-- One row per calendar, local day and local hour with capacity or appointments, in place-minutes.
--
-- calendar_key: whose time it is; never sum calendars of persons and of rooms.
-- resource_kind: person, room or device.
-- practitioner_key: practitioner of a person's calendar; NULL for rooms.
-- location_key: location of the calendar.
-- service_date: local day.
-- weekday: 1 (Monday) to 7 (Sunday).
-- hour: local hour 0 to 23; the hour that is there twice when the clocks go back is one row.
-- bookable_min: time that could be booked.
-- booked_min: of it, held by active appointments (attended, ahead, no-show, unknown).
-- used_min: of it, attended.
-- outside_min: minutes with an active appointment outside bookable time.
-- data_as_of: when the newest data of this build was read.
WITH measured AS (
    SELECT calendar_key, hour_at AT TIME ZONE getvariable('zone') AS hour_local, measure, minutes
    FROM core.capacity_hour
    WHERE measure IN ('bookable', 'attended', 'ahead', 'no_show', 'unknown', 'outside')
)

SELECT
    calendar.calendar_key,
    calendar.kind AS resource_kind,
    calendar.practitioner_key,
    calendar.location_key,
    measured.hour_local::DATE AS service_date,
    isodow(measured.hour_local)::BIGINT AS weekday,
    hour(measured.hour_local)::BIGINT AS hour,
    coalesce(sum(measured.minutes) FILTER (measured.measure = 'bookable'), 0)::BIGINT AS bookable_min,
    coalesce(
        sum(measured.minutes) FILTER (measured.measure IN ('attended', 'ahead', 'no_show', 'unknown')), 0
    )::BIGINT AS booked_min,
    coalesce(sum(measured.minutes) FILTER (measured.measure = 'attended'), 0)::BIGINT AS used_min,
    coalesce(sum(measured.minutes) FILTER (measured.measure = 'outside'), 0)::BIGINT AS outside_min,
    any_value(rule.data_as_of) AS data_as_of
FROM measured
INNER JOIN core.day AS day ON measured.hour_local::DATE = day.service_date
INNER JOIN core.calendar AS calendar ON measured.calendar_key = calendar.calendar_key
CROSS JOIN staging.rule AS rule
GROUP BY ALL
ORDER BY service_date, calendar_key, hour
