"""Keeping the prices of messages: one by one, or a file of them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.db import transaction

from campaigns.errors import PricesInvalid
from campaigns.models import MessagePrice
from core import audit
from core.actors import Actor
from core.money import CurrencyUnknown, decimals
from core.roles import Capability
from messaging.models.channels import TemplateCategory

COLUMNS = ("calling_code", "category", "currency", "price", "valid_from")
MOST_LINES = 5_000
MICRO = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class PriceLine:
    calling_code: str
    category: str
    currency: str
    micros: int
    valid_from: date


@transaction.atomic
def import_prices(*, actor: Actor, text: str, source: str, at: datetime) -> int:
    """Keep the prices of a CSV file with the columns of COLUMNS, all of them or none; returns how many lines.

    A price for the same code, category and day replaces the one there was. Raises PricesInvalid, naming line and column.
    """
    actor.require(Capability.CAMPAIGNS_APPROVE)
    lines = _read(text)
    for line in lines:
        MessagePrice.objects.update_or_create(
            organization=actor.organization,
            calling_code=line.calling_code,
            category=line.category,
            valid_from=line.valid_from,
            defaults={"currency": line.currency, "micros": line.micros, "source": source[:200]},
        )
    after = {"lines": len(lines), "source": source[:200]}
    audit.record(actor=actor, action="campaigns.prices_imported", target=actor.organization, after=after, at=at)
    return len(lines)


def micros_of(price: Decimal) -> int:
    """Of a price for one message. Raises ValueError, whose words say what to write."""
    micros = price * MICRO
    if not price.is_finite() or not 0 <= price <= 1000 or micros != micros.to_integral_value():
        raise ValueError("write the price of one message, from 0 to 1000 with at most six decimals, as 0.0384")
    return int(micros)


def _read(text: str) -> list[PriceLine]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    if lacking := set(COLUMNS) - set(reader.fieldnames or []):
        raise PricesInvalid(f"The first line must name the columns {', '.join(COLUMNS)}; {min(lacking)} is not there.")
    found: list[PriceLine] = []
    for number, row in enumerate(reader, start=2):
        if number > MOST_LINES:
            raise PricesInvalid(f"The file has more than {MOST_LINES:,} lines; import it in parts.")
        found.append(_line(number, {name: (row[name] or "").strip() for name in COLUMNS}))
    if not found:
        raise PricesInvalid("The file has no prices below its first line.")
    return found


def _line(number: int, row: dict[str, str]) -> PriceLine:
    code = row["calling_code"].removeprefix("+")
    if code and not (code.isascii() and code.isdecimal() and len(code) <= 7 and code[0] != "0"):
        raise _refused(number, "calling_code", row, "write digits as 971, or nothing for everywhere else")
    if row["category"].upper() not in TemplateCategory.values:
        raise _refused(number, "category", row, f"choose one of {', '.join(TemplateCategory.values)}")
    try:
        decimals(row["currency"])
    except CurrencyUnknown:
        raise _refused(number, "currency", row, "write the code of a currency, as USD") from None
    try:
        micros = micros_of(Decimal(row["price"]))
    except (ValueError, InvalidOperation):
        raise _refused(number, "price", row, "write the price of one message, as 0.0384") from None
    try:
        valid_from = date.fromisoformat(row["valid_from"])
    except ValueError:
        raise _refused(number, "valid_from", row, "write the day as 2026-01-01") from None
    return PriceLine(code, row["category"].upper(), row["currency"], micros, valid_from)


def _refused(number: int, column: str, row: dict[str, str], said: str) -> PricesInvalid:
    return PricesInvalid(f"Line {number}, {column}: {row[column]!r} will not do; {said}.", line=number, column=column)
