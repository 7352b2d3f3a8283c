-- One row per calendar, appointment type and local day ahead with an open slot: what the daily snapshot keeps.
--
-- published: no
-- open_slots: number of open starts on that day.
-- first_start_1: the day's first three open starts; NULL where there are fewer.
WITH started AS (
    SELECT
        calendar_key,
        type_key,
        service_date,
        start_at + to_minutes(minutes * unnest(range(least(slots, 3)))) AS start_at
    FROM core.open_slot
),

listed AS (
    SELECT calendar_key, type_key, service_date, list(start_at ORDER BY start_at) AS starts
    FROM started
    GROUP BY calendar_key, type_key, service_date
),

counted AS (
    SELECT calendar_key, type_key, service_date, sum(slots)::BIGINT AS open_slots
    FROM core.open_slot
    GROUP BY calendar_key, type_key, service_date
)

SELECT
    counted.calendar_key,
    counted.type_key AS service_key,
    counted.service_date AS slot_date,
    counted.open_slots,
    listed.starts[1] AS first_start_1,
    listed.starts[2] AS first_start_2,
    listed.starts[3] AS first_start_3
FROM counted
INNER JOIN listed USING (calendar_key, type_key, service_date)
ORDER BY calendar_key, service_key, slot_date
