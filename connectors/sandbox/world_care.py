"""Around the appointments of a made-up practice: visits, billed services, consents, recalls, guardians."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from connectors.sandbox.frames import PVS_CODES, conform
from connectors.sandbox.names import Ints
from connectors.sandbox.people import People
from connectors.sandbox.world_hours import to_utc
from connectors.sandbox.world_plan import SERVICE_KEYS, SERVICES

_NONE = pl.lit(-1, dtype=pl.Int64)


def visits(book: pl.DataFrame, now: int, rng: np.random.Generator) -> pl.DataFrame:
    """Who was there: appointment id (-1 for walk-ins), calendar, patient, service, day, and times in minutes.

    Kept appointments have one; so has every third of those whose outcome nobody entered. -1 for a time not taken.
    """
    forgotten = (pl.col("status") == "booked") & (pl.col("start") <= now) & pl.Series(rng.random(book.height) < 0.33)
    kept = book.filter(pl.col("status").is_in(["fulfilled", "arrived"]) | forgotten)
    n, start, minutes = kept.height, kept["start"].to_numpy(), (kept["end"] - kept["start"]).to_numpy()
    arrived = np.maximum(start + rng.normal(-7, 7, n).astype(np.int64), kept["created"].to_numpy() + 1)
    started = np.maximum(arrived, start - 3) + rng.exponential(6, n).astype(np.int64)
    finished = started + np.maximum(minutes * rng.lognormal(-0.05, 0.25, n), 2).astype(np.int64)
    timed = (rng.random(n) < 0.92) & (kept["status"] == "fulfilled").to_numpy()
    read = rng.random(n) < 0.6
    frame = kept.select("id", "calendar", "patient", "service", "day").with_columns(
        arrived=pl.Series(arrived),
        started=pl.Series(np.where(timed, started, -1)),
        finished=pl.Series(np.where(timed, finished, -1)),
        card=pl.Series(np.where(read, arrived + 1, -1)),
    )
    return pl.concat([frame, _walk_ins(frame, rng)]).sort("arrived", "id").with_row_index("visit", offset=1)


def _walk_ins(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Patients who came without an appointment: 2 %, shortly after somebody else."""
    some = frame.filter(pl.Series(rng.random(frame.height) < 0.02), pl.col("finished") > 0)
    patient = some["patient"].shuffle(seed=int(rng.integers(2**31)))
    return some.with_columns(
        patient, pl.col("arrived", "started", "finished") + 4, id=_NONE, card=pl.col("arrived") + 5,
        service=pl.lit(SERVICE_KEYS.index("sprechstunde"), dtype=pl.Int64),
    )  # fmt: skip


def optional_instant(column: str) -> pl.Expr:
    """Minutes as an instant; -1 is none."""
    return pl.when(pl.col(column) >= 0).then(to_utc(column))


def visit_records(seen: pl.DataFrame, patient_ids: pl.Series, kept_in_pvs: list[int]) -> pl.DataFrame:
    """Visit records; calendars that the PVS does not lead have visits without an appointment, and rooms no person."""
    frame = seen.select(
        source_id=pl.col("visit").cast(pl.String),
        patient_id=patient_ids.gather(seen["patient"]),
        practitioner_id=pl.col("practitioner").cast(pl.String),
        schedule_id=(pl.col("calendar") + 1).cast(pl.String),
        appointment_id=pl.when(pl.col("calendar").is_in(kept_in_pvs) & (pl.col("id") > 0)).then(
            pl.col("id").cast(pl.String)
        ),
        arrived_at=to_utc("arrived"),
        started_at=optional_instant("started"),
        finished_at=optional_instant("finished"),
        card_read_at=optional_instant("card"),
    )
    return conform("visit", frame, PVS_CODES)


#: Screening codes of the EBM: code, gender or None, age in years from, to.
_SCREENING = (
    ("01732", None, 18, 200), ("01745", None, 35, 200), ("01731", "male", 45, 200), ("01737", None, 50, 200),
    ("01720", None, 12, 14),
)  # fmt: skip
#: Children's examinations: code, age in months from, to (U6, U7, U7a, U8, U9).
_CHILD = (("01716", 9, 14), ("01717", 20, 27), ("01723", 33, 38), ("01718", 43, 50), ("01719", 58, 66))
#: A code may return after so many calendar years; the others once in the world's span.
_YEARLY = ("01731",)


def billed_services(seen: pl.DataFrame, people: People) -> pl.DataFrame:
    """Billed services of the visits: EBM for the statutory insured, GOÄ for the others."""
    patients = people.frame.select("source_id", "gender", "birth_date", "insurance_kind").with_row_index("patient")
    known = seen.join(patients.with_columns(pl.col("patient").cast(pl.Int64)), on="patient", maintain_order="left")
    age = (pl.col("day") - pl.col("birth_date")).dt.total_days() / 365.25
    known = known.with_columns(age=age, months=age * 12, statutory=pl.col("insurance_kind") == "statutory")
    parts = [_basic(known), _screening(known), _private(known)]
    rows = pl.concat(parts).sort("day", "visit", "code").with_row_index("row", offset=1)
    frame = rows.select(
        source_id=pl.col("row").cast(pl.String),
        patient_id="source_id",
        practitioner_id=pl.col("practitioner").cast(pl.String),
        code_system="system",
        code="code",
        service_date="day",
    )
    return conform("billed_service", frame, PVS_CODES)


_BILLED = ("visit", "day", "source_id", "practitioner", "system", "code")


def _billed(frame: pl.DataFrame, system: str, code: pl.Expr) -> pl.DataFrame:
    return frame.with_columns(system=pl.lit(system), code=code).drop_nulls("code").select(_BILLED)


def _basic(known: pl.DataFrame) -> pl.DataFrame:
    """The flat rate once a quarter, video visits, flu shots in autumn."""
    statutory = known.filter("statutory").with_columns(quarter=pl.col("day").dt.truncate("1q"))
    service = pl.col("service")
    special = (
        pl.when(service == SERVICE_KEYS.index("video"))
        .then(pl.lit("01450"))
        .when((service == SERVICE_KEYS.index("impfung")) & (pl.col("day").dt.month() >= 9))
        .then(pl.lit("89111"))
    )
    quarterly = statutory.unique(["source_id", "quarter"], keep="first", maintain_order=True)
    return pl.concat([_billed(quarterly, "EBM", pl.lit("03000")), _billed(statutory, "EBM", special)])


def _screening(known: pl.DataFrame) -> pl.DataFrame:
    """What a Vorsorge appointment is billed as, by age and gender; once, or once a calendar year."""
    check_up = known.filter("statutory", pl.col("service") == SERVICE_KEYS.index("vorsorge"))
    adult = [
        _billed(check_up.filter(pl.col("age").is_between(low, high), _is(gender)), "EBM", pl.lit(code))
        for code, gender, low, high in _SCREENING
    ]
    child = [
        _billed(check_up.filter(pl.col("months").is_between(low, high)), "EBM", pl.lit(code))
        for code, low, high in _CHILD
    ]
    rows = pl.concat([*adult, *child]).sort("day", "visit", "code")
    span = pl.when(pl.col("code").is_in(_YEARLY)).then(pl.col("day").dt.year()).otherwise(0)
    return (
        rows.with_columns(span=span)
        .unique(["source_id", "code", "span"], keep="first", maintain_order=True)
        .drop("span")
    )


def _is(gender: str | None) -> pl.Expr:
    return pl.lit(value=True) if gender is None else pl.col("gender") == gender


def _private(known: pl.DataFrame) -> pl.DataFrame:
    """GOÄ: consultation, and the check-up of the privately insured."""
    check_up = pl.col("service") == SERVICE_KEYS.index("vorsorge")
    return _billed(
        known.filter(~pl.col("statutory")), "GOAE", pl.when(check_up).then(pl.lit("29")).otherwise(pl.lit("1"))
    )


#: Consents: purpose, channel, share of those who have the address, the column of that address.
_CONSENTS = (
    ("appointment-message", "email", 0.45, "email"), ("appointment-message", "sms", 0.3, "mobile"),
    ("recall", "email", 0.22, "email"), ("recall", "letter", 0.15, "street"), ("recall", "phone", 0.06, "phone"),
    ("waitlist-offer", "sms", 0.08, "mobile"), ("survey", "email", 0.03, "email"),
)  # fmt: skip


def consents(patients: pl.DataFrame, now: dt.datetime, rng: np.random.Generator) -> pl.DataFrame:
    """Consents of patient records: some for each purpose and channel, 4 % of them withdrawn."""
    base = patients.filter(pl.col("replaced_by").is_null()).select(
        "source_id", "created_at", "email", "mobile", "phone", "street"
    )
    rows = pl.concat(
        base.filter(pl.Series(rng.random(base.height) < share), pl.col(needs).is_not_null()).select(
            "source_id", "created_at", purpose=pl.lit(purpose), channel=pl.lit(channel)
        )
        for purpose, channel, share, needs in _CONSENTS
    )
    n = rows.height
    given = pl.col("created_at") + (pl.lit(now) - pl.col("created_at")) * pl.Series(rng.random(n))
    withdrawn = pl.col("valid_from") + (pl.lit(now) - pl.col("valid_from")) * pl.Series(rng.random(n))
    rows = rows.with_columns(valid_from=given.dt.truncate("1m"))
    frame = rows.with_row_index("row", offset=1).select(
        "purpose", "channel", "valid_from",
        source_id=pl.col("row").cast(pl.String),
        patient_id="source_id",
        evidence=pl.lit("Formular"),
        withdrawn_at=pl.when(pl.Series(rng.random(n) < 0.04)).then(withdrawn.dt.truncate("1m")),
    )  # fmt: skip
    return conform("consent", frame, PVS_CODES)


_RECALLS = ("Gesundheitsuntersuchung", "Hautkrebs-Screening", "Impfung Tetanus", "Kontrolle Schilddrüse")


def recalls(people: People, home: Ints, today: dt.date, rng: np.random.Generator) -> pl.DataFrame:
    """Recalls that the PVS keeps: for one in eleven active patients."""
    frame = people.frame.with_columns(practitioner_id=pl.Series(home + 1).cast(pl.String))
    chosen = frame.filter(pl.Series(rng.random(frame.height) < 0.09), "active", ~pl.col("deceased"))
    n = chosen.height
    due = pl.lit(today) + pl.duration(days=pl.lit(pl.Series(rng.integers(-240, 420, n))))
    rows = chosen.with_row_index("row", offset=1).select(
        "practitioner_id",
        source_id=pl.col("row").cast(pl.String),
        patient_id="source_id",
        name=pl.Series(_RECALLS).gather(rng.integers(0, len(_RECALLS), n)),
        status=pl.Series(["active", "completed", "revoked"]).gather(rng.choice(3, n, p=[0.7, 0.25, 0.05])),
        due_date=due,
        last_date=due - pl.duration(days=730),
    )
    return conform("recall", rows, PVS_CODES)


def guardians(people: People, today: dt.date) -> pl.DataFrame:
    """One guardian for each child under 16: the household's first adult, with that person's numbers."""
    adults = people.truth.filter(role="adult").unique("person", keep="first", maintain_order=True)
    numbers = people.frame.join(adults.select("source_id", "household"), on="source_id", maintain_order="left")
    born = dt.date(today.year - 16, today.month, min(today.day, 28))
    children = people.frame.select("source_id", "birth_date").with_columns(people.truth.select("household", "role"))
    children = children.filter(pl.col("birth_date") > born, role="child")
    rows = children.join(numbers, on="household", suffix="_adult", maintain_order="left").with_row_index(
        "row", offset=1
    )
    frame = rows.select(
        "family_name", "given_name", "phone", "phone_e164", "mobile", "mobile_e164", "email",
        source_id=pl.col("row").cast(pl.String),
        patient_id="source_id",
        relationship=pl.lit("guardian"),
        active=pl.lit(value=True),
    )  # fmt: skip
    return conform("related_person", frame, PVS_CODES)


def modality(service: pl.Expr) -> pl.Expr:
    """In person, or what the appointment type says."""
    names = {i: s.modality for i, s in enumerate(SERVICES)}
    return service.replace_strict(names, default=None, return_dtype=pl.String)
