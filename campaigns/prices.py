"""What a message costs: dated prices by the calling code of the number and the category of the template. Pure.

Prices are micros, millionths of their currency: WhatsApp's have four decimals, and a cent is too coarse to multiply.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from campaigns.models import MessagePrice
from core.models import Organization
from core.money import Money, of_micros
from messaging.models.channels import TemplateCategory

# Examples, so that an estimate can be made on the first day: of the order of WhatsApp's public rates of that date, which
# change by the quarter. A house enters or imports its own; wherever it has one, that one counts (docs/campaigns.md).
EXAMPLES_FROM = date(2025, 7, 1)
EXAMPLE_CURRENCY = "USD"
EXAMPLES: dict[str, tuple[int, int, int]] = {
    # calling code: marketing, utility, authentication
    "971": (38_400, 15_700, 15_700),
    "966": (45_500, 10_700, 10_700),
    "974": (34_100, 9_100, 9_100),
    "965": (34_100, 9_100, 9_100),
    "973": (34_100, 9_100, 9_100),
    "968": (34_100, 9_100, 9_100),
    "20": (64_400, 3_600, 3_600),
    "91": (11_800, 1_400, 1_400),
    "92": (47_300, 5_400, 5_400),
    "44": (52_900, 22_000, 22_000),
    "33": (85_900, 30_000, 30_000),
    "49": (136_500, 55_000, 55_000),
    "7": (80_200, 40_000, 40_000),
    "1": (25_000, 3_400, 3_400),
    "": (60_400, 7_700, 7_700),
}
_CATEGORIES = (TemplateCategory.MARKETING, TemplateCategory.UTILITY, TemplateCategory.AUTHENTICATION)
LONGEST_CODE = 7


@dataclass(frozen=True, slots=True)
class Price:
    """Of one message. `is_example`: nobody of the house has entered it."""

    micros: int
    currency: str
    valid_from: date
    is_example: bool = False


class PriceList:
    """The prices of a house, and the examples where it has none. Made by `prices_of`; asked without a query."""

    def __init__(self, rows: Iterable[tuple[str, str, int, str, date]]) -> None:
        self._known: dict[tuple[str, str], list[Price]] = defaultdict(list)
        for code, category, micros, currency, valid_from in rows:
            self._known[code, category].append(Price(micros, currency, valid_from))
        for prices in self._known.values():
            prices.sort(key=lambda price: price.valid_from, reverse=True)

    def price_of(self, recipient: str, category: str, at: datetime) -> Price | None:
        """Of a message to this number (digits; a user id counts as elsewhere) at that moment; None before all prices."""
        day = at.date()
        digits = recipient.removeprefix("+") if recipient.removeprefix("+").isdecimal() else ""
        for length in range(min(LONGEST_CODE, len(digits)), -1, -1):
            for price in self._known.get((digits[:length], category), ()):
                if price.valid_from <= day:
                    return price
        return _example(digits, category) if day >= EXAMPLES_FROM else None


def prices_of(organization: Organization) -> PriceList:
    """One query."""
    rows = MessagePrice.objects.for_organization(organization)
    return PriceList(rows.values_list("calling_code", "category", "micros", "currency", "valid_from"))


def _example(digits: str, category: str) -> Price | None:
    if category not in _CATEGORIES:
        return None
    code = next(digits[:n] for n in range(min(LONGEST_CODE, len(digits)), -1, -1) if digits[:n] in EXAMPLES)
    return Price(EXAMPLES[code][_CATEGORIES.index(TemplateCategory(category))], EXAMPLE_CURRENCY, EXAMPLES_FROM, True)


@dataclass(slots=True)
class Estimate:
    """What some messages would cost, by currency. It grows by `add`."""

    micros: Counter[str] = field(default_factory=Counter)
    unpriced: int = 0
    by_example: int = 0

    def add(self, price: Price | None) -> None:
        if price is None:
            self.unpriced += 1
            return
        self.micros[price.currency] += price.micros
        self.by_example += price.is_example

    @property
    def costs(self) -> list[Money]:
        """Rounded up to the minor unit, once for each currency."""
        return [of_micros(micros, currency) for currency, micros in sorted(self.micros.items())]
