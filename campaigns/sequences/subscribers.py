"""What sequences do when messaging or crm announces something. Runs inside their transaction (core/events.py)."""

from __future__ import annotations

from django.utils import timezone

from campaigns.sequences import following
from crm.events import (
    AgentArchived,
    ContactsMerged,
    DealClosed,
    LeavingAsked,
    OwnershipChanged,
    PropertiesMerged,
    Work,
)
from crm.models import Agent, Deal, Merge
from crm.models.deals import DealKind
from messaging.events import InboundReceived, OptedOut
from messaging.models import Message

# The keys that merges move (tests/crm/test_merge_keys.py finds every key there is).
MOVES = frozenset(
    {
        ("campaigns.enrollment", "contact"),
        ("campaigns.enrollment", "property"),
        ("campaigns.enrollmentstep", "contact"),
    }
)


def stop_on_reply(event: InboundReceived) -> None:
    said_at = Message.objects.values_list("at", flat=True).get(pk=event.message_id)
    following.heed_reply(
        organization_id=event.organization_id,
        contact_id=event.contact_id,
        conversation_id=event.conversation_id,
        at=said_at,
    )


def stop_on_opt_out(event: OptedOut) -> None:
    following.heed_opt_out(organization_id=event.organization_id, contact_id=event.contact_id, at=timezone.now())


def stop_on_sale(event: DealClosed) -> None:
    deal = Deal.objects.get(organization=event.organization_id, pk=event.deal_id)
    if deal.kind == DealKind.SALE and deal.property_id is not None:
        following.heed_sale(organization_id=event.organization_id, property_id=deal.property_id, at=timezone.now())


def heed_ownership(event: OwnershipChanged) -> None:
    following.heed_ownership(organization_id=event.organization_id, property_id=event.property_id, at=timezone.now())


def count_sequences(event: LeavingAsked) -> None:
    count = following.count_sequences(organization_id=event.organization_id, membership_id=event.membership_id)
    event.found.append(Work("sequences", count))


def follow_agent(event: AgentArchived) -> None:
    if event.successor_id is None:
        return
    agents = Agent.objects.filter(organization=event.organization_id, pk__in=[event.agent_id, event.successor_id])
    members = dict(agents.values_list("pk", "membership"))
    following.hand_over(
        organization_id=event.organization_id,
        before=members[event.agent_id],
        after=members[event.successor_id],
        at=timezone.now(),
    )


def follow_contacts(event: ContactsMerged) -> None:
    following.follow_contacts(merge=_merge(event))


def follow_properties(event: PropertiesMerged) -> None:
    following.follow_properties(merge=_merge(event))


def _merge(event: ContactsMerged | PropertiesMerged) -> Merge:
    rows = Merge.objects.select_related("organization").filter(organization=event.organization_id)
    found: Merge = rows.get(pk=event.merge_id)
    return found
