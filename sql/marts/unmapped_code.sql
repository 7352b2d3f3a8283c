-- One row per vendor code that no map in force knows, and how many current records carry it.
--
-- source: whose code it is.
-- resource: record type.
-- field: coded field.
-- code: the vendor's own value; such values count as `unknown` and are never guessed.
-- rows: current records with it.
-- data_as_of: when the newest data of this build was read.
SELECT unmapped.source, unmapped.resource, unmapped.field, unmapped.code, unmapped.rows, rule.data_as_of
FROM core.unmapped_code AS unmapped
CROSS JOIN staging.rule AS rule
ORDER BY unmapped.source, unmapped.resource, unmapped.field, unmapped.code
