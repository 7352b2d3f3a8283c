-- Figures of the page "Auslastung", the slow and obvious way: straight from raw and ops, one row per calendar and minute.
--
-- Written from the definitions, without a look at sql/core, and run over the same connection. Needs the variables
-- `today` and `zone` and a table hand.day(day): the local days that are looked at. Hours and appointments are taken to
-- lie between 06:00 and 20:00, so that no day runs into another and no clock changes in between.

CREATE TABLE hand.appointment AS
SELECT
    newest.* EXCLUDE (status),
    CASE
        WHEN newest.status_code IS NULL OR NOT EXISTS (
            FROM ops.code_map AS m WHERE m.source = newest.source AND m.resource = 'appointment' AND m.field = 'status'
        ) THEN newest.status
        ELSE coalesce((
            SELECT m.value
            FROM ops.code_map AS m
            WHERE m.source = newest.source AND m.resource = 'appointment' AND m.field = 'status'
                AND m.code = newest.status_code
        ), 'unknown')
    END AS status,
    date_trunc('minute', newest.start) AS start_at,
    date_trunc('minute', newest.end) AS end_at,
    (newest.start AT TIME ZONE getvariable('zone'))::DATE AS day
FROM (FROM raw.appointment QUALIFY run = max(run) OVER (PARTITION BY source, source_id)) AS newest
WHERE NOT newest.removed;

CREATE TABLE hand.schedule AS
FROM (FROM raw.schedule QUALIFY run = max(run) OVER (PARTITION BY source, source_id)) WHERE NOT removed;

CREATE TABLE hand.site AS
FROM (FROM raw.location QUALIFY run = max(run) OVER (PARTITION BY source, source_id)) WHERE NOT removed;

CREATE TABLE hand.service AS
FROM (FROM raw.healthcare_service QUALIFY run = max(run) OVER (PARTITION BY source, source_id)) WHERE NOT removed;

CREATE TABLE hand.rule AS
FROM (FROM raw.working_hours QUALIFY run = max(run) OVER (PARTITION BY source, source_id)) WHERE NOT removed;

CREATE TABLE hand.away AS
FROM (FROM raw.absence QUALIFY run = max(run) OVER (PARTITION BY source, source_id)) WHERE NOT removed;

-- Which schedule is which calendar; one of the practice software that the settings do not name is its own.
CREATE TABLE hand.stands_for AS
SELECT source, schedule_id, calendar_key FROM ops.calendar_schedule
UNION ALL
SELECT schedule.source, schedule.source_id, 'not named ' || schedule.source_id
FROM hand.schedule AS schedule
ANTI JOIN ops.calendar_schedule AS named
    ON schedule.source = named.source AND schedule.source_id = named.schedule_id
WHERE schedule.source = 'pvs';

CREATE TABLE hand.calendar AS
SELECT calendar_key, name, kind, location_key, capacity AS k, leads FROM ops.calendar
UNION ALL
SELECT stands.calendar_key, schedule.name, schedule.kind, location.location_key, schedule.capacity, 'pvs'
FROM hand.stands_for AS stands
JOIN hand.schedule AS schedule ON stands.source = schedule.source AND stands.schedule_id = schedule.source_id
JOIN hand.site AS site ON schedule.source = site.source AND schedule.location_id = site.source_id
JOIN ops.location AS location ON site.name = location.name
WHERE starts_with(stands.calendar_key, 'not named');

-- The name under which a person's calendar is listed: its practitioner's, else its own.
ALTER TABLE hand.calendar ADD COLUMN person VARCHAR;
UPDATE hand.calendar AS calendar SET person = coalesce((
    SELECT max(concat_ws(' ', doctor.name_prefix, doctor.given_name, doctor.family_name))
    FROM hand.stands_for AS stands
    JOIN hand.schedule AS schedule ON stands.source = schedule.source AND stands.schedule_id = schedule.source_id
    JOIN raw.practitioner AS doctor ON schedule.source = doctor.source AND schedule.practitioner_id = doctor.source_id
    WHERE stands.calendar_key = calendar.calendar_key AND schedule.source = 'pvs'
), name);

-- Appointments that count: those of the side that leads; where both do, what both hold at one time counts once.
CREATE TABLE hand.counted AS
SELECT appointment.*, calendar.calendar_key, calendar.kind, calendar.location_key
FROM hand.appointment AS appointment
JOIN hand.stands_for AS stands USING (source, schedule_id)
JOIN hand.calendar AS calendar ON stands.calendar_key = calendar.calendar_key
WHERE appointment.status <> 'entered-in-error'
    AND CASE calendar.leads
        WHEN 'pvs' THEN appointment.source = 'pvs'
        WHEN 'platform' THEN appointment.source = 'booking'
        ELSE appointment.source = 'pvs' OR NOT EXISTS (
            FROM hand.appointment AS other
            JOIN hand.stands_for AS there USING (source, schedule_id)
            WHERE other.source = 'pvs' AND other.status <> 'entered-in-error'
                AND there.calendar_key = calendar.calendar_key
                AND other.start_at = appointment.start_at AND other.end_at = appointment.end_at
        )
    END;

-- A past booking counts as missed if the practice wants that, a working day has gone by and nobody saw the patient.
CREATE TABLE hand.judged AS
SELECT
    counted.*,
    CASE
        WHEN status = 'block' THEN 'block'
        WHEN status = 'fulfilled' OR status = 'arrived' THEN 'attended'
        WHEN status = 'noshow' AND actual_end IS NULL THEN 'no_show'
        WHEN status = 'rescheduled' THEN 'rescheduled'
        WHEN status = 'cancelled' AND cancelled_at >= start THEN 'no_show'
        WHEN status = 'cancelled' AND EXISTS (
            FROM hand.appointment AS instead
            WHERE instead.source = counted.source AND instead.replaces = counted.source_id
        ) THEN 'rescheduled'
        WHEN status = 'cancelled' AND (cancelled_by = 'practice' OR cancelled_by = 'system') THEN 'cancelled_practice'
        WHEN status = 'cancelled' THEN 'cancelled_patient'
        WHEN status NOT IN ('booked', 'pending', 'proposed') THEN 'unknown'
        WHEN day >= getvariable('today') THEN 'booked'
        WHEN (SELECT value FROM ops.setting WHERE name = 'infer_no_show') = 'true'
            AND arrived_at IS NULL AND actual_start IS NULL AND actual_end IS NULL
            AND NOT EXISTS (
                FROM raw.visit AS visit
                WHERE visit.source = counted.source AND visit.patient_id = counted.patient_id
                    AND (visit.arrived_at AT TIME ZONE getvariable('zone'))::DATE = counted.day
            )
            AND NOT EXISTS (
                FROM raw.billed_service AS billed
                WHERE billed.source = counted.source AND billed.patient_id = counted.patient_id
                    AND billed.service_date = counted.day
            )
            AND EXISTS (
                FROM (SELECT unnest(generate_series(counted.day + 1, getvariable('today') - 1, INTERVAL 1 DAY)) AS later)
                WHERE isodow(later) <= 5 AND NOT EXISTS (
                    FROM ops.holiday AS holiday
                    JOIN ops.location AS there USING (location_key)
                    JOIN ops.location AS here ON here.state = there.state
                    WHERE here.location_key = counted.location_key AND holiday.date = later::DATE
                        AND holiday.kind = 'public'
                )
            ) THEN 'no_show'
        ELSE 'unknown'
    END AS outcome
FROM hand.counted AS counted;

-- What holds time: an appointment in its calendar, and in that of its room.
CREATE TABLE hand.held AS
WITH part AS (
    SELECT
        *,
        CASE
            WHEN outcome = 'booked' THEN 'ahead'
            WHEN outcome IN ('attended', 'no_show', 'unknown') THEN outcome
            WHEN outcome IN ('cancelled_patient', 'rescheduled')
                AND start - cancelled_at < to_hours((
                    SELECT value::BIGINT FROM ops.setting WHERE name = 'late_cancel_hours'
                )) THEN 'late'
            ELSE 'other'
        END AS part,
        EXISTS (
            FROM raw.healthcare_service AS service
            WHERE service.source = judged.source AND service.source_id = judged.healthcare_service_id
                AND service.overbooking_intended
        ) AS intended
    FROM hand.judged AS judged
    WHERE outcome <> 'block' AND start_at < end_at
)

SELECT calendar_key, part, start_at, end_at, intended FROM part
UNION ALL
SELECT room.calendar_key, part.part, part.start_at, part.end_at, part.intended
FROM part
JOIN hand.schedule AS schedule ON part.source = schedule.source AND part.room_id = schedule.room_id
JOIN hand.stands_for AS stands ON schedule.source = stands.source AND schedule.source_id = stands.schedule_id
JOIN hand.calendar AS room ON stands.calendar_key = room.calendar_key AND room.kind = 'room'
WHERE room.calendar_key <> part.calendar_key;

-- Regular hours of the practice software, where it has some for the calendar; else the opening hours of its location.
CREATE TABLE hand.has_hours AS
SELECT stands.calendar_key, bool_or(rule.source_id IS NOT NULL) AS told
FROM hand.stands_for AS stands
LEFT JOIN hand.rule AS rule
    ON stands.source = rule.source AND (rule.schedule_id = stands.schedule_id OR rule.schedule_id IS NULL)
    AND rule.kind = 'regular'
GROUP BY stands.calendar_key;

-- Where the platform leads and the practice software tells no hours, it has no say in absences either.
CREATE TABLE hand.heard AS
SELECT stands.*
FROM hand.stands_for AS stands
JOIN hand.calendar AS calendar USING (calendar_key)
JOIN hand.has_hours AS has_hours USING (calendar_key)
WHERE stands.source = 'pvs' AND (calendar.leads <> 'platform' OR has_hours.told);

CREATE TABLE hand.hours AS
SELECT heard.calendar_key, rule.kind, day.day + rule.start_time AS from_wall, day.day + rule.end_time AS to_wall
FROM hand.heard AS heard
JOIN hand.rule AS rule
    ON heard.source = rule.source AND (rule.schedule_id = heard.schedule_id OR rule.schedule_id IS NULL)
CROSS JOIN hand.day AS day
WHERE (rule.date = day.day OR (rule.date IS NULL AND rule.weekday = isodow(day.day)))
    AND (rule.valid_from IS NULL OR rule.valid_from <= day.day)
    AND (rule.valid_to IS NULL OR rule.valid_to >= day.day)
    AND (
        coalesce(rule.week_interval, 1) = 1
        OR (date_trunc('week', day.day)::DATE - date_trunc('week', rule.valid_from)::DATE) / 7 % rule.week_interval = 0
    )
UNION ALL
SELECT calendar.calendar_key, 'regular', day.day + opening.start_time, day.day + opening.end_time
FROM hand.calendar AS calendar
JOIN hand.has_hours AS has_hours USING (calendar_key)
JOIN ops.opening_hours AS opening ON calendar.location_key = opening.location_key
JOIN hand.day AS day ON isodow(day.day) = opening.weekday
WHERE NOT has_hours.told;

-- Everything that says something about a minute, spread over its minutes.
CREATE TABLE hand.said AS
WITH stretch AS (
    SELECT
        calendar_key,
        CASE WHEN kind = 'extra' THEN 'extra' ELSE 'template' END AS word,
        from_wall AT TIME ZONE getvariable('zone') AS start_at,
        to_wall AT TIME ZONE getvariable('zone') AS end_at
    FROM hand.hours
    UNION ALL
    SELECT
        heard.calendar_key,
        away.kind,
        date_trunc('minute', away.start),
        date_trunc('minute', away.end)
    FROM hand.heard AS heard
    JOIN hand.schedule AS schedule ON heard.source = schedule.source AND heard.schedule_id = schedule.source_id
    JOIN hand.away AS away ON heard.source = away.source
    WHERE CASE
        WHEN away.schedule_id IS NOT NULL THEN away.schedule_id = heard.schedule_id
        WHEN away.practitioner_id IS NOT NULL THEN away.practitioner_id = schedule.practitioner_id
        ELSE true
    END
    UNION ALL
    SELECT calendar_key, 'block', start_at, end_at FROM hand.judged WHERE outcome = 'block'
    UNION ALL
    SELECT calendar_key, part, start_at, end_at FROM hand.held
    UNION ALL
    SELECT calendar_key, 'intended', start_at, end_at FROM hand.held WHERE intended AND part NOT IN ('late', 'other')
),

spread AS (
    SELECT calendar_key, word, unnest(generate_series(start_at, end_at - INTERVAL 1 MINUTE, INTERVAL 1 MINUTE)) AS minute_at
    FROM stretch
    WHERE start_at < end_at
)

SELECT
    calendar_key,
    minute_at,
    count(*) FILTER (word = 'template') > 0 AS template,
    count(*) FILTER (word = 'extra') > 0 AS extra,
    count(*) FILTER (word = 'absence') > 0 AS absent,
    count(*) FILTER (word = 'closure') > 0 AS closed,
    count(*) FILTER (word = 'block') > 0 AS blocked,
    count(*) FILTER (word = 'attended') AS attended,
    count(*) FILTER (word = 'ahead') AS ahead,
    count(*) FILTER (word = 'no_show') AS no_show,
    count(*) FILTER (word = 'unknown') AS unknown,
    count(*) FILTER (word = 'late') AS late,
    count(*) FILTER (word = 'other') AS other,
    count(*) FILTER (word = 'intended') AS intended
FROM spread
GROUP BY calendar_key, minute_at;

CREATE TABLE hand.whole_day AS
SELECT
    calendar.calendar_key,
    day.day,
    EXISTS (
        FROM ops.holiday AS holiday
        WHERE holiday.location_key = calendar.location_key AND holiday.date = day.day AND holiday.kind = 'public'
    ) AS holiday,
    EXISTS (
        FROM ops.closure AS closure
        WHERE coalesce(closure.location_key, calendar.location_key) = calendar.location_key
            AND day.day BETWEEN closure.start_date AND closure.end_date
    ) AS closed
FROM hand.calendar AS calendar
CROSS JOIN hand.day AS day;

-- One row per calendar and minute of a day that is looked at; days before the first appointment are none.
CREATE TABLE hand.minute_of_calendar AS
WITH span AS (
    SELECT
        coalesce(least((SELECT min(day) FROM hand.counted), getvariable('today')), getvariable('today')) AS first_day,
        (getvariable('today') + to_months((
            SELECT value::INTEGER FROM ops.setting WHERE name = 'window_ahead_months'
        )))::DATE AS last_day
),

wall AS (
    SELECT day, unnest(generate_series(day + TIME '06:00', day + TIME '19:59', INTERVAL 1 MINUTE)) AS wall
    FROM hand.day, span
    WHERE day BETWEEN first_day AND last_day
),

clock AS MATERIALIZED (
    SELECT day, hour(wall) AS hour, wall AT TIME ZONE getvariable('zone') AS minute_at FROM wall
),

hours AS (
    SELECT
        calendar.calendar_key,
        calendar.k,
        clock.day,
        clock.minute_at,
        clock.hour,
        coalesce(said.template, false) AS template,
        coalesce(said.extra, false) AS extra,
        coalesce(said.absent, false) AS absent,
        coalesce(said.blocked, false) AS blocked,
        whole_day.holiday,
        coalesce(said.closed, false) OR whole_day.closed AS closed,
        coalesce(said.attended, 0) AS attended,
        coalesce(said.ahead, 0) AS ahead,
        coalesce(said.no_show, 0) AS no_show,
        coalesce(said.unknown, 0) AS unknown,
        coalesce(said.late, 0) AS late,
        coalesce(said.other, 0) AS other,
        coalesce(said.intended, 0) AS intended
    FROM hand.calendar AS calendar
    CROSS JOIN clock
    JOIN hand.whole_day AS whole_day
        ON calendar.calendar_key = whole_day.calendar_key AND clock.day = whole_day.day
    LEFT JOIN hand.said AS said ON calendar.calendar_key = said.calendar_key AND clock.minute_at = said.minute_at
),

opened AS (SELECT *, template AND NOT holiday AND NOT closed AS regular FROM hours),

judged AS (
    SELECT
        *,
        (regular OR extra) AND NOT absent AS gross,
        (regular OR extra) AND NOT absent AND NOT blocked AS bookable,
        attended + ahead + no_show + unknown AS active
    FROM opened
)

-- Of several appointments at once the first ones in this order take a place each.
SELECT
    calendar_key, day, minute_at, hour,
    CASE WHEN template THEN k ELSE 0 END AS template_min,
    CASE WHEN template AND holiday THEN k ELSE 0 END AS holiday_min,
    CASE WHEN template AND closed AND NOT holiday THEN k ELSE 0 END AS closure_min,
    CASE WHEN extra AND NOT regular THEN k ELSE 0 END AS extra_min,
    CASE WHEN (regular OR extra) AND absent THEN k ELSE 0 END AS absence_min,
    CASE WHEN gross AND blocked THEN k ELSE 0 END AS block_min,
    CASE WHEN bookable THEN k ELSE 0 END AS bookable_min,
    CASE WHEN bookable THEN least(k, attended) ELSE 0 END AS attended_min,
    CASE WHEN bookable THEN least(k, attended + ahead) - least(k, attended) ELSE 0 END AS ahead_min,
    CASE WHEN bookable THEN least(k, attended + ahead + no_show) - least(k, attended + ahead) ELSE 0 END AS no_show_min,
    CASE WHEN bookable THEN least(k, active) - least(k, attended + ahead + no_show) ELSE 0 END AS unknown_min,
    CASE WHEN bookable THEN least(k, active + late) - least(k, active) ELSE 0 END AS late_cancelled_min,
    CASE WHEN bookable THEN least(k, active + late + other) - least(k, active + late) ELSE 0 END AS other_cancelled_min,
    CASE WHEN bookable THEN k - least(k, active + late + other) ELSE 0 END AS never_booked_min,
    CASE WHEN bookable THEN least(k, active) ELSE 0 END AS booked_min,
    CASE WHEN bookable THEN least(k, attended) ELSE 0 END AS used_min,
    CASE WHEN NOT bookable AND active > 0 THEN 1 ELSE 0 END AS outside_min,
    CASE WHEN bookable AND active > k THEN active - k ELSE 0 END AS double_booked_min,
    CASE WHEN bookable AND active > k THEN least(active - k, intended) ELSE 0 END AS double_booked_intended_min,
    CASE WHEN bookable THEN k - least(k, active) ELSE 0 END AS free_min
FROM judged;

CREATE VIEW hand.minute AS
SELECT calendar.* EXCLUDE (calendar_key), minute.*
FROM hand.minute_of_calendar AS minute
JOIN hand.calendar AS calendar USING (calendar_key);

-- Free time in pieces that hold the shortest type, place by place.
CREATE TABLE hand.usable AS
WITH place AS (
    SELECT calendar_key, day, minute_at, unnest(range(1, free_min + 1)) AS place
    FROM hand.minute_of_calendar
    WHERE free_min > 0
),

piece AS (
    SELECT calendar_key, day, count(*) AS minutes
    FROM (
        SELECT
            *,
            minute_at - to_minutes(row_number() OVER (PARTITION BY calendar_key, day, place ORDER BY minute_at)) AS island
        FROM place
    )
    GROUP BY calendar_key, day, place, island
)

SELECT calendar_key, day, sum(minutes // shortest * shortest)::BIGINT AS usable_min
FROM piece, (SELECT min(minutes) AS shortest FROM hand.service WHERE active AND minutes > 0)
GROUP BY calendar_key, day;

-- Appointments that are counted in words; one of a person in a room is also one of the rooms.
CREATE TABLE hand.counts AS
SELECT kind, location_key, day, outcome FROM hand.judged WHERE outcome <> 'block' AND start_at < end_at
UNION ALL
SELECT 'room', location_key, day, outcome
FROM hand.judged
WHERE outcome <> 'block' AND start_at < end_at AND kind = 'person' AND room_id IS NOT NULL;
