"""The voucher of one payment: who was paid how much, for what, and how that was worked out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from commissions.errors import CommissionUnknown
from commissions.models import CommissionPayment
from commissions.pages.asking import number_in
from commissions.reports import Report
from core.actors import Actor
from core.money import Money
from core.roles import Capability


def voucher_report(actor: Actor, asked: Mapping[str, Any]) -> tuple[Report, CommissionPayment]:
    """For `?payment=`, by whoever may see it. Raises CommissionUnknown."""
    actor.require(Capability.COMMISSIONS_READ)
    joined = CommissionPayment.objects.visible_to(actor).select_related(
        "split__agent", "split__contact", "paid_by__user", "split__commission__deal__property__project"
    )
    payment: CommissionPayment | None = joined.filter(pk=number_in(str(asked.get("payment", "")))).first()
    if payment is None:
        raise CommissionUnknown("There is no such payment here.")
    split, currency = payment.split, payment.currency
    commission = split.commission
    unit = commission.deal.property
    taken_back = payment.reversals.first()
    facts: list[tuple[str, Any]] = [
        (_("Voucher number"), str(payment.pk)),
        (_("Paid to"), split.agent.name if split.agent else split.contact.display_name),
        (_("Paid on"), payment.paid_on),
        (_("Method"), _(payment.get_method_display())),
        (_("Reference"), payment.reference),
        (_("Commission"), _("No. %(number)s") % {"number": commission.pk}),
        (_("Unit"), f"{unit.project.name} {unit.label}"),
        (_("Deal closed on"), commission.earned_on),
        (_("Price of the deal"), Money(commission.base_price_minor, currency)),
        (_("Commission, net of VAT"), Money(commission.amount_minor, currency)),
        (_("How it was worked out"), commission.explanation),
        (_("Part of the payee"), Money(split.amount_minor, currency)),
        (_("How the part was worked out"), split.explanation),
        (_("Paid of this part so far"), Money(split.paid_minor, currency)),
        (_("Left of this part"), Money(split.due_minor, currency)),
        (_("Paid by"), payment.paid_by.user.name if payment.paid_by else "Majlis"),
    ]
    if taken_back is not None:
        facts.append((_("TAKEN BACK"), taken_back.reason))
    signatures = (_("Paid by"), _("Received by"))
    lead = Money(payment.amount_minor, currency)
    return Report(
        "voucher", _("Payment voucher"), (), (), lead=lead, facts=tuple(facts), signatures=signatures
    ), payment
