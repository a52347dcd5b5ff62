"""Handing an approved payout to the bank, as a file."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from django.db import transaction
from stdnum import bic as bics

from commissions import bank_file
from commissions.errors import PayoutInvalid, PayoutNotThere, PayoutUnknown
from commissions.models import PayingAccount, PayoutBatch, PayoutLine, PayoutStatus
from commissions.services.payouts import require_fresh
from core import audit
from core.actors import Actor
from core.roles import Capability
from crm.models import BankDetails


class BankFormat(StrEnum):
    XML = "xml"  # ISO 20022 pain.001.001.09
    CSV = "csv"

    @property
    def media_type(self) -> str:
        return "application/xml" if self is BankFormat.XML else "text/csv"


def bank_format(name: str) -> BankFormat:
    """Raises PayoutInvalid."""
    try:
        return BankFormat(name)
    except ValueError:
        raise PayoutInvalid("The file for the bank is xml (ISO 20022) or csv.", field="format") from None


@transaction.atomic
def payout_file(*, actor: Actor, batch: PayoutBatch, format: BankFormat, at: datetime) -> bytes:
    """The file of an approved payout; the trail says who took it. Taken twice it has the same reference.

    Account numbers leave the house here, so it also takes the capability to read them. Raises PayoutUnknown,
    PayoutNotThere, PayoutInvalid when the house's own account is not known, PayoutStale.
    """
    actor.require(Capability.COMMISSIONS_PAY)
    actor.require(Capability.BANK_DETAILS_READ)
    found: PayoutBatch | None = PayoutBatch.objects.visible_to(actor).filter(pk=batch.pk).first()
    if found is None:
        raise PayoutUnknown("There is no such payout here.", payout=batch.pk)
    if found.status != PayoutStatus.APPROVED:
        raise PayoutNotThere(
            f"Only an approved payout goes to the bank; this one is {found.get_status_display().lower()}.",
            status=found.status,
        )
    payer = PayingAccount.objects.visible_to(actor).filter(currency=found.currency).first()
    if payer is None:
        raise PayoutInvalid(f"Say first out of which account {found.currency} is paid.", field="iban")
    lines = list(PayoutLine.objects.visible_to(actor).filter(batch=found).select_related("agent").order_by("position"))
    require_fresh(found, lines)
    details = {one.agent_id: one for one in BankDetails.objects.for_organization(actor.organization)}
    order = bank_file.Order(
        reference=found.reference,
        made_at=found.at,
        pay_on=found.pay_on,
        currency=found.currency,
        payer=bank_file.Party(payer.holder, payer.iban, payer.swift),
        transfers=[
            bank_file.Transfer(line.reference, _party(details[line.agent_id]), line.amount_minor, _details(line))
            for line in lines
        ],
    )
    after = {"format": format.value, "lines": len(lines), "total": order.total, "currency": order.currency}
    audit.record(actor=actor, action="commissions.payout_file_taken", target=found, after=after, at=at)
    return bank_file.pain_001(order) if format is BankFormat.XML else bank_file.rows(order)


def _party(details: BankDetails) -> bank_file.Party:
    return bank_file.Party(details.holder[:140], details.iban, details.swift if bics.is_valid(details.swift) else "")


def _details(line: PayoutLine) -> str:
    return f"Commission {line.reference}"
