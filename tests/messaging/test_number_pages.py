"""Numbers and templates on pages: what a manager reads there, and what can be done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from messaging import selectors, services
from messaging.models import Appeal, Channel, MessageTemplate
from tests.crm import factories as crm
from tests.messaging import factories

NUMBERS, TEMPLATES = "/o/palm/whatsapp/numbers/", "/o/palm/whatsapp/templates/"


def text(answer) -> str:
    return str(answer.content.decode())


def test_a_manager_sees_every_number_and_what_is_wrong_with_it(
    client: Client, sandbox, receive, channel: Channel, manager, agent, organization
) -> None:
    factories.channel(
        organization, name="Of the agent", phone_number_id="7", display_number="+971500000007", owner=agent.membership
    )
    receive({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}, field="account_update")
    client.force_login(manager.user)

    page = text(client.get(NUMBERS))
    assert "Of the agent" in page
    assert "Blocked" in page
    assert "Of the agent" not in text(client.get(f"{NUMBERS}?whose=house"))
    assert "No number fits" in text(client.get(f"{NUMBERS}?q=nothing"))
    assert "Of the agent" in text(client.get(f"{NUMBERS}?q=50000%200007"))

    one = text(client.get(f"{NUMBERS}{channel.pk}/"))
    assert "WhatsApp has disabled this account" in one
    assert "/webhooks/whatsapp/palm/" in one
    assert factories.ACCESS_TOKEN not in one
    assert "Secrets and settings" not in one  # that is an admin's


def test_an_agent_sees_the_numbers_of_the_office_and_his_own(
    client, channel: Channel, agent, manager, organization
) -> None:
    own = factories.channel(organization, name="Mine", phone_number_id="7", display_number="+1", owner=agent.membership)
    other = factories.channel(
        organization, name="Boss", phone_number_id="8", display_number="+2", owner=manager.membership
    )
    client.force_login(agent.user)

    page = text(client.get(NUMBERS))
    assert ("Mine" in page, "Palm main" in page, "Boss" in page) == (True, True, False)
    assert client.get(f"{NUMBERS}{own.pk}/").status_code == 200
    assert client.get(f"{NUMBERS}{other.pk}/").status_code == 404
    assert client.post(f"{NUMBERS}{own.pk}/check/").status_code == 403


def test_a_block_goes_from_asked_to_restored(client, sandbox, channel: Channel, manager) -> None:
    Channel.objects.update(blocked_at=timezone.now(), status_reason="restricted")
    client.force_login(manager.user)
    where = f"{NUMBERS}{channel.pk}/"

    client.post(f"{where}appeal/", {"note": "It was a mistake"})
    page = text(client.get(where))
    assert "WhatsApp was asked" in page
    assert "It was a mistake" in page
    again = text(client.post(f"{where}appeal/", {"note": "x"}, follow=True))
    assert "asked already" in again

    checked = text(client.post(f"{where}check/", follow=True))
    assert "works" in checked
    channel.refresh_from_db()
    assert channel.blocked_at is None
    assert Appeal.objects.get().outcome == "restored"


def test_the_allowance_counts_each_person_once_for_the_whole_portfolio(
    channel: Channel, organization, manager, django_assert_num_queries
) -> None:
    template = factories.template(channel)
    twin = factories.channel(organization, name="Twin", phone_number_id="7", display_number="+1")
    now = timezone.now()
    contact = crm.contact(organization)
    talks = {number.pk: factories.conversation(number, contact) for number in (channel, twin)}
    for number, recipient, hours, arrived in (
        (channel, "971500000011", 1, True),
        (twin, "971500000011", 2, True),
        (twin, "971500000012", 3, True),
        (channel, "971500000013", 4, False),
        (channel, "971500000014", 30, True),
    ):
        factories.accepted(
            talks[number.pk], recipient=recipient, template=template, at=now - timedelta(hours=hours),
            delivered_at=now if arrived else None,
        )  # fmt: skip
    factories.accepted(talks[channel.pk], recipient="971500000015", delivered_at=now)  # a reply, not a template

    channels = list(selectors.filtered_numbers(actor=manager))
    # 1 appeals, 1 all numbers, 1 whom they wrote to
    with django_assert_num_queries(3):
        cards = selectors.number_cards(actor=manager, channels=channels, at=now)
    assert [(card.begun, card.limit) for card in cards] == [(2, 250), (2, 250)]


FORM = {
    "name": "viewing",
    "language": "en",
    "category": "UTILITY",
    "body": "Good morning {{name}}, the viewing of {{unit}} is tomorrow at noon.",
    "example.body.name": "Noura",
    "example.body.unit": "12/A",
    "footer": "Palm",
    "button0.kind": "QUICK_REPLY",
    "button0.text": "I will come",
    "button1.kind": "URL",
    "button1.text": "The way",
    "button1.value": "https://palm.example/{{1}}",
    "button1.example": "https://palm.example/12",
}


def test_a_manager_writes_a_template_sees_it_and_submits_it(client, sandbox, channel: Channel, manager) -> None:
    client.force_login(manager.user)
    assert "On their phone" in text(client.get(f"{TEMPLATES}new/"))

    look = text(client.post(f"{TEMPLATES}preview/", {**FORM, "body": "Hello {{name}}"}))
    assert "may not stand at the very beginning or end" in look
    look = text(client.post(f"{TEMPLATES}preview/", FORM))
    assert "Good morning Noura, the viewing of 12/A" in look
    assert "Within WhatsApp" in look

    wrong = client.post(f"{TEMPLATES}new/", {**FORM, "name": "Wrong Name"})
    assert wrong.status_code == 422 or wrong.status_code == 400
    assert "small letters" in text(wrong)
    assert "I will come" in text(wrong)  # nothing that was typed is lost
    assert not MessageTemplate.objects.exists()

    made = client.post(f"{TEMPLATES}new/", FORM, follow=True)
    template = MessageTemplate.objects.get()
    assert (template.status, template.parameter_format) == ("PENDING", "NAMED")
    assert "Submitted by" in text(made)
    [sent] = sandbox.received("message_templates")
    assert sent["body"]["components"][-1]["buttons"][1]["example"] == ["https://palm.example/12"]


def test_languages_stand_side_by_side_and_one_more_begins_with_the_words(client, sandbox, channel, manager) -> None:
    first = factories.template(channel, name="greeting", language="en")
    factories.template(
        channel, name="greeting", language="ar", components=[{"type": "BODY", "text": "صباح الخير *نورة*"}]
    )
    client.force_login(manager.user)

    page = text(client.get(f"{TEMPLATES}{first.pk}/"))
    assert 'dir="rtl"' in page
    assert "<strong>نورة</strong>" in page
    form = text(client.get(f"{TEMPLATES}new/?like={first.pk}"))
    assert "your unit {{2}} is wanted" in form
    listing = text(client.get(f"{TEMPLATES}?language=ar"))
    assert listing.count("template-row") == 1
    assert "No template fits" in text(client.get(f"{TEMPLATES}?q=nothing"))
    assert "greeting" in text(client.get(f"{TEMPLATES}?q=صباح"))


def test_changing_deleting_and_ending_a_pause(client, sandbox, channel: Channel, manager, majlis) -> None:
    services.sync_templates(actor=majlis, channel=channel, at=timezone.now())
    template = MessageTemplate.objects.get()
    client.force_login(manager.user)
    where = f"{TEMPLATES}{template.pk}/"
    sandbox.ask("POST", f"/templates/{template.provider_id}", {"status": "PAUSED"})
    client.post(f"{TEMPLATES}sync/")
    assert "End the pause" in text(client.get(where))
    client.post(f"{where}unpausing/")
    template.refresh_from_db()
    assert template.status == "APPROVED"

    changed = {**FORM, "category": "MARKETING"}
    shown = text(client.post(f"{where}change/", changed, follow=True))
    assert "in review again" in shown
    client.post(f"{where}deletion/")
    template.refresh_from_db()
    assert template.status == "DELETED"
    assert "unit_wanted" not in text(client.get(TEMPLATES))
    assert "unit_wanted" in text(client.get(f"{TEMPLATES}?status=DELETED"))


@pytest.mark.parametrize("path", ["new/", "preview/", "sync/"])
def test_agents_only_read_templates(client, channel: Channel, agent, path) -> None:
    template = factories.template(channel)
    client.force_login(agent.user)

    assert client.get(TEMPLATES).status_code == 200
    page = text(client.get(f"{TEMPLATES}{template.pk}/"))
    assert "Delete" not in page
    assert client.post(f"{TEMPLATES}{path}", FORM).status_code == 403


def test_many_templates_are_paged_by_name_with_few_queries(
    client, channel: Channel, manager, django_assert_max_num_queries
) -> None:
    for index in range(45):
        factories.template(channel, name=f"many_{index:02}")
    client.force_login(manager.user)

    with django_assert_max_num_queries(12):
        page = text(client.get(TEMPLATES))
    assert page.count("template-row") == 40
    assert "after=many_39" in page
    assert text(client.get(f"{TEMPLATES}?after=many_39")).count("template-row") == 5


def test_both_lists_are_taken_along(client, channel: Channel, manager) -> None:
    factories.template(channel)
    client.force_login(manager.user)

    for name in ("whatsapp-numbers", "whatsapp-templates"):
        answer = client.post(f"/o/palm/lists/{name}/export/", {"format": "csv", "asked": ""})
        assert answer.status_code == 200, name
        content = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
        assert factories.ACCESS_TOKEN not in content
        assert "Palm main" in content
