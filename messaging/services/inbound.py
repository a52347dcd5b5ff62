"""A person wrote to us: whoever it is and whatever it is, it becomes one message of one conversation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce, Greatest

from core import events
from core.actors import Actor
from core.deadlocks import tried_twice
from core.jobs import enqueue
from core.models import Membership
from core.roles import Capability
from crm.models import Contact, Ownership, Project, ProjectAssignment
from crm.services import follow_sender
from messaging import live, window
from messaging.events import InboundReceived
from messaging.incoming import InboundMessage
from messaging.models import Channel, Conversation, Message
from messaging.models.conversations import ConversationStatus, Direction, MessageStatus, MessageType
from messaging.services.amending import amend, catch_up, known_message
from messaging.services.assistant import hear
from messaging.services.consent import heed_keyword
from messaging.services.conversations import OPEN, latest_conversation, open_conversation
from messaging.services.keeping import person_behind, row_of

# These change or decorate another message: they neither count as unread nor open a window of their own.
QUIET = (MessageType.REACTION, MessageType.SYSTEM)
# Numbers of projects are short, and every text has numbers: only a name of some length is a hint.
SHORTEST_PROJECT_NAME = 5


@tried_twice  # workers take messages of one talk side by side, and an edit changes a row that another holds
def take_message(*, actor: Actor, channel: Channel, said: InboundMessage, at: datetime) -> Message | None:
    """Keep one inbound message; None when it was already kept. Any number of redeliveries at once keep one."""
    actor.require(Capability.CHANNELS_MANAGE)
    kept = Message.objects.filter(organization=actor.organization, channel=channel, provider_id=said.provider_id)
    if kept.exists():
        return None
    # Locks this sender until the transaction ends: of two deliveries at once the second sees what the first has done.
    contact = person_behind(actor=actor, sender=said.sender, at=at)
    if kept.exists():
        return None
    if said.new_phone or said.new_user_id:
        follow_sender(actor=actor, contact=contact, phone=said.new_phone, bsuid=said.new_user_id, at=at)
    conversation = talk_with(actor=actor, channel=channel, contact=contact, text=said.body, at=at)
    quoted = known_message(actor, channel, said.quoted_provider_id)
    message = row_of(
        said,
        channel=channel,
        conversation=conversation,
        direction=Direction.INBOUND,
        quoted=quoted,
        recipient="",
        status=MessageStatus.RECEIVED,
    )
    message.save(force_insert=True)
    catch_up(message)
    if said.original:
        amend(quoted, said, direction=Direction.INBOUND)
    _refresh(conversation, said, at)
    if said.media_id:
        enqueue("messaging.fetch_media", organization_id=actor.organization.pk, message_id=message.pk)
    if said.type in (MessageType.TEXT, MessageType.INTERACTIVE):
        heed_keyword(actor=actor, conversation=conversation, message=message)
    hear(actor=actor, conversation=conversation, message=message, sender=said.sender)
    live.announce(organization_id=actor.organization.pk, conversation_id=conversation.pk)
    events.publish(
        InboundReceived(
            organization_id=actor.organization.pk,
            conversation_id=conversation.pk,
            message_id=message.pk,
            contact_id=contact.pk,
            quoted_message_id=quoted.pk if quoted else None,
        )
    )
    return message


def talk_with(*, actor: Actor, channel: Channel, contact: Contact, text: str, at: datetime) -> Conversation:
    """The conversation that something of this contact belongs to, locked; a closed one opens again."""
    conversation = latest_conversation(channel=channel, contact=contact)
    if conversation is None:
        assignee = suggested_assignee(actor=actor, channel=channel, contact=contact, text=text)
        conversation = open_conversation(channel=channel, contact=contact, assigned_to=assignee, at=at)
    locked: Conversation = (
        Conversation.objects.select_for_update(of=("self",))
        .select_related("contact", "channel", "organization")
        .get(pk=conversation.pk)
    )
    if locked.status not in OPEN:
        Conversation.objects.filter(pk=locked.pk).update(status=ConversationStatus.OPEN)
        locked.status = ConversationStatus.OPEN
    return locked


def suggested_assignee(*, actor: Actor, channel: Channel, contact: Contact, text: str) -> Membership | None:
    """Who should answer: the number's owner; whom the contact belongs to; the one agent on what they own or name."""
    of_somebody: Membership | None = channel.owner or contact.assigned_to
    if of_somebody is not None:
        return of_somebody
    active = ProjectAssignment.objects.for_organization(actor.organization).active()
    owned = Ownership.objects.for_organization(actor.organization).current().filter(contact=contact)
    units = list(owned.values_list("property", "property__project"))
    by_unit = active.filter(property__in=[unit for unit, _ in units])
    by_project = active.filter(project__in=[project for _, project in units], property__isnull=True)
    return _only_one(by_unit) or _only_one(by_project) or _only_one(active.filter(project__in=_named(actor, text)))


def _named(actor: Actor, text: str) -> list[int]:
    """Projects whose name stands in a text."""
    if len(text) < SHORTEST_PROJECT_NAME:
        return []
    projects = Project.objects.for_organization(actor.organization).live()
    named = projects.alias(text=Value(text[:1000])).filter(text__icontains=F("name")).values_list("pk", "name")
    return [pk for pk, name in named if len(name) >= SHORTEST_PROJECT_NAME]


def _only_one(assignments: QuerySet[Any]) -> Membership | None:
    members = list(assignments.values_list("agent__membership", flat=True).distinct()[:2])
    return Membership.objects.filter(pk=members[0], suspended_at__isnull=True).first() if len(members) == 1 else None


def _refresh(conversation: Conversation, said: InboundMessage, at: datetime) -> None:
    """Newest talk, window and unread counter, whatever order messages come in."""
    address = said.new_phone or said.sender.phone or said.new_user_id or said.sender.address
    changes: dict[str, Any] = {
        "last_message_at": Greatest(Coalesce(F("last_message_at"), said.at), said.at),
        "address": address,
        "updated_at": at,
    }
    if said.type != MessageType.SYSTEM:
        closes = window.closes_at(said.at)
        changes["last_inbound_at"] = Greatest(Coalesce(F("last_inbound_at"), said.at), said.at)
        changes["window_expires_at"] = Greatest(Coalesce(F("window_expires_at"), closes), closes)
    if said.type not in QUIET:
        changes["unread_count"] = F("unread_count") + 1
        changes["waiting_since"] = Coalesce(F("waiting_since"), said.at)
        changes["snoozed_until"] = None
    Conversation.objects.filter(pk=conversation.pk).update(**changes)
    conversation.address = address
