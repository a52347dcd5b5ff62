"""The phone of a member in tests: it writes by signed webhooks, and reads what the sandbox got for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.test import Client
from django.utils import timezone

from core.actors import Actor, system
from messaging.models import AssistantLine, AssistantTurn, Channel, MemberNumber, Message, WebhookEvent
from messaging.services import assistant, delivery, processing
from tests.messaging import factories

PHONE = "971509990001"


def line(channel: Channel, watchers: Sequence[Actor] = (), **fields: Any) -> AssistantLine:
    made = AssistantLine.objects.create(organization=channel.organization, channel=channel, **fields)
    for each in watchers:
        made.watchers.create(organization=channel.organization, membership=each.membership)
    return made


def connected(actor: Actor, phone: str = PHONE, **fields: Any) -> MemberNumber:
    """As if he had sent his code."""
    return MemberNumber.objects.create(
        organization=actor.organization,
        membership=actor.membership,
        number=f"+{phone}",
        verified_at=timezone.now(),
        **fields,
    )


class Phone:
    """One WhatsApp account, written to and read by somebody."""

    def __init__(self, channel: Channel, received: Callable[[], list[Any]], wa_id: str = PHONE) -> None:
        self.channel, self.received, self.wa_id = channel, received, wa_id
        self.seen = 0
        self.last: Any = None

    def write(self, *texts: str, **fields: Any) -> list[str]:
        """Each text by a webhook of its own, all of it processed, answered and sent. The new texts on this phone."""
        for text in texts:
            self.post(factories.text_message(text, wa_id=self.wa_id, **fields))
        return self.read()

    def post(self, message: dict[str, Any]) -> None:
        people = [{"profile": {"name": "A phone"}, "wa_id": self.wa_id}]
        body = factories.body(factories.value(messages=[message], contacts=people))
        answer = factories.deliver(Client(), body)
        assert answer.status_code == 200, answer.content

    def read(self) -> list[str]:
        work(self.channel)
        mine = [each["body"] for each in self.received() if each["to"] == self.wa_id]
        new, self.seen = mine[self.seen :], len(mine)
        self.last = new[-1] if new else None
        return [
            body["text"]["body"] if body["type"] == "text" else body["interactive"]["body"]["text"]
            for body in new
            if body["type"] in ("text", "interactive")
        ]

    def choices(self) -> list[tuple[str, str]]:
        """What can be pressed in the last message: ids and titles."""
        action = self.last["interactive"]["action"]
        rows = [row for section in action.get("sections", []) for row in section["rows"]]
        rows += [button["reply"] for button in action.get("buttons", [])]
        return [(row["id"], row["title"]) for row in rows]

    def press(self, choice: tuple[str, str]) -> list[str]:
        """As if the person had pressed it; the phone says which and shows its title."""
        reply = {"type": "list_reply", "list_reply": {"id": choice[0], "title": choice[1]}}
        self.post({**factories.text_message(wa_id=self.wa_id), "type": "interactive", "interactive": reply})
        return self.read()


def work(channel: Channel) -> None:
    """What workers do: webhooks, turns, deliveries."""
    actor = system(channel.organization)
    mine = {"organization": channel.organization}
    while processing.process_webhooks(actor=actor, at=timezone.now()):
        pass
    failed = WebhookEvent.objects.filter(**mine, state="failed").values_list("error", flat=True)
    assert list(failed) == []
    for turn in AssistantTurn.objects.filter(**mine, outcome="waiting").order_by("pk"):
        assistant.answer_turn(actor=actor, turn_id=turn.pk, at=timezone.now())
    for message in Message.objects.filter(**mine, status="queued").order_by("pk"):
        delivery.deliver_message(actor=actor, message_id=message.pk, at=timezone.now())
