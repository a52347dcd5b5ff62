"""Money is whole minor units: nothing is lost, nothing is made, nothing passes through a float."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import (
    AmountInvalid,
    CurrencyMismatch,
    CurrencyUnknown,
    Money,
    format_money,
    portion,
    split,
    to_decimal,
    to_minor,
)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12500", "AED", 1_250_000),
        ("12,500.50", "AED", 1_250_050),
        (" 0.01 ", "AED", 1),
        ("1.234", "KWD", 1_234),
        ("-3", "AED", -300),
        (Decimal("2.50"), "AED", 250),
        (7, "JPY", 7),
    ],
)
def test_amounts_are_read_to_the_fils(amount: str, currency: str, minor: int) -> None:
    assert to_minor(amount, currency) == minor


@pytest.mark.parametrize("amount", ["", "twelve", "1.005", "NaN", "Infinity", "1e400", "9" * 30, "٫٫"])
def test_what_is_not_an_amount_is_refused(amount: str) -> None:
    with pytest.raises(AmountInvalid):
        to_minor(amount, "AED")


def test_floats_and_unknown_currencies_are_refused() -> None:
    with pytest.raises(TypeError):
        to_minor(12.5, "AED")  # type: ignore[arg-type]
    with pytest.raises(CurrencyUnknown):
        to_minor("1", "XXX")
    with pytest.raises(CurrencyMismatch):
        Money(1, "AED") + Money(1, "USD")


def test_amounts_are_shown_to_people_and_to_programs() -> None:
    assert format_money(1_250_050, "AED") == "AED 12,500.50"
    assert format_money(-1_234, "KWD") == "KWD -1.234"
    assert to_decimal(1_250_050, "AED") == "12500.50"
    assert to_decimal(0, "AED") == "0.00"


def test_the_default_commission_of_half_a_million() -> None:
    assert portion(50_000_000, 250) == 1_250_000


def test_halves_round_away_from_zero() -> None:
    assert portion(1, 5_000) == 1
    assert portion(-1, 5_000) == -1


def test_a_fils_split_by_thirds_goes_to_the_first() -> None:
    assert split(1, [1, 1, 1]) == [1, 0, 0]
    assert split(100, [1, 1, 1]) == [34, 33, 33]
    assert split(-100, [1, 1, 1]) == [-34, -33, -33]


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 10_000), min_size=1).filter(sum))
def test_parts_always_sum_to_the_whole(minor: int, weights: list[int]) -> None:
    parts = split(minor, weights)

    assert sum(parts) == minor
    assert all(
        abs(part * sum(weights) - minor * weight) < sum(weights) for part, weight in zip(parts, weights, strict=True)
    )


@given(st.integers(-(10**15), 10**15), st.sampled_from(["AED", "KWD", "JPY"]))
def test_decimal_strings_come_back_as_they_went(minor: int, currency: str) -> None:
    assert to_minor(to_decimal(minor, currency), currency) == minor


@pytest.mark.parametrize("weights", [[], [0], [-1, 2]])
def test_there_is_no_split_without_positive_weights(weights: list[int]) -> None:
    with pytest.raises(AmountInvalid):
        split(100, weights)
