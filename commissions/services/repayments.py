"""Money that an agent or a referrer pays back: of what was clawed back or deducted, and not set off meanwhile."""

from __future__ import annotations

from datetime import date, datetime

from django.db import IntegrityError, transaction

from commissions import chart
from commissions.errors import (
    BeneficiaryMayNotDecide,
    CommissionUnknown,
    RepaymentInvalid,
    RepaymentRefused,
)
from commissions.models import Method, Repayment, RepaymentReversal
from commissions.services.movements import check_received, checked_reason, checked_reference, post_back
from core import audit
from core.actors import Actor
from core.money import format_money, to_decimal, to_minor
from core.roles import Capability
from crm.models import Agent, Contact
from ledger import services as ledger
from ledger.errors import AlreadyReversed, OverdraftRefused, ReferenceTaken
from ledger.models import Account


@transaction.atomic
def record_repayment(
    *,
    actor: Actor,
    owing: Agent | Contact,
    amount: str,
    currency: str,
    method: Method,
    received_on: date,
    reference: str,
    at: datetime,
) -> Repayment:
    """Note that somebody paid back what they owe the house, whole or in part; the ledger moves with it.

    `amount` is a decimal string, at most what is to be recovered. `reference` is the bank's, the cheque's or the
    receipt's, and counts once. The ledger refuses what two note at the same instant beyond what is owed.
    Raises CommissionUnknown, RepaymentInvalid, RepaymentRefused, AmountInvalid, CurrencyUnknown,
    BeneficiaryMayNotDecide, PeriodClosed.
    """
    actor.require(Capability.COMMISSIONS_PAY)
    model: type[Agent] | type[Contact] = Agent if isinstance(owing, Agent) else Contact
    found = model.objects.for_organization(actor.organization).filter(pk=owing.pk).first()
    if found is None:
        raise CommissionUnknown("There is no such person here.", owing=owing.pk)
    _refuse_own(actor, found, "note what you paid back")
    reference = checked_reference(reference, what="repayment", refusal=RepaymentInvalid)
    check_received(actor, method, received_on, at, refusal=RepaymentInvalid)
    amount_minor = to_minor(amount, currency)
    owner = chart.owner_of_agent(found.pk) if isinstance(found, Agent) else chart.owner_of_contact(found.pk)
    account = Account.objects.for_organization(actor.organization).filter(code=chart.to_recover(owner, currency).code)
    left = sum(one.natural_minor for one in account)
    if not 0 < amount_minor <= left:
        raise RepaymentInvalid(
            f"A repayment is above zero, and at most what is to be recovered: {format_money(left, currency)}.",
            field="amount",
        )
    try:
        with transaction.atomic():
            posted = ledger.open_and_post(
                actor=actor,
                reference=f"repayment:{reference}",
                description=f"{method.label} {reference}: repayment by {owner}",
                currency=currency,
                effective_on=received_on,
                amounts=chart.repayment(owner, currency, method, amount_minor),
                at=at,
            )
            made: Repayment = Repayment.objects.create(
                organization=actor.organization,
                agent=found if isinstance(found, Agent) else None,
                contact=found if isinstance(found, Contact) else None,
                amount_minor=amount_minor,
                currency=currency,
                method=method,
                received_on=received_on,
                reference=reference,
                received_by=actor.membership,
                transfer_id=posted.transfer_id,
                at=at,
            )
    except OverdraftRefused:  # of two at the same instant the other won
        raise RepaymentRefused("There is less to recover than a moment ago; look again.") from None
    except (ReferenceTaken, IntegrityError) as error:
        if isinstance(error, IntegrityError) and "_once" not in str(error):
            raise
        raise RepaymentRefused(
            f"A repayment with the reference {reference} is noted already.", reference=reference
        ) from None
    after = {"owner": owner, "amount": to_decimal(amount_minor, currency), "reference": reference}
    audit.record(actor=actor, action="commissions.repayment_recorded", target=made, after=after, at=at)
    return made


@transaction.atomic
def reverse_repayment(*, actor: Actor, repayment: Repayment, reason: str, at: datetime) -> RepaymentReversal:
    """Take a repayment back that was none, such as a bounced cheque: it is owed again.

    Raises CommissionUnknown, RepaymentRefused, BeneficiaryMayNotDecide, ReasonMissing, PeriodClosed.
    """
    actor.require(Capability.COMMISSIONS_PAY)
    found: Repayment | None = (
        Repayment.objects.visible_to(actor).select_related("agent", "contact").filter(pk=repayment.pk).first()
    )
    if found is None:
        raise CommissionUnknown("There is no such repayment here.", repayment=repayment.pk)
    _refuse_own(actor, found.agent or found.contact, "take it back")
    reason = checked_reason(reason, such_as="cheque bounced")
    try:
        posted = post_back(actor, found, what="repayment", reason=reason, at=at)
    except (AlreadyReversed, ReferenceTaken):
        posted = None
    if posted is None or posted.replayed:  # the ledger is where two who do it at once meet
        raise RepaymentRefused(f"Repayment {found.reference} was already taken back.", repayment=found.pk)
    reversal: RepaymentReversal = RepaymentReversal.objects.create(
        organization=actor.organization,
        repayment=found,
        reason=reason,
        reversed_by=actor.membership,
        transfer_id=posted.transfer_id,
        at=at,
    )
    after = {"reference": found.reference, "reason": reason}
    audit.record(actor=actor, action="commissions.repayment_reversed", target=found, after=after, at=at)
    return reversal


def _refuse_own(actor: Actor, person: Agent | Contact | None, what: str) -> None:
    if isinstance(person, Agent) and actor.membership and person.membership_id == actor.membership.pk:
        raise BeneficiaryMayNotDecide(f"You owe this; somebody else must {what}.")
