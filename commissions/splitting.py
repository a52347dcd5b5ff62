"""Who gets which part of a commission: fixed parts and percentages first, then shares of the rest, to the fils."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from commissions.errors import SplitInvalid
from commissions.models import SplitRole
from commissions.rating import percent
from core.money import BASIS_POINTS, format_money, split


class ShareKind(StrEnum):
    PERCENT = "percent"  # of the whole commission
    FIXED = "fixed"  # an amount, taken off first
    REST = "rest"  # of what fixed parts and percentages leave


@dataclass(frozen=True, slots=True)
class Share:
    """One rule of a split. Plans name roles; a commission also names the person (`agent_id` or `contact_id`)."""

    role: SplitRole
    kind: ShareKind = ShareKind.PERCENT
    basis_points: int = 0
    fixed_minor: int = 0
    agent_id: int | None = None
    contact_id: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What a share came to, and why."""

    share: Share
    amount_minor: int
    explanation: str


ALL_TO_THE_AGENT = (Share(SplitRole.AGENT, ShareKind.PERCENT, BASIS_POINTS),)


def check(shares: Sequence[Share]) -> None:
    """Refuse shares that cannot sum to a whole commission. Raises SplitInvalid."""
    if not shares:
        raise SplitInvalid("Say who gets the commission: at least one share.")
    for share in shares:
        if share.kind is ShareKind.FIXED and share.fixed_minor <= 0:
            raise SplitInvalid("A fixed share is an amount above zero.", role=share.role)
        if share.kind is not ShareKind.FIXED and not 0 < share.basis_points <= BASIS_POINTS:
            raise SplitInvalid("A share is above 0 and at most 100 %.", role=share.role)
    whole = sum(share.basis_points for share in shares if share.kind is ShareKind.PERCENT)
    rest = sum(share.basis_points for share in shares if share.kind is ShareKind.REST)
    has_fixed = any(share.kind is ShareKind.FIXED for share in shares)
    if rest and rest != BASIS_POINTS:
        raise SplitInvalid(f"Shares of the rest sum to {percent(rest)}; they must make 100 %.")
    if rest and whole >= BASIS_POINTS:
        raise SplitInvalid("Percentages take the whole commission: there is no rest to share.")
    if not rest and (whole != BASIS_POINTS or has_fixed):
        raise SplitInvalid(
            f"Percentages sum to {percent(whole)}; without shares of the rest they must make 100 % with no fixed part."
        )


def divide(amount_minor: int, currency: str, shares: Sequence[Share]) -> list[Part]:
    """The parts, in the order of the shares; they sum to the amount exactly (largest remainder).

    Raises SplitInvalid, also when the fixed parts are more than there is.
    """
    check(shares)
    percents = [share.basis_points if share.kind is ShareKind.PERCENT else 0 for share in shares]
    *by_percent, rest = split(amount_minor, [*percents, BASIS_POINTS - sum(percents)])
    fixed = [share.fixed_minor if share.kind is ShareKind.FIXED else 0 for share in shares]
    rest -= sum(fixed)
    if rest < 0:
        raise SplitInvalid(
            f"The fixed shares are more than the commission of {format_money(amount_minor, currency)} leaves."
        )
    weights = [share.basis_points if share.kind is ShareKind.REST else 0 for share in shares]
    of_rest = split(rest, weights) if any(weights) else [0] * len(shares)
    return [
        Part(share, one + two + three, explain(share, currency, amount_minor, rest))
        for share, one, two, three in zip(shares, by_percent, fixed, of_rest, strict=True)
    ]


def explain(share: Share, currency: str, whole_minor: int, rest_minor: int) -> str:
    """The reason of a part, for people."""
    match share.kind:
        case ShareKind.FIXED:
            return "fixed part"
        case ShareKind.PERCENT:
            return f"{percent(share.basis_points)} of {format_money(whole_minor, currency)}"
        case ShareKind.REST:
            return f"{percent(share.basis_points)} of the remaining {format_money(rest_minor, currency)}"


def to_data(shares: Sequence[Share]) -> list[dict[str, Any]]:
    """How a plan version keeps its shares."""
    return [
        {"role": share.role.value, "kind": share.kind.value}
        | (
            {"fixed_minor": share.fixed_minor}
            if share.kind is ShareKind.FIXED
            else {"basis_points": share.basis_points}
        )
        for share in shares
    ]


def from_data(data: Sequence[dict[str, Any]]) -> list[Share]:
    """The shares of a plan version."""
    return [
        Share(
            SplitRole(item["role"]),
            ShareKind(item["kind"]),
            basis_points=item.get("basis_points", 0),
            fixed_minor=item.get("fixed_minor", 0),
        )
        for item in data
    ]


def named(share: Share, *, agent_id: int | None = None, contact_id: int | None = None) -> Share:
    """The share of that person; of the house when there is none."""
    if agent_id is None and contact_id is None:
        return replace(share, role=SplitRole.HOUSE, agent_id=None, contact_id=None)
    return replace(share, agent_id=agent_id, contact_id=contact_id)
