"""What messaging does when core or crm announce something. Wired in config/wiring.py."""

from __future__ import annotations

from django.utils import timezone

from core.actors import system
from core.events import MemberSuspended, SessionsEnded
from core.models import Organization
from crm.events import AgentArchived, AssignmentTransferred, ContactsMerged, ContactsUnmerged, LeavingAsked, Work
from crm.models import Agent, Merge, Ownership, ProjectAssignment, Property
from messaging import live
from messaging.events import InboundReceived
from messaging.models import Channel
from messaging.services import away, merging
from messaging.services.handover import hand_over, talk_of

# The keys to a contact that follow_contacts moves (tests/crm/test_merge_keys.py finds every key there is).
MOVES = frozenset(
    {("messaging.conversation", "contact"), ("messaging.participant", "contact"), ("messaging.optout", "contact")}
)


def answer_when_away(event: InboundReceived) -> None:
    """Somebody wrote while nobody is there."""
    actor = system(Organization.objects.get(pk=event.organization_id))
    away.answer_when_away(actor=actor, message_id=event.message_id, at=timezone.now())


def follow_contacts(event: ContactsMerged) -> None:
    merging.follow_merge(merge=_merge(event))


def part_contacts(event: ContactsUnmerged) -> None:
    merge = _merge(event)
    merging.follow_unmerge(actor=system(merge.organization), merge=merge)


def end_lines(event: MemberSuspended | SessionsEnded) -> None:
    """The inbox that a suspended member has open hears nothing more, nor one whose session ended."""
    live.dismiss(organization_id=event.organization_id, membership_id=event.membership_id)


def count_talk(event: LeavingAsked) -> None:
    """How many conversations and numbers hang on an agent who may leave."""
    talk = talk_of(event.organization_id, event.membership_id)
    event.found.append(Work("conversations", talk.count()))
    owned = Channel.objects.live().filter(organization=event.organization_id, owner=event.membership_id)
    event.found.append(Work("WhatsApp numbers", owned.count(), moves=False))


def follow_assignment(event: AssignmentTransferred) -> None:
    """The talk with the owners of these units goes on with the successor."""
    assignment = ProjectAssignment.objects.select_related("agent__membership").get(pk=event.assignment_id)
    successor = Agent.objects.select_related("membership__user").get(pk=event.successor_id)
    units = Property.objects.live().filter(project=assignment.project_id)
    if assignment.property_id is not None:
        units = units.filter(pk=assignment.property_id)
    owners = Ownership.objects.current().filter(property__in=units).values("contact")
    talk = talk_of(event.organization_id, assignment.agent.membership_id).filter(contact__in=owners)
    hand_over(talk=talk, before=assignment.agent.membership, after=successor.membership, at=timezone.now())


def follow_agent(event: AgentArchived) -> None:
    """An agent left: all his talk goes to the successor, and the number that was his to the office."""
    agent = Agent.objects.select_related("membership__user").get(pk=event.agent_id)
    owned = Channel.objects.live().filter(organization=event.organization_id, owner=agent.membership_id)
    owned.update(owner=None, updated_at=timezone.now())
    if event.successor_id is None:
        return
    successor = Agent.objects.select_related("membership__user").get(pk=event.successor_id)
    talk = talk_of(event.organization_id, agent.membership_id)
    hand_over(talk=talk, before=agent.membership, after=successor.membership, at=timezone.now())


def _merge(event: ContactsMerged | ContactsUnmerged) -> Merge:
    found: Merge = Merge.objects.select_related("organization", "merged_contact").get(
        organization=event.organization_id, pk=event.merge_id
    )
    return found
