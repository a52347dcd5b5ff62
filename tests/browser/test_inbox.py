"""Agents at their inbox, in a real browser, against real processes."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from core.roles import Role
from messaging import live as announcements
from messaging.models import Conversation, Message
from tests.browser.conftest import DESK
from tests.browser.furnishing import said

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def test_an_agent_signs_in_on_a_phone_and_a_double_press_sends_one_answer(office, visitor):
    agent = visitor()
    page = agent.sign_in(Role.AGENT)

    expect(page).to_have_url(re.compile("/o/palm/inbox/$"))
    expect(page.locator(".conversation")).to_have_count(2)
    page.get_by_role("link", name=re.compile("Fatima")).click()
    page.fill("#body", "Yes, shall we meet at five?")
    page.get_by_role("button", name="Send", exact=True).dblclick()
    page.locator("#body").press("Enter")

    mine = page.locator(".message.outbound")
    expect(mine).to_have_count(1)
    expect(mine.locator(".receipt")).to_have_attribute("data-status", "queued")
    page.reload()
    expect(mine).to_have_count(1)
    assert [message.body for message in Message.objects.filter(direction="outbound")] == ["Yes, shall we meet at five?"]
    assert agent.complaints == []


def test_what_arrives_appears_by_itself_and_is_read(office, visitor):
    agent = visitor(viewport=DESK)
    page = agent.sign_in(Role.AGENT)
    page.get_by_role("link", name=re.compile("Fatima")).click()
    expect(page.locator("#messages .message")).to_have_count(2)
    expect(page.locator("[data-live=stream]")).to_have_count(1)

    said(office.furniture.fatima, "I am at the gate", timezone.now())
    announcements.announce(organization_id=office.organization.pk, conversation_id=office.furniture.fatima.pk)

    expect(page.locator("#messages .message")).to_have_count(3)
    expect(page.locator("#messages .message").last).to_contain_text("I am at the gate")
    expect(page.locator("#conversations")).to_contain_text("I am at the gate")
    expect(page.locator("#conversations .count")).to_have_count(0)
    assert Conversation.objects.get(pk=office.furniture.fatima.pk).unread_count == 0
    assert agent.complaints == []


def test_a_closed_window_asks_for_a_template_and_shows_it_filled_in(office, visitor):
    agent = visitor()
    page = agent.sign_in(Role.AGENT)
    page.get_by_role("link", name=re.compile("Moreau")).click()

    expect(page.locator("#write")).to_have_count(0)
    expect(page.locator(".composer")).to_contain_text("more than 24 hours ago")
    page.get_by_text("Choose a template").click()
    page.get_by_text("Viewing follow up").click()
    page.get_by_label("Field 1").fill("Jean")
    page.get_by_label("Field 2").fill("villa 7")
    expect(page.locator(".template-preview")).to_contain_text("Hello Jean, would you like to see villa 7 this week?")
    page.get_by_role("button", name="Send this template").click()

    expect(page.locator(".message.outbound")).to_contain_text("Hello Jean, would you like to see villa 7 this week?")
    assert Message.objects.get(direction="outbound").type == "template"
    assert agent.complaints == []


def test_a_draft_survives_leaving_and_what_was_written_offline_goes_out_once_later(office, visitor):
    agent = visitor()
    page = agent.sign_in(Role.AGENT)
    page.get_by_role("link", name=re.compile("Fatima")).click()
    page.fill("#body", "Half a thought")

    page.reload()

    expect(page.locator("#body")).to_have_value("Half a thought")
    agent.context.set_offline(True)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".message.outbound")).to_contain_text("No connection")
    assert not Message.objects.filter(direction="outbound").exists()
    agent.context.set_offline(False)
    expect(page.locator(".message.outbound .receipt")).to_have_attribute("data-status", "queued")
    expect(page.locator(".message.outbound")).to_have_count(1)
    assert Message.objects.filter(direction="outbound").count() == 1


def test_a_quote_is_sent_and_jumps_to_its_original(office, visitor):
    agent = visitor(viewport=DESK)
    page = agent.sign_in(Role.AGENT)
    page.get_by_role("link", name=re.compile("Fatima")).click()
    first = page.locator("#messages .message").first
    first.hover()
    first.get_by_label("Quote this message").click()
    expect(page.locator("#quoting")).to_contain_text("is the villa still available?")
    page.fill("#body", "It is")
    page.get_by_role("button", name="Send", exact=True).click()

    quote = page.locator(".message.outbound a.quote")
    expect(quote).to_contain_text("is the villa still available?")
    quote.click()

    expect(first).to_have_class(re.compile("is-sought"))
    assert Message.objects.get(direction="outbound").quoted.body == "Good morning, is the villa still available?"
    assert agent.complaints == []


def test_nobody_hears_of_a_colleagues_conversation(office, visitor):
    agent = visitor()
    page = agent.sign_in(Role.AGENT)
    foreign = office.furniture.foreign
    heard = page.evaluate(
        """() => new Promise((done) => {
            const source = new EventSource(document.querySelector("[data-stream]").dataset.stream);
            source.addEventListener("hello", () => { window.ready = true; });
            source.addEventListener("changed", (event) => { window.heard = event.data; });
            source.addEventListener("hello", () => done("listening"));
        })"""
    )
    assert heard == "listening"

    announcements.announce(organization_id=office.organization.pk, conversation_id=foreign.pk)

    page.wait_for_function("window.heard")
    assert re.fullmatch("[0-9a-f]{16}", page.evaluate("window.heard"))
    expect(page.locator("#conversations")).not_to_contain_text("A secret")
    answer = page.request.get(office.address(f"inbox/{foreign.pk}/"))
    assert answer.status == 404
    assert "secret" not in answer.text()


def test_reading_and_answering_work_without_script(office, visitor):
    agent = visitor(java_script_enabled=False)
    page = agent.sign_in(Role.AGENT)
    page.get_by_role("link", name=re.compile("Fatima")).click()
    page.fill("#body", "By hand")

    page.get_by_role("button", name="Send", exact=True).click()

    expect(page.locator(".message.outbound")).to_contain_text("By hand")
    assert Message.objects.get(direction="outbound").body == "By hand"


def test_two_people_on_one_conversation_see_each_others_answers(office, visitor):
    agent, manager = visitor(), visitor(viewport=DESK)
    page = agent.sign_in(Role.AGENT)
    page.get_by_role("link", name=re.compile("Fatima")).click()
    manager.sign_in(Role.MANAGER)
    desk = manager.open(f"inbox/{office.furniture.fatima.pk}/")
    expect(desk.locator("[data-live=stream]")).to_have_count(1)

    page.fill("#body", "I take this one")
    page.get_by_role("button", name="Send", exact=True).click()

    expect(desk.locator(".message.outbound")).to_contain_text("I take this one")
    expect(desk.locator(".message.outbound .author")).to_have_text("Agent")
