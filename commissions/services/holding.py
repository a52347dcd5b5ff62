"""Keeping a share of each part back until a day or a handover."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from commissions.errors import HoldBackInvalid, HoldBackStands
from commissions.models import Commission, HoldBack, HoldBackRelease, Status
from commissions.services.decisions import local_day, lock, refuse_beneficiary, splits_of
from commissions.services.movements import checked_reason
from core import audit
from core.actors import Actor
from core.money import BASIS_POINTS
from core.roles import Capability


@transaction.atomic
def hold_back(
    *, actor: Actor, commission: Commission, basis_points: int, reason: str, at: datetime, until_on: date | None = None
) -> HoldBack:
    """Keep so much of each part (1000 is 10 %) until a day, or until it is let go. Once for a commission.

    Raises CommissionUnknown, HoldBackInvalid, HoldBackStands, BeneficiaryMayNotDecide, ReasonMissing.
    """
    actor.require(Capability.COMMISSIONS_WRITE)
    commission = lock(actor, commission.pk)
    refuse_beneficiary(actor, splits_of(commission), "hold it back")
    if not 0 < basis_points <= BASIS_POINTS:
        raise HoldBackInvalid("A hold-back is above 0 and at most 100 %.", field="basis_points")
    if until_on is not None and until_on <= local_day(actor, at):
        raise HoldBackInvalid("Hold it back until a day to come, or leave the day out.", field="until_on")
    if commission.status in {Status.PAID, Status.CANCELLED} or HoldBack.objects.filter(commission=commission).exists():
        raise HoldBackStands("A part of this commission is held back already, or nothing of it is left to hold.")
    held: HoldBack = HoldBack.objects.create(
        organization=actor.organization,
        commission=commission,
        basis_points=basis_points,
        until_on=until_on,
        reason=checked_reason(reason),
        held_by=actor.membership,
        at=at,
    )
    after = {"basis_points": basis_points, "until_on": str(until_on or ""), "reason": held.reason}
    audit.record(actor=actor, action="commissions.held_back", target=commission, after=after, at=at)
    return held


@transaction.atomic
def release_hold_back(*, actor: Actor, commission: Commission, reason: str, at: datetime) -> HoldBackRelease:
    """Let go what was held back, such as at the handover. Nobody lets go what comes to them.

    Raises CommissionUnknown, HoldBackStands when nothing is held, BeneficiaryMayNotDecide, ReasonMissing.
    """
    actor.require(Capability.COMMISSIONS_APPROVE)
    commission = lock(actor, commission.pk)
    refuse_beneficiary(actor, splits_of(commission), "let it go")
    held = HoldBack.objects.filter(commission=commission, releases__isnull=True).first()
    if held is None:
        raise HoldBackStands("Nothing of this commission is held back.", commission=commission.pk)
    released: HoldBackRelease = HoldBackRelease.objects.create(
        organization=actor.organization,
        hold_back=held,
        reason=checked_reason(reason),
        released_by=actor.membership,
        at=at,
    )
    after = {"reason": released.reason}
    audit.record(actor=actor, action="commissions.hold_back_released", target=commission, after=after, at=at)
    return released
