"""What campaigns do when messaging or crm announces something. Runs inside their transaction (core/events.py)."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from campaigns import live, services
from campaigns.errors import BusyNow, IllegalMove
from campaigns.models import Campaign, CampaignMessage, CampaignPause, CampaignStatus, PauseCause, Status
from campaigns.models.recipients import RANK
from campaigns.selectors import REPLY_WINDOW
from campaigns.sequences import subscribers as sequences
from campaigns.services import merging
from core.actors import Actor, system
from core.events import MemberSuspended, SessionsEnded
from core.models import Membership, Organization
from core.roles import Capability
from crm.events import AgentArchived, ContactsMerged, ContactsUnmerged, LeavingAsked, PropertiesMerged, Work
from crm.models import Agent, Merge
from messaging import live as messaging_live
from messaging.error_codes import Treatment, explain
from messaging.events import (
    CampaignsAsked,
    CampaignStartAsked,
    ChannelChanged,
    InboundReceived,
    MessagesProgressed,
    Startable,
    TemplateChanged,
)
from messaging.models import Channel, MessageTemplate
from messaging.models.channels import Quality, TemplateCategory, TemplateStatus

# The keys that merges move (tests/crm/test_merge_keys.py finds every key there is).
MOVES = sequences.MOVES | {("campaigns.campaignmessage", "contact"), ("campaigns.campaignmessage", "property")}
# As many as a list on WhatsApp may have.
OFFERED = 10
STOPPING = (Treatment.PAUSE_CAMPAIGN, Treatment.STOP_BILLABLE)


def end_lines(event: MemberSuspended | SessionsEnded) -> None:
    """The campaign that a suspended member has open hears nothing more."""
    messaging_live.dismiss(organization_id=event.organization_id, membership_id=event.membership_id, topic=live.TOPIC)


# Of these nobody but the author has seen anything: a colleague may go on as if they were his own.
HANDED_OVER = (CampaignStatus.DRAFT,)
ALIVE = (CampaignStatus.IN_REVIEW, CampaignStatus.APPROVED, CampaignStatus.SCHEDULED, CampaignStatus.RUNNING)


def count_campaigns(event: LeavingAsked) -> None:
    """Drafts go to the successor. What is on its way was let go by others and runs on; managers see it."""
    his = Campaign.objects.live().filter(organization=event.organization_id, created_by=event.membership_id)
    event.found.append(Work("campaign drafts", his.filter(status__in=HANDED_OVER).count()))
    alive = his.filter(status__in=[*ALIVE, CampaignStatus.PAUSED]).count()
    event.found.append(Work("campaigns under way", alive, moves=False))


def follow_agent(event: AgentArchived) -> None:
    """An agent left: his drafts are the successor's now."""
    if event.successor_id is None:
        return
    agents = Agent.objects.filter(organization=event.organization_id)
    members = dict(agents.filter(pk__in=[event.agent_id, event.successor_id]).values_list("pk", "membership"))
    his = Campaign.objects.live().filter(
        organization=event.organization_id, created_by=members[event.agent_id], status__in=HANDED_OVER
    )
    successor = members[event.successor_id]
    his.update(created_by=successor, edited_by=successor, updated_at=timezone.now())


def follow_messages(event: MessagesProgressed) -> None:
    """Let the recipients' rows follow their messages: upwards only, whatever came first. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(FOLLOW, {"org": event.organization_id, "ids": list(event.message_ids)})
        moved = cursor.fetchall()
    live.announce(organization_id=event.organization_id, campaign_ids={row[0] for row in moved})
    failures = {(campaign_id, code) for campaign_id, status, code in moved if status == "failed"}
    for campaign_id, code in failures:
        said = explain(code)
        if code is not None and said.treatment in STOPPING:
            _pause(event.organization_id, [campaign_id], f"{said.meaning} {said.next_step}", code, PauseCause.REFUSED)


def attribute_reply(event: InboundReceived) -> None:
    """Count a reply for the message it quotes, else for the campaign that wrote to them last in this conversation."""
    parameters: dict[str, Any] = {
        "org": event.organization_id,
        "conversation": event.conversation_id,
        "quoted": event.quoted_message_id,
        "inbound": event.message_id,
        "window": REPLY_WINDOW,
    }
    with connection.cursor() as cursor:
        statements = [REPLY_TO_LAST] if event.quoted_message_id is None else [REPLY_TO_QUOTED, REPLY_TO_LAST]
        for statement in statements:
            cursor.execute(statement, parameters)
            if found := cursor.fetchone():
                live.announce(organization_id=event.organization_id, campaign_ids=[found[0]])
                return


def heed_template(event: TemplateChanged) -> None:
    """A template that WhatsApp paused, disabled or rejected stops the campaigns that send it; the rest stays queued.

    So does one of another category: its price is not what was approved.
    """
    template = MessageTemplate.objects.get(organization=event.organization_id, pk=event.template_id)
    running = Campaign.objects.live().filter(
        Q(template=template) | Q(second_template=template),
        organization=event.organization_id,
        status=CampaignStatus.RUNNING,
    )
    if template.status == TemplateStatus.APPROVED:
        others = [campaign.pk for campaign in running if not services.is_as_approved(campaign)]
        category = TemplateCategory(template.category).label.lower()
        reason = (
            f"WhatsApp changed the template {template.name} ({template.language}): it costs the price of {category} now. "
            "Look at the budget and have the campaign approved again."
        )
        _pause(event.organization_id, others, reason, None, PauseCause.TEMPLATE)
        return
    said = TemplateStatus(template.status).label.lower()
    reason = f"WhatsApp says that the template {template.name} ({template.language}) is {said}."
    _pause(event.organization_id, list(running.values_list("pk", flat=True)), reason, None, PauseCause.TEMPLATE)


def heed_quality(event: ChannelChanged) -> None:
    """A number that people block and report stops the campaigns that write from it, before WhatsApp stops the number.

    Once for each campaign: who let it go on after that has decided.
    """
    channel = Channel.objects.get(organization=event.organization_id, pk=event.channel_id)
    if channel.quality != Quality.RED:
        return
    seen = CampaignPause.objects.filter(organization=event.organization_id, cause=PauseCause.QUALITY)
    running = Campaign.objects.live().filter(
        organization=event.organization_id, channels=channel, status=CampaignStatus.RUNNING
    )
    reason = f"WhatsApp rates {channel.name} low: too many people blocked or reported it. Write to fewer, to the point."
    found = list(running.exclude(pk__in=seen.values("campaign")).values_list("pk", flat=True))
    _pause(event.organization_id, found, reason, None, PauseCause.QUALITY)


def follow_contacts(event: ContactsMerged) -> None:
    merging.follow_contacts(merge=_merge(event))


def part_contacts(event: ContactsUnmerged) -> None:
    merging.part_contacts(merge=_merge(event))


def follow_properties(event: PropertiesMerged) -> None:
    merging.follow_properties(merge=_merge(event))


def offer_campaigns(event: CampaignsAsked) -> None:
    """The approved campaigns that this member sees and may start, newest first."""
    actor = _member(event.organization_id, event.membership_id)
    if not actor.can(Capability.CAMPAIGNS_RUN):
        return
    rows = Campaign.objects.visible_to(actor).filter(status=CampaignStatus.APPROVED).select_related("project")
    if event.words:
        rows = rows.filter(Q(name__icontains=event.words) | Q(project__name__icontains=event.words))
    event.answers.append(
        [Startable(row.pk, row.name, row.project.name if row.project else "") for row in rows.order_by("-pk")[:OFFERED]]
    )


def start_for_assistant(event: CampaignStartAsked) -> None:
    """Start it as the member who asked: with his capabilities, and every rule of starting. Raises DomainErrors."""
    actor = _member(event.organization_id, event.membership_id)
    campaign = Campaign.objects.visible_to(actor).get(pk=event.campaign_id)
    started = services.start_campaign(actor=actor, campaign=campaign, at=event.at)
    people = CampaignMessage.objects.filter(organization=event.organization_id, campaign=started)
    waiting = people.filter(status=Status.PENDING).count() if started.status == CampaignStatus.RUNNING else 0
    event.answers.append(waiting)


def _member(organization_id: int, membership_id: int) -> Actor:
    members = Membership.objects.active().select_related("organization", "user")
    membership = members.get(organization=organization_id, pk=membership_id)
    return Actor(membership.organization, membership)


def _merge(event: ContactsMerged | ContactsUnmerged | PropertiesMerged) -> Merge:
    rows = Merge.objects.select_related("organization").filter(organization=event.organization_id)
    found: Merge = rows.get(pk=event.merge_id)
    return found


def _pause(organization_id: int, campaign_ids: list[int], reason: str, code: int | None, cause: PauseCause) -> None:
    actor = system(Organization.objects.get(pk=organization_id))
    for campaign in Campaign.objects.filter(organization=organization_id, pk__in=campaign_ids):
        try:
            services.pause_campaign(
                actor=actor, campaign=campaign, reason=reason, error_code=code, cause=cause, at=timezone.now()
            )
        except (IllegalMove, BusyNow):
            continue  # it stands still already, or a person is at it


def _case(column: str, values: dict[str, str]) -> str:
    return f"CASE {column} " + " ".join(f"WHEN '{key}' THEN {value}" for key, value in values.items()) + " END"


# Of a message's statuses, `played` says no more than `read`; `queued` and `sending` say nothing here.
FOLLOWED = {"unknown": "unknown", "accepted": "accepted", "sent": "sent", "failed": "failed"}
FOLLOWED |= {"delivered": "delivered", "read": "read", "played": "read"}
_NEW = _case("m.status", {key: f"'{value}'" for key, value in FOLLOWED.items()})
_NEW_RANK = _case("m.status", {key: str(RANK[value]) for key, value in FOLLOWED.items()})
_RANK = _case("c.status", {key: str(rank) for key, rank in RANK.items()})

FOLLOW = f"""
    UPDATE campaigns_campaignmessage c
       SET status = {_NEW},
           accepted_at = CASE WHEN {_NEW_RANK} >= {RANK["accepted"]}
                              THEN COALESCE(c.accepted_at, m.accepted_at, m.sent_at, m.updated_at)
                              ELSE c.accepted_at END,
           error_code = m.error_code, error = left(m.error_title, 300),
           claimed_by = NULL, lease_until = NULL, updated_at = now()
      FROM messaging_message m
     WHERE m.organization_id = %(org)s AND m.id = ANY(%(ids)s)
       AND c.organization_id = %(org)s AND c.message_id = m.id AND {_NEW_RANK} > {_RANK}
    RETURNING c.campaign_id, c.status, c.error_code
"""  # noqa: S608 - only our own constants are pasted in

REPLY_TO_QUOTED = """
    UPDATE campaigns_campaignmessage c
       SET reply_by = CASE WHEN c.responded_at IS NULL THEN 'quoted' ELSE c.reply_by END,
           responded_at = COALESCE(c.responded_at, i.at), updated_at = now()
      FROM messaging_message i
     WHERE i.organization_id = %(org)s AND i.id = %(inbound)s
       AND c.organization_id = %(org)s AND c.message_id = %(quoted)s
    RETURNING c.campaign_id
"""

REPLY_TO_LAST = """
    UPDATE campaigns_campaignmessage
       SET reply_by = CASE WHEN responded_at IS NULL THEN 'window' ELSE reply_by END,
           responded_at = COALESCE(responded_at, last.replied_at), updated_at = now()
      FROM (SELECT c.id, i.at AS replied_at
              FROM messaging_message i
              JOIN messaging_message m ON m.organization_id = %(org)s AND m.conversation_id = i.conversation_id
               AND m.direction = 'outbound' AND m.at <= i.at AND m.at > i.at - %(window)s
              JOIN campaigns_campaignmessage c ON c.organization_id = %(org)s AND c.message_id = m.id
             WHERE i.organization_id = %(org)s AND i.id = %(inbound)s
             ORDER BY m.id DESC LIMIT 1) AS last
     WHERE campaigns_campaignmessage.id = last.id
    RETURNING campaigns_campaignmessage.campaign_id
"""
