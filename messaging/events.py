"""What messaging announces. Handlers run in the transaction of the change (core/events.py)."""

from __future__ import annotations

from dataclasses import dataclass


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
