-- One row: what this build is told, as typed values: its day, its zone, its newest run and the practice's rules.
--
-- today: local day of the build; what starts on it or later is ahead.
-- zone: IANA time zone of the practice.
-- run: newest run that counts.
-- data_as_of: when that run read its sources.
-- not_before: earliest start of an open slot: the instant of a snapshot, else the beginning of the day.
-- late_cancel_hours: a cancellation with less notice is late; exactly this notice is not.
-- infer_no_show: whether a past booking without any trace of the patient counts as not attended.
-- window_ahead_months: how far ahead capacity is computed.
WITH setting AS (
    SELECT
        max(value) FILTER (name = 'late_cancel_hours') AS late_cancel_hours,
        max(value) FILTER (name = 'infer_no_show') AS infer_no_show,
        max(value) FILTER (name = 'window_ahead_months') AS window_ahead_months
    FROM ops.setting
)

SELECT
    getvariable('today')::DATE AS today,
    getvariable('zone')::VARCHAR AS zone,
    getvariable('run')::BIGINT AS run,
    (SELECT max(read_at) FROM raw.run WHERE run <= getvariable('run')) AS data_as_of,
    coalesce(
        getvariable('now')::TIMESTAMPTZ,
        getvariable('today')::TIMESTAMP AT TIME ZONE getvariable('zone')
    ) AS not_before,
    coalesce(late_cancel_hours::BIGINT, 24) AS late_cancel_hours,
    coalesce(infer_no_show::BOOLEAN, false) AS infer_no_show,
    coalesce(window_ahead_months::BIGINT, 24) AS window_ahead_months
FROM setting
