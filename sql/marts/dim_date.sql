-- One row per local day and Bundesland of the practice.
--
-- date: local day.
-- state: Bundesland, as ISO 3166-2 without the country (BY, BE).
-- is_holiday: public holiday at one location of that Land at least; a location's own list is respected.
-- holiday_name: its German name; NULL on other days.
-- is_school_holiday: NULL where nobody knows (no school holidays of that Land and year are known).
-- iso_year: year of the ISO week; differs from the calendar year around New Year.
-- iso_week: ISO week (KW).
-- quarter: calendar quarter.
-- weekday: 1 (Monday) to 7 (Sunday).
-- working_day_number: number of the working day within its month; NULL on other days.
-- is_working_day: Monday to Friday and no public holiday.
WITH school AS (
    SELECT location.state, holiday.date
    FROM ops.holiday AS holiday
    INNER JOIN ops.location AS location ON holiday.location_key = location.location_key
    WHERE holiday.kind = 'school'
    GROUP BY location.state, holiday.date
),

known_year AS (
    SELECT DISTINCT state, year(date) AS year FROM school
)

SELECT
    day.date,
    day.state,
    day.holiday_name IS NOT NULL AS is_holiday,
    day.holiday_name,
    CASE WHEN known_year.year IS NOT NULL THEN school.date IS NOT NULL END AS is_school_holiday,
    isoyear(day.date)::BIGINT AS iso_year,
    week(day.date)::BIGINT AS iso_week,
    quarter(day.date)::BIGINT AS quarter,
    isodow(day.date)::BIGINT AS weekday,
    CASE
        WHEN day.is_working_day
        THEN (count(*) FILTER (day.is_working_day) OVER (
            PARTITION BY day.state, date_trunc('month', day.date) ORDER BY day.date
        ))::BIGINT
    END AS working_day_number,
    day.is_working_day
FROM core.working_day AS day
LEFT JOIN known_year ON day.state = known_year.state AND year(day.date) = known_year.year
LEFT JOIN school ON day.state = school.state AND day.date = school.date
ORDER BY day.date, day.state
