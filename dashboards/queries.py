"""What the pages read from published files: a name, the store, the SELECT, and the right that it needs.

Pages read sums wherever sums will do: the rows of a million appointments never leave the database. Parameters are
bound by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from dashboards.figures import MINUTES

#: Records set aside that the page lists, the newest; more of them are an error of the source, not a list to work off.
SET_ASIDE_SHOWN: Final = 500


@dataclass(frozen=True, slots=True)
class Query:
    """`store` is the published file (marts: pseudonymous, desk: names); `right` a key of `viewer.RIGHTS`."""

    store: Literal["marts", "desk"]
    right: str
    sql: str


QUERIES: Final[Mapping[str, Query]] = MappingProxyType(
    {
        "locations": Query(
            "marts", "utilisation", "SELECT location_key, name FROM marts.dim_location ORDER BY name, location_key"
        ),
        # one row per calendar and day
        "capacity_day": Query(
            "marts",
            "utilisation",
            "SELECT calendar_key, resource_kind, coalesce(practitioner_key, calendar_key) AS person, location_key, "
            f"service_date, hours_source, {', '.join(MINUTES)} "
            "FROM marts.fact_capacity_day ORDER BY service_date, calendar_key",
        ),
        # one row per kind of resource, location, weekday and hour of a span of days
        "capacity_hour": Query(
            "marts",
            "utilisation",
            "SELECT weekday, hour, sum(bookable_min)::BIGINT AS bookable_min, sum(booked_min)::BIGINT AS booked_min, "
            "sum(used_min)::BIGINT AS used_min FROM marts.fact_capacity_hour "
            "WHERE resource_kind IN ($kind, $other_kind) AND service_date BETWEEN $first AND $last "
            "AND ($location = '' OR location_key = $location) GROUP BY weekday, hour ORDER BY weekday, hour",
        ),
        # one row per kind of resource, location, day and outcome; an appointment of a person in a room counts for both,
        # one without a length (a data error) for none
        "appointment_day": Query(
            "marts",
            "utilisation",
            "WITH counted AS (SELECT calendar.kind, appointment.room_key, appointment.location_key, "
            "appointment.service_date, appointment.outcome FROM marts.fact_appointment AS appointment "
            "JOIN marts.dim_calendar AS calendar USING (calendar_key) "
            "WHERE appointment.is_counted AND appointment.outcome <> 'block' AND appointment.minutes > 0), "
            "taken AS (SELECT kind, location_key, service_date, outcome FROM counted UNION ALL "
            "SELECT 'room', location_key, service_date, outcome FROM counted "
            "WHERE kind = 'person' AND room_key IS NOT NULL) "
            "SELECT kind AS resource_kind, location_key, service_date, outcome, count(*) AS rows "
            "FROM taken GROUP BY ALL ORDER BY ALL",
        ),
        # appointments of a day that count: those of the calendar's leading system
        "counted": Query(
            "marts",
            "appointments_by_name",
            "SELECT appointment_key FROM marts.fact_appointment WHERE service_date = $day AND is_counted "
            "ORDER BY appointment_key",
        ),
        "rooms": Query(
            "marts",
            "utilisation",
            "SELECT calendar_key, name FROM marts.dim_calendar WHERE kind <> 'person' ORDER BY ALL",
        ),
        "persons": Query(
            "desk",
            "utilisation_per_person",
            "SELECT practitioner_key AS person, name FROM desk.practitioner UNION ALL "
            "SELECT calendar_key, name FROM desk.calendar ORDER BY person",
        ),
        "calendar_names": Query(
            "desk", "appointments_by_name", "SELECT calendar_key, name FROM desk.calendar ORDER BY calendar_key"
        ),
        # rows with names: only through `data.appointments_of_day`, which writes the look down
        "appointments": Query(
            "desk",
            "appointments_by_name",
            "SELECT appointment_key, calendar_key, start_local, end_local, family_name, given_name, birth_date, "
            "type_name, outcome, source FROM desk.appointment WHERE service_date = $day "
            "ORDER BY start_local, calendar_key, appointment_key",
        ),
        "unmapped": Query(
            "marts",
            "connections",
            "SELECT source, resource, field, code, rows FROM marts.unmapped_code "
            "ORDER BY source, rows DESC, resource, field, code",
        ),
        # share of a source's appointments whose status and type are known; types count where the source has any
        "recognised": Query(
            "marts",
            "connections",
            "WITH unknown AS (SELECT source, sum(rows) AS rows FROM marts.unmapped_code "
            "WHERE resource = 'appointment' AND field = 'status' GROUP BY source), "
            "counted AS (SELECT source, count(*) AS rows, count(type_key) AS typed FROM marts.fact_appointment "
            "WHERE outcome <> 'block' GROUP BY source), "
            "missing AS (SELECT counted.source, counted.rows AS all_rows, coalesce(unknown.rows, 0) "
            "+ CASE WHEN counted.typed > 0 THEN counted.rows - counted.typed ELSE 0 END AS rows "
            "FROM counted LEFT JOIN unknown ON counted.source = unknown.source) "
            "SELECT source, 1 - least(rows / all_rows, 1) AS share FROM missing ORDER BY source",
        ),
        # how many rows of a source stand set aside now, and how many values of other rows are in doubt: counts alone
        "noted": Query(
            "desk",
            "connections",
            "SELECT source, count(*) FILTER (NOT kept) AS set_aside, max(read_at) FILTER (NOT kept) AS set_aside_at, "
            "count(*) FILTER (kept) AS doubtful FROM desk.rejected GROUP BY source ORDER BY source",
        ),
        # reasons only: what was found in a row is the row's own business and stays in the desk file
        "set_aside": Query(
            "desk",
            "set_aside_records",
            "SELECT source, resource, source_id, field, rule, expected, read_at AS last_at FROM desk.rejected "
            f"WHERE NOT kept ORDER BY last_at DESC, source, resource, source_id, field, rule LIMIT {SET_ASIDE_SHOWN}",
        ),
        "doubtful": Query(
            "desk",
            "set_aside_records",
            "SELECT source, resource, field, rule, expected, count(*) AS rows "
            "FROM desk.rejected WHERE kept GROUP BY ALL ORDER BY source, rows DESC, resource, field, rule, expected",
        ),
    }
)
