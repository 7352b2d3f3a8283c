-- One row per row of a source that could not become a record, or (kept) per doubtful value of one that did.
WITH newest AS (
    SELECT *
    FROM raw.rejected
    WHERE run <= getvariable('run')
    QUALIFY row_number() OVER (
        PARTITION BY source, resource, source_id, field, rule, found, expected, payload, kept ORDER BY run DESC
    ) = 1
)

SELECT * EXCLUDE (removed)
FROM newest
WHERE NOT coalesce(removed, false)
ORDER BY ALL
