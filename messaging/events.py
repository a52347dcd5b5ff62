"""What messaging announces, and asks of higher apps. Handlers run in the transaction of the change (core/events.py)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class InboundReceived:
    """Somebody wrote to us: a new message, never a redelivery. `quoted_message_id` is ours, when it is a reply."""

    organization_id: int
    conversation_id: int
    message_id: int
    contact_id: int
    quoted_message_id: int | None


@dataclass(frozen=True, slots=True)
class MessagesProgressed:
    """The status of these messages may have moved; read it from the rows."""

    organization_id: int
    message_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OptedOut:
    organization_id: int
    contact_id: int
    opt_out_id: int


@dataclass(frozen=True, slots=True)
class TemplateChanged:
    """WhatsApp approved, paused, disabled, re-categorised or rated a template."""

    organization_id: int
    template_id: int


@dataclass(frozen=True, slots=True)
class ChannelChanged:
    """A number was connected, blocked, unblocked, or its quality changed."""

    organization_id: int
    channel_id: int


@dataclass(frozen=True, slots=True)
class Startable:
    """A campaign that this member may start now."""

    campaign_id: int
    name: str
    project: str


@dataclass(frozen=True, slots=True)
class CampaignsAsked:
    """A member asks the assistant which campaigns he may start: whoever hears it adds to `answers`, and changes nothing.

    `words`: of the name or the project; empty for all. `answers` stays empty when the member may start none at all.
    """

    organization_id: int
    membership_id: int
    words: str
    answers: list[list[Startable]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CampaignStartAsked:
    """A member tells the assistant to start a campaign: whoever hears it does so as that member, and adds what became
    of it: the number of people, 0 when it is on the schedule. A refusal is raised (a DomainError)."""

    organization_id: int
    membership_id: int
    campaign_id: int
    at: datetime
    answers: list[int] = field(default_factory=list)
