-- One row per row of a source that could not become a record, or per doubtful value of one that did; may hold
-- personal values.
--
-- source: whose row it is.
-- resource: record type.
-- source_id: key in the source, where it has one.
-- field: field that is wrong.
-- rule: rule that it breaks.
-- found: what stands there.
-- expected: what should.
-- kept: the row is in the tables all the same, without the value.
-- read_at: when it was read (UTC).
-- run: the run that set it aside.
SELECT source, resource, source_id, field, rule, found, expected, kept, read_at, run
FROM staging.rejected
ORDER BY source, resource, source_id, field, rule, run
