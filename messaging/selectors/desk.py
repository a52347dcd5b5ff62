"""What an agent has at hand while answering: canned replies, values for templates, and messages in doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from core.actors import Actor
from core.roles import Capability
from crm.models import Contact, Ownership
from messaging.models import CannedReply, Conversation, Message
from messaging.models.conversations import Direction, MessageStatus
from messaging.selectors.bubbles import Glimpse, glimpse_of
from messaging.templates import Variable

MOST_DOUBTFUL = 200


@dataclass(frozen=True, slots=True)
class Doubt:
    """A message of which nobody knows what became."""

    message_id: int
    conversation_id: int
    contact_id: int
    contact_name: str
    author_name: str
    at: datetime
    glimpse: Glimpse


def canned_replies(*, actor: Actor, search: str = "") -> list[CannedReply]:
    """One's own and the shared ones, by shortcut; of two with one name one's own comes first. One query."""
    actor.require(Capability.CONVERSATIONS_READ)
    rows = CannedReply.objects.visible_to(actor).select_related("owner__user")
    text = search.strip().replace("\x00", "")[:100]
    if text:
        rows = rows.filter(Q(shortcut__icontains=text.removeprefix("/")) | Q(body__icontains=text))
    return list(rows.order_by("shortcut", "owner"))


def fill_in(body: str, *, actor: Actor, contact: Contact) -> str:
    """A canned reply with the person's first name and the sender's name where it says {name} and {me}."""
    first = contact.display_name.split()[0] if contact.display_name.strip() else ""
    me = actor.user.name if actor.user else ""
    return body.replace("{name}", first).replace("{me}", me)


def known_values(*, actor: Actor, conversation: Conversation) -> dict[str, str]:
    """What fields of templates usually ask for: the person, their unit, who writes. One query."""
    actor.require(Capability.CONVERSATIONS_READ)
    contact = conversation.contact
    owned: Ownership | None = (
        Ownership.objects.for_organization(actor.organization)
        .current()
        .filter(contact=contact)
        .select_related("property__project")
        .order_by("-is_primary", "-pk")
        .first()
    )
    unit = owned.property if owned else None
    return {
        "name": contact.display_name,
        "first_name": contact.display_name.split()[0] if contact.display_name.strip() else "",
        "agent": actor.user.name if actor.user else "",
        "company": actor.organization.name,
        "unit": " ".join(filter(None, (unit.building or unit.cluster, unit.unit_number))) if unit else "",
        "project": unit.project.name if unit else "",
    }


def guess(variable: Variable, known: Mapping[str, str]) -> str:
    """What a field probably stands for, by its name, or of numbered ones by place. Always shown before it is sent."""
    return known.get(_meaning(variable), "")


def doubtful(*, actor: Actor) -> list[Doubt]:
    """Messages of single conversations of which nobody knows what became, the oldest first. One query."""
    actor.require(Capability.CONVERSATIONS_READ)
    rows = (
        Message.objects.for_organization(actor.organization)
        .live()
        .filter(
            conversation__in=Conversation.objects.visible_to(actor),
            direction=Direction.OUTBOUND,
            status=MessageStatus.UNKNOWN,
        )
        .select_related("conversation__contact", "author__user", "template")
        .order_by("pk")[:MOST_DOUBTFUL]
    )
    return [
        Doubt(
            message_id=row.pk,
            conversation_id=row.conversation_id,
            contact_id=row.conversation.contact_id,
            contact_name=row.conversation.contact.display_name,
            author_name=row.author.user.name if row.author else "",
            at=row.at,
            glimpse=glimpse_of(row),
        )
        for row in rows
    ]


MEANINGS = {
    "first_name": ("first_name", "firstname", "given_name"),
    "name": ("name", "owner", "customer", "client", "contact", "owner_name", "customer_name", "full_name"),
    "agent": ("agent", "agent_name", "me", "sender", "broker"),
    "company": ("company", "brokerage", "office", "organization"),
    "unit": ("unit", "property", "villa", "apartment", "listing", "unit_number"),
    "project": ("project", "community", "cluster", "building"),
}


def _meaning(variable: Variable) -> str:
    """What a variable is called; of a numbered one the first in the body is nearly always the person."""
    wanted = variable.name.lower()
    for meaning, names in MEANINGS.items():
        if wanted in names:
            return meaning
    if variable.place == "body" and wanted == "1":
        return "name" if " " in variable.example.strip() else "first_name"
    return ""
