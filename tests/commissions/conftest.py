"""Requests close the scope they opened; here it is opened again, so that tests can look at rows afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from commissions import services
from commissions.models import Method
from commissions.splitting import ShareKind
from core.actors import Actor
from core.models import Organization
from core.tenancy import organization_scope
from tests.commissions import factories


class Browser:
    """Somebody signed in, in the back office of Palm Brokers."""

    def __init__(self, actor: Actor) -> None:
        self.organization = actor.organization
        self.client = Client()
        assert actor.user
        self.client.force_login(actor.user)

    def get(self, path: str):
        return self._in_scope(self.client.get(f"/o/palm/admin/{path}"))

    def post(self, path: str, **fields: str):
        return self._in_scope(self.client.post(f"/o/palm/admin/{path}", fields))

    def _in_scope(self, answer):
        return answer


@pytest.fixture
def browse(organization: Organization) -> Iterator[type[Browser]]:
    with organization_scope(organization.pk):
        yield Browser


@pytest.fixture
def house(organization, manager, second_manager, agent, other_agent):
    """Omar and Huda share a deal 60/40; Omar has another of his own, of which 5,000 were paid and 1,000 bounced."""
    with organization_scope(organization.pk):
        omar, huda = factories.sales_profile(agent), factories.sales_profile(other_agent)
        shared = factories.approved(
            manager,
            second_manager,
            factories.closed_deal(omar),
            shares=[
                factories.share(ShareKind.PERCENT, 6000, agent_id=omar.pk),
                factories.share(ShareKind.PERCENT, 4000, agent_id=huda.pk),
            ],
        )
        own = factories.approved(manager, second_manager, factories.closed_deal(omar, price=1_000_000_00))
        part = factories.parts(own)[0]
        paid = factories.pay(manager, part, "5000.00", "TRF-1")
        bounced = factories.pay(manager, part, "1000.00", "CHQ-7", method=Method.CHEQUE)
        services.reverse_payment(actor=manager, payment=bounced, reason="cheque bounced", at=factories.AT)
        yield {"omar": omar, "huda": huda, "shared": shared, "own": own, "paid": paid, "bounced": bounced}
