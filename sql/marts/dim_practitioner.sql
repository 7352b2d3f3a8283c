-- One row per practitioner, by initials.
--
-- practitioner_key: key in all marts.
-- initials: as the source has them, else the first letters of the names.
-- active: works in the practice, as far as its sources say.
SELECT practitioner_key, initials, active
FROM core.practitioner
ORDER BY practitioner_key
