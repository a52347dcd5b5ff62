"""How much a deal earns, by the terms of a plan. Integers in, integers out; core/money.py does the rounding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from commissions.errors import CommissionZero, PlanInvalid, PriceNotPositive
from commissions.models import RateKind, VatMode
from core.money import BASIS_POINTS, CurrencyMismatch, decimals, format_money, portion

DEFAULT_BASIS_POINTS = 250  # 2.5 % of the price: 500,000 -> 12,500
LEASE_BASIS_POINTS = 500  # 5 % of the annual rent, from the tenant and from the landlord each


@dataclass(frozen=True, slots=True)
class Slab:
    """From this price on, this rate: the part of the price within the slab is rated by it."""

    from_minor: int
    basis_points: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan says of the amount. Minor units of `currency`, which is needed as soon as one is named."""

    rate_kind: RateKind = RateKind.PERCENTAGE
    rate_basis_points: int = DEFAULT_BASIS_POINTS
    fixed_minor: int = 0
    slabs: Sequence[Slab] = ()
    cap_minor: int | None = None
    minimum_minor: int | None = None
    currency: str = ""
    vat_mode: VatMode = VatMode.NONE
    vat_basis_points: int = 0


@dataclass(frozen=True, slots=True)
class Rated:
    """The commission net of VAT, the VAT, and how it came about."""

    amount_minor: int
    vat_minor: int
    explanation: str


def check(terms: Terms) -> None:
    """Refuse terms that make no sense. Raises PlanInvalid and CurrencyUnknown."""
    rates = [terms.rate_basis_points, terms.vat_basis_points, *(slab.basis_points for slab in terms.slabs)]
    if any(not 0 <= rate <= BASIS_POINTS for rate in rates):
        raise PlanInvalid("Rates are between 0 and 100 %.")
    if terms.rate_kind is RateKind.PERCENTAGE and terms.rate_basis_points == 0:
        raise PlanInvalid("A percentage plan needs a rate, such as 2.5 %.", field="rate_basis_points")
    if terms.rate_kind is RateKind.FIXED and terms.fixed_minor <= 0:
        raise PlanInvalid("A fixed plan needs an amount above zero.", field="fixed")
    if terms.rate_kind is RateKind.SLABS:
        starts = [slab.from_minor for slab in terms.slabs]
        if not starts or starts[0] != 0 or starts != sorted(set(starts)):
            raise PlanInvalid("Slabs start at 0 and each begins above the one before.", field="slabs")
    limits = [limit for limit in (terms.cap_minor, terms.minimum_minor) if limit is not None]
    if any(limit <= 0 for limit in limits):
        raise PlanInvalid("A cap or a minimum is an amount above zero, or is left out.", field="cap")
    if len(limits) == 2 and terms.minimum_minor > terms.cap_minor:  # type: ignore[operator]
        raise PlanInvalid("The minimum is above the cap.", field="minimum")
    if limits or terms.rate_kind is not RateKind.PERCENTAGE:
        decimals(terms.currency)
    if (terms.vat_mode is VatMode.NONE) != (terms.vat_basis_points == 0):
        raise PlanInvalid("Say both whether VAT is on top or included and its rate, or neither.", field="vat")


def rate(price_minor: int, currency: str, terms: Terms, agent_basis_points: int | None = None) -> Rated:
    """What a price earns. An agent's own rate takes the place of a percentage plan's.

    Raises PriceNotPositive, CurrencyMismatch, CommissionZero.
    """
    if price_minor <= 0:
        raise PriceNotPositive(
            "The price must be above zero; a commission is worked out from what the deal is worth.",
            price=format_money(price_minor, currency),
        )
    if terms.currency and terms.currency != currency:
        raise CurrencyMismatch(f"This plan is in {terms.currency} and the deal in {currency}.")
    gross, explanation = _gross(price_minor, currency, terms, agent_basis_points)
    if terms.minimum_minor is not None and gross < terms.minimum_minor:
        gross, explanation = terms.minimum_minor, f"{explanation}, raised to the minimum"
    if terms.cap_minor is not None and gross > terms.cap_minor:
        gross, explanation = terms.cap_minor, f"{explanation}, cut to the cap"
    net, vat = gross, 0
    if terms.vat_mode is VatMode.ON_TOP:
        vat = portion(gross, terms.vat_basis_points)
        explanation += f", and {percent(terms.vat_basis_points)} VAT on top"
    elif terms.vat_mode is VatMode.INCLUSIVE:
        vat = _included(gross, terms.vat_basis_points)
        net = gross - vat
        explanation += f", {percent(terms.vat_basis_points)} VAT included"
    if net <= 0:
        raise CommissionZero("This price earns nothing by this plan; choose another plan.")
    return Rated(net, vat, explanation)


def percent(basis_points: int) -> str:
    """For people: 250 -> "2.5 %"."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + " %"


def _gross(price: int, currency: str, terms: Terms, agent_basis_points: int | None) -> tuple[int, str]:
    shown = format_money(price, currency)
    match terms.rate_kind:
        case RateKind.FIXED:
            return terms.fixed_minor, f"{format_money(terms.fixed_minor, currency)} fixed"
        case RateKind.SLABS:
            return _slabs(price, terms.slabs), f"{len(terms.slabs)} slabs of {shown}"
        case RateKind.PERCENTAGE:
            if agent_basis_points:
                return portion(
                    price, agent_basis_points
                ), f"{percent(agent_basis_points)} (the agent's rate) of {shown}"
            return portion(price, terms.rate_basis_points), f"{percent(terms.rate_basis_points)} of {shown}"


def _slabs(price: int, slabs: Sequence[Slab]) -> int:
    """Each slab's part is exact in basis points, and the sum is rounded once."""
    ends = [slab.from_minor for slab in slabs[1:]] + [price]
    hundredths = sum(
        (min(price, end) - slab.from_minor) * slab.basis_points
        for slab, end in zip(slabs, ends, strict=True)
        if price > slab.from_minor
    )
    return portion(hundredths, 1)


def _included(gross: int, basis_points: int) -> int:
    """The VAT within a gross amount: gross x rate / (100 % + rate), half up."""
    return (2 * gross * basis_points + BASIS_POINTS + basis_points) // (2 * (BASIS_POINTS + basis_points))
