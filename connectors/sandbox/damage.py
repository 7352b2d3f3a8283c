"""Mistakes that people make with names, dates and numbers, and the same persons as a booking platform knows them."""

from __future__ import annotations

import numpy as np
import polars as pl

from connectors.sandbox.contact import FOLDING, e164, email_addresses, mobile_numbers, written
from connectors.sandbox.names import FAMILY_POOLS, Ints

#: Which letters of a German keyboard lie beside each other, for slips of the finger.
_NEIGHBOURS = dict(zip("abcdefghijklmnopqrstuvwxyz", "svxfrgfjojkömbipewtrtuibswexdxz", strict=False))


def typo(word: str, chance: float) -> str:
    """One slip in a word: a letter dropped, doubled, swapped with the next or its neighbour's; the first letter stays.

    `chance` in [0, 1) decides kind and place. Words of fewer than three letters stay as they are.
    """
    if len(word) < 3:
        return word
    place, rest = divmod(chance * (len(word) - 1), 1.0)
    i = 1 + int(place)
    kind = int(rest * 4)
    before, letter, after = word[:i], word[i], word[i + 1 :]
    swapped = after[:1] + letter + after[1:]
    return before + (after, letter + letter + after, swapped, _NEIGHBOURS.get(letter, "e") + after)[kind]


def other_digit(number: str, chance: float) -> str:
    """The number with one of its last six digits replaced by another digit."""
    place = len(number) - 1 - int(chance * 6)
    step = 1 + int(chance * 6 % 1 * 9)
    return number[:place] + str((int(number[place]) + step) % 10) + number[place + 1 :]


def some(n: int, share: float, rng: np.random.Generator) -> Ints:
    """Rows of [0, n), each with the chance `share`, in order."""
    return np.flatnonzero(rng.random(n) < share)


def retyped(values: pl.Series, share: float, rng: np.random.Generator) -> pl.Series:
    """The texts, a share of them with a slip."""
    rows = some(len(values), share, rng)
    slips = [
        None if word is None else typo(word, chance)
        for word, chance in zip(values.gather(rows), rng.random(len(rows)), strict=True)
    ]
    return values.scatter(rows, pl.Series(slips, dtype=pl.String)) if len(rows) else values


def respelled(values: pl.Series, rng: np.random.Generator, share: float = 0.15) -> pl.Series:
    """A share of the texts with ue for ü and the like, some with the bare letter (u)."""
    spelled = values.str.replace_many(list(FOLDING), list(FOLDING.values()))
    bare = values.str.normalize("NFKD").str.replace_all(r"\p{M}", "")
    chance = pl.Series(rng.random(len(values)))
    return spelled.zip_with(chance < share, bare.zip_with(chance > 1 - share / 5, values))


def damaged_names(frame: pl.DataFrame, rng: np.random.Generator, share: float = 0.06) -> pl.DataFrame:
    """Names typed anew: slips, other spellings, one of several given names, now and then the two swapped."""
    n = frame.height
    given = respelled(retyped(frame["given_name"], share, rng), rng)
    first = given.str.extract(r"^([^ \-]+)")
    given = first.zip_with(pl.Series(rng.random(n) < 0.5), given)
    family = respelled(retyped(frame["family_name"], share, rng), rng)
    swap = pl.Series(rng.random(n) < 0.01)
    return frame.with_columns(
        given_name=family.zip_with(swap, given),
        family_name=given.zip_with(swap, family),
    )


def slipped_dates(dates: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Day and month swapped where both are possible (0.4 %), or the year's last digit wrong (0.3 %)."""
    chance = pl.Series(rng.random(len(dates)))
    month, day, year = dates.dt.month(), dates.dt.day(), dates.dt.year()
    frame = pl.DataFrame({"date": dates, "year": year, "month": month, "day": day, "chance": chance})
    swapped = pl.date("year", pl.min_horizontal("day", 12), pl.min_horizontal("month", 28))
    wrong = pl.date(pl.col("year") - 1, "month", pl.min_horizontal("day", 28))
    return frame.select(
        pl.when((pl.col("chance") < 0.004) & (pl.col("day") <= 12))
        .then(swapped)
        .when(pl.col("chance") > 0.997)
        .then(wrong)
        .otherwise("date")
        .alias("date")
    )["date"]


def platform_view(patients: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The same persons, row by row, as they typed themselves into a booking platform; ids are still the old ones.

    Landlines and titles are rare there, addresses and insurance numbers often missing; some persons gave another
    mobile or e-mail, moved, married, or mistyped a single digit of their number.
    """
    n = patients.height
    frame = damaged_names(patients, rng, share=0.012)
    frame = frame.with_columns(family_name=_family_then(frame, rng), birth_date=slipped_dates(frame["birth_date"], rng))
    frame = frame.with_columns(_phones(frame, rng))
    other_mail = email_addresses(frame, rng)
    use_other = pl.Series(rng.random(n) < 0.12)
    kept = {name: pl.Series(rng.random(n) < share) for name, share in _KEPT.items()}
    nothing = [pl.lit(None, dtype=frame.schema[name]).alias(name) for name in _NEVER]
    return frame.with_columns(
        *nothing,
        pl.coalesce(other_mail.zip_with(use_other, frame["email"]), other_mail).alias("email"),
        *(pl.when(keep).then(name).alias(name) for name, keep in kept.items()),
        postal_code=pl.when(kept["street"]).then("postal_code"),
        city=pl.when(kept["street"]).then("city"),
        active=pl.lit(value=True),
        deceased=pl.lit(value=False),
        changed_at=pl.col("created_at"),
    )


#: How often the platform has a value that the practice has, and what it never has.
_KEPT = {"kvnr": 0.3, "street": 0.45, "phone": 0.1, "phone_e164": 0.0, "name_prefix": 0.5, "name_affix": 0.8}
_NEVER = ("birth_name", "deceased_on", "replaced_by", "verified_at", "verified_by")


def _family_then(frame: pl.DataFrame, rng: np.random.Generator) -> pl.Series:
    """The family name of the platform account: some still have the name from before the marriage, a few a new one."""
    n, family, birth = frame.height, frame["family_name"], frame["birth_name"]
    former = pl.Series(rng.random(n) < 0.1) & birth.is_not_null()
    new = pl.Series(rng.random(n) < 0.006) & (frame["gender"] == "female")
    drawn = FAMILY_POOLS.draw(rng, np.zeros(n, dtype=np.int64))
    return drawn.zip_with(new, birth.zip_with(former, family))


def _phones(frame: pl.DataFrame, rng: np.random.Generator) -> list[pl.Series]:
    """Mobiles: the same in another writing, an older one (7 %), or with one wrong digit (0.8 %)."""
    n = frame.height
    area, number = mobile_numbers(n, rng)
    older = pl.Series(rng.random(n) < 0.07) | frame["mobile_e164"].is_null()
    exact = e164(area, number).zip_with(older, frame["mobile_e164"])
    rows = some(n, 0.008, rng)
    if len(rows):
        wrong = [
            other_digit(text, chance) for text, chance in zip(exact.gather(rows), rng.random(len(rows)), strict=True)
        ]
        exact = exact.scatter(rows, pl.Series(wrong))
    return [written(exact.str.slice(3, 3), exact.str.slice(6), rng).alias("mobile"), exact.alias("mobile_e164")]
