-- One row per rule, source, record type and field whose data breaks the rule; counts only.
--
-- rule: what is wrong, as a fixed word.
-- source: where it stands; NULL where it is no single source's.
-- resource: record type.
-- field: field, where one is meant.
-- rows: how many records (for outside_hours: calendar days) break the rule.
-- first_seen_at: earliest run whose current rows break it (UTC).
-- last_seen_at: latest run whose current rows break it (UTC).
-- severity: error (figures are wrong), warn (figures lack something) or info.
-- data_as_of: when the newest data of this build was read.
SELECT
    issue.rule,
    issue.source,
    issue.resource,
    issue.field,
    issue.rows,
    issue.first_seen_at,
    issue.last_seen_at,
    issue.severity,
    rule.data_as_of
FROM core.dq_issue AS issue
CROSS JOIN staging.rule AS rule
ORDER BY issue.rule, issue.source, issue.resource, issue.field
