"""ISiK Terminplanung 4.0.0: what the official texts and examples get wrong, or disagree about, and how we take it.

The messages are written here after the standard's own examples.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from connectors.booking import frames, isik, isik_requests
from connectors.booking.directory import Directory
from connectors.booking.http import Answer
from connectors.booking.isik_client import IsikPlatform
from connectors.booking.settings import BookingSettings
from connectors.booking.source import BookingSource
from connectors.source import Change
from tests.kit.booking import NOW, TOMORROW, minutes

START, END = "2022-12-10T09:00:00Z", "2022-12-10T11:00:00Z"
SLOT = {"resourceType": "Slot", "id": "terminblock", "schedule": {"reference": "Schedule/kalender"}, "status": "busy"}


def example(**changes: Any) -> dict[str, Any]:
    """An Appointment as the guide shows it."""
    return {
        "resourceType": "Appointment",
        "id": "termin",
        "meta": {"tag": [{"system": "http://fhir.de/CodeSystem/common-meta-tag-de", "code": "external"}]},
        "status": "proposed",
        "start": START,
        "end": END,
        "slot": [{"reference": "Slot/terminblock"}],
        "serviceType": [{"coding": [{"code": "124"}]}],
        "specialty": [{"coding": [{"code": "ALLG"}]}],
        "participant": [{"actor": {"reference": "Patient/example", "display": "Test"}, "status": "accepted"}],
        **changes,
    }


def taken_in(resource: str, found: dict[str, Any], slots: dict[str, Any] | None = None) -> frames.Parsed:
    row = isik.Reader(isik.EXTENSIONS, Directory()).row(resource, found, slots or {})
    return frames.parse(resource, [row], [found], isik.CODES.get(resource, {}))


STATUSES = [
    # written      ours          listed as unmapped
    ("cancelled",  "cancelled",  False),
    ("canceled",   "cancelled",  False),
    ("checked-in", "arrived",    False),
    ("waitlist",   "unknown",    False),
    ("noshow",     "noshow",     False),
    ("verlegt",    "unknown",    True),
]  # fmt: skip


@pytest.mark.parametrize(("written", "ours", "listed"), STATUSES)
def test_1_both_spellings_of_cancelled_and_codes_that_nobody_knows(written: str, ours: str, listed: bool) -> None:
    parsed = taken_in("appointment", example(status=written))
    assert parsed.frame["status"].to_list() == [ours]
    assert parsed.frame["status_code"].to_list() == [written]
    assert parsed.unmapped["code"].to_list() == ([written] if listed else [])


def test_1_we_send_the_spelling_of_the_standard() -> None:
    change = Change("cancel", "appointment", "termin", {"status": "cancelled"}, {}, "key")
    assert "'cancelled'" in str(isik_requests.status_patch(change, None))


class OneAnswer:
    """A server that answers a `$book` in one way and knows the appointment afterwards."""

    base = "https://booking.example/fhir"

    def __init__(self, status: int, body: dict[str, Any] | None) -> None:
        self.answer = Answer(status, {}, body)

    def get(self, path: str, params: Any = None, **_: Any) -> Answer:
        found = [] if "identifier" in (params or {}) else [{"resource": example(status="pending")}]
        return Answer(200, {}, {"resourceType": "Bundle", "entry": found if path == "Appointment" else []})

    def pages(self, path: str, params: Any, following: Any) -> Any:
        entry = [{"resource": {"resourceType": "Schedule", "id": "kalender"}}] if path == "Schedule" else []
        yield Answer(200, {}, {"resourceType": "Bundle", "entry": entry})

    def send(self, *_: Any, **__: Any) -> Answer:
        return self.answer


def booked(status: int, body: dict[str, Any] | None) -> str:
    settings = BookingSettings(kind="isik", base_url="https://booking.example/fhir")
    platform = IsikPlatform(OneAnswer(status, body), settings, lambda: NOW)
    source = BookingSource("booking", platform, overlap=minutes(2), now=lambda: NOW)
    values = {"schedule_id": "kalender", "patient_id": "example", "start": TOMORROW, "end": TOMORROW + minutes(15)}
    return source.write(Change("create", "appointment", None, values, {}, "key")).outcome


ERROR = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "conflict"}]}
ANSWERS = [
    # HTTP  body                              outcome
    (201,   example(status="booked"),         "written"),
    (200,   example(status="booked"),         "written"),
    (201,   example(status="pending"),        "pending"),
    (202,   example(status="pending"),        "pending"),
    (202,   example(status="booked"),         "written"),
    (202,   None,                             "pending"),
    (201,   example(status="cancelled"),      "conflict"),
    (409,   ERROR,                            "conflict"),
    (412,   ERROR,                            "conflict"),
    (422,   ERROR,                            "conflict"),
    (422,   None,                             "conflict"),
    (400,   ERROR,                            "refused"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "outcome"), ANSWERS)
def test_2_the_appointments_own_status_decides(status: int, body: dict[str, Any] | None, outcome: str) -> None:
    assert booked(status, body) == outcome


@pytest.mark.parametrize(("end", "kept"), [(END, 1), (START, 0), ("2022-12-10T08:59:00Z", 0)])
@pytest.mark.parametrize("resource", ["appointment", "slot"])
def test_3_a_time_without_length_is_set_aside(resource: str, end: str, kept: int) -> None:
    found = example(end=end) if resource == "appointment" else {**SLOT, "start": START, "end": end}
    parsed = taken_in(resource, found)
    assert parsed.frame.height == kept
    assert parsed.rejected["rule"].to_list() == ["ends-before-start"] * (1 - kept)


def test_4_two_parameters_of_one_name() -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "return", "resource": {"resourceType": "OperationOutcome"}},
            {"name": "return", "resource": example(status="booked")},
        ],
    }
    assert booked(201, body) == "written"


REFERENCES = [
    # reference to the slot                             schedule found
    ("Slot/terminblock",                                "kalender"),
    ("terminblock",                                     "kalender"),
    ("https://booking.example/fhir/Slot/terminblock",   "kalender"),
    ("Slot/terminblock/_history/2",                     "kalender"),
    ("Slot/vergessen",                                  None),
    ("Schedule/terminblock",                            None),
    ("urn:uuid:0-0-0",                                  None),
    ("#terminblock",                                    None),
    ("",                                                None),
]  # fmt: skip


@pytest.mark.parametrize(("reference", "schedule"), REFERENCES)
def test_5_a_slot_without_its_type_and_one_that_is_gone(reference: str, schedule: str | None) -> None:
    parsed = taken_in("appointment", example(slot=[{"reference": reference}]), {"terminblock": SLOT})
    assert parsed.frame["schedule_id"].to_list() == [schedule]


@pytest.mark.parametrize("kvnr", ["A123456789", "A123456780", "", "kaputt"])
def test_6_a_wrong_insurance_number_never_drops_a_patient(kvnr: str) -> None:
    patient = {
        "resourceType": "Patient",
        "id": "example",
        "identifier": [{"system": "http://fhir.de/sid/gkv/kvid-10", "value": kvnr}],
        "name": [{"use": "official", "family": "Musterfrau", "given": ["Maxima"]}],
    }
    assert taken_in("patient", patient).frame["kvnr"].to_list() == [kvnr or None]


def test_7_references_that_lead_nowhere_stay_as_they_are() -> None:
    parsed = taken_in("appointment", example(slot=[]), {})
    assert parsed.frame.select("patient_id", "schedule_id", "status").row(0) == ("example", None, "proposed")


NAMES = [
    # name as the German base profile has it                               family         affix       prefix
    ({"family": "Berg"},                                                   "Berg",        None,       None),
    ({"family": "Graf Berg", "_family": [("namenszusatz", "Graf")]},       "Berg",        "Graf",     None),
    ({"family": "von Berg", "prefix": ["Prof.", "Dr."]},                   "von Berg",    None,       "Prof. Dr."),
    ({},                                                                   None,          None,       None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "family", "affix", "prefix"), NAMES)
def test_parts_of_a_german_name(name: dict[str, Any], family: str, affix: str, prefix: str) -> None:
    parts = name.pop("_family", [])
    url = "http://fhir.de/StructureDefinition/humanname-"
    written = {**name, "_family": {"extension": [{"url": url + part, "valueString": value} for part, value in parts]}}
    frame = taken_in("patient", {"resourceType": "Patient", "id": "p", "name": [written]}).frame
    assert frame.select("family_name", "name_affix", "name_prefix").row(0) == (family, affix, prefix)


HOSTILE: list[Any] = [None, 7, True, "x", [], {}, [[]], [None], [{"x": [1]}], {"reference": 3}, {"extension": "x"}]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
@pytest.mark.parametrize("resource", ["appointment", "patient", "schedule", "slot", "location", "practitioner"])
def test_any_element_may_have_any_shape(resource: str, value: Any) -> None:
    names = "meta extension identifier active name telecom gender birthDate address link actor schedule status start"
    found = {
        "id": "x",
        **dict.fromkeys([*names.split(), "participant", "slot", "serviceType", "deceasedDateTime"], value),
    }
    parsed = taken_in(resource, found)
    assert parsed.frame.height + parsed.rejected.height == 1


def test_the_offset_of_an_instant_counts() -> None:
    frame = taken_in("appointment", example(start="2022-12-10T10:00:00.5+01:00")).frame
    assert frame["start"].to_list() == [dt.datetime(2022, 12, 10, 9, 0, 0, 500_000, dt.UTC)]
    assert frame.schema["start"] == pl.Datetime("us", "UTC")


@pytest.mark.parametrize("start", ["2022-12-10T09:00:00", "2022-12-10", "gestern", "0000-01-01T00:00:00Z", None])
def test_a_start_that_is_no_instant_sets_the_row_aside(start: str | None) -> None:
    parsed = taken_in("appointment", example(start=start))
    assert parsed.frame.is_empty()
    assert parsed.rejected.select("field", "found").row(0) == ("start", start)
