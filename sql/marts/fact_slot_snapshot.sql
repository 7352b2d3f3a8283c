-- One row per snapshot day, calendar, appointment type and day ahead with an open slot: how it stood that morning.
--
-- snapshot_date: local day of the snapshot; a day without one stays missing.
-- calendar_key: calendar.
-- type_key: appointment type.
-- slot_date: local day of the open slots.
-- open_slots: how many appointments of the type could still be booked on that day.
-- first_start_1: first open start of the day (UTC).
-- first_start_2: second open start.
-- first_start_3: third open start.
-- first_start_1_local: first open start on the practice's clock.
-- taken_at: instant of the snapshot (UTC).
-- data_as_of: when the newest data of this build was read.
WITH first_taken AS (
    SELECT snapshot_date, min(run) AS run
    FROM raw.slot_snapshot
    WHERE run <= getvariable('run')
    GROUP BY snapshot_date
)

SELECT
    snapshot.snapshot_date,
    snapshot.calendar_key,
    snapshot.service_key AS type_key,
    snapshot.slot_date,
    snapshot.open_slots,
    snapshot.first_start_1,
    snapshot.first_start_2,
    snapshot.first_start_3,
    snapshot.first_start_1 AT TIME ZONE getvariable('zone') AS first_start_1_local,
    snapshot.taken_at,
    rule.data_as_of
FROM raw.slot_snapshot AS snapshot
INNER JOIN first_taken USING (snapshot_date, run)
CROSS JOIN staging.rule AS rule
WHERE snapshot.slot_date IS NOT NULL
ORDER BY snapshot.snapshot_date, snapshot.calendar_key, type_key, snapshot.slot_date
