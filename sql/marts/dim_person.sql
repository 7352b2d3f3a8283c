-- One row per person, known by a pseudonym.
--
-- person_key: keyed pseudonym (HMAC) of the person's identity; the key lies outside the file.
-- birth_year: year of birth.
-- postal_code_3: first three digits of the postcode.
SELECT
    person_key,
    year(birth_date)::BIGINT AS birth_year,
    CASE WHEN regexp_full_match(trim(postal_code), '[0-9]{5}') THEN left(trim(postal_code), 3) END AS postal_code_3
FROM core.person
WHERE person_key IS NOT NULL
ORDER BY person_key
