"""Made-up people as a practice's software holds them: households, namesakes, twins, and the truth about them.

`make_people` is vectorised (a million rows in well under a minute) and depends on its arguments alone. What a row
says may be wrong, missing or double, as in a real practice; what is true stands in `People.truth`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from connectors import records
from connectors.sandbox import kvnr
from connectors.sandbox.contact import contact_columns
from connectors.sandbox.damage import damaged_names, platform_view
from connectors.sandbox.frames import NO_CODES, PVS_CODES, conform
from connectors.sandbox.names import (
    FAMILY_POOLS,
    GIVEN_POOLS,
    ORIGINS,
    PARTICLES,
    TITLES,
    Flags,
    Floats,
    Ints,
    given_pool,
)
from connectors.sandbox.places import GERMANY, REGION, Towns

#: The truth about each row. `kvnr_state`: right | wrong (check digit) | relative (a family member's number) | null.
TRUTH_SCHEMA = pl.Schema(
    {
        "source_id": pl.String(),
        "person": pl.Int64(),
        "household": pl.Int64(),
        "role": pl.String(),
        "twin": pl.Boolean(),
        "namesake": pl.Boolean(),
        "kvnr_state": pl.String(),
    }
)


@dataclass(frozen=True, slots=True)
class Style:
    """How a practice's people are and how carefully its desk types; shares in [0, 1]."""

    towns: Towns
    #: Households by origin, in the order of names.ORIGINS.
    origins: tuple[float, ...] = (0.76, 0.07, 0.045, 0.045, 0.035, 0.045)
    #: Rows that repeat a person unnoticed, and rows that the source itself merged (`replaced_by`).
    duplicates: float = 0.015
    merged: float = 0.006
    #: Chance that a field that is often left empty is empty, times its usual chance.
    missing: float = 1.0


STYLES = {
    "de": Style(GERMANY),
    "region": Style(REGION),
    "clean": Style(REGION, duplicates=0.0),
    "rough": Style(GERMANY, (0.58, 0.13, 0.08, 0.07, 0.08, 0.06), duplicates=0.05, merged=0.02, missing=2.0),
}

#: Households: weight, members. A adult, B partner, C child, E elder, F flatmate, H resident of a home.
_KINDS = (
    (0.40, "A"), (0.28, "AB"), (0.08, "ABC"), (0.085, "ABCC"), (0.028, "ABCCC"), (0.008, "ABCCCC"), (0.04, "AC"),
    (0.022, "ACC"), (0.014, "ABCCE"), (0.012, "ABE"), (0.03, "AF"), (0.001, "H" * 25),
)  # fmt: skip
_ROLE_NAMES = {"A": "adult", "B": "partner", "C": "child", "E": "elder", "F": "flatmate", "H": "resident"}
_YEAR = 365.2425
_IS_TWIN = (pl.col("role") == "child") & (pl.len().over("household", "role", "birth_date") > 1)


@dataclass(frozen=True, slots=True)
class People:
    """`frame` in records.schema("patient"), one row per source record; `truth` in TRUTH_SCHEMA, the same rows."""

    frame: pl.DataFrame
    truth: pl.DataFrame


def make_people(n: int, seed: int, style: str = "de", *, today: dt.date = dt.date(2026, 1, 1)) -> People:
    """`n` patient records as of `today`, with ids "1" to "n"; `style` is one of STYLES.

    The last rows are second records of persons who stand further up: unnoticed duplicates, and merged ones that name
    their survivor in `replaced_by`.
    """
    if style not in STYLES:
        raise ValueError(f"style is {style!r}, expected one of {', '.join(STYLES)}")
    if n < 1:
        raise ValueError(f"n is {n}, expected at least 1 person")
    chosen, rng = STYLES[style], np.random.default_rng([seed, 1])
    extra = int(n * (chosen.duplicates + chosen.merged))
    base = _persons(n - extra, rng, chosen, today)
    return _finished(_with_second_records(base, extra, rng, chosen, today))


def _persons(n: int, rng: np.random.Generator, style: Style, today: dt.date) -> pl.DataFrame:
    """One row per person with all columns of the record and of the truth."""
    frame = _members(n, rng)
    frame = frame.with_columns(birth_date=_birth_dates(frame, rng, today)).with_columns(twin=_IS_TWIN)
    frame = _with_names(frame.with_columns(female=_female(frame, rng)), rng, style)
    frame = frame.with_columns(_insurance(frame, rng, style))
    frame = frame.with_columns(**contact_columns(frame, rng, style.towns, style.missing))
    return frame.with_columns(*_life(frame, rng, today), _recorded_birth(frame, rng, style), _gender(frame, rng))


def _members(n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Persons of whole households (the last may be cut): household, role letter, row of the household's first."""
    sizes = np.array([len(members) for _, members in _KINDS])
    weights = np.array([weight for weight, _ in _KINDS])
    households = int(n / float(weights @ sizes / weights.sum()) * 1.2) + 30
    kind = rng.choice(len(_KINDS), households, p=weights / weights.sum())
    household = np.repeat(np.arange(households), sizes[kind])[:n]
    first = np.concatenate([[0], np.cumsum(sizes[kind])[:-1]])[household]
    offset = np.concatenate([[0], np.cumsum(sizes)[:-1]])[kind[household]]
    letters = pl.Series(list("".join(members for _, members in _KINDS)))
    position = np.arange(n) - first
    return pl.DataFrame(
        {
            "person": np.arange(1, n + 1),
            "household": household,
            "first": first,
            "size": sizes[kind[household]],
            "letter": letters.gather(offset + position),
        }
    ).with_columns(role=pl.col("letter").replace_strict(_ROLE_NAMES))


def _adult_ages(size: Ints, rng: np.random.Generator) -> Ints:
    """Years of the household's first adult: singles young or old, couples around sixty, parents around forty."""
    n = len(size)
    single = np.where(rng.random(n) < 0.33, rng.normal(31, 8, n), rng.normal(64, 15, n))
    couple = np.where(rng.random(n) < 0.2, rng.normal(33, 6, n), rng.normal(62, 12, n))
    years = np.select([size == 1, size == 2], [single, couple], rng.normal(47, 8, n))
    return np.clip(years * _YEAR, 19 * _YEAR, 101 * _YEAR).astype(np.int64)


def _birth_dates(frame: pl.DataFrame, rng: np.random.Generator, today: dt.date) -> pl.Series:
    """Dates from ages in days; children are younger than their parents by 18 to 45 years, some share a birthday."""
    n, letter, first = frame.height, frame["letter"].to_numpy(), frame["first"].to_numpy()
    adult = _adult_ages(frame["size"].to_numpy(), rng)[first]
    gap = np.clip(rng.normal(31, 5, n), 18, 45) * _YEAR
    child = np.where(
        adult - gap > 0, np.minimum(adult - gap, rng.uniform(0, 27, n) * _YEAR), rng.uniform(0, 3, n) * 365
    )
    resident = np.clip(rng.normal(85, 6, n), 62, 104) * _YEAR
    partner = np.maximum(adult + rng.normal(-1, 4, n) * _YEAR, 18 * _YEAR)
    elder = np.minimum(adult + gap, 103 * _YEAR)
    age = np.select(
        [letter == "B", letter == "C", letter == "E", letter == "H"], [partner, child, elder, resident], adult
    )
    age = np.where(letter == "F", adult + rng.integers(-900, 900, n), age).astype(np.int64)
    twin = (letter == "C") & (np.roll(letter, 1) == "C") & (rng.random(n) < 0.035)
    age = np.where(twin, np.roll(age, 1), age)
    return (
        pl.Series(np.full(n, np.datetime64(today, "D"))) - pl.Series(age * 86_400_000).cast(pl.Duration("ms"))
    ).cast(pl.Date)


def _female(frame: pl.DataFrame, rng: np.random.Generator) -> pl.Series:
    """Partners mostly differ from the first adult; the old and the residents of homes are more often women."""
    n, letter = frame.height, frame["letter"].to_numpy()
    old = frame["birth_date"].dt.year().to_numpy() < 1950
    alone = rng.random(n) < np.where(old, 0.62, 0.5)
    child = rng.random(n) < 0.487
    partner = alone[frame["first"].to_numpy()] ^ (rng.random(n) < 0.97)
    return pl.Series(np.select([letter == "B", letter == "C"], [partner, child], alone))


def _with_names(frame: pl.DataFrame, rng: np.random.Generator, style: Style) -> pl.DataFrame:
    """Family, birth and given name, title, particle, and who is somebody's namesake."""
    n, first, letter = frame.height, frame["first"].to_numpy(), frame["letter"].to_numpy()
    own_origin = rng.choice(len(ORIGINS), n, p=np.array(style.origins) / sum(style.origins))
    alone = np.isin(letter, ["F", "H"]) | ((letter == "B") & (rng.random(n) < 0.12))
    origin = np.where(alone, own_origin, own_origin[first])
    frame = frame.with_columns(origin=origin).with_columns(_family_names(frame, origin, rng))
    namesake = (
        (letter == "C") & ~frame["female"].to_numpy() & ~frame["female"].to_numpy()[first] & (rng.random(n) < 0.02)
    )
    given = _given_names(frame, origin, rng)
    return frame.with_columns(
        given_name=given.gather(np.where(namesake, first, np.arange(n))),
        namesake=pl.Series(namesake),
        name_prefix=_sometimes(TITLES.draw(rng, n), (rng.random(n) < 0.022) & ~np.isin(letter, ["C"])),
    )


def _sometimes(values: pl.Series, where: Flags) -> pl.Series:
    """The values where the flag is set, null elsewhere."""
    return values.zip_with(pl.Series(where), pl.Series([None], dtype=values.dtype).new_from_index(0, len(values)))


def _feminine(name: pl.Expr) -> pl.Expr:
    """Slavic names in their female form."""
    return name.str.replace("([sc]k)i$", "${1}a").str.replace("(ov|ev|in)$", "${1}a")


def _family_names(frame: pl.DataFrame, origin: Ints, rng: np.random.Generator) -> list[pl.Series]:
    """Partners (mostly) and children carry the household's name; who changed it has a birth name."""
    n, first, letter = frame.height, frame["first"].to_numpy(), frame["letter"].to_numpy()
    slavic = np.isin(origin, [ORIGINS.index("pl"), ORIGINS.index("ru")]) & (rng.random(n) < 0.7)
    drawn = pl.DataFrame({"name": FAMILY_POOLS.draw(rng, origin), "changes": frame["female"] & pl.Series(slavic)})
    own = drawn.select(pl.when("changes").then(_feminine(pl.col("name"))).otherwise("name"))["name"]
    married = (letter == "B") & (rng.random(n) < 0.78)
    shares = married | (letter == "C") | ((letter == "E") & (rng.random(n) < 0.6))
    family = own.gather(np.where(shares, first, np.arange(n)))
    double = married & (rng.random(n) < 0.06)
    family = (own + "-" + family).zip_with(pl.Series(double & (rng.random(n) < 0.5)), family)
    family = (family + "-" + own).zip_with(pl.Series(double) & ~family.str.contains("-", literal=True), family)
    particle = _sometimes(PARTICLES.draw(rng, n), (rng.random(n) < 0.011) & (origin == 0))
    particle = particle.gather(np.where(shares, first, np.arange(n)))
    inside = particle.is_not_null() & pl.Series(rng.random(n) < 0.35)
    return [
        (particle + " " + family).zip_with(inside, family).alias("family_name"),
        _sometimes(particle, ~inside.to_numpy()).alias("name_affix"),
        _sometimes(own, married & (own != family).to_numpy() & (rng.random(n) < 0.8)).alias("birth_name"),
    ]


def _given_names(frame: pl.DataFrame, origin: Ints, rng: np.random.Generator) -> pl.Series:
    """One given name, sometimes two, with a blank or a hyphen between them."""
    pool = given_pool(origin, frame["female"].to_numpy(), frame["birth_date"].dt.year().cast(pl.Int64).to_numpy())
    one, two = GIVEN_POOLS.draw(rng, pool), GIVEN_POOLS.draw(rng, pool)
    chance = rng.random(frame.height)
    named_twice = (one != two).to_numpy()
    blank = (one + " " + two).zip_with(pl.Series((chance < 0.10) & named_twice), one)
    return (one + "-" + two).zip_with(pl.Series((chance > 0.97) & named_twice & (origin == 0)), blank)


def _insurance(frame: pl.DataFrame, rng: np.random.Generator, style: Style) -> list[pl.Series]:
    """87 % statutory; the number of nearly all of them and of some private patients, a few of them wrong."""
    n, chance = frame.height, rng.random(frame.height)
    kind = np.select([chance < 0.87, chance < 0.975, chance < 0.99], ["statutory", "private", "self-pay"], "other")
    numbers = kvnr.distinct_numbers(n, rng)
    state = np.select([rng.random(n) < 0.004, rng.random(n) < 0.001], ["wrong", "relative"], "right").astype(object)
    first = frame["first"].to_numpy()
    state = np.where((state == "relative") & (first == np.arange(n)), "right", state)
    numbers = np.where(state == "relative", numbers[first], numbers)
    check = (kvnr.check_digits(numbers) + (state == "wrong") * rng.integers(1, 10, n)) % 10
    known = rng.random(n) < np.where(kind == "statutory", 1 - 0.03 * style.missing, np.where(kind == "private", 0.2, 0))
    return [
        pl.Series("insurance_kind", kind.astype(object), dtype=pl.String),
        _sometimes(kvnr.texts(numbers, check), known).alias("kvnr"),
        _sometimes(pl.Series(state, dtype=pl.String), known).alias("kvnr_state"),
    ]


def _recorded_birth(frame: pl.DataFrame, rng: np.random.Generator, style: Style) -> pl.Series:
    """The birth date as it was typed: sometimes unknown, 1 January of the year, or the software's default."""
    chance = pl.Series(rng.random(frame.height))
    born = frame["birth_date"]
    unsure = (frame["origin"] == ORIGINS.index("ar")) & (chance > 0.93)
    typed = pl.select(
        pl.when(chance < 0.003 * style.missing)
        .then(None)
        .when(chance < 0.0035 * style.missing)
        .then(dt.date(1900, 1, 1))
        .when(unsure)
        .then(born.dt.truncate("1y"))
        .otherwise(born)
    )
    return typed.to_series().alias("birth_date")


def _gender(frame: pl.DataFrame, rng: np.random.Generator) -> pl.Series:
    """The recorded gender."""
    chance = rng.random(frame.height)
    recorded = np.where(frame["female"].to_numpy(), "female", "male").astype(object)
    recorded[chance < 0.006], recorded[chance > 0.999] = records.UNKNOWN, "other"
    return pl.Series("gender", recorded, dtype=pl.String)


def _minutes(values: Floats | Ints) -> pl.Expr:
    """Durations of whole minutes."""
    return pl.duration(minutes=pl.lit(pl.Series(values.astype(np.int64))))


def _life(frame: pl.DataFrame, rng: np.random.Generator, today: dt.date) -> list[pl.Expr]:
    """Since when the practice knows the person, whether it still does, who died, when the card was last read."""
    n, now = frame.height, pl.lit(dt.datetime.combine(today, dt.time(5), tzinfo=dt.UTC))
    born = pl.col("birth_date").cast(pl.Datetime("us", "UTC"))
    created = pl.max_horizontal(now - _minutes(rng.exponential(2800 * 1440, n)), born)
    created = pl.min_horizontal(created.dt.truncate("1d") + _minutes(rng.integers(360, 960, n)), now)
    years = today.year - frame["birth_date"].dt.year().cast(pl.Int64).to_numpy()
    dead = rng.random(n) < np.interp(years, [0, 50, 70, 85, 100], [0.0005, 0.004, 0.02, 0.09, 0.3])
    died = pl.max_horizontal(
        pl.lit(today) - pl.duration(days=pl.lit(pl.Series(rng.integers(1, 1500, n)))), "birth_date"
    )
    read = (rng.random(n) < 0.8) & (frame["insurance_kind"] == "statutory").to_numpy()
    verified = pl.max_horizontal(now - _minutes(rng.integers(1, 500, n) * 1440 - rng.integers(60, 600, n)), created)
    verified = pl.when(pl.Series(read)).then(verified)
    return [
        created.dt.truncate("1m").alias("created_at"),
        pl.max_horizontal(created, verified).dt.truncate("1m").alias("changed_at"),
        verified.dt.truncate("1m").alias("verified_at"),
        pl.when(pl.Series(read)).then(pl.lit("eGK")).alias("verified_by"),
        pl.lit(pl.Series(dead)).alias("deceased"),
        pl.when(pl.Series(dead)).then(died).alias("deceased_on"),
        pl.lit(pl.Series(~dead & (rng.random(n) > 0.06))).alias("active"),
    ]


def _with_second_records(
    base: pl.DataFrame, extra: int, rng: np.random.Generator, style: Style, today: dt.date
) -> pl.DataFrame:
    """`extra` more rows for persons who are there already, typed anew with the mistakes of a hurried desk."""
    base = base.with_columns(source_id=pl.col("person").cast(pl.String), replaced_by=pl.lit(None, dtype=pl.String))
    originals = np.sort(rng.choice(base.height, extra, replace=False))
    merged = pl.Series(rng.random(extra) < style.merged / max(style.merged + style.duplicates, 1e-9))
    again = damaged_names(base[originals.tolist()], rng).with_columns(
        source_id=pl.Series(np.arange(base.height + 1, base.height + extra + 1)).cast(pl.String),
        replaced_by=pl.when(merged).then("source_id"),
        active=~merged & pl.col("active"),
        kvnr=pl.when(pl.Series(rng.random(extra) < 0.4)).then("kvnr"),
        verified_at=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
        verified_by=pl.lit(None, dtype=pl.String),
        created_at=pl.col("created_at") + (_start(today) - pl.col("created_at")) * 0.5,
    )
    again = again.with_columns(
        pl.col("created_at").dt.truncate("1m"),
        changed_at=pl.max_horizontal("created_at", "changed_at").dt.truncate("1m"),
        kvnr_state=pl.when(pl.col("kvnr").is_not_null()).then(base["kvnr_state"].gather(originals)),
    )
    return pl.concat([base, again.select(base.columns)])


def _start(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)


def _finished(frame: pl.DataFrame) -> People:
    """The record's columns in order with a vendor's codes beside them, and the truth."""
    return People(conform("patient", frame, PVS_CODES), frame.select(TRUTH_SCHEMA.names()).cast(TRUTH_SCHEMA))


def second_view(people: People, share: float, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A share of the living persons as a booking platform knows them, and who is who.

    Returns (frame in records.schema("patient") with ids of its own, truth with person, first_id, second_id). Of a
    person with several records in `people`, the one that counts there (not merged away) is taken.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}, expected a number from 0 to 1")
    rng = np.random.default_rng([seed, 2])
    rows = people.truth.with_row_index("row").filter(
        ~people.frame["deceased"], people.frame["replaced_by"].is_null(), pl.col("person").is_first_distinct()
    )["row"]
    chosen = rows.filter(pl.Series(rng.random(len(rows)) < share))
    return second_view_of(people, chosen, rng)


def second_view_of(
    people: People, rows: pl.Series, rng: np.random.Generator, prefix: str = "pat-"
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`second_view` of chosen rows of `people`, one row per person; ids are given in an order of their own."""
    patients = people.frame[rows.to_list()]
    numbers = pl.Series(rng.permutation(patients.height) + 1).cast(pl.String).str.zfill(6)
    ids = (prefix + numbers).alias("second_id")
    truth = pl.DataFrame([people.truth["person"].gather(rows), patients["source_id"].alias("first_id"), ids])
    frame = platform_view(patients, rng).with_columns(source_id=ids)
    order = ids.arg_sort()
    return conform("patient", frame, NO_CODES)[order], truth[order]
