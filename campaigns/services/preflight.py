"""What would happen if it started now: shown before anything is sent, worked out by the code that starts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from campaigns.audience import Recipient, recipient_of, recipients_of, summed
from campaigns.duration import finish_of
from campaigns.models import Campaign, CampaignChannel, SkipReason
from campaigns.prices import Estimate, prices_of
from campaigns.quiet import Quiet
from campaigns.rendering import letter_of, templates_of
from core.actors import Actor
from core.errors import NotFound
from core.money import Money
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
class Preview:
    """What one person would get; `text` is empty, and `missing` names the variables, when it could not be written."""

    contact_id: int
    name: str
    text: str
    skip_reason: str
    missing: list[str]


@dataclass(frozen=True, slots=True)
class Preflight:
    """`skipped` is by reason, `missing` by variable. `problems` forbid a start, `warnings` do not.

    `seconds` is the time of sending alone; `finishes_at` counts nights, days off and daily caps (None: not in 60 days).
    `costs` has one amount for each currency of the prices.
    """

    people: int
    to_send: int
    skipped: dict[str, int]
    missing: dict[str, int]
    samples: list[Sample]
    seconds: int | None
    messages_per_second: int
    finishes_at: datetime | None = None
    costs: list[Money] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def preflight(*, actor: Actor, campaign: Campaign, at: datetime) -> Preflight:
    """Count everybody by what would become of them, with samples and an estimate. Writes nothing."""
    actor.require(Capability.CAMPAIGNS_READ)
    channels = channels_of(campaign)
    able = [channel for channel in channels if is_able(channel)]
    # Whether a number is able is a problem of the campaign, not of each recipient.
    rows = recipients_of(campaign=campaign, at=at) if able else []
    reasons, missing = summed(rows)
    to_send = reasons.pop(str(SkipReason.NONE), 0)
    pace = pace_of(campaign, able)
    letters = {variant: letter_of(template) for variant, template in templates_of(campaign).items()}
    chosen = [row for row in rows if not row.skip_reason][:SAMPLES]
    samples = [Sample(row.contact_id, row.name, letters[row.variant].text(row.variables)) for row in chosen]
    problems = problems_of(campaign, channels)
    if able and not to_send:
        problems.append(_("Nobody is left to write to."))
    estimate = _estimate(campaign, rows, at)
    return Preflight(
        people=len(rows),
        to_send=to_send,
        skipped=dict(sorted(reasons.items(), key=lambda item: -item[1])),
        missing=dict(missing),
        samples=samples,
        seconds=-(-to_send // pace) if pace else None,
        messages_per_second=pace,
        finishes_at=_finish(campaign, able, to_send, pace, at),
        costs=estimate.costs,
        problems=problems,
        warnings=[*_limit_warnings(able, to_send), *_cost_warnings(estimate, reasons[SkipReason.OVER_BUDGET])],
    )


def preflight_people(*, actor: Actor, campaign: Campaign, reason: str, at: datetime) -> list[Recipient]:
    """The rows behind one number of the pre-flight: those skipped for that reason, or with "" those to be written to."""
    actor.require(Capability.CAMPAIGNS_READ)
    return [row for row in recipients_of(campaign=campaign, at=at) if row.skip_reason == reason]


def preview_for(*, actor: Actor, campaign: Campaign, contact_id: int, at: datetime) -> Preview:
    """The message as that person would read it. Raises NotFound for who is not among those it is meant for."""
    actor.require(Capability.CAMPAIGNS_READ)
    known = Contact.objects.visible_to(actor).filter(pk=contact_id).exists()
    row = recipient_of(campaign=campaign, contact_id=contact_id, at=at) if known else None
    if row is None:
        raise NotFound(_("The campaign is not meant for this person; choose somebody of its audience."))
    text = "" if row.missing else letter_of(templates_of(campaign)[row.variant]).text(row.variables)
    return Preview(row.contact_id, row.name, text, str(row.skip_reason), row.missing)


def problems_of(campaign: Campaign, channels: list[Channel]) -> list[str]:
    """Why it could not start now, in words; the audience aside."""
    problems = []
    for template in templates_of(campaign).values():
        if template.status != TemplateStatus.APPROVED:
            said = _(str(TemplateStatus(template.status).label)).lower()
            words = _("The template %(name)s (%(language)s) is %(status)s: WhatsApp would refuse it.")
            problems.append(words % {"name": template.name, "language": template.language, "status": said})
    if not any(is_able(channel) for channel in channels):
        words = _("None of its numbers can send now (%(names)s); ask an admin to check the channel.")
        problems.append(words % {"names": ", ".join(channel.name for channel in channels)})
    return problems


def _estimate(campaign: Campaign, rows: Sequence[Recipient], at: datetime) -> Estimate:
    prices, templates, estimate = prices_of(campaign.organization), templates_of(campaign), Estimate()
    for row in rows:
        if not row.skip_reason:
            estimate.add(prices.price_of(row.recipient, templates[row.variant].category, at))
    return estimate


def _finish(campaign: Campaign, able: list[Channel], to_send: int, pace: int, at: datetime) -> datetime | None:
    quiet = Quiet.at_house(
        campaign.organization, campaign.quiet_from, campaign.quiet_until, on_days_off=campaign.is_quiet_on_days_off
    )
    apart = (campaign.spacing_min_seconds or 0) + (campaign.spacing_max_seconds or 0)
    cap = campaign.daily_cap_per_number
    return finish_of(
        messages=to_send,
        per_second=min(pace, 2 / apart) if apart else pace,
        start=max(at, campaign.starts_at or at),
        quiet=quiet,
        time_zone=campaign.organization.time_zone,
        per_day=cap * len(able) if cap else None,
    )


def _limit_warnings(able: list[Channel], to_send: int) -> list[str]:
    if not able:
        return []
    # WhatsApp counts the people of a whole business account, so the numbers share one allowance.
    allowance = max(channel.messaging_limit for channel in able)
    if to_send <= allowance:
        return []
    words = _(
        "WhatsApp lets this account begin talk with %(allowance)s people a day; %(people)s need %(days)s days at least."
    )
    days = -(-to_send // allowance)
    return [words % {"allowance": f"{allowance:,}", "people": f"{to_send:,}", "days": f"{days:,}"}]


def _cost_warnings(estimate: Estimate, over_budget: int) -> list[str]:
    said = []
    if over_budget:
        words = _("The budget does not last: %(people)s people would be skipped. Raise it, or narrow the audience.")
        said.append(words % {"people": f"{over_budget:,}"})
    if estimate.unpriced:
        words = _("No price is known for %(people)s of the messages; enter prices in the back office.")
        said.append(words % {"people": f"{estimate.unpriced:,}"})
    if estimate.by_example:
        said.append(_("The cost is worked out with example prices; enter those of your WhatsApp account."))
    return said


def channels_of(campaign: Campaign) -> list[Channel]:
    """Its numbers, in the order in which they take turns."""
    links = CampaignChannel.objects.filter(organization=campaign.organization_id, campaign=campaign)
    return [link.channel for link in links.select_related("channel").order_by("pk")]


def pace_of(campaign: Campaign, able: list[Channel]) -> int:
    """Messages a second: what its able numbers can do together, or what was asked for if that is less."""
    most = sum(channel.messages_per_second for channel in able)
    return min(campaign.messages_per_second or most, most)
