"""Commissions in a real browser: an agent on a phone reads why and disputes, a manager on a desk answers and approves."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from commissions.models import Commission, Status
from core.roles import Role
from core.tenancy import organization_scope
from crm.models import Agent
from tests.browser.conftest import DESK
from tests.browser.test_look import whole
from tests.commissions import factories

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def earned(office):
    """What the agent earned: one approved, one that waits."""
    manager, admin = office.actor(Role.MANAGER), office.actor(Role.ADMIN)
    seller = Agent.objects.get(membership=office.members[Role.AGENT])
    approved = factories.approved(manager, admin, factories.closed_deal(seller))
    return approved, factories.commission(admin, factories.closed_deal(seller, price=1_000_000_00))


def status(office, commission):
    with organization_scope(office.organization.pk):
        return Commission.objects.get(pk=commission.pk).status


def test_an_agent_disputes_on_a_phone_and_takes_the_statement_along(office, visitor, earned):
    agent = visitor()
    page = agent.sign_in(Role.AGENT)

    agent.open("commissions/")
    page.locator("a.is-leading").click()
    page.locator("a.list-item").first.click()
    page.get_by_text("This is not right").click()
    page.fill("#why", "The split was to be 70/30.")
    page.get_by_role("button", name="Dispute", exact=True).click()

    expect(page.locator(".timeline")).to_contain_text("The split was to be 70/30.")
    assert status(office, earned[0]) == Status.DISPUTED
    agent.open("commissions/statement/")
    page.get_by_text("Take along").click()
    with page.expect_download() as taken:
        page.get_by_role("button", name="PDF، العربية").click()
    assert "كشف العمولات" in PdfReader(taken.value.path()).pages[0].extract_text()
    assert agent.complaints == []


def test_a_manager_approves_what_is_ticked_and_follows_a_bar_to_its_rows(office, visitor, earned):
    manager = visitor(viewport=DESK)
    page = manager.sign_in(Role.MANAGER)

    manager.open("commissions/approvals/")
    page.locator("input[name=row]").check()
    page.get_by_role("button", name="Approve what is ticked").click()
    page.wait_for_selector(".toast")

    assert status(office, earned[1]) == Status.APPROVED
    manager.open("commissions/team/")
    page.locator(".bars a").first.click()
    expect(page.locator("dl.facts")).to_contain_text("AED 37,500.00")
    assert manager.complaints == []


@pytest.mark.parametrize("language", ["en", "ar"])
def test_pages_of_money_fit_a_phone_in_both_directions(office, visitor, earned, language):
    manager = visitor(locale=language)
    page = manager.sign_in(Role.MANAGER)
    manager.context.add_cookies([{"name": "django_language", "value": language, "url": office.base_url}])
    names = ["parts", "payments", "approvals", "exceptions", "team", "payables", "period", "trial-balance", "accounts"]

    wrong = {}
    for name in [*names, str(earned[0].pk), "statement"]:
        manager.open(f"commissions/{name}/")
        expect(page.locator("h1").first).to_be_attached()
        if found := whole(page, language):
            wrong[name] = found

    assert wrong == {}
    assert manager.complaints == []
