-- A column of marts whose name says that it holds a name, an address, a number or a text of a person.
SELECT table_name, column_name
FROM duckdb_columns()
WHERE (schema_name = 'marts' OR database_name = 'marts')
    AND regexp_matches(
        column_name,
        '(^|_)(family|given|birth_name|birth_date|kvnr|lanr|phone|mobile|e164|email|street|city|address|source_id'
        || '|patient_id|person_id|entity_id|practitioner_id|payload|found|expected|note|reason|comment)(_|$)'
    )
