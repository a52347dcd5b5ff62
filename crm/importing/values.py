"""What the cells of a unit mean: statuses, prices, sizes, counts. Pure functions of text."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from core.money import LARGEST_MINOR, decimals

SQUARE_FEET = Decimal("0.09290304")  # square metres in one
_CENT = Decimal("0.01")

_STATUSES: dict[str, tuple[str, str]] = {
    "available": ("available", ""),
    "available for rent": ("available", "rent"),
    "available for sale": ("available", "sale"),
    "for rent": ("available", "rent"),
    "for sale": ("available", "sale"),
    "rent": ("available", "rent"),
    "sale": ("available", "sale"),
    "sale as vot": ("available", "sale"),  # vacant on transfer
    "vacant on transfer": ("available", "sale"),
    "vacant": ("vacant", ""),
    "looks vacant": ("vacant", ""),
    "empty": ("vacant", ""),
    "rented": ("rented", ""),
    "occupied": ("rented", ""),
    "leased": ("rented", ""),
    "tenanted": ("rented", ""),
    "sold": ("sold", ""),
    "reserved": ("reserved", ""),
    "booked": ("reserved", ""),
    "off market": ("off_market", ""),
    "not available": ("off_market", ""),
    "archived": ("archived", ""),
}
_PURPOSES = {"sale": "sale", "for sale": "sale", "buy": "sale", "rent": "rent", "for rent": "rent", "lease": "rent"}
_PURPOSES |= {"both": "both", "sale or rent": "both", "sale and rent": "both", "rent or sale": "both"}
_APART = re.compile(r"[\W_]+")
_PRICE = re.compile(
    r"(?:aed|dhs?|usd|\$)?\s*(?P<amount>\d[\d,]*(?:\.\d+)*)\s*"
    r"(?P<times>k\b|m\b|mn\b|mil\b|mio\b|million\b|thousand\b)?\s*(?:aed\b|dhs?\b)?\s*(?P<note>.*)",
    re.IGNORECASE | re.DOTALL,
)
_SIZE = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s*(sq\.?\s*ft|sqft|ft2|sq\.?\s*m|sqm|m2|m²)?\.?", re.IGNORECASE)
_ROOMS = re.compile(r"(\d{1,2})(?:\.0)?\s*(?:b\s*/?\s*r|br|bed\w*|bath\w*|room\w*)?\.?(?:\s*\+\s*\w+)?", re.IGNORECASE)
_TRUE = {"1", "1.0", "yes", "y", "true", "x", "✓", "نعم"}
_FALSE = {"0", "0.0", "no", "n", "false", "لا"}


@lru_cache(maxsize=2048)
def status_of(text: str) -> tuple[str, str] | None:
    """Status and purpose; None when nobody told us what the words mean."""
    return _STATUSES.get(_APART.sub(" ", text.casefold()).strip())


@lru_cache(maxsize=2048)
def purpose_of(text: str) -> str | None:
    return _PURPOSES.get(_APART.sub(" ", text.casefold()).strip())


@lru_cache(maxsize=8192)
def price_of(text: str, currency: str) -> tuple[int | None, str]:
    """Minor units and what else was written: `1.2M CASH` -> (120000000, "CASH"), `FOR SALE` -> (None, "FOR SALE")."""
    found = _PRICE.fullmatch(text.strip())
    if not found:
        return None, text
    digits = found["amount"].replace(",", "")
    if digits.count(".") > 1:  # 1.200.000
        digits = digits.replace(".", "")
    times = (found["times"] or "").lower()
    amount = Decimal(digits) * (1_000 if times in {"k", "thousand"} else 1_000_000 if times else 1)
    minor = int((amount.scaleb(decimals(currency))).to_integral_value())
    note = found["note"].strip(" -,;")
    return (minor, note) if 0 < minor <= LARGEST_MINOR else (None, text)


@lru_cache(maxsize=16384)
def square_metres(text: str, unit: str) -> Decimal | None:
    """A size in square metres; a unit written in the cell counts before that of the sheet. None when unreadable."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        return None
    written = (found[2] or "").lower()
    size = Decimal(found[1].replace(",", ""))
    if "f" in written or (not written and unit == "sqft"):
        size *= SQUARE_FEET
    size = size.quantize(_CENT)
    return size if 0 < size < 100_000_000 else None


@lru_cache(maxsize=2048)
def count_of(text: str) -> int | None:
    """Bedrooms or bathrooms: `Studio` is 0, `3 B/R` is 3."""
    if text.strip().casefold() in {"studio", "st"}:
        return 0
    found = _ROOMS.fullmatch(text.strip())
    return int(found[1]) if found else None


@lru_cache(maxsize=16384)
def coordinate(text: str, largest: int) -> Decimal | None:
    try:
        value = Decimal(text).quantize(Decimal("0.000001"))
    except InvalidOperation:
        return None
    return value if abs(value) <= largest else None


def amenities_of(header: str, text: str) -> list[str] | None:
    """`1` under `private_pool` is "Private pool", `0` is none; other text is a list. None when it is neither."""
    folded = text.casefold()
    if folded in _TRUE:
        return [_APART.sub(" ", header).strip().capitalize()[:60]]
    if folded in _FALSE:
        return []
    return listed(text, 60)


def listed(text: str, longest: int) -> list[str]:
    """The parts of a list in one cell."""
    return [part.strip()[:longest] for part in re.split(r"[,;|\n]", text) if part.strip()]


_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T].*)?|(\d{1,2})[./-](\d{1,2})[./-](\d{4})")


def day_of(text: str) -> date | None:
    """2026-11-30, and as people write it here, the day first: 30/11/2026."""
    found = _DAY.fullmatch(text.strip())
    if not found:
        return None
    year, month, day = found.group(1, 2, 3) if found[1] else found.group(6, 5, 4)
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def project_of(text: str) -> tuple[str, str]:
    """Project and master project: `VARDON  @ AKOYA OXYGEN` -> ("Vardon", "Akoya Oxygen")."""
    name, _, master = text.partition("@")
    return _calm(name)[:200], _calm(master)[:200]


def _calm(text: str) -> str:
    """A name without its shouting; names in mixed case are left as they are."""
    text = " ".join(text.split())
    return text.title() if text.isupper() or text.islower() else text
