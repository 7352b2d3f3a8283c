"""Addresses, phone numbers and e-mail addresses of made-up people, as people type them.

Numbers are drawn by chance in the ranges of German networks. Nothing in this project calls or writes to them.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from connectors.sandbox.names import MAIL_DOMAINS, PHONE_NOTES, Ints, Words
from connectors.sandbox.places import STREETS, Towns

#: Mobile prefixes without the 0, by how many digits follow.
_MOBILE = {
    **dict.fromkeys(("151", "157", "159", "176"), 8),
    **dict.fromkeys(("1520", "1522", "1523", "1573", "1578", "160", "162", "163", "170", "171", "172", "173"), 7),
    **dict.fromkeys(("174", "175", "177", "178", "179"), 7),
}
_MOBILE_PREFIX = Words.weighted(list(_MOBILE), np.ones(len(_MOBILE)))

#: Ways to write area code {a} and number {s}, with the share of each; the last one splits the number.
_FORMATS = (
    (0.27, "0{}/{}"), (0.22, "0{} {}"), (0.10, "0{}-{}"), (0.17, "0{}{}"), (0.06, "+49 {} {}"), (0.03, "0049{}{}"),
    (0.02, "+49(0){}/{}"), (0.03, "(0{}) {}"), (0.04, "0{} / {}"), (0.04, "+49{}{}"), (0.02, "+49 (0) {} {}"),
)  # fmt: skip

#: Letters that e-mail addresses spell otherwise; what remains is stripped of its marks.
FOLDING = {
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ı": "i", "İ": "I", "ł": "l", "Ł": "L",
    "đ": "d", "Đ": "D",
}  # fmt: skip


def written(area: pl.Series, number: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Phone numbers as somebody typed them; the same number looks different from row to row."""
    n, chance = len(area), rng.random(len(area))
    bounds = np.cumsum([share for share, _ in _FORMATS])
    frame = pl.DataFrame({"a": area, "s": number, "f": np.searchsorted(bounds / bounds[-1], chance, side="right")})
    grouped = pl.col("s").str.replace(r"^(\d{3})(\d{2,3})(\d+)$", "${1} ${2} ${3}")
    styled = pl.coalesce(
        pl.when(pl.col("f") == i).then(pl.format(text, "a", grouped if i in {8, 10} else "s"))
        for i, (_, text) in enumerate(_FORMATS)
    )
    noted = pl.when(pl.Series(rng.random(n) < 0.006)).then(pl.format("{} {}", styled, PHONE_NOTES.draw(rng, n)))
    return frame.select(phone=noted.otherwise(styled))["phone"]


def digits(length: Ints, rng: np.random.Generator) -> pl.Series:
    """Numbers of the given lengths that do not start with 0 or 1."""
    lowest = 10 ** (length - 1)
    return pl.Series((2 * lowest + rng.random(len(length)) * 8 * lowest).astype(np.int64)).cast(pl.String)


def mobile_numbers(n: int, rng: np.random.Generator) -> tuple[pl.Series, pl.Series]:
    """Prefix without 0 and subscriber number of `n` mobile phones."""
    prefix = _MOBILE_PREFIX.draw(rng, n)
    return prefix, digits(prefix.replace_strict(_MOBILE).cast(pl.Int64).to_numpy(), rng)


def e164(area: pl.Series, number: pl.Series) -> pl.Series:
    """The number as ITU-T E.164 writes it."""
    return pl.select(pl.format("+49{}{}", area, number)).to_series()


def folded(name: pl.Expr) -> pl.Expr:
    """Lower-case ASCII, as in an e-mail address: Müller -> mueller, Yıldız -> yildiz."""
    plain = name.str.replace_many(list(FOLDING), list(FOLDING.values())).str.normalize("NFKD")
    return plain.str.replace_all(r"[^A-Za-z\-]", "").str.to_lowercase()


def contact_columns(
    frame: pl.DataFrame, rng: np.random.Generator, towns: Towns, missing: float
) -> dict[str, pl.Series]:
    """Address, landline, mobile and e-mail for people with household, first, role, names and birth_date."""
    first = frame["first"].to_numpy()
    n, town = len(first), towns.postal_codes.indices(rng, len(first))[first]
    return (
        _address(first, town, rng, towns, missing)
        | _landline(first, town, rng, towns, missing)
        | _mobile(frame, rng, missing)
        | {"email": _email(frame, rng, missing), "country": pl.Series(["DE"]).new_from_index(0, n)}
    )


def _unless(values: pl.Series, empty: float, rng: np.random.Generator, *also: pl.Series) -> list[pl.Series]:
    """The columns with the same rows emptied, each with the chance `empty`."""
    keep = pl.Series(rng.random(len(values)) >= empty)
    return [pl.select(pl.when(keep).then(column)).to_series() for column in (values, *also)]


def _address(first: Ints, town: Ints, rng: np.random.Generator, towns: Towns, missing: float) -> dict[str, pl.Series]:
    """One address per household, the street sometimes abbreviated."""
    n = len(first)
    house = pl.Series(np.minimum(rng.geometric(0.045, n), 240)).cast(pl.String)
    suffix = pl.Series(["", "a", "b", "c"]).gather(rng.choice(4, n, p=[0.88, 0.07, 0.03, 0.02]))
    street = (STREETS.draw(rng, n) + " " + house + suffix).gather(first)
    short = street.str.replace("straße", "str.").str.replace("Straße", "Str.")
    street = short.zip_with(pl.Series(rng.random(n) < 0.25), street)
    codes, cities = towns.postal_codes.words.gather(town), towns.cities.gather(town)
    street, codes, cities = _unless(street, 0.02 * missing, rng, codes, cities)
    return {"street": street, "postal_code": codes, "city": cities}


def _landline(first: Ints, town: Ints, rng: np.random.Generator, towns: Towns, missing: float) -> dict[str, pl.Series]:
    """One landline per household, or none; large towns have longer numbers."""
    area = towns.dialling.gather(town)
    length = np.where(area.str.len_chars().to_numpy() <= 3, 8, rng.integers(5, 7, len(first)))
    number = digits(length, rng).gather(first)
    has_line = (rng.random(len(first)) < 0.72)[first]
    raw, exact = _unless(written(area, number, rng), 0.12 * missing, rng, e164(area, number))
    return {
        "phone": pl.select(pl.when(pl.Series(has_line)).then(raw)).to_series(),
        "phone_e164": pl.select(pl.when(pl.Series(has_line)).then(exact)).to_series(),
    }


def _mobile(frame: pl.DataFrame, rng: np.random.Generator, missing: float) -> dict[str, pl.Series]:
    """Own mobiles of adults; young children have a parent's number, the very old often none; a few are too short."""
    n, first = frame.height, frame["first"].to_numpy()
    born = frame["birth_date"].dt.year().cast(pl.Int64).to_numpy()
    own = born <= born.max() - 13
    prefix, number = mobile_numbers(n, rng)
    row = np.where(own, np.arange(n), first)
    prefix, number = prefix.gather(row), number.gather(row)
    cut = pl.Series(rng.random(n) < 0.002)
    raw = written(prefix, number.str.slice(0, 4).zip_with(cut, number), rng)
    exact = pl.select(pl.when(~cut).then(e164(prefix, number))).to_series()
    raw, exact = _unless(raw, 0.08 * missing, rng, exact)
    has_phone = pl.Series(rng.random(n) < np.interp(born, [1930, 1950, 1970], [0.35, 0.75, 0.97]))
    return {
        "mobile": pl.select(pl.when(has_phone).then(raw)).to_series(),
        "mobile_e164": pl.select(pl.when(has_phone).then(exact)).to_series(),
    }


def _email(frame: pl.DataFrame, rng: np.random.Generator, missing: float) -> pl.Series:
    """Addresses in the usual patterns; children use a parent's, the old often have none."""
    addresses = email_addresses(frame, rng)
    n, born = frame.height, frame["birth_date"].dt.year().cast(pl.Int64).to_numpy()
    own = born <= born.max() - 14
    shared = addresses.gather(np.where(own, np.arange(n), frame["first"].to_numpy()))
    has_mail = rng.random(n) < np.interp(born, [1930, 1950, 1970, 2000], [0.15, 0.55, 0.8, 0.86]) - 0.1 * missing
    return pl.select(pl.when(pl.Series(has_mail)).then(shared)).to_series()


def email_addresses(frame: pl.DataFrame, rng: np.random.Generator) -> pl.Series:
    """One address per row from given_name, family_name and birth_date; common names carry a number."""
    n = frame.height
    given = folded(pl.col("given_name").str.extract(r"^([^ ]+)"))
    family = folded(pl.col("family_name").str.extract(r"([^ ]+)$"))
    year = (pl.col("birth_date").dt.year() % 100).cast(pl.String).str.zfill(2).fill_null("1")
    number = pl.Series(rng.integers(1, 999, n)).cast(pl.String)
    pattern = pl.Series(rng.random(n))
    local = (
        pl.when(pattern < 0.35).then(pl.format("{}.{}", given, family))
        .when(pattern < 0.55).then(pl.format("{}.{}{}", given, family, number))
        .when(pattern < 0.70).then(pl.format("{}.{}{}", given.str.slice(0, 1), family, year))
        .when(pattern < 0.85).then(pl.format("{}{}", family, year))
        .otherwise(pl.format("{}_{}", given, number))
    )  # fmt: skip
    domains = MAIL_DOMAINS.draw(rng, n)
    return frame.select(email=pl.format("{}@{}", local, domains))["email"]
