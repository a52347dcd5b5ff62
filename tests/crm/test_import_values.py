"""What single cells mean, and which names are the same."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crm.importing import values
from crm.importing.layout import guess_options, lacks
from crm.names import divide, is_company, normalize_name


@pytest.mark.parametrize(
    ("text", "minor", "note"),
    [
        ("1.2M", 120_000_000, ""),
        ("1.2M CASH", 120_000_000, "CASH"),
        ("950K", 95_000_000, ""),
        ("1.35M TILL SEP", 135_000_000, "TILL SEP"),
        ("AED 1,250,000.50", 125_000_050, ""),
        ("1.200.000", 120_000_000, ""),
        ("2 million", 200_000_000, ""),
        ("500000 dhs negotiable", 50_000_000, "negotiable"),
        ("FOR SALE", None, "FOR SALE"),
        ("-5", None, "-5"),
        ("9" * 30, None, "9" * 30),
    ],
)
def test_prices(text: str, minor: int | None, note: str) -> None:
    assert values.price_of(text, "AED") == (minor, note)


@pytest.mark.parametrize(
    ("text", "unit", "size"),
    [
        ("167.25", "sqm", "167.25"),
        ("1079", "sqft", "100.24"),
        ("1,079 sq.ft", "sqm", "100.24"),
        ("100 sqm", "sqft", "100.00"),
        ("-3", "sqm", None),
        ("large", "sqm", None),
        ("9" * 12, "sqm", None),
    ],
)
def test_sizes(text: str, unit: str, size: str | None) -> None:
    assert values.square_metres(text, unit) == (Decimal(size) if size else None)


def test_rooms_and_coordinates() -> None:
    assert [values.count_of(text) for text in ("Studio", "1 B/R", "3", "2.0", "4 bedrooms + maid", "call")] == [
        0, 1, 3, 2, 4, None,
    ]  # fmt: skip
    assert values.coordinate("25.1132081", 90) == Decimal("25.113208")
    assert values.coordinate("255", 180) is None
    assert values.coordinate("east", 180) is None


def test_projects_and_amenities() -> None:
    for text in ("VARDON @ AKOYA OXYGEN", "Vardon@Akoya Oxygen", "vardon  @ AKOYA OXYGEN "):
        assert values.project_of(text) == ("Vardon", "Akoya Oxygen")
    assert values.project_of("DAMAC Hills 2") == ("DAMAC Hills 2", "")
    assert values.amenities_of("private_pool", "1") == ["Private pool"]
    assert values.amenities_of("private_pool", "0") == []
    assert values.amenities_of("amenities", "Pool, Gym") == ["Pool", "Gym"]


def test_names_that_are_the_same_and_names_that_are_not() -> None:
    same = ["Tareema  WADAR", "tareema wadar", "Mr. Tareema Wadar", "Taréema Wadar", "Tareema-Wadar"]
    assert {normalize_name(name) for name in same} == {"tareema wadar"}
    assert normalize_name("أحمد القاسمي") == normalize_name("احمد القاسمى")
    assert normalize_name("Ashley Holding L.L.C") == normalize_name("ASHLEY HOLDING LLC")
    assert normalize_name("Tareema Wadari") != normalize_name("Tareema Wadar")
    assert [is_company(name) for name in ("Ashley Holding L.L.C", "شركة الدار", "Tareema Wadar")] == [True, True, False]
    assert divide("Tareema Bin Wadar") == ("Tareema", "Bin Wadar")
    assert divide("Tareema") == divide("Ashley Trading LLC") == ("", "")


def test_what_a_mapping_lacks_and_what_a_header_gives_away() -> None:
    assert lacks(frozenset({"project", "p_number"})) == ""
    assert "project" in lacks(frozenset({"p_number"}))
    assert "tells units apart" in lacks(frozenset({"project", "owner_name"}))
    assert guess_options({"size_in_sqft": "area_size"}) == {"area_unit": "sqft"}
    assert guess_options({"Actual Area": "area_size"}) == {"area_unit": "sqm"}
