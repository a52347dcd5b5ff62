"""The list of parts, as it may be taken along; that of payments is declared beside its page in the back office."""

from __future__ import annotations

from commissions.models import CommissionSplit
from core import exporting
from core.roles import Capability

PARTS = exporting.declare(
    CommissionSplit,
    [
        ("Commission", lambda part: part.commission_id),
        ("Unit", "commission.deal.property.label"),
        ("Project", "commission.deal.property.project.name"),
        ("Earned", "commission.earned_on"),
        "role",
        ("Agent", "agent.name"),
        ("Referrer", "contact.display_name"),
        ("Price", lambda part: exporting.lists.to_money(part.commission.base_price_minor, part.currency)),
        ("Amount", "amount_minor"),
        ("Paid", "paid_minor"),
        "currency",
        ("Status", "commission.status"),
        ("Why", "explanation"),
    ],
    capability=Capability.COMMISSIONS_READ,
)
