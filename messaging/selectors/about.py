"""Conversations as crm's pages show them: with the owners of a unit, or with one contact."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from core.actors import Actor
from core.roles import Capability
from crm.models import Contact, Ownership, Property
from messaging.models import Conversation, Message
from messaging.selectors.bubbles import Glimpse, glimpse_of

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Talk:
    conversation: Conversation
    last: Glimpse | None


def talks_about(actor: Actor, shown: Property | Contact) -> list[Talk] | None:
    """The latest talks with these people that this actor may see, or None for those who read none. Two queries."""
    if not actor.can(Capability.CONVERSATIONS_READ):
        return None
    talks = Conversation.objects.visible_to(actor)
    if isinstance(shown, Contact):
        talks = talks.filter(contact=shown)
    else:
        owners = Ownership.objects.for_organization(actor.organization).live().filter(property=shown)
        talks = talks.filter(contact__in=owners.values("contact"))
    newest = Message.objects.filter(
        organization=actor.organization, conversation=OuterRef("pk"), deleted_at__isnull=True
    ).order_by("-at", "-id")
    latest: list[Conversation] = list(
        talks.filter(last_message_at__isnull=False)
        .select_related("contact", "channel", "assigned_to__user")
        .annotate(last_id=Subquery(newest.values("pk")[:1]))
        .order_by("-last_message_at", "-pk")[:SHOWN]
    )
    said = {
        message.pk: glimpse_of(message)
        for message in Message.objects.for_organization(actor.organization).filter(
            pk__in=[talk.last_id for talk in latest if talk.last_id]  # type: ignore[attr-defined]
        )
    }
    return [Talk(talk, said.get(talk.last_id)) for talk in latest]  # type: ignore[attr-defined]
