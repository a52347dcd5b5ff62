"""Access tokens end. Somebody is told in time, and who can make another."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.db import transaction

from core import events
from core.actors import Actor
from core.models import Membership
from core.roles import CAPABILITIES, Capability
from messaging.checkup import token_end, warn_step
from messaging.cloud_api import ask, credentials_of
from messaging.errors import WhatsAppRefused, WhatsAppUnavailable
from messaging.events import ChannelChanged
from messaging.models import Channel
from messaging.models.notices import NoticeKind
from messaging.services.channel_state import block_channel
from messaging.services.noticing import note

DEAD = "The access token is no longer valid. Make a new one in Meta Business Suite and enter it here."
MOST_NAMES = 3


def watch_tokens(*, actor: Actor, at: datetime) -> int:
    """Ask WhatsApp of every token how long it lives, each token once; how many were asked.

    Told 30, 14, 7, 3 and 1 days before the end, once at each step. A dead token blocks its numbers before a person
    presses send. WhatsApp being away says nothing.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    by_token: dict[str, list[Channel]] = defaultdict(list)
    for channel in Channel.objects.for_organization(actor.organization).live().order_by("pk"):
        by_token[channel.access_token].append(channel)
    asked = 0
    for channels in by_token.values():
        try:
            token = ask(lambda client, first=channels[0]: client.debug_token(credentials_of(first)))  # type: ignore[misc]
        except WhatsAppUnavailable:
            continue
        except WhatsAppRefused:
            token = {"is_valid": False}
        asked += 1
        for channel in channels:
            with transaction.atomic():
                _learn(actor, channel, token, at)
    return asked


def who_to_ask(actor: Actor) -> str:
    """The names of those who may enter a token."""
    roles = [role for role, capabilities in CAPABILITIES.items() if Capability.CHANNELS_MANAGE in capabilities]
    members = Membership.objects.active().filter(organization=actor.organization, role__in=roles)
    return ", ".join(members.order_by("pk").values_list("user__name", flat=True)[:MOST_NAMES])


def _learn(actor: Actor, channel: Channel, token: dict[str, object], at: datetime) -> None:
    if token.get("is_valid") is False:
        if block_channel(actor=actor, channel=channel, reason=DEAD, at=at, is_told=True):
            details = {"who": who_to_ask(actor)}
            note(
                actor=actor,
                of=channel,
                kind=NoticeKind.TOKEN,
                code="DEAD",
                key=at.isoformat(),
                details=details,
                at=at,
            )
        return
    ends = token_end(token)
    if ends != channel.token_expires_at:
        Channel.objects.filter(pk=channel.pk).update(token_expires_at=ends, updated_at=at)
    step = None if ends is None else warn_step(ends, at)
    if ends is None or step is None:
        return
    details = {"when": ends.isoformat(), "who": who_to_ask(actor), "days": str(max(0, (ends - at).days))}
    key = f"{ends.isoformat()}|{step}"
    note(actor=actor, of=channel, kind=NoticeKind.TOKEN, code="EXPIRES", key=key, details=details, at=at)
    events.publish(ChannelChanged(actor.organization.pk, channel.pk))
