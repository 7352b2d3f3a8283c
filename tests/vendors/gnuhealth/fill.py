"""Fill a fresh GNU Health database the way its own clients do: through the model, never by SQL.

Runs under GNU Health's own environment (`.venv/gnuhealth`), not under ours:

    fill.py <trytond.conf> <database> <first day, ISO>

Prints one JSON object: what was put in, as GNU Health's keys and as a person at its screen would say it.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import Any

from proteus import Model, Wizard, config

#: family, given, gender, born, phone, mobile, e-mail; None where the person has none.
PATIENTS = (
    ("Ahlgrimm", "Jette", "f", "1961-02-28", "030 5550101", "0151 5550102", "jette@example.org"),
    ("Borowka", "Ole", "m", "1988-12-31", None, "0151 5550103", None),
    ("Öztürk-Łęski", "Mira", "nb", "2004-02-29", "030 5550104", None, None),
    ("D'Aubigné", "Rosa", "nd", None, None, None, None),
)
#: family, given, code, specialty's code.
PRACTITIONERS = (("Thal", "Cora", "LIC-1", "GP"), ("Uhde", "Finn", "LIC-2", "PEDIATRICS"))
#: state, patient, practitioner, day after the first, UTC start, minutes (None: the end is not kept), kind of visit.
APPOINTMENTS = (
    ("confirmed", 0, 0, 1, "08:00", 20, "outpatient"),
    ("checked_in", 1, 0, 0, "08:30", 20, "outpatient"),
    ("done", 2, 1, 0, "09:00", 45, "telemedicine"),
    ("user_cancelled", 0, 1, 1, "09:15", 15, "homecare"),
    ("center_cancelled", 1, 0, 2, "10:00", 30, "outpatient"),
    ("no_show", 3, 0, 0, "11:00", 20, "outpatient"),
    ("confirmed", 2, 1, 2, "12:00", None, "outpatient"),
    ("done", 0, 0, -60, "08:00", 20, "outpatient"),
)


def main(conf: str, database: str, first_day: str) -> None:
    """Fill, and say what was filled in."""
    config.set_trytond(database, user="admin", config_file=conf)
    company = the_company()
    config.get_config()._context.update({"company": company.id})
    house = the_institution()
    people = [person(*one, patient=True) for one in PATIENTS]
    found = [Model.get("gnuhealth.patient").find([("party", "=", one.id)])[0] for one in people]
    staff = [practitioner(*one, house) for one in PRACTITIONERS]
    start = dt.date.fromisoformat(first_day)
    booked = [appointment(found, staff, house, start, *one) for one in APPOINTMENTS]
    offered = offer(staff[1], house, start + dt.timedelta(days=3))
    told = {
        "patients": [one.id for one in found],
        "practitioners": [one.id for one in staff],
        "appointments": [{"id": one.id, "state": one.state} for one in booked],
        "open_ended": booked[6].id,
        "old": booked[7].id,
        "free": [one.id for one in offered],
        "free_day": (start + dt.timedelta(days=3)).isoformat(),
    }
    print(json.dumps(told))  # noqa: T201


def the_company() -> Any:
    """The wizard for open slots asks the company for its time zone."""
    euro = Model.get("currency.currency")(name="Euro", symbol="€", code="EUR")
    euro.save()
    party = Model.get("party.party")(name="MVZ Am Hafen")
    party.save()
    company = Model.get("company.company")(party=party, currency=euro, timezone="Europe/Berlin")
    company.save()
    return company


def the_institution() -> Any:
    """Where the appointments are."""
    party = Model.get("party.party")(name="Haus 1", is_institution=True)
    party.save()
    made = Model.get("gnuhealth.institution")(
        party=party, code="H1", institution_type="doctor_office", public_level="private"
    )
    made.save()
    return made


def person(
    family: str, given: str, gender: str, born: str | None, phone: str | None, mobile: str | None, mail: str | None,
    *, patient: bool,
) -> Any:  # fmt: skip
    """A party; one that is a patient gets its patient row from GNU Health itself."""
    party = Model.get("party.party")(
        name=given, lastname=family, is_person=True, is_patient=patient, is_healthprof=not patient, gender=gender
    )
    if born:
        party.dob = dt.date.fromisoformat(born)
    for kind, value in (("phone", phone), ("mobile", mobile), ("email", mail)):
        if value:
            party.contact_mechanisms.new(type=kind, value=value)
    if patient:
        home = party.addresses[0]  # a new party has an empty one, which its form shows first
        home.street, home.postal_code, home.city = "Kaistr. 1", "20457", "Hamburg"
    party.save()
    return party


def practitioner(family: str, given: str, code: str, specialty: str, house: Any) -> Any:
    """A health professional with a main specialty."""
    party = person(family, given, "f", "1975-05-05", None, None, None, patient=False)
    made = Model.get("gnuhealth.healthprofessional")(party=party, code=code, institution=house)
    made.save()
    found = Model.get("gnuhealth.specialty").find([("code", "=", specialty)])[0]
    link = Model.get("gnuhealth.hp_specialty")(healthprof=made, specialty=found, mainsp=True)
    link.save()
    made.reload()
    return made


def appointment(
    patients: list[Any], staff: list[Any], house: Any, first: dt.date,
    state: str, patient: int, who: int, day: int, clock: str, minutes: int | None, kind: str,
) -> Any:  # fmt: skip
    """Booked first, then moved on by the way the clients take: buttons where there are some."""
    start = dt.datetime.combine(first + dt.timedelta(days=day), dt.time.fromisoformat(clock))
    made = Model.get("gnuhealth.appointment")(
        patient=patients[patient], healthprof=staff[who], institution=house, appointment_date=start
    )
    made.appointment_type = kind
    made.appointment_date_end = None if minutes is None else start + dt.timedelta(minutes=minutes)
    made.save()
    if state in ("checked_in", "no_show"):
        made.click("check_in" if state == "checked_in" else "miss_out")
    elif state != "confirmed":
        made.state = state
        made.save()
    made.reload()
    return made


def offer(who: Any, house: Any, day: dt.date) -> list[Any]:
    """Open slots of one morning, 09:00-11:00 in Berlin, by GNU Health's own wizard."""
    wizard = Wizard("gnuhealth.calendar.create.appointment")
    form = wizard.form
    form.healthprof, form.institution, form.specialty = who, house, who.main_specialty.specialty
    form.date_start = form.date_end = day
    form.time_start, form.time_end, form.appointment_minutes = dt.time(9), dt.time(11), 30
    for weekday in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"):
        setattr(form, weekday, True)
    wizard.execute("create_")
    return list(Model.get("gnuhealth.appointment").find([("state", "=", "free")], order=[("id", "ASC")]))


if __name__ == "__main__":
    main(*sys.argv[1:])
