"""The accountant's day: money in, money out, the bank's file, the books closed; and what is not an accountant's."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from commissions import services
from commissions.models import PayoutStatus, Status
from core.actors import Actor
from core.errors import CapabilityMissing
from core.models import Organization
from core.roles import Role
from ledger import services as ledger
from tests.commissions.factories import AT, approved, closed_deal, commission, plan, sales_profile
from tests.commissions.test_payouts import TODAY, account, payout, with_bank
from tests.conftest import member


@pytest.fixture
def accountant(organization: Organization) -> Actor:
    return Actor(organization, member(organization, Role.ACCOUNTANT, "Asma"))


def test_an_accountant_pays_what_others_approved_and_closes_the_books(
    accountant: Actor, manager: Actor, second_manager: Actor, agent: Actor
) -> None:
    """A manager wrote Omar's account down and she compared it; she collects, another approves, she takes the file."""
    omar = with_bank(manager, accountant, sales_profile(agent))
    made = approved(manager, second_manager, closed_deal(omar))
    account(accountant)

    batch = payout(accountant).batch
    with pytest.raises(CapabilityMissing):
        services.approve_payout(actor=accountant, batch=batch, at=AT)
    services.approve_payout(actor=manager, batch=batch, at=AT)
    assert services.payout_file(actor=accountant, batch=batch, format=services.BankFormat.XML, at=AT)
    services.confirm_line(actor=accountant, line=batch.lines.get(), paid_on=TODAY, at=AT)

    made.refresh_from_db()
    batch.refresh_from_db()
    assert (made.status, batch.status) == (Status.PAID, PayoutStatus.SETTLED)
    ledger.close_period(actor=accountant, through_on=date(2026, 2, 28), at=AT)


def test_what_is_owed_is_not_for_her_to_approve(accountant: Actor, manager: Actor, agent: Actor) -> None:
    plan(manager)
    made = commission(manager, closed_deal(sales_profile(agent)))

    with pytest.raises(CapabilityMissing):
        services.approve_commission(actor=accountant, commission=made, at=AT)


def test_stock_talk_and_members_are_closed_to_her(accountant: Actor) -> None:
    browser = Client()
    browser.force_login(accountant.user)

    answers = {path: browser.get(f"/o/palm/{path}").status_code for path in PATHS}

    assert answers == PATHS
    money = browser.get("/o/palm/admin/").context["figures"]
    assert "Parts to pay" in {str(each["title"]) for each in money}
    assert "Unanswered" not in {str(each["title"]) for each in money}


PATHS = {
    "admin/": 200,
    "admin/commissions/payoutbatch/": 200,
    "admin/ledger/entry/": 200,
    "admin/crm/bankdetails/": 200,
    "commissions/payables/": 200,
    "commissions/trial-balance/": 200,
    "inbox/": 403,
    "campaigns/": 403,
    "imports/": 403,
    "commissions/approvals/": 403,
    "admin/messaging/conversation/": 403,
    "admin/core/membership/": 403,
    "admin/crm/property/add/": 403,
}
