"""How people type phone numbers, and what each cell must become."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import phonenumbers
import pytest

from core import phones
from core.phones import PhoneInvalid, normalize, read_cell

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "phone_cases.csv"

# Ours, so that the table is never empty: raw, home region, numbers, line.
CASES = [
    ("0500000001", "AE", "+971500000001", "mobile"),
    ("500000001", "AE", "+971500000001", "mobile"),
    (500000001, "AE", "+971500000001", "mobile"),
    (971500000001.0, "AE", "+971500000001", "mobile"),
    ("971500000001.0", "AE", "+971500000001", "mobile"),
    ("9.71500000001E+11", "AE", "+971500000001", "mobile"),
    ("9.715E+11", "AE", "", "review"),
    ("050/0000001", "AE", "+971500000001", "mobile"),
    ("00971-50-0000001", "AE", "+971500000001", "mobile"),
    ("+971 (0)50 000 0001", "AE", "+971500000001", "mobile"),
    ("9710500000001", "AE", "+971500000001", "mobile"),
    ("971|0500000001", "AE", "+971500000001", "mobile"),
    ("971|50-0000001", "AE", "+971500000001", "mobile"),
    ("971|966500000001", "AE", "+966500000001", "mobile"),
    ("971|971500000001", "AE", "+971500000001", "mobile"),
    ("44|07911000001", "AE", "+447911000001", "mobile"),
    ("٠٥٠٠٠٠٠٠٠١", "AE", "+971500000001", "mobile"),
    ("\u202a+971 50 000 0001\u202c", "AE", "+971500000001", "mobile"),
    ("mobile 1: 050 000 0001 (wife)", "AE", "+971500000001", "mobile"),
    ("050 000 0001 or 055 000 0002", "AE", "+971500000001;+971550000002", "mobile"),
    ("+971500000001+971550000002", "AE", "+971500000001;+971550000002", "mobile"),
    ("0500000001 0550000002", "AE", "+971500000001;+971550000002", "mobile"),
    ("0500000001\n042000001", "AE", "+971500000001;+97142000001", "mobile"),
    ("0500000001 / 0500000001", "AE", "+971500000001", "mobile"),
    ("2000001-04", "AE", "+97142000001", "fixed"),
    ("5000001 / 04", "AE", "+97145000001", "fixed"),
    ("800 12345", "AE", "+97180012345", "fixed"),
    ("0500000001", "SA", "+966500000001", "mobile"),
    ("+12025550101", "AE", "+12025550101", "mobile"),
    ("03000000001", "AE", "", "review"),
    ("971|2000001", "AE", "", "invalid"),
    ("971|03000000001", "AE", "", "review"),
    ("97150000000", "AE", "", "invalid"),
    ("97150000000123", "AE", "", "invalid"),
    ("05000000010550000002", "AE", "", "invalid"),
    ("call the office", "AE", "", "invalid"),
    ("12345", "AE", "", "invalid"),
    ("971", "AE", "", "empty"),
    ("974|-", "AE", "", "empty"),
    ("n/a", "AE", "", "empty"),
    (None, "AE", "", "empty"),
    (0, "AE", "", "empty"),
    ("00971", "AE", "", "empty"),
]


def shared_cases() -> list[tuple[str, str, str, str]]:
    if not SHARED.exists():
        return []
    with SHARED.open(encoding="utf-8", newline="") as file:
        return [(row["raw"], row["home_region"], row["expected"], row["line"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(("raw", "region", "expected", "line"), [*CASES, *shared_cases()])
def test_a_cell_becomes(raw: object, region: str, expected: str, line: str) -> None:
    cell = read_cell(raw, region)

    assert (";".join(cell.values), cell.line) == (expected, line)
    assert bool(cell.reason) == (line in {"invalid", "review"})


def test_what_one_number_of_two_lacks_is_said() -> None:
    cell = read_cell("0500000001 / 971500000", "AE")

    assert cell.values == ("+971500000001",)
    assert cell.line == "mobile"
    assert "not a valid number" in cell.reason


def test_a_tail_too_short_for_a_number_is_left_out_and_said() -> None:
    cell = read_cell("0500000001 / 12", "AE")

    assert cell.values == ("+971500000001",)
    assert cell.reason == "What follows the number (12) is too short to be another."


def test_the_quick_way_and_libphonenumber_agree() -> None:
    chance = random.Random(5)
    for code, length in [(971, 9), (966, 9), (974, 8), (965, 8), (968, 8), (973, 8), (92, 10), (91, 10), (20, 10)]:
        for _ in range(200):
            national = "".join(chance.choices("0123456789", k=length)).replace("0", "5", 1)
            quick = phones._quick(code, national)
            if quick:
                parsed = phones._parsed(f"+{code}{national}", None)
                assert quick == parsed
                assert phonenumbers.is_valid_number(phonenumbers.parse(quick.value))


def test_a_form_takes_one_number_and_says_what_is_wrong() -> None:
    assert normalize("050 000 0001", "AE") == "+971500000001"
    for wrong in ["", "97150000000", "0500000001 / 0550000002", "03000000001"]:
        with pytest.raises(PhoneInvalid) as refusal:
            normalize(wrong, "AE")
        assert refusal.value.message.endswith(".")
