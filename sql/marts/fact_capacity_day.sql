-- One row per calendar and local day: where the day's capacity went, in place-minutes (minutes times capacity).
--
-- calendar_key: whose time it is; never sum calendars of persons and of rooms.
-- resource_kind: person, room or device.
-- practitioner_key: practitioner of a person's calendar; NULL for rooms.
-- location_key: location of the calendar.
-- service_date: local day.
-- capacity: appointments that the calendar can hold at once.
-- hours_source: source, practice (opening hours) or estimated ("geschätzt"); NULL where no hours are known.
-- template_min: regular hours.
-- holiday_min: regular hours lost to public holidays of the location.
-- closure_min: regular hours lost to closures.
-- extra_min: what extra openings add.
-- absence_min: hours lost to absences.
-- block_min: hours kept for other work.
-- gross_min: template - holiday - closure + extra - absence.
-- bookable_min: gross - block; the denominator of every utilisation (0 means: no utilisation, not 0 %).
-- attended_min: bookable time with a patient who came.
-- ahead_min: bookable time booked for today or later.
-- no_show_min: bookable time held for a patient who did not come.
-- unknown_min: bookable time of past appointments of which nobody said what became of them.
-- late_cancelled_min: cancelled with less notice than the practice's limit, and not filled again.
-- other_cancelled_min: cancelled in time or by the practice, and not filled again.
-- never_booked_min: bookable time that no appointment ever held.
-- booked_min: attended + ahead + no_show + unknown: numerator of the booked utilisation (U1).
-- used_min: attended: numerator of the used utilisation (U2).
-- outside_min: minutes with an active appointment outside bookable time, once however many there are (U3).
-- double_booked_min: minutes of appointments beyond the capacity, within bookable time (U4).
-- double_booked_intended_min: those of them that types explain which are meant to be booked beside others (acute slots).
-- usable_min: free time in pieces that hold the shortest appointment type (U6, U7); NULL where no type has a length.
-- free_min: bookable time that no active appointment holds.
-- data_as_of: when the newest data of this build was read.
WITH measured AS (
    SELECT
        calendar_key,
        (hour_at AT TIME ZONE getvariable('zone'))::DATE AS service_date,
        sum(minutes) FILTER (measure = 'template') AS template_min,
        sum(minutes) FILTER (measure = 'holiday') AS holiday_min,
        sum(minutes) FILTER (measure = 'closure') AS closure_min,
        sum(minutes) FILTER (measure = 'extra') AS extra_min,
        sum(minutes) FILTER (measure = 'absence') AS absence_min,
        sum(minutes) FILTER (measure = 'block') AS block_min,
        sum(minutes) FILTER (measure = 'gross') AS gross_min,
        sum(minutes) FILTER (measure = 'bookable') AS bookable_min,
        sum(minutes) FILTER (measure = 'attended') AS attended_min,
        sum(minutes) FILTER (measure = 'ahead') AS ahead_min,
        sum(minutes) FILTER (measure = 'no_show') AS no_show_min,
        sum(minutes) FILTER (measure = 'unknown') AS unknown_min,
        sum(minutes) FILTER (measure = 'late_cancelled') AS late_cancelled_min,
        sum(minutes) FILTER (measure = 'other_cancelled') AS other_cancelled_min,
        sum(minutes) FILTER (measure = 'never_booked') AS never_booked_min,
        sum(minutes) FILTER (measure IN ('attended', 'ahead', 'no_show', 'unknown')) AS booked_min,
        sum(minutes) FILTER (measure = 'outside') AS outside_min,
        sum(minutes) FILTER (measure = 'double_booked') AS double_booked_min,
        sum(minutes) FILTER (measure = 'double_booked_intended') AS double_booked_intended_min
    FROM core.capacity_hour
    GROUP BY calendar_key, service_date
),

shortest AS (
    SELECT min(minutes) AS minutes
    FROM core.service
    WHERE active AND minutes > 0
),

free AS (
    SELECT
        free_time.calendar_key,
        free_time.service_date,
        sum(free_time.minutes) AS free_min,
        sum(free_time.minutes // shortest.minutes * shortest.minutes) AS usable_min
    FROM core.free_time AS free_time
    CROSS JOIN shortest
    GROUP BY free_time.calendar_key, free_time.service_date
),

hours AS (
    SELECT calendar_key, min(hours_source) FILTER (kind = 'regular') AS hours_source
    FROM core.working_hours
    GROUP BY calendar_key
)

SELECT
    calendar.calendar_key,
    calendar.kind AS resource_kind,
    calendar.practitioner_key,
    calendar.location_key,
    day.service_date,
    calendar.capacity,
    hours.hours_source,
    coalesce(measured.template_min, 0)::BIGINT AS template_min,
    coalesce(measured.holiday_min, 0)::BIGINT AS holiday_min,
    coalesce(measured.closure_min, 0)::BIGINT AS closure_min,
    coalesce(measured.extra_min, 0)::BIGINT AS extra_min,
    coalesce(measured.absence_min, 0)::BIGINT AS absence_min,
    coalesce(measured.block_min, 0)::BIGINT AS block_min,
    coalesce(measured.gross_min, 0)::BIGINT AS gross_min,
    coalesce(measured.bookable_min, 0)::BIGINT AS bookable_min,
    coalesce(measured.attended_min, 0)::BIGINT AS attended_min,
    coalesce(measured.ahead_min, 0)::BIGINT AS ahead_min,
    coalesce(measured.no_show_min, 0)::BIGINT AS no_show_min,
    coalesce(measured.unknown_min, 0)::BIGINT AS unknown_min,
    coalesce(measured.late_cancelled_min, 0)::BIGINT AS late_cancelled_min,
    coalesce(measured.other_cancelled_min, 0)::BIGINT AS other_cancelled_min,
    coalesce(measured.never_booked_min, 0)::BIGINT AS never_booked_min,
    coalesce(measured.booked_min, 0)::BIGINT AS booked_min,
    coalesce(measured.attended_min, 0)::BIGINT AS used_min,
    coalesce(measured.outside_min, 0)::BIGINT AS outside_min,
    coalesce(measured.double_booked_min, 0)::BIGINT AS double_booked_min,
    coalesce(measured.double_booked_intended_min, 0)::BIGINT AS double_booked_intended_min,
    CASE WHEN shortest.minutes IS NOT NULL THEN coalesce(free.usable_min, 0)::BIGINT END AS usable_min,
    coalesce(free.free_min, 0)::BIGINT AS free_min,
    rule.data_as_of
FROM core.calendar AS calendar
CROSS JOIN core.day AS day
CROSS JOIN staging.rule AS rule
CROSS JOIN shortest
LEFT JOIN measured ON calendar.calendar_key = measured.calendar_key AND day.service_date = measured.service_date
LEFT JOIN free ON calendar.calendar_key = free.calendar_key AND day.service_date = free.service_date
LEFT JOIN hours ON calendar.calendar_key = hours.calendar_key
ORDER BY service_date, calendar_key
