"""Webhooks that are not messages of a person nor statuses of ours: each field, and who heeds it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.actors import Actor
from core.roles import Capability
from messaging.incoming import Change
from messaging.models import Channel
from messaging.services.channels import heed_account_change
from messaging.services.template_sync import heed_template_change

TEMPLATE_FIELDS = ("message_template_status_update", "message_template_quality_update", "template_category_update")
ACCOUNT_FIELDS = ("phone_number_quality_update", "business_capability_update", "account_update", "account_alerts")
# What messaging/services/intake.py works through itself.
TALK_FIELDS = ("messages", "user_preferences")


def heed_change(*, actor: Actor, change: Change, channels: Sequence[Channel], at: datetime) -> list[str]:
    """One change of any other field; what nobody heeds stays in the stored webhook. Returns what went wrong."""
    actor.require(Capability.CHANNELS_MANAGE)
    numbers = [channel for channel in channels if channel.waba_id == change.waba_id]
    if change.field in TEMPLATE_FIELDS and numbers:
        heed_template_change(actor=actor, channel=numbers[0], change=change, at=at)
    elif change.field in ACCOUNT_FIELDS:
        for channel in numbers:
            heed_account_change(actor=actor, channel=channel, change=change, at=at)
    return []
