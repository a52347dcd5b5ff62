"""Which events the outside world is told of, under which name, with which ids (core/hooks.py sends them)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from django.utils import timezone

from core import events, hooks


def announced() -> dict[type[Any], str]:
    """The kind of every event that is announced. Apps are loaded by now."""
    from crm import events as crm
    from messaging import events as messaging

    return {
        crm.DealClosed: "deal.closed",
        crm.DealReopened: "deal.reopened",
        crm.OwnershipChanged: "unit.owners_changed",
        crm.AgentArchived: "agent.archived",
        crm.ContactsMerged: "contacts.merged",
        crm.ContactsUnmerged: "contacts.unmerged",
        crm.PropertiesMerged: "units.merged",
        messaging.InboundReceived: "message.received",
        messaging.OptedOut: "contact.opted_out",
        messaging.TemplateChanged: "template.changed",
        messaging.ChannelChanged: "channel.changed",
    }


def tell(kind: str, event: Any) -> None:
    """Every field of an event is an id: what it is now is read over the API, by whoever may."""
    data = asdict(event)
    hooks.announce(organization_id=data.pop("organization_id"), kind=kind, data=data, at=timezone.now())


_handlers: dict[str, Callable[[Any], None]] = {}


def wire() -> None:
    """Subscribe to all of them; wiring twice changes nothing."""
    for event, kind in announced().items():
        events.subscribe(event, _handlers.setdefault(kind, partial(tell, kind)))
