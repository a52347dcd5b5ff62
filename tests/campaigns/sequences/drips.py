"""A sequence for tests: three steps to owners, written by one manager, let go by another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from campaigns import sequences
from campaigns.models import Enrollment
from campaigns.models import Sequence as Drip
from campaigns.sequences import following
from core.actors import Actor
from core.models import Organization
from messaging.models import Channel, Conversation, Message
from tests.campaigns import factories

# Ten in the morning in Dubai, on a Monday.
MONDAY = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def step(channel: Channel, **fields: Any) -> sequences.StepChanges:
    template = channel.templates.first() or factories.template(channel)
    values: dict[str, Any] = {"template": template, "variables": factories.VARIABLES}
    return {**values, **fields}  # type: ignore[typeddict-item]


def draft(author: Actor, channel: Channel, delays: Sequence[int] = (0, 3, 7), **fields: Any) -> Drip:
    """Steps after so many days each; quiet from nine in the evening until nine in the morning."""
    values: dict[str, Any] = {
        "name": f"Sequence {Drip.objects.count() + 1}",
        "channel": channel,
        "quiet_from": time(21),
        "quiet_until": time(9),
        "steps": [step(channel, delay_days=days) for days in delays],
    }
    return sequences.create_sequence(actor=author, at=MONDAY, **{**values, **fields})


def active(author: Actor, approver: Actor, channel: Channel, *args: Any, **fields: Any) -> Drip:
    made = draft(author, channel, *args, **fields)
    sequences.submit_sequence(actor=author, sequence=made, at=MONDAY)
    sequences.approve_sequence(actor=approver, sequence=made, at=MONDAY)
    made.refresh_from_db()
    return made


def run(house: Organization, at: datetime) -> int:
    """What the scheduler does at that time; how many messages were queued."""
    sent = 0
    for _ in range(1000):
        tally = sequences.run_due(organization=house, at=at)
        sent += tally.sent
        if not tally.taken:
            break
    return sent


def one(contact_id: int) -> Enrollment:
    """The latest enrolment of this person."""
    found: Enrollment = Enrollment.objects.filter(contact=contact_id).order_by("-pk")[0]
    return found


def told(contact_id: int) -> list[Message]:
    """What we wrote to this person, oldest first."""
    rows = Message.objects.filter(conversation__contact=contact_id, direction="outbound", type="template")
    return list(rows.order_by("pk"))


def became(contact_id: int, status: str) -> None:
    """WhatsApp said so of everything we wrote to this person."""
    Message.objects.filter(conversation__contact=contact_id, type="template").update(status=status)


def enrol(actor: Actor, drip: Drip, people: list[int], at: datetime = MONDAY, **more: Any) -> dict[int, str]:
    """Put them in; whoever is refused, with the reason."""
    return dict(sequences.enrol(actor=actor, sequence=drip, contact_ids=people, at=at, **more).refused)


def wrote(contact_id: int, text: str = "Yes, call me", at: datetime | None = None) -> Message:
    """They answer; the conversation is the one we wrote in."""
    talk = Conversation.objects.get(contact=contact_id)
    at = at or timezone.now()
    said: Message = Message.objects.create(
        organization=talk.organization, conversation=talk, channel=talk.channel, direction="inbound",
        status="received", body=text, provider_id=f"wamid.{contact_id}.{at.timestamp()}", at=at,
    )  # fmt: skip
    following.heed_reply(
        organization_id=talk.organization_id, contact_id=contact_id, conversation_id=talk.pk, at=said.at
    )
    return said
