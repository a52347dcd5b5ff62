"""A house in which one woman is there twice, with talk, deals, campaigns and consents under both names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.apps import apps

from campaigns.models import CampaignMessage
from core.actors import Actor
from core.models import Organization, TenantModel
from crm.models import Contact, Property
from messaging.models import Channel, Conversation, Message, MessageRead, OptOut, Participant
from sheets.models import RowLink, Spreadsheet
from tests.campaigns import factories as campaigning
from tests.crm import factories
from tests.messaging import factories as talking

NOON = datetime(2026, 6, 1, 8, tzinfo=UTC)
# What a merge writes about itself, and what says when a row was last touched.
ITS_OWN = {"crm.merge", "crm.mergestep", "core.auditentry", "crm.duplicatecandidate", "crm.historyentry"}


@dataclass
class Twice:
    """`first` and `second` are the same person; `shared` is a unit of both, `alone` one of the second."""

    first: Contact
    second: Contact
    shared: Property
    alone: Property
    channel: Channel
    talk: Conversation
    other_talk: Conversation
    waiting: CampaignMessage


def twice(organization: Organization, manager: Actor, agent: Actor) -> Twice:
    first = factories.contact(organization, "Noura Al Hashimi", tags=["vip"], language="en", is_bad_contact=False)
    second = factories.contact(
        organization, "نورة الهاشمي", tags=["investor"], nationality="AE", national_id="784", national_id_index="x1"
    )
    other = factories.contact(organization, "Someone Else")
    factories.point(first, "+971501234567", is_primary=True)
    factories.point(second, "+971501234567", status="do_not_contact", is_primary=True)
    factories.point(second, "noura@example.com", kind="email", is_primary=True)
    factories.point(second, "+971507654321")
    project = factories.project(organization)
    shared, alone = factories.unit(project), factories.unit(project)
    factories.ownership(shared, first, share_basis_points=2_500, since=date(2020, 1, 1))
    factories.ownership(shared, second, share_basis_points=5_000, is_primary=True, since=date(2019, 1, 1))
    factories.ownership(shared, other, share_basis_points=2_500)
    factories.ownership(alone, second, share_basis_points=10_000)
    factories.ownership(alone, first, until=date(2018, 1, 1))
    profile = factories.agent(agent)
    factories.deal(alone, profile, seller=second, buyer=other)
    factories.deal(shared, profile, seller=other, buyer=first)
    _disclosure(manager, second)

    channel = talking.channel(organization)
    second_channel = talking.channel(organization, name="Leasing", phone_number_id="42", display_number="+971500000042")
    talk = talking.conversation(channel, first, unread_count=1)
    other_talk = talking.conversation(channel, second, unread_count=2, assigned_to=agent.membership)
    talking.message(talk, "one", at=NOON)
    said = talking.message(other_talk, "two", at=NOON)
    talking.message(talk, "three", at=NOON)
    talking.message(other_talk, "four", at=NOON)
    talking.message(talking.conversation(second_channel, second), "about leasing")
    for each in (talk, other_talk):
        Participant.objects.create(
            organization=organization, conversation=each, membership=agent.membership, joined_at=NOON
        )
    reader = Participant.objects.get(conversation=other_talk, membership=agent.membership)
    MessageRead.objects.create(organization=organization, message=said, participant=reader, at=NOON)
    OptOut.objects.create(organization=organization, contact=second, scope="marketing", source="keyword", at=NOON)

    campaign = campaigning.draft(
        manager, campaigning.project(organization), [channel], template=talking.template(channel)
    )
    both = campaigning.draft(manager, campaigning.project(organization, 2), [channel])
    row = {"organization": organization, "status": "pending", "variables": {}}
    CampaignMessage.objects.create(campaign=campaign, contact=second, recipient="971507654321", **row)
    waiting = CampaignMessage.objects.create(campaign=both, contact=second, recipient="971507654321", **row)
    CampaignMessage.objects.create(campaign=both, contact=first, recipient="971501234567", **row)

    sheet = Spreadsheet.objects.create(organization=organization, table="crm.units", name="Stock", signature="s")
    RowLink.objects.create(
        organization=organization,
        spreadsheet=sheet,
        row_key="1",
        fingerprint=b"1",
        object_id=alone.pk,
        related_id=second.pk,
    )
    return Twice(first, second, shared, alone, channel, talk, other_talk, waiting)


def _disclosure(manager: Actor, contact: Contact) -> None:
    from crm import services

    services.disclose_owner_number(actor=manager, contact=contact, reason="calls", at=NOON)


def dump() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table of the organisation, without what a merge says about itself and the times of touch."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for model in apps.get_models():
        if issubclass(model, TenantModel) and model._meta.label_lower not in ITS_OWN:
            rows = [
                {name: value for name, value in row.items() if name != "updated_at"}
                for row in model._base_manager.order_by("pk").values()
            ]
            tables[model._meta.label_lower] = rows
    return tables


def texts(conversation: Conversation) -> list[str]:
    """The thread, oldest first, as its page orders it."""
    return list(Message.objects.filter(conversation=conversation).order_by("id").values_list("body", flat=True))
