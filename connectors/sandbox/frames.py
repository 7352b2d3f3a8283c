"""Made-up columns -> the frame of a record, with a vendor's own codes beside the coded fields."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from connectors import records

#: The codes of a German practice system as its tables hold them, by field; a field without an entry keeps our word.
PVS_CODES: dict[str, dict[str, str]] = {
    "gender": {"male": "M", "female": "W", "other": "D", "unknown": "U"},
    "insurance_kind": {"statutory": "GKV", "private": "PKV", "self-pay": "SZ", "other": "BG"},
    "status": {
        "proposed": "V", "pending": "A", "booked": "1", "arrived": "2", "fulfilled": "3", "cancelled": "4",
        "rescheduled": "5", "noshow": "6", "entered-in-error": "9", "block": "0",
        "active": "A", "completed": "E", "revoked": "S",
    },
    "channel": {"online": "ON", "phone": "TEL", "desk": "ANM", "email": "MAIL", "sms": "SMS", "letter": "POST"},
    "modality": {"in-person": "P", "video": "V"},
    "booked_by": {"patient": "P", "practice": "M"},
    "cancelled_by": {"patient": "P", "practice": "M"},
    "kind": {
        "person": "B", "room": "R", "site": "S", "regular": "R", "extra": "Z", "absence": "A", "closure": "X",
        "block": "T",
    },
    "purpose": {"appointment-message": "T", "recall": "R", "waitlist-offer": "W", "survey": "U"},
    "relationship": {"guardian": "SB"},
}  # fmt: skip

#: A platform that speaks our words.
NO_CODES: dict[str, dict[str, str]] = {}


def conform(resource: str, frame: pl.DataFrame, codes: Mapping[str, Mapping[str, str]]) -> pl.DataFrame:
    """`frame` with exactly records.schema(resource): missing columns null, others dropped, codes beside."""
    schema = records.schema(resource)
    coded = [name for name in records.codes(resource) if name in frame.columns]
    vendor = [
        pl.col(name).replace_strict(codes[name], default=None, return_dtype=pl.String).alias(f"{name}_code")
        if name in codes
        else pl.col(name).alias(f"{name}_code")
        for name in coded
    ]
    frame = frame.with_columns(vendor)
    absent = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns]
    return frame.with_columns(absent).select(schema.names()).cast(schema)
