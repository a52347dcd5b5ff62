"""Money is an integer of minor units and a currency. This is the only module that rounds, splits, parses or formats it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from core.errors import Invalid

# Decimals of the currencies we meet, ISO 4217. The Gulf has currencies of three decimals.
DECIMALS = {"AED": 2, "SAR": 2, "QAR": 2, "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "EGP": 2, "PKR": 2, "INR": 2}
DECIMALS |= {"USD": 2, "EUR": 2, "GBP": 2, "NPR": 2, "JPY": 0}

BASIS_POINTS = 10_000
LARGEST_MINOR = 2**63 - 1


class AmountInvalid(Invalid):
    code = "amount_invalid"


class CurrencyUnknown(Invalid):
    code = "currency_unknown"


class CurrencyMismatch(Invalid):
    code = "currency_mismatch"


def decimals(currency: str) -> int:
    """How many decimals the currency has. Raises CurrencyUnknown."""
    try:
        return DECIMALS[currency]
    except KeyError:
        raise CurrencyUnknown(
            f"{currency!r} is not a currency we know; use one of {', '.join(sorted(DECIMALS))}.", currency=currency
        ) from None


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the smallest unit of its currency: Money(1250000, "AED") is 12,500 dirhams."""

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + other._minor_in(self.currency), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - other._minor_in(self.currency), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __str__(self) -> str:
        return format_money(self.minor, self.currency)

    def _minor_in(self, currency: str) -> int:
        if self.currency != currency:
            raise CurrencyMismatch(f"{self.currency} cannot be added to {currency}.")
        return self.minor


def to_minor(amount: str | int | Decimal, currency: str) -> int:
    """The minor units of a decimal amount such as "12,500.50". Floats are refused, and so is a fraction of a unit.

    Raises AmountInvalid and CurrencyUnknown.
    """
    if isinstance(amount, float):
        raise TypeError("money never passes through a float")
    try:
        value = Decimal(str(amount).strip().replace(",", ""))
        scaled = value.scaleb(decimals(currency))
        whole = int(scaled)
    except (InvalidOperation, ValueError, OverflowError):
        raise AmountInvalid(f"{amount!r} is not an amount; write it as 12500.00.", amount=str(amount)) from None
    if scaled != whole:
        places = decimals(currency)
        raise AmountInvalid(f"{amount} has more decimals than {currency} ({places}).", amount=str(amount))
    if abs(whole) > LARGEST_MINOR:
        raise AmountInvalid(f"{amount} is larger than any amount we keep.", amount=str(amount))
    return whole


def in_micros(money: Money) -> int:
    """In millionths of the currency, as prices of single messages are."""
    micros: int = money.minor * 1_000_000 // 10 ** decimals(money.currency)
    return micros


def of_micros(micros: int, currency: str) -> Money:
    """An amount in millionths of a currency, rounded up to its minor units: an estimate is not less than the bill."""
    return Money(-(-micros * 10 ** decimals(currency) // 1_000_000), currency)


def to_decimal(minor: int, currency: str) -> str:
    """The decimal string that our APIs speak: 1250050 fils -> "12500.50"."""
    return str(Decimal(minor).scaleb(-decimals(currency)))


def format_money(minor: int, currency: str) -> str:
    """For people: 1250050 -> "AED 12,500.50"."""
    return f"{currency} {Decimal(minor).scaleb(-decimals(currency)):,f}"


def portion(minor: int, basis_points: int) -> int:
    """That many hundredths of a percent of an amount, rounded half up (away from zero), as invoices are."""
    return int((Decimal(minor) * basis_points / BASIS_POINTS).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def split(minor: int, weights: Sequence[int]) -> list[int]:
    """Divide an amount by weights so that the parts sum to it exactly (largest remainder; ties to the earlier part).

    Raises AmountInvalid when there is no positive weight, or a negative one.
    """
    total = sum(weights)
    if total <= 0 or min(weights, default=0) < 0:
        raise AmountInvalid("An amount can only be split by positive weights.", weights=list(weights))
    sign = -1 if minor < 0 else 1
    shares = [divmod(abs(minor) * weight, total) for weight in weights]
    parts = [whole for whole, _ in shares]
    by_remainder = sorted(range(len(parts)), key=lambda index: -shares[index][1])
    for index in by_remainder[: abs(minor) - sum(parts)]:
        parts[index] += 1
    return [sign * part for part in parts]
