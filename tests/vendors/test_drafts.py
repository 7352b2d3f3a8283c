"""The drafts `tomedo` and `t2med`: they read tables as they take them to be, and never before somebody agrees to it."""

import datetime as dt

import pytest

from connectors.errors import ProfileError
from connectors.pvs import profile, settings
from tests.kit.vendors import filled, frames, opened, read, shown, told, utc

DRAFTS = ("t2med", "tomedo")

TOMEDO = {
    "practitioner": [{"source_id": "1", "initials": "CT"}, {"source_id": "2"}],
    "healthcare_service": [{"source_id": "1", "name": "Kontrolle"}],
    "patient": [
        {"source_id": "1", "family_name": "Ahlgrimm", "given_name": "Jette", "birth_date": dt.date(1961, 2, 28),
         "insurance_kind": "private"},
        {"source_id": "2", "family_name": "Öztürk-Łęski", "given_name": "😀", "insurance_kind": "statutory"},
    ],
    "visit": [
        {"source_id": "1", "patient_id": "1", "arrived_at": utc("2026-02-20 07:50"),
         "finished_at": utc("2026-02-20 08:21")},
    ],
}  # fmt: skip

T2MED = {
    "patient": [
        {"source_id": "0a1b2c", "family_name": "Ahlgrimm", "given_name": "Jette", "birth_date": dt.date(1961, 2, 28)},
    ],
    "visit": [{"source_id": "ff01", "patient_id": "0a1b2c", "card_read_at": utc("2026-02-20 07:50")}],
}


@pytest.mark.engine
def test_tomedo(postgres_server):
    with opened("tomedo", filled(postgres_server, "tomedo").url) as source:
        assert {resource: shown(read(source, resource)) for resource in TOMEDO} == TOMEDO
        batch = read(source, "appointment")
        assert batch.frame.select("source_id", "status", "start").rows() == [
            ("1", "booked", utc("2026-03-03 08:00")),
            ("2", "fulfilled", utc("2026-02-20 08:00")),
            ("3", "block", utc("2026-03-03 11:00")),
            ("5", "booked", utc("2026-10-25 00:30")),
        ]
        assert batch.removed == ("4",)
        assert {(key, rule) for key, _, rule, _ in told(batch)} == {("5", "hour-comes-twice"), ("6", "no-such-hour")}
        assert "never to be read" not in "".join(frame.write_json() for frame in frames(source).values())


@pytest.mark.engine
def test_t2med(postgres_server):
    with opened("t2med", filled(postgres_server, "t2med").url) as source:
        assert {resource: shown(read(source, resource)) for resource in T2MED} == T2MED
        assert [doubt[:3] for doubt in told(read(source, "visit"))] == [("ff03", "patient_id", "missing")]


def table(name, **more):
    return {"kind": "pvs", "title": "PVS", "profile": name, "url": "postgresql+psycopg://127.0.0.1/none", **more}


def test_these_are_the_drafts():
    assert tuple(name for name in profile.names() if not profile.load(profile.find(name)).verified) == DRAFTS


@pytest.mark.parametrize("name", DRAFTS)
def test_a_draft_refuses_to_run_until_somebody_agrees(name):
    (problem,) = settings.problems("pvs", table(name))
    assert problem == (
        "practice.toml: [sources.pvs.accept_draft] found nothing, expected accept_draft = true:"
        f" {name} is a draft that nobody has run against the vendor's software"
    )
    with pytest.raises(ProfileError, match="is a draft"):
        settings.open_source("pvs", table(name), secret=str, timezone="Europe/Berlin", now=dt.datetime.now)
    assert settings.problems("pvs", table(name, accept_draft=True)) == []


def test_a_verified_profile_needs_nobody_to_agree():
    assert settings.problems("pvs", table("gnuhealth")) == []
