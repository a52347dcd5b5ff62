"""The log of webhooks: found by state, kind, time and error; each shows what became of it; replayed one by one or a range."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from core.services import issue_token
from messaging.models import Channel, Message, WebhookEvent
from tests.crm import factories as crm
from tests.messaging import factories

LOG = "/o/palm/admin/messaging/webhookevent/"


@pytest.fixture
def events(receive, channel: Channel) -> list[WebhookEvent]:
    """A message, statuses of ours and of nobody's, a template that was approved, and one that is poisoned."""
    contact = crm.contact(channel.organization, "Reader Example")
    sent = factories.accepted(factories.conversation(channel, contact))
    receive(factories.value(messages=[factories.text_message("Hello")]))
    receive(factories.value(statuses=[factories.status(sent.provider_id, "read"), factories.status("wamid.x", "read")]))
    receive({"event": "APPROVED", "message_template_id": 1}, field="message_template_status_update")
    receive(factories.value(contacts=[], messages=[{"id": "wamid.nobody", "type": "text"}]))
    return list(WebhookEvent.objects.order_by("pk"))


def listed(client: Client, query: str) -> set[int]:
    page = client.get(f"{LOG}?{query}")
    assert page.status_code == 200
    return {event.pk for event in page.context["cl"].result_list}


def test_the_log_is_filtered_and_each_event_leads_to_what_it_brought(
    events: list[WebhookEvent], client: Client, admin: Actor
) -> None:
    said, moved, template, poisoned = events
    client.force_login(admin.user)

    assert listed(client, "kind__exact=template") == {template.pk}
    assert listed(client, "kind__exact=statuses") == {moved.pk}
    assert listed(client, "state__exact=failed") == listed(client, "error__isempty=0") == {poisoned.pk}
    assert listed(client, "q=without+a+sender") == {poisoned.pk}
    dubai = ZoneInfo("Asia/Dubai")
    midnight = timezone.now().astimezone(dubai).replace(hour=0, minute=1) - timedelta(days=3)
    WebhookEvent.objects.filter(pk=said.pk).update(received_at=midnight)  # in UTC it is the day before
    day = midnight.date()
    span = f"received_at_from_0={day}&received_at_from_1=00:00:00&received_at_to_0={day}&received_at_to_1=23:59:59"
    assert listed(client, span) == listed(client, f"received_at_to_0={day}") == {said.pk}
    assert listed(client, "received_at_from_0=2026-02-31") == {event.pk for event in events}

    hello, ours = Message.objects.get(body="Hello"), Message.objects.get(direction="outbound")
    page = client.get(f"{LOG}{said.pk}/change/").content.decode()
    assert f"/o/palm/admin/messaging/message/{hello.pk}/change/" in page
    page = client.get(f"{LOG}{moved.pk}/change/").content.decode()
    assert f"/o/palm/admin/messaging/message/{ours.pk}/change/" in page
    assert "Not saved yet, so that their statuses wait: 1." in page
    assert "It tells of message_template_status_update." in client.get(f"{LOG}{template.pk}/change/").content.decode()
    assert "Messages that are not here: 1." in client.get(f"{LOG}{poisoned.pk}/change/").content.decode()


def test_what_people_write_is_text_in_the_log_too(receive, client: Client, admin: Actor, channel: Channel) -> None:
    receive(factories.value(messages=[factories.text_message("<script>alert(1)</script>")]))
    client.force_login(admin.user)

    page = client.get(f"{LOG}{WebhookEvent.objects.get().pk}/change/").content.decode()

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_range_is_replayed_from_the_log_and_by_command(
    events: list[WebhookEvent], client: Client, admin: Actor
) -> None:
    client.force_login(admin.user)
    everything = {"action": "replay", "_selected_action": [events[0].pk], "select_across": "1"}
    client.post(f"{LOG}?kind__exact=messages", everything)
    assert set(WebhookEvent.objects.filter(state="stored")) == {events[0], events[3]}

    today = timezone.now().date()
    span = {"start": str(today - timedelta(days=1)), "end": str(today + timedelta(days=1))}
    call_command("replay_webhooks", "--organization", "palm", "--from", span["start"], "--to", span["end"])
    assert set(WebhookEvent.objects.filter(state="stored")) == set(events)

    WebhookEvent.objects.update(state="done")
    call_command("replay_webhooks", "--organization", "palm", "--event", str(events[1].pk))
    assert list(WebhookEvent.objects.filter(state="stored")) == [events[1]]
    with pytest.raises(CommandError, match="Say which"):
        call_command("replay_webhooks", "--organization", "palm")


def test_the_api_finds_them_the_same_way(events: list[WebhookEvent], client: Client, admin: Actor) -> None:
    _, secret = issue_token(actor=admin, name="test", at=timezone.now())

    def found(query: str) -> list[int]:
        answer = client.get(f"/api/v1/palm/webhook-events/?{query}", headers={"Authorization": f"Bearer {secret}"})
        return [row["id"] for row in answer.json()["results"]]

    assert found("kind=template") == [events[2].pk]
    assert found("error=sender") == found("state=failed") == [events[3].pk]
    assert found("received_before=2020-01-01T00:00:00Z") == []
    assert len(found("received_after=2020-01-01T00:00:00Z")) == 4
