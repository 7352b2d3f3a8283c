-- One row per calendar and stretch of its hours in which nothing changes: what the hours are and what takes them away.
--
-- gross = ((template - holidays - closures) + extra) - absences; bookable = gross - blocks. The flags are disjoint
-- steps of that sum: template - holiday - closure + extra - absence - block = bookable holds for every instant.
-- One sweep per calendar: each stretch is a step up at its start and a step down at its end; running sums say what
-- holds between two steps.
WITH event AS (
    SELECT calendar_key, kind, start_at AS instant, 1 AS step FROM core.availability
    UNION ALL
    SELECT calendar_key, kind, end_at, -1 FROM core.availability
),

stepped AS (
    SELECT
        calendar_key,
        instant,
        coalesce(sum(step) FILTER (kind = 'template'), 0)::DOUBLE AS template,
        coalesce(sum(step) FILTER (kind = 'holiday'), 0)::DOUBLE AS holiday,
        coalesce(sum(step) FILTER (kind = 'closure'), 0)::DOUBLE AS closure,
        coalesce(sum(step) FILTER (kind = 'extra'), 0)::DOUBLE AS extra,
        coalesce(sum(step) FILTER (kind = 'absence'), 0)::DOUBLE AS absence,
        coalesce(sum(step) FILTER (kind = 'block'), 0)::DOUBLE AS block
    FROM event
    GROUP BY calendar_key, instant
),

swept AS (
    SELECT
        calendar_key,
        instant AS start_at,
        lead(instant) OVER running AS end_at,
        sum(template) OVER running > 0 AS template,
        sum(holiday) OVER running > 0 AS holiday,
        sum(closure) OVER running > 0 AS closure,
        sum(extra) OVER running > 0 AS extra,
        sum(absence) OVER running > 0 AS absence,
        sum(block) OVER running > 0 AS block
    FROM stepped
    WINDOW running AS (PARTITION BY calendar_key ORDER BY instant)
),

opened AS (
    SELECT *, template AND NOT holiday AND NOT closure AS regular
    FROM swept
    WHERE (template OR extra) AND end_at IS NOT NULL
)

SELECT
    opened.calendar_key,
    opened.start_at,
    opened.end_at,
    calendar.capacity,
    opened.template AS is_template,
    opened.template AND opened.holiday AS is_holiday,
    opened.template AND opened.closure AND NOT opened.holiday AS is_closure,
    opened.extra AND NOT opened.regular AS is_extra,
    (opened.regular OR opened.extra) AND opened.absence AS is_absence,
    (opened.regular OR opened.extra) AND NOT opened.absence AS is_gross,
    (opened.regular OR opened.extra) AND NOT opened.absence AND opened.block AS is_block,
    (opened.regular OR opened.extra) AND NOT opened.absence AND NOT opened.block AS is_bookable
FROM opened
INNER JOIN core.calendar AS calendar ON opened.calendar_key = calendar.calendar_key
ORDER BY opened.calendar_key, opened.start_at
