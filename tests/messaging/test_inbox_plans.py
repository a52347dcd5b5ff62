"""Which indexes a thread reads, in a house with many messages."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from core.actors import Actor
from core.statistics import refresh
from messaging import selectors
from messaging.models import Channel, Message
from tests.crm import factories as crm
from tests.messaging import factories
from tests.scans import read, whole

TALKS, LINES = 20, 300


def test_a_thread_reads_its_own_messages_and_their_reactions_only(channel: Channel, manager: Actor) -> None:
    start = timezone.now() - timedelta(days=2)
    talks = [factories.conversation(channel, crm.contact(channel.organization, f"Owner {n}")) for n in range(TALKS)]
    Message.objects.bulk_create(
        Message(
            organization=channel.organization,
            conversation=talk,
            channel=channel,
            direction="inbound",
            type="text",
            status="received",
            body=f"line {line}",
            provider_id=f"wamid.{talk.pk}.{line}",
            at=start + timedelta(minutes=line),
        )
        for talk in talks
        for line in range(LINES)
    )
    last = Message.objects.filter(conversation=talks[7]).latest("at")
    factories.message(talks[7], "👍", type="reaction", quoted=last, at=start)
    refresh([Message])
    page: list[selectors.ThreadMessage] = []

    found = read(
        lambda: page.extend(selectors.thread(actor=manager, conversation=talks[7]).messages), ["messaging_message"]
    )

    assert [reaction.emoji for reaction in page[-1].reactions] == ["👍"]
    assert {"messaging_thread", "messaging_reactions"} <= found
    assert not whole(found)
