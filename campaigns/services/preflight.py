"""What would happen if it started now: shown before anything is sent, worked out by the code that starts it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from campaigns.audience import recipients_of, summed
from campaigns.models import Campaign, CampaignChannel, SkipReason
from campaigns.rendering import letter_of, templates_of
from core.actors import Actor
from core.roles import Capability
from crm.models import Contact
from messaging.models import Channel
from messaging.models.channels import TemplateStatus
from messaging.refusals import is_able

SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """One message as one person would read it."""

    contact_id: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Preflight:
    """`skipped` is by reason, `missing` by variable. `problems` forbid a start, `warnings` do not."""

    people: int
    to_send: int
    skipped: dict[str, int]
    missing: dict[str, int]
    samples: list[Sample]
    seconds: int | None
    messages_per_second: int
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def preflight(*, actor: Actor, campaign: Campaign, at: datetime) -> Preflight:
    """Count everybody by what would become of them, with samples and an estimate. Writes nothing."""
    actor.require(Capability.CAMPAIGNS_READ)
    channels = channels_of(campaign)
    able = [channel for channel in channels if is_able(channel)]
    # Whether a number is able is a problem of the campaign, not of each recipient.
    rows = recipients_of(campaign=campaign, channel=able[0], at=at) if able else []
    reasons, missing = summed(rows)
    to_send = reasons.pop(str(SkipReason.NONE), 0)
    pace = pace_of(campaign, able)
    letters = {variant: letter_of(template) for variant, template in templates_of(campaign).items()}
    chosen = [row for row in rows if not row.skip_reason][:SAMPLES]
    names = dict(Contact.objects.filter(pk__in=[row.contact_id for row in chosen]).values_list("pk", "display_name"))
    samples = [
        Sample(row.contact_id, names[row.contact_id], letters[row.variant].text(row.variables)) for row in chosen
    ]
    problems = problems_of(campaign, channels)
    if able and not to_send:
        problems.append("Nobody is left to write to.")
    return Preflight(
        people=len(rows),
        to_send=to_send,
        skipped=dict(sorted(reasons.items(), key=lambda item: -item[1])),
        missing=dict(missing),
        samples=samples,
        seconds=-(-to_send // pace) if pace else None,
        messages_per_second=pace,
        problems=problems,
        warnings=_warnings(able, to_send),
    )


def problems_of(campaign: Campaign, channels: list[Channel]) -> list[str]:
    """Why it could not start now, in words; the audience aside."""
    problems = []
    for template in templates_of(campaign).values():
        if template.status != TemplateStatus.APPROVED:
            said = TemplateStatus(template.status).label.lower()
            problems.append(f"The template {template.name} ({template.language}) is {said}: WhatsApp would refuse it.")
    if not any(is_able(channel) for channel in channels):
        names = ", ".join(channel.name for channel in channels)
        problems.append(f"None of its numbers can send now ({names}); ask an admin to check the channel.")
    return problems


def _warnings(able: list[Channel], to_send: int) -> list[str]:
    if not able:
        return []
    # WhatsApp counts the people of a whole business account, so the numbers share one allowance.
    allowance = max(channel.messaging_limit for channel in able)
    if to_send <= allowance:
        return []
    return [
        f"WhatsApp lets this account start {allowance:,} conversations a day; {to_send - allowance:,} may be refused."
    ]


def channels_of(campaign: Campaign) -> list[Channel]:
    """Its numbers, in the order in which they take turns."""
    links = CampaignChannel.objects.filter(organization=campaign.organization_id, campaign=campaign)
    return [link.channel for link in links.select_related("channel").order_by("pk")]


def pace_of(campaign: Campaign, able: list[Channel]) -> int:
    """Messages a second: what its able numbers can do together, or what was asked for if that is less."""
    most = sum(channel.messages_per_second for channel in able)
    return min(campaign.messages_per_second or most, most)
