"""Who talks with whom: starting, assigning, closing and reading conversations."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import EllipsisType

from django.db import IntegrityError, transaction
from django.db.models import Q

from core import audit
from core.actors import Actor
from core.errors import Invalid, NotFound, StaleVersion
from core.jobs import enqueue
from core.models import Membership
from core.models.organization import OrganizationStatus
from core.roles import CAPABILITIES, Capability, Reach, Role
from crm.models import Contact
from messaging import live
from messaging.errors import AssigneeUnable, ConversationAlreadyOpen
from messaging.models import Channel, Conversation, Message, MessageRead, Participant
from messaging.models.conversations import ConversationStatus, Direction
from messaging.refusals import addresses_of

OPEN = (ConversationStatus.OPEN, ConversationStatus.PENDING)
MOST_READ_AT_ONCE = 500
LONGEST_SNOOZE = timedelta(days=90)


def visible_conversation(*, actor: Actor, conversation: Conversation) -> Conversation:
    """The same conversation, locked until the transaction ends. Raises NotFound when it is not this actor's."""
    found: Conversation | None = (
        Conversation.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("channel", "contact", "organization")
        .filter(pk=conversation.pk)
        .first()
    )
    if found is None:
        raise NotFound("There is no such conversation here.")
    return found


@transaction.atomic
def start_conversation(*, actor: Actor, channel: Channel, contact: Contact, at: datetime) -> Conversation:
    """The open conversation of this contact and number, a closed one opened again, or a new one.

    One's own reach is respected: a contact or a number of somebody else raises NotFound.
    """
    actor.require(Capability.CONVERSATIONS_REPLY)
    if not Contact.objects.visible_to(actor).filter(pk=contact.pk).exists():
        raise NotFound("There is no such contact here.")
    channels = Channel.objects.visible_to(actor)
    if actor.reach is not Reach.ORGANIZATION:
        channels = channels.filter(Q(owner__isnull=True) | Q(owner__in=actor.membership_ids))
    if not channels.filter(pk=channel.pk).exists():
        raise NotFound("There is no such number here.")
    known = Conversation.objects.visible_to(actor)
    conversation = latest_conversation(channel=channel, contact=contact)
    if conversation is not None and not known.filter(pk=conversation.pk).exists():
        raise ConversationAlreadyOpen("A colleague already talks with this person; ask for the conversation.")
    if conversation is not None and conversation.status in OPEN:
        return conversation
    if conversation is not None:
        return reopen_conversation(actor=actor, conversation=conversation, at=at)
    assigned_to = None if actor.reach is Reach.ORGANIZATION else actor.membership
    conversation = open_conversation(channel=channel, contact=contact, assigned_to=assigned_to, at=at)
    audit.record(actor=actor, action="messaging.conversation_started", target=conversation, at=at)
    live.announce(organization_id=actor.organization.pk, conversation_id=conversation.pk)
    return conversation


def latest_conversation(*, channel: Channel, contact: Contact) -> Conversation | None:
    """The open one if there is one, else the last one that was closed."""
    rows = Conversation.objects.for_organization(contact.organization).live().filter(channel=channel, contact=contact)
    found: Conversation | None = rows.filter(status__in=OPEN).first() or rows.order_by("-id").first()
    return found


def open_conversation(
    *, channel: Channel, contact: Contact, assigned_to: Membership | None, at: datetime
) -> Conversation:
    """A new conversation with its participants; the one that somebody else opened at the same time, if so."""
    address = addresses_of(organization=contact.organization, contact_ids=[contact.pk]).get(contact.pk)
    try:
        with transaction.atomic():
            conversation = Conversation.objects.create(
                organization=contact.organization,
                channel=channel,
                contact=contact,
                assigned_to=assigned_to,
                address=address.value if address else "",
                last_message_at=at,
            )
    except IntegrityError:
        found = latest_conversation(channel=channel, contact=contact)
        if found is None:
            raise
        return found
    Participant.objects.create(
        organization=contact.organization, conversation=conversation, contact=contact, joined_at=at
    )
    return conversation


@transaction.atomic
def assign_conversation(
    *,
    actor: Actor,
    conversation: Conversation,
    membership: Membership | None,
    at: datetime,
    seen_assignee_id: int | EllipsisType | None = ...,
) -> Conversation:
    """Give a conversation to a member, or to nobody. Supervisors give within their team.

    With `seen_assignee_id` (whom the screen showed) raises StaleVersion when somebody was quicker. Raises
    AssigneeUnable when the member is not here, is suspended, or may not reply.
    """
    actor.require(Capability.CONVERSATIONS_ASSIGN)
    conversation = visible_conversation(actor=actor, conversation=conversation)
    if seen_assignee_id is not ... and conversation.assigned_to_id != seen_assignee_id:
        raise StaleVersion(
            "Somebody else has assigned this conversation meanwhile; look again.",
            assigned_to=conversation.assigned_to_id,
        )
    if membership is not None:
        _require_able(actor, membership)
    before = {"assigned_to": conversation.assigned_to_id}
    conversation.assigned_to = membership
    conversation.save(update_fields=["assigned_to", "updated_at"])
    if membership is not None:
        join(conversation=conversation, membership=membership, at=at)
    after = {"assigned_to": conversation.assigned_to_id}
    audit.record(
        actor=actor, action="messaging.conversation_assigned", target=conversation, before=before, after=after, at=at
    )
    live.announce(organization_id=actor.organization.pk, conversation_id=conversation.pk)
    return conversation


def _require_able(actor: Actor, membership: Membership) -> None:
    able = (
        membership.organization_id == actor.organization.pk
        and membership.suspended_at is None
        and membership.user.is_active
        and actor.organization.status == OrganizationStatus.ACTIVE
        and Capability.CONVERSATIONS_REPLY in CAPABILITIES[Role(membership.role)]
    )
    if not able:
        raise AssigneeUnable("This member cannot answer conversations; choose another.", membership=membership.pk)
    if actor.reach is not Reach.ORGANIZATION and membership.pk not in actor.membership_ids:
        raise AssigneeUnable("You can assign conversations to yourself and to your team.", membership=membership.pk)


def join(*, conversation: Conversation, membership: Membership, at: datetime) -> Participant:
    """A member takes part, for the first time or again."""
    participant, _ = Participant.objects.get_or_create(
        organization=conversation.organization,
        conversation=conversation,
        membership=membership,
        contact=None,
        defaults={"joined_at": at},
    )
    return participant


@transaction.atomic
def close_conversation(*, actor: Actor, conversation: Conversation, at: datetime) -> Conversation:
    """Say that this talk is done: nobody waits any more. The next message of the contact opens it again."""
    actor.require(Capability.CONVERSATIONS_REPLY)
    return _change_status(actor, conversation, ConversationStatus.CLOSED, "messaging.conversation_closed", at)


@transaction.atomic
def reopen_conversation(*, actor: Actor, conversation: Conversation, at: datetime) -> Conversation:
    """Take a closed conversation up again. Raises ConversationAlreadyOpen when there is another open one."""
    actor.require(Capability.CONVERSATIONS_REPLY)
    return _change_status(actor, conversation, ConversationStatus.OPEN, "messaging.conversation_reopened", at)


@transaction.atomic
def snooze_conversation(
    *, actor: Actor, conversation: Conversation, until: datetime | None, at: datetime
) -> Conversation:
    """Out of sight until then, or until the person writes; None brings it back. Raises Invalid for a time that is over."""
    actor.require(Capability.CONVERSATIONS_REPLY)
    if until is not None and not at < until <= at + LONGEST_SNOOZE:
        raise Invalid("Choose a time within the next 90 days.", field="until")
    conversation = visible_conversation(actor=actor, conversation=conversation)
    before, conversation.snoozed_until = conversation.snoozed_until, until
    conversation.save(update_fields=["snoozed_until", "updated_at"])
    audit.record(
        actor=actor,
        action="messaging.conversation_snoozed",
        target=conversation,
        before={"snoozed_until": before and before.isoformat()},
        after={"snoozed_until": until and until.isoformat()},
        at=at,
    )
    live.announce(organization_id=actor.organization.pk, conversation_id=conversation.pk)
    return conversation


def _change_status(
    actor: Actor, conversation: Conversation, status: ConversationStatus, action: str, at: datetime
) -> Conversation:
    conversation = visible_conversation(actor=actor, conversation=conversation)
    if conversation.status == status:
        return conversation
    before = {"status": conversation.status}
    conversation.status, conversation.snoozed_until = status, None
    if status == ConversationStatus.CLOSED:
        conversation.waiting_since = None
    try:
        with transaction.atomic():
            conversation.save(update_fields=["status", "snoozed_until", "waiting_since", "updated_at"])
    except IntegrityError:
        raise ConversationAlreadyOpen(
            "There is already an open conversation with this person; go on there.", contact=conversation.contact_id
        ) from None
    audit.record(actor=actor, action=action, target=conversation, before=before, after={"status": status}, at=at)
    live.announce(organization_id=actor.organization.pk, conversation_id=conversation.pk)
    return conversation


@transaction.atomic
def mark_read(*, actor: Actor, conversation: Conversation, at: datetime) -> int:
    """This member has read everything so far; the person sees blue ticks. Returns how many messages were new.

    The number of statements does not grow with the messages. Viewers look without leaving a trace: they may not.
    """
    actor.require(Capability.CONVERSATIONS_REPLY)
    conversation = visible_conversation(actor=actor, conversation=conversation)
    if actor.membership is None:
        return 0
    participant = join(conversation=conversation, membership=actor.membership, at=at)
    inbound = Message.objects.for_organization(actor.organization).filter(
        conversation=conversation, direction=Direction.INBOUND, deleted_at__isnull=True
    )
    read = MessageRead.objects.filter(organization=actor.organization, participant=participant).values("message")
    recent = inbound if participant.last_read_at is None else inbound.filter(created_at__gte=participant.last_read_at)
    new = list(recent.exclude(pk__in=read).order_by("-id").values_list("pk", flat=True)[:MOST_READ_AT_ONCE])
    MessageRead.objects.bulk_create(
        [
            MessageRead(organization=actor.organization, message_id=message_id, participant=participant, at=at)
            for message_id in new
        ],
        ignore_conflicts=True,
    )
    Participant.objects.filter(pk=participant.pk).update(last_read_at=at)
    if conversation.unread_count:
        Conversation.objects.filter(pk=conversation.pk).update(unread_count=0)
        live.announce(organization_id=actor.organization.pk, conversation_id=conversation.pk)
    if new:
        enqueue("messaging.send_read_receipt", organization_id=actor.organization.pk, message_id=max(new))
    return len(new)


@transaction.atomic
def recount_unread(*, actor: Actor, conversation: Conversation) -> int:
    """Work the unread counter out again from what nobody here has read."""
    actor.require(Capability.CONVERSATIONS_REPLY)
    conversation = visible_conversation(actor=actor, conversation=conversation)
    read = MessageRead.objects.filter(
        organization=actor.organization,
        participant__conversation=conversation,
        participant__membership__isnull=False,
    ).values("message")
    unread: int = (
        Message.objects.for_organization(actor.organization)
        .live()
        .filter(conversation=conversation, direction=Direction.INBOUND)
        .exclude(pk__in=read)
        .count()
    )
    Conversation.objects.filter(pk=conversation.pk).update(unread_count=unread)
    return unread
