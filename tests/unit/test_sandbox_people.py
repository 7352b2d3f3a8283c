"""Made-up people: the right columns, believable shares, exact truth, the same for the same seed."""

from __future__ import annotations

import datetime as dt

import numpy as np
import phonenumbers
import polars as pl
import pytest

from connectors import records
from connectors.sandbox import kvnr
from connectors.sandbox.damage import other_digit, respelled, typo
from connectors.sandbox.people import TRUTH_SCHEMA, make_people, second_view

TODAY = dt.date(2026, 11, 25)
N = 20_000


@pytest.fixture(scope="module")
def people():
    return make_people(N, seed=5, today=TODAY)


@pytest.fixture(scope="module")
def view(people):
    return second_view(people, 0.5, seed=5)


def joined(people):
    return people.frame.join(people.truth, on="source_id", maintain_order="left")


def share(condition: pl.Series) -> float:
    return float(condition.mean() or 0.0)


def test_frame_and_truth_have_their_schemas(people):
    assert people.frame.schema == records.schema("patient")
    assert people.truth.schema == TRUTH_SCHEMA
    assert people.frame["source_id"].to_list() == [str(i) for i in range(1, N + 1)]
    assert people.truth["source_id"].equals(people.frame["source_id"])


def test_codes_are_the_ones_of_the_record(people):
    for field, allowed in records.codes("patient").items():
        assert set(people.frame[field].drop_nulls()) <= set(allowed)
        assert people.frame[f"{field}_code"].null_count() == people.frame[field].null_count()


def test_the_same_seed_gives_the_same_people_and_another_seed_others(people):
    again = make_people(N, seed=5, today=TODAY)
    assert again.frame.equals(people.frame)
    assert again.truth.equals(people.truth)
    assert not make_people(N, seed=6, today=TODAY).frame.equals(people.frame)


@pytest.mark.parametrize("n", [1, 7, 500])
@pytest.mark.parametrize("style", ["de", "region", "clean", "rough"])
def test_any_size_and_style(n, style):
    made = make_people(n, seed=1, style=style, today=TODAY)
    assert made.frame.height == n
    assert made.frame.schema == records.schema("patient")


def test_what_cannot_be_made_is_refused():
    with pytest.raises(ValueError, match="n is 0"):
        make_people(0, seed=1)
    with pytest.raises(ValueError, match="style is 'xx', expected one of de"):
        make_people(1, seed=1, style="xx")


@pytest.mark.parametrize(
    ("text", "right"),
    [("A000500015", True), ("C000500021", True), ("A000500016", False), ("C000500020", False), ("A123456789", False)],
)
def test_check_digit_of_the_annex(text, right):
    number = np.array([(ord(text[0]) - ord("A")) * 10**8 + int(text[1:9])])
    assert (kvnr.check_digits(number)[0] == int(text[9])) == right


def slow_check_digit(text: str) -> int:
    digits = f"{ord(text[0]) - 64:02d}{text[1:9]}"
    products = [int(d) * (1 + i % 2) for i, d in enumerate(digits)]
    return sum(p // 10 + p % 10 for p in products) % 10


def test_insurance_numbers_are_right_but_for_those_the_truth_names(people):
    numbers = joined(people).drop_nulls("kvnr")
    fits = [slow_check_digit(text) == int(text[9]) for text in numbers["kvnr"]]
    assert fits == (numbers["kvnr_state"] != "wrong").to_list()
    assert 0.001 < share(numbers["kvnr_state"] == "wrong") < 0.01
    assert numbers["kvnr"].str.contains(r"^[A-Z]\d{9}$").all()


def test_an_insurance_number_belongs_to_one_person_unless_taken_from_a_relative(people):
    own = joined(people).filter(pl.col("kvnr_state") == "right")
    assert own.group_by("kvnr").agg(pl.col("person").n_unique())["person"].max() == 1
    relative = joined(people).filter(pl.col("kvnr_state") == "relative")
    others = relative.join(own, on="kvnr", suffix="_own")
    assert (others["household"] == others["household_own"]).all()


@pytest.mark.parametrize("field", ["phone", "mobile"])
def test_e164_is_valid_and_is_what_was_typed(people, field):
    known = people.frame.drop_nulls(f"{field}_e164").sample(800, seed=1)
    for raw, exact in known.select(field, f"{field}_e164").iter_rows():
        assert phonenumbers.is_valid_number(phonenumbers.parse(exact))
        match = next(iter(phonenumbers.PhoneNumberMatcher(raw, "DE", phonenumbers.Leniency.POSSIBLE)))
        assert phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164) == exact


def test_shares_are_believable(people):
    frame = joined(people)
    bands = {
        "statutory": (share(frame["insurance_kind"] == "statutory"), 0.85, 0.89),
        "female": (share(frame["gender"] == "female"), 0.46, 0.55),
        "deceased": (share(frame["deceased"]), 0.005, 0.06),
        "inactive": (1 - share(frame["active"]), 0.05, 0.12),
        "birth name": (share(frame["birth_name"].is_not_null()), 0.08, 0.22),
        "title": (share(frame["name_prefix"].is_not_null()), 0.008, 0.03),
        "particle": (share(frame["name_affix"].is_not_null()), 0.002, 0.015),
        "umlaut": (share(frame["family_name"].str.contains("[äöüß]")), 0.08, 0.35),
        "double name": (share(frame["family_name"].str.contains("-")), 0.005, 0.04),
        "two given names": (share(frame["given_name"].str.contains("[ -]")), 0.08, 0.2),
        "merged": (share(frame["replaced_by"].is_not_null()), 0.003, 0.01),
        "twin": (share(frame["twin"]), 0.002, 0.02),
        "under 18": (share(frame["birth_date"].dt.year() > TODAY.year - 18), 0.1, 0.28),
        "over 65": (share(frame["birth_date"].dt.year() < TODAY.year - 65), 0.14, 0.32),
        "no mobile": (share(frame["mobile"].is_null()), 0.08, 0.3),
        "no e-mail": (share(frame["email"].is_null()), 0.15, 0.5),
    }
    outside = {name: value for name, (value, low, high) in bands.items() if not low <= value <= high}
    assert outside == {}


def test_households_share_address_and_landline(people):
    first = joined(people).filter(pl.col("person").is_first_distinct()).drop_nulls("phone_e164")
    assert first.group_by("household").agg(pl.col("phone_e164").n_unique())["phone_e164"].max() == 1
    postal = joined(people).drop_nulls("postal_code").group_by("household").agg(pl.col("postal_code").n_unique())
    assert postal["postal_code"].max() == 1


def test_namesakes_have_their_fathers_name(people):
    frame = joined(people)
    fathers = frame.filter(pl.col("role") == "adult").unique("person", keep="first")
    sons = frame.filter("namesake").unique("person", keep="first").join(fathers, on="household", suffix="_father")
    assert sons.height > 10
    assert (sons["given_name"] == sons["given_name_father"]).mean() > 0.95


def test_second_records_name_their_survivor_and_are_the_same_person(people):
    frame = joined(people)
    merged = frame.filter(pl.col("replaced_by").is_not_null())
    survivors = frame.select(replaced_by="source_id", survivor="person", state="replaced_by")
    pairs = merged.join(survivors, on="replaced_by")
    assert pairs.height == merged.height > 0
    assert (pairs["person"] == pairs["survivor"]).all()
    assert not merged["active"].any()


def test_instants_are_whole_minutes_in_order(people):
    frame = people.frame
    assert (frame["created_at"] <= frame["changed_at"]).all()
    assert frame.filter(pl.col("verified_at") < pl.col("created_at").dt.truncate("1m")).height == 0
    for name in ("created_at", "changed_at", "verified_at"):
        assert (frame[name].drop_nulls() == frame[name].drop_nulls().dt.truncate("1m")).all()
        assert frame[name].max() < dt.datetime.combine(TODAY, dt.time(6), tzinfo=dt.UTC)
    assert frame.filter(pl.col("deceased_on") > TODAY).is_empty()
    assert frame.filter(pl.col("deceased") != pl.col("deceased_on").is_not_null()).is_empty()


def test_second_view_is_about_the_same_living_persons(people, view):
    frame, truth = view
    assert frame.schema == records.schema("patient")
    assert truth["second_id"].equals(frame["source_id"].rename("second_id"))
    assert truth["person"].is_unique().all()
    known = truth.join(people.truth, left_on="first_id", right_on="source_id")
    assert (known["person"] == known["person_right"]).all()
    first = people.frame.filter(pl.col("source_id").is_in(truth["first_id"].to_list()))
    assert not first["deceased"].any()
    assert first["replaced_by"].null_count() == first.height
    assert 0.45 < truth.height / people.truth["person"].n_unique() < 0.51


def test_second_view_differs_as_people_do(people, view):
    frame, truth = view
    before = truth.join(people.frame, left_on="first_id", right_on="source_id", maintain_order="left")
    same_mobile = frame["mobile_e164"].eq_missing(before["mobile_e164"]) | before["mobile_e164"].is_null()
    swapped = (frame["given_name"] == before["family_name"]) & (frame["given_name"] != before["given_name"])
    bands = {
        "family name": (share(frame["family_name"] != before["family_name"]), 0.03, 0.16),
        "swapped": (share(swapped), 0.003, 0.02),
        "birth date": (share((frame["birth_date"] != before["birth_date"]).drop_nulls()), 0.002, 0.012),
        "mobile": (1 - share(same_mobile), 0.05, 0.11),
        "insurance number": (share(frame["kvnr"].is_null()), 0.6, 0.85),
        "e-mail": (share((frame["email"] != before["email"]).drop_nulls()), 0.08, 0.2),
    }
    assert {name: value for name, (value, low, high) in bands.items() if not low <= value <= high} == {}
    assert second_view(people, 0.5, seed=5)[0].equals(frame)


def test_second_view_refuses_a_share_that_is_none(people):
    with pytest.raises(ValueError, match=r"share is 1\.5"):
        second_view(people, 1.5, seed=1)


@pytest.mark.parametrize("chance", np.linspace(0, 0.999, 40).tolist())
def test_slips_change_one_place(chance):
    slip = typo("Schneider", chance)
    assert slip[0] == "S"
    assert abs(len(slip) - len("Schneider")) <= 1
    assert typo("Li", chance) == "Li"
    number = other_digit("+4915112345678", chance)
    assert sum(a != b for a, b in zip(number, "+4915112345678", strict=True)) == 1
    assert number.startswith("+4915112")


def test_other_spellings():
    names = pl.Series(["Müller", "Groß", "Weber"])
    spelled = set(respelled(pl.concat([names] * 300), np.random.default_rng(1)))
    assert {"Müller", "Mueller", "Muller", "Gross", "Groß", "Weber"} == spelled
