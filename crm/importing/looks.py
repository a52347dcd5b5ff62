"""What columns without a name look like: numbers, addresses, prices, statuses, names."""

from __future__ import annotations

import re

from core.phones import read_cell
from crm.importing import values
from sheets.tables import Look

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")
_PROJECT = re.compile(r".*\w\s*@\s*\w.*")
_PRICE = re.compile(r"(?:aed|dhs?)?\s*\d[\d,.]*(?:\s*(?:k|m|mn|million|aed|dhs?)\b.*|(?<=000))", re.IGNORECASE)
_NUMBER = re.compile(r"\d{6,8}")
_PLOT = re.compile(r"[A-Z]?\d{1,5}-\d{0,4}", re.IGNORECASE)
_ROOMS = re.compile(r"studio|\d\s*(?:b\s*/?\s*r|bed\w*)", re.IGNORECASE)
_UNIT = re.compile(r"[A-Z]{0,3}-?\d{1,4}[A-Z]?", re.IGNORECASE)


def is_name(text: str, _: str = "") -> bool:
    """Two words or more, without a digit."""
    words = text.split()
    return 2 <= len(words) <= 8 and len(text) <= 80 and not re.search(r"[\d@:;]", text)


def is_phone(text: str, region: str) -> bool:
    return sum(map(str.isdigit, text)) >= 7 and bool(read_cell(text, region).numbers)


EMAIL = Look(("email",), lambda text, _: bool(_EMAIL.fullmatch(text)))
PHONES = Look(("mobile", "secondary_mobile", "phone"), is_phone)
# The order decides where a cell looks like several things.
LOOKS = (
    EMAIL,
    PHONES,
    Look(("project",), lambda text, _: bool(_PROJECT.fullmatch(text))),
    Look(("asking_price",), lambda text, _: bool(_PRICE.fullmatch(text))),
    Look(("p_number", "municipality_number"), lambda text, _: bool(_NUMBER.fullmatch(text)), varied=True),
    Look(("plot_number",), lambda text, _: bool(_PLOT.fullmatch(text))),
    Look(("status",), lambda text, _: values.status_of(text) is not None),
    Look(("rooms",), lambda text, _: bool(_ROOMS.fullmatch(text))),
    Look(("unit_number",), lambda text, _: bool(_UNIT.fullmatch(text)), telling=False),
    Look(("owner_name",), is_name, telling=False, varied=True),
)
