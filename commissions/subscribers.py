"""What commissions do when crm announces something. Wired in config/wiring.py."""

from __future__ import annotations

from contextlib import suppress

from django.utils import timezone

from commissions import services
from commissions.errors import CommissionExists, CommissionStands
from commissions.models import Commission, Status
from core.actors import system
from core.models import Organization
from crm.events import DealClosed, DealReopened
from crm.models import Deal
from crm.models.deals import DealKind

# Keys to a contact that stay when contacts are merged, and why (tests/crm/test_merge_keys.py finds every key there is).
STAYS = {
    ("commissions.commissionsplit", "contact"): "what was earned is written once: the referrer is who it was then",
    ("commissions.repayment", "contact"): "what was paid back is written once, by who owed it then",
}


def earn(event: DealClosed) -> None:
    """A closed deal earns a commission by the default plan, once; a lease one from each side. Majlis makes them, so that
    anyone may approve them who may approve and gets no part of them."""
    organization = Organization.objects.get(pk=event.organization_id)
    deal = Deal.objects.for_organization(organization).get(pk=event.deal_id)
    for side in services.SIDES[DealKind(deal.kind)]:
        with suppress(CommissionExists):
            services.create_commission(actor=system(organization), deal=deal, side=side, at=timezone.now())


def withdraw(event: DealReopened) -> None:
    """A deal that is open again earns nothing: what is pending is cancelled; what was approved must be undone by hand.

    Raises CommissionStands, which keeps the deal closed.
    """
    organization = Organization.objects.get(pk=event.organization_id)
    commissions = Commission.objects.for_organization(organization).filter(deal=event.deal_id)
    for commission in commissions.exclude(status=Status.CANCELLED):
        if commission.status != Status.PENDING:
            raise CommissionStands(
                f"Its commission is {commission.get_status_display().lower()}; cancel that first, then reopen the deal.",
                commission=commission.pk,
            )
        services.cancel_commission(
            actor=system(organization), commission=commission, reason="The deal was reopened.", at=timezone.now()
        )
