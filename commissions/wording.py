"""Terms and shares of plans as people write and read them: "agent 60 % of rest", "1000000: 3 %"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from commissions import rating, splitting
from commissions.errors import PlanInvalid, SplitInvalid
from commissions.models import PlanVersion, RateKind, SplitRole, VatMode
from core.money import format_money, to_minor

SHARE = re.compile(
    r"^(?P<role>[a-z]+)\s+(?:(?P<percent>\d{1,3}(?:\.\d{1,2})?)\s*%(?P<rest>\s+of\s+(?:the\s+)?rest)?|(?P<fixed>[\d.,]+))$"
)
SLAB = re.compile(r"^(?P<start>[\d.,]+)\s*:\s*(?P<percent>\d{1,3}(?:\.\d{1,2})?)\s*%?$")
AMOUNTS = ("fixed", "cap", "minimum", "slabs")


def read_shares(text: str, currency: str) -> list[splitting.Share]:
    """One share a line. Raises SplitInvalid and AmountInvalid."""
    shares = []
    for line in filter(None, (line.strip().lower() for line in text.splitlines())):
        found = SHARE.match(line)
        if found is None or found["role"] not in SplitRole.values:
            raise SplitInvalid(
                f"{line!r} is not a share; write agent, referrer, supervisor or house, and then 60 %, 60 % of rest or"
                " 500.00.",
                field="splits",
            )
        role = SplitRole(found["role"])
        if found["fixed"]:
            shares.append(
                splitting.Share(role, splitting.ShareKind.FIXED, fixed_minor=to_minor(found["fixed"], currency))
            )
        else:
            kind = splitting.ShareKind.REST if found["rest"] else splitting.ShareKind.PERCENT
            shares.append(splitting.Share(role, kind, basis_points=int(Decimal(found["percent"]) * 100)))
    return shares


def read_slabs(text: str, currency: str) -> list[rating.Slab]:
    """One slab a line, where it starts and its rate. Raises PlanInvalid and AmountInvalid."""
    slabs = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        found = SLAB.match(line)
        if found is None:
            raise PlanInvalid(f"{line!r} is not a slab; write 1000000: 3 %.", field="slabs")
        slabs.append(rating.Slab(to_minor(found["start"], currency), int(Decimal(found["percent"]) * 100)))
    return slabs


def names_an_amount(fields: Mapping[str, str]) -> bool:
    """Whether a plan needs a currency: one without can be used for deals in any."""
    return any(fields[name] for name in AMOUNTS) or bool(re.search(r"[a-z]\s+[\d.,]+\s*$", fields["splits"], re.M))


def rate(version: PlanVersion) -> str:
    """The rate of a version, with its limits."""
    currency = version.currency
    match RateKind(version.rate_kind):
        case RateKind.PERCENTAGE:
            text = rating.percent(version.rate_basis_points)
        case RateKind.FIXED:
            text = format_money(version.fixed_minor, currency)
        case RateKind.SLABS:
            text = ", ".join(
                f"{rating.percent(slab['basis_points'])} from {format_money(slab['from_minor'], currency)}"
                for slab in version.slabs
            )
    if version.minimum_minor is not None:
        text += f", at least {format_money(version.minimum_minor, currency)}"
    if version.cap_minor is not None:
        text += f", at most {format_money(version.cap_minor, currency)}"
    return text


def shares(version: PlanVersion) -> str:
    """Who gets what."""
    texts = []
    for share in splitting.from_data(version.splits):
        match share.kind:
            case splitting.ShareKind.FIXED:
                text = format_money(share.fixed_minor, version.currency)
            case splitting.ShareKind.PERCENT:
                text = rating.percent(share.basis_points)
            case splitting.ShareKind.REST:
                text = f"{rating.percent(share.basis_points)} of the rest"
        texts.append(f"{share.role.label} {text}")
    return ", ".join(texts)


def vat(version: PlanVersion) -> str:
    """The VAT of a version."""
    mode = VatMode(version.vat_mode)
    return "" if mode is VatMode.NONE else f"{rating.percent(version.vat_basis_points)} {mode.label.lower()}"
