"""Exported lists: encodings, separators, title lines, Excel's dates, German words; and what a list is the truth for."""

import datetime as dt

import polars as pl
import pytest

from connectors import records
from connectors.errors import BadAnswer, ProfileError, SourceAway
from connectors.files import profile
from connectors.files.source import ListSource, Upload, minutes
from connectors.files.tables import Reading, read_table
from connectors.source import Change, ReadRequest, Source, Window
from tests.kit.demo_pvs import at
from tests.kit.xlsx import workbook

HEADER = "Kalender;Datum;Von;Bis;Dauer;Terminart;Status;Pat-Nr"
ROWS = (
    "Dr. Ärger;05.01.2026;08:00;;15;Kontrolle;erschienen;7",
    "Dr. Ärger;05.01.2026;08:00;;15 min;Kontrolle;Abgesagt durch Patient;8",
    "Raum 1;06.01.2026;9:30;10:15;;EKG;gesperrt;",
)


def csv(*lines, encoding="utf-8"):
    return "\r\n".join([HEADER, *(lines or ROWS), ""]).encode(encoding)


def listed(content, name="termine.csv", **options):
    return ListSource("liste", profile.load("termine"), Upload(name, content), timezone="Europe/Berlin", **options)


def batch(source, resource="appointment", scope="full", since=None):
    (found,) = source.read(ReadRequest(resource, scope, since))
    return found


def test_it_is_a_source():
    assert isinstance(listed(csv()), Source)


def test_a_list_in_ten_minutes():
    found = batch(listed(csv())).frame
    assert found.select("source_id", "schedule_id", "patient_id", "status", "cancelled_by", "start", "end").rows() == [
        (
            "Dr. Ärger 05.01.2026 08:00",
            "Dr. Ärger",
            "7",
            "fulfilled",
            None,
            at("2026-01-05 07:00"),
            at("2026-01-05 07:15"),
        ),
        (
            "Dr. Ärger 05.01.2026 08:00 #2",
            "Dr. Ärger",
            "8",
            "cancelled",
            "patient",
            at("2026-01-05 07:00"),
            at("2026-01-05 07:15"),
        ),
        ("Raum 1 06.01.2026 9:30", "Raum 1", None, "block", None, at("2026-01-06 08:30"), at("2026-01-06 09:15")),
    ]


def test_calendars_people_and_types_come_from_the_names_in_it():
    source = listed(csv())
    assert batch(source, "schedule").frame.select("source_id", "name", "kind", "practitioner_id").rows() == [
        ("Dr. Ärger", "Dr. Ärger", "person", "Dr. Ärger"),
        ("Raum 1", "Raum 1", "room", None),
    ]
    assert batch(source, "practitioner").frame["family_name"].to_list() == ["Dr. Ärger"]
    assert batch(source, "healthcare_service").frame["name"].to_list() == ["EKG", "Kontrolle"]


def test_a_list_is_the_truth_for_the_days_that_it_covers_and_only_adds_names():
    source = listed(csv())
    appointments = batch(source)
    assert appointments.scope == "window"
    assert appointments.window == Window(at("2026-01-04 23:00"), at("2026-01-06 23:00"))
    assert batch(source, "schedule").scope == "changes"


@pytest.mark.parametrize(
    "content",
    [
        csv(encoding="utf-8"),
        csv(encoding="utf-8-sig"),
        csv(encoding="utf-16"),
        csv(encoding="cp1252"),
        b"Terminliste der Praxis\r\nStand;02.03.2026\r\n\r\n" + csv(encoding="cp1252"),
        csv().replace(b";", b"\t"),
        csv().replace(b";", b","),
        csv().replace("Dr. Ärger".encode(), '"Dr. Ärger"'.encode()),
        csv().replace(b"Kalender", b" TERMIN-KALENDER ").replace(b"Pat-Nr", b"patnr"),
    ],
    ids=["utf-8", "with mark", "utf-16", "windows", "title lines", "tabs", "commas", "quoted", "other headers"],
)
def test_german_exports_of_all_kinds_say_the_same(content):
    assert batch(listed(content)).frame.equals(batch(listed(csv())).frame)


def test_a_dos_encoding_must_be_named():
    content = csv(encoding="cp850")
    named = batch(listed(content, reading=Reading(encoding="cp850")), "practitioner").frame
    assert named["family_name"].to_list() == ["Dr. Ärger"]
    assert batch(listed(content), "practitioner").frame["family_name"].to_list() != ["Dr. Ärger"]


def test_a_workbook_with_real_dates_and_times():
    content = workbook(
        [
            ["Terminliste"],
            ["Kalender", "Datum", "Von", "Dauer", "Terminart", "Status", "Pat-Nr"],
            ["Dr. Ärger", dt.date(2026, 1, 5), dt.time(8), 15, "Kontrolle", "erschienen", 7],
            ["Dr. Ärger", dt.date(2026, 1, 5), "08:30", 20, None, None, None],
        ]
    )
    found = batch(listed(content, "termine.xlsx"))
    assert found.frame.select("start", "end", "status", "patient_id").rows() == [
        (at("2026-01-05 07:00"), at("2026-01-05 07:15"), "fulfilled", "7"),
        (at("2026-01-05 07:30"), at("2026-01-05 07:50"), "booked", None),
    ]


def test_one_column_for_day_and_time_and_no_calendar():
    content = b"Start;Ende\n05.01.2026 08:00;05.01.2026 08:20\n"
    found = batch(listed(content)).frame
    assert found.select("schedule_id", "start", "end").rows() == [
        ("Praxis", at("2026-01-05 07:00"), at("2026-01-05 07:20"))
    ]


def test_rows_that_are_no_appointments_and_words_that_nobody_knows():
    found = batch(
        listed(
            csv(
                "Dr. B;05.01.2026;08:00;;15;X;vielleicht;1",
                "Dr. B;05.01.2026;;;15;X;geplant;2",
                "Dr. B;05.01.2026;09:00;;;X;geplant;3",
                "Dr. B;29.03.2026;02:30;;15;X;geplant;4",
                "Dr. B;31.02.2026;10:00;;15;X;geplant;5",
            )
        )
    )
    assert sorted(found.rejected.select("field", "rule").rows()) == [
        ("end", "missing"),
        ("source_id", "key-missing"),
        ("start", "no-such-hour"),
        ("start", "unreadable"),
    ]
    assert found.unmapped.rows() == [("appointment", "status", "vielleicht", 1)]
    assert found.read == found.frame.height + found.rejected.height == 5


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("15", 15),
        ("15 min", 15),
        ("15 Min.", 15),
        ("0:30", 30),
        ("01:15:00", 75),
        ("kurz", None),
        (None, None),
    ],
)
def test_durations_as_people_write_them(text, value):
    assert minutes(pl.Series([text], dtype=pl.String)).to_list() == [value]


def test_news_is_another_content(tmp_path):
    path = tmp_path / "termine.csv"
    path.write_bytes(csv())
    with ListSource("liste", profile.load("termine"), path, timezone="Europe/Berlin") as source:
        known = {resource: batch(source, resource).position for resource in source.resources}
        assert not source.has_news(known)
        again = batch(source, scope="changes", since=known["appointment"])
        assert (again.scope, again.frame.height, again.read) == ("changes", 0, 0)
        path.write_bytes(csv(*ROWS[:2]))
        assert source.has_news(known)
        assert batch(source, scope="changes", since=known["appointment"]).frame.height == 2
        assert [entry.name for entry in tmp_path.iterdir()] == ["termine.csv"]


def test_a_list_without_rows_says_nothing():
    found = batch(listed(csv("")))
    assert (found.scope, found.frame.height) == ("changes", 0)
    assert found.frame.schema == records.schema("appointment")


def test_look_and_write():
    source = listed(csv())
    assert source.look("schedule", "Raum 1")["kind"] == "room"
    assert source.look("schedule", "Raum 9") is None
    receipt = source.write(Change("cancel", "appointment", "1", {}, {}, "k"))
    assert receipt.outcome == "refused"


def test_what_is_wrong_with_a_file(tmp_path):
    with pytest.raises(SourceAway, match="No such file"):
        batch(ListSource("liste", profile.load("termine"), tmp_path / "nichts.csv", timezone="UTC"))
    with pytest.raises(BadAnswer, match=r"found no column von \(Von, Beginn"):
        batch(listed(b"Kalender;Datum\nDr. A;05.01.2026\n"))
    with pytest.raises(BadAnswer, match="no line among the first 30"):
        batch(listed(b"a;b\n1;2\n"))
    with pytest.raises(BadAnswer, match="no readable XLSX"):
        batch(listed(b"PK\x03\x04 and then nothing", "termine.xlsx"))
    with pytest.raises(BadAnswer, match="not text in"):
        read_table("termine.csv", b"\x81\x8d", ["Von"])


def test_a_check_says_which_columns_are_empty():
    findings = {finding.check: finding for finding in listed(csv()).check()}
    assert findings["list"].level == "ok"
    assert "storniert" in findings["columns"].message
    (finding,) = listed(b"a;b\n").check()
    assert finding.level == "error"


def test_a_column_that_only_this_practice_calls_so():
    content = csv().replace(b"Kalender", "Arztkürzel".encode())
    assert batch(listed(content, headers={"kalender": "Arztkürzel"}), "schedule").frame.height == 2


def test_a_list_profile_is_checked_like_any_other():
    with pytest.raises(ProfileError) as caught:
        profile.parse(
            "liste.toml",
            {
                "profile": "liste",
                "headers": {"von": ["Von"]},
                "required": ["von"],
                "appointment": {"key": "von", "columns": {"start": "von", "end": "von", "befund": "von"}},
                "schedule": {"columns": {}},
            },
        )
    assert [line.split("]")[0] for line in caught.value.problems] == [
        "liste.toml: [schedule.key",
        "liste.toml: [appointment.columns.befund",
        "liste.toml: [title",
    ]
