"""What stands in the house that the browser visits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from core.actors import Actor
from core.models import Membership, Organization
from core.roles import Role
from crm.models import Contact, Property
from messaging.models import Channel, Conversation, Message
from messaging.models.conversations import Direction, MessageStatus
from tests.crm import factories as crm
from tests.messaging import factories as messaging


@dataclass
class Furniture:
    channel: Channel
    unit: Property
    fatima: Conversation
    silent: Conversation
    foreign: Conversation


def furnish(organization: Organization, members: dict[Role, Membership]) -> Furniture:
    """Three conversations: one to answer, one whose window is closed, one of a colleague; and a unit with an owner."""
    agent = members[Role.AGENT]
    channel = messaging.channel(organization)
    messaging.template(channel, name="viewing_follow_up", components=TEMPLATE)
    now = timezone.now()
    fatima = messaging.conversation(
        channel, person(organization, "Fatima Al Zaabi", "+971501234567"), assigned_to=agent, unread_count=2
    )
    said(fatima, "Good morning, is the villa still available?", now - timedelta(hours=3))
    said(fatima, "السلام عليكم، هل ما زالت معروضة؟", now - timedelta(minutes=20))
    silent = messaging.conversation(
        channel, person(organization, "Jean Moreau", "+971501234568"), is_open=False, assigned_to=agent
    )
    said(silent, "Bonjour", now - timedelta(hours=30))
    foreign = messaging.conversation(
        channel, person(organization, "Somebody Else's", "+971501234569"), assigned_to=members[Role.MANAGER]
    )
    said(foreign, "A secret", now - timedelta(minutes=5))
    project = crm.project(organization, "Jumeirah Bay")
    unit = crm.unit(project, cluster="Cluster 14", unit_number="7", municipality_number="2047")
    crm.ownership(unit, fatima.contact, is_primary=True, share_basis_points=10_000)
    crm.assignment(crm.agent(Actor(organization, agent)), project)
    return Furniture(channel, unit, fatima, silent, foreign)


def person(organization: Organization, name: str, number: str) -> Contact:
    contact = crm.contact(organization, name)
    crm.point(contact, number, is_primary=True, line_type="mobile", status="valid")
    return contact


def said(conversation: Conversation, body: str, at: object) -> Message:
    """They wrote."""
    message = messaging.message(conversation, body, direction=Direction.INBOUND, status=MessageStatus.RECEIVED, at=at)
    Conversation.objects.filter(pk=conversation.pk).update(last_message_at=at, last_inbound_at=at, waiting_since=at)
    return message


TEMPLATE = [
    {
        "type": "BODY",
        "text": "Hello {{1}}, would you like to see {{2}} this week?",
        "example": {"body_text": [["Fatima", "Cluster 14, villa 3"]]},
    }
]
