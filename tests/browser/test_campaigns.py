"""A campaign in a real browser, with a real engine and the sandbox: written, started, watched, paused."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from campaigns import services
from campaigns.models import Campaign, CampaignMessage
from core.roles import Role
from crm.models import Project
from messaging.models import Channel
from tests.browser.conftest import DESK, PHONE
from tests.campaigns import factories
from tests.live import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def prepared(office, people: int, **fields) -> tuple[Campaign, Channel, Project]:
    """An approved campaign to so many owners, not started."""
    number = factories.channel(office.organization)
    factories.template(number)
    project = factories.project(office.organization, 77)
    factories.owners(project, people)
    draft = factories.draft(office.actor(Role.MANAGER), project, [number], name="Spring at Vardon", **fields)
    return factories.approved(office.actor(Role.MANAGER), office.actor(Role.ADMIN), draft), number, project


def sending(live) -> None:
    """A sandbox and a worker."""
    live.start_sandbox()
    account = factories.sandbox_account()
    live.sandbox("POST", "/_sandbox/configure", {"reset": True, "accounts": [account]})
    live.start_worker()


def figure(page, name: str):
    return page.locator(f"[data-figure={name}] .value")


def test_it_is_started_watched_live_and_paused_without_a_reload(office, visitor, live):
    campaign, _, _ = prepared(office, 300, messages_per_second=20)
    sending(live)
    manager = visitor(viewport=DESK)
    page = manager.sign_in(Role.MANAGER)
    manager.open(f"campaigns/{campaign.pk}/")

    page.get_by_role("link", name="Start", exact=True).click()
    expect(page.locator("main")).to_contain_text("The audience is frozen, and sending begins.")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#truth")).to_have_attribute("data-live", "stream")
    page.evaluate("window.isSame = true")
    expect(figure(page, "out")).not_to_have_text("0", timeout=30_000)
    first = int(figure(page, "out").inner_text())
    expect(figure(page, "out")).not_to_have_text(str(first))
    expect(page.locator(".sentence")).to_contain_text("It is being sent")
    assert page.evaluate("window.isSame")

    page.get_by_role("link", name="Pause", exact=True).click()
    page.fill("#reason", "The price is wrong.")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".sentence")).to_contain_text("Paused: The price is wrong.")
    wait_for(lambda: not CampaignMessage.objects.filter(status__in=["claimed", "submitting"]).exists(), what="rest")
    out = live.sandbox("GET", "/_sandbox/summary")["messages"]["accepted"]
    assert 0 < out < 300
    page.reload()
    expect(figure(page, "out")).to_have_text(str(out))
    expect(figure(page, "waiting")).to_have_text(str(300 - out))
    figure(page, "waiting").click()
    expect(page.locator(".recipient")).to_have_count(min(300 - out, 50))
    assert manager.complaints == []


def test_a_colleagues_pause_appears_by_itself_and_a_lost_line_is_made_up_for(office, visitor, live):
    campaign, _, _ = prepared(office, 5)
    services.start_campaign(actor=office.actor(Role.MANAGER), campaign=campaign, at=timezone.now())
    viewer = visitor(viewport=PHONE)
    page = viewer.sign_in(Role.VIEWER)
    viewer.open(f"campaigns/{campaign.pk}/")
    expect(page.locator("#truth")).to_have_attribute("data-live", "stream")
    expect(page.get_by_role("link", name="Pause", exact=True)).to_have_count(0)

    services.pause_campaign(
        actor=office.actor(Role.ADMIN), campaign=campaign, reason="Wait for the owner.", at=timezone.now()
    )

    expect(page.locator(".sentence")).to_contain_text("Paused: Wait for the owner. 5 are waiting.", timeout=5_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    viewer.context.set_offline(True)
    expect(page.locator("#truth")).to_have_attribute("data-live", "polling", timeout=20_000)
    services.cancel_campaign(actor=office.actor(Role.ADMIN), campaign=campaign, reason="Sold.", at=timezone.now())
    viewer.context.set_offline(False)
    expect(figure(page, "skipped")).to_have_text("5", timeout=20_000)


def test_it_is_written_with_the_bubble_beside_it(office, visitor):
    number = factories.channel(office.organization)
    factories.template(number)
    project = factories.project(office.organization, 77)
    factories.owners(project, 3)
    manager = visitor(viewport=DESK)
    page = manager.sign_in(Role.MANAGER)
    manager.open("campaigns/")
    expect(page.locator("main")).to_contain_text("No campaigns yet")

    page.get_by_role("link", name="New campaign").click()
    page.locator("li", has_text="unit_available").get_by_role("link", name="Use this one").click()
    page.fill("#id_name", "Autumn")
    page.get_by_label("Sales 1").check()
    page.select_option("#id_project", str(project.pk))
    page.locator("[name='source.1']").select_option("contact.first_name")
    page.locator("[name='source.2']").select_option("text")
    page.locator("[name='text.2']").fill("by the sea")
    expect(page.locator(".phone-bubble")).to_contain_text("is your unit by the sea available?")
    expect(page.locator("#id_units")).to_be_hidden()
    page.select_option("#id_target", "specific_property")
    expect(page.locator("#id_units")).to_be_visible()
    page.select_option("#id_target", "all_owners")
    page.get_by_role("button", name="Keep as a draft").click()
    page.get_by_role("link", name="Who would get it, and who not").click()

    expect(page.locator("main")).to_contain_text("Dear Owner0, is your unit by the sea available?")
    assert Campaign.objects.get().audience == {}
    assert manager.complaints == []
