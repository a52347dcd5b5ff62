"""Connecting numbers, saying what is wrong with them, and keeping them true to what WhatsApp says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from core import audit, events
from core.actors import Actor
from core.jobs import enqueue
from core.models import Membership
from core.roles import Capability
from messaging.cloud_api import ask
from messaging.errors import NumberTaken, TextInvalid, WhatsAppRefused, WhatsAppUnavailable
from messaging.events import ChannelChanged
from messaging.gateway import Credentials
from messaging.incoming import Change
from messaging.models import Channel
from messaging.models.channels import Quality, SessionStatus
from messaging.services.channel_state import block_channel

LIMITS = {
    "TIER_50": 50,
    "TIER_250": 250,
    "TIER_1K": 1_000,
    "TIER_2K": 2_000,
    "TIER_10K": 10_000,
    "TIER_100K": 100_000,
    "TIER_UNLIMITED": 2_147_483_647,
}
DEFAULT_PACE = 80
COEXISTENCE_PACE = 20
HIGH_PACE = 1000
ENDING_EVENTS = {"ACCOUNT_DELETED", "ACCOUNT_VIOLATION", "ACCOUNT_RESTRICTION", "DISABLED_UPDATE", "PARTNER_REMOVED"}


def connect_channel(
    *,
    actor: Actor,
    name: str,
    phone_number_id: str,
    waba_id: str,
    access_token: str,
    app_secret: str,
    verify_token: str,
    owner: Membership | None = None,
    at: datetime,
) -> Channel:
    """A number to write from: its token is tried, and its account's webhooks are asked for, before anything is kept.

    Raises TextInvalid (a field is empty), NumberTaken, WhatsAppRefused and WhatsAppUnavailable.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    given = {"name": name, "phone_number_id": phone_number_id, "waba_id": waba_id, "access_token": access_token}
    given |= {"app_secret": app_secret, "verify_token": verify_token}
    for field, value in given.items():
        if not value.strip():
            raise TextInvalid(f"Fill in {field.replace('_', ' ')}.", field=field)
        given[field] = value.strip()
    if not (given["phone_number_id"].isdecimal() and given["waba_id"].isdecimal()):
        raise TextInvalid("The phone number id and the account id are digits only.", field="phone_number_id")
    credentials = Credentials(given["phone_number_id"], given["access_token"])

    async def introduce(client: Any) -> dict[str, Any]:
        shown: dict[str, Any] = await client.phone_number(credentials)
        await client.subscribe_app(credentials, given["waba_id"])
        return shown

    shown = ask(introduce)
    channel = Channel(organization=actor.organization, owner=owner, **given)
    _learn(channel, shown, at)
    with transaction.atomic():
        try:
            with transaction.atomic():
                channel.save()
        except IntegrityError:
            raise NumberTaken("This number is already connected.", field="phone_number_id") from None
        audit.record(
            actor=actor, action="messaging.channel_connected", target=channel, after=audit.snapshot(channel), at=at
        )
        enqueue("messaging.sync_templates", organization_id=actor.organization.pk, channel_id=channel.pk)
        events.publish(ChannelChanged(actor.organization.pk, channel.pk))
    return channel


def check_channel(*, actor: Actor, channel: Channel, at: datetime) -> str:
    """Ask WhatsApp how the number is, keep the answer, and say in words what is wrong; "" when nothing is.

    A blocked number that answers again is unblocked: asking for the check is the acting that it waited for.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    credentials = Credentials(channel.phone_number_id, channel.access_token)

    async def look(client: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return await client.debug_token(credentials), await client.phone_number(credentials)

    trouble, shown = "", None
    try:
        token, shown = ask(look)
        trouble = _trouble(token, shown)
    except WhatsAppRefused as error:
        trouble = error.message
    except WhatsAppUnavailable as error:
        return error.message  # says nothing of the number: it stays as it was
    with transaction.atomic():
        fresh: Channel = Channel.objects.select_for_update(of=("self",)).get(pk=channel.pk)
        before = audit.snapshot(fresh, ["session_status", "status_reason", "quality", "messaging_limit", "blocked_at"])
        if shown is not None:
            _learn(fresh, shown, at)
        fresh.session_status = SessionStatus.ERROR if trouble else SessionStatus.CONNECTED
        fresh.status_reason = trouble[:300]
        fresh.blocked_at = fresh.blocked_at if trouble else None
        fresh.checked_at = at
        fresh.save()
        after = audit.snapshot(fresh, list(before))
        if after != before:
            audit.record(
                actor=actor, action="messaging.channel_checked", target=fresh, before=before, after=after, at=at
            )
            events.publish(ChannelChanged(actor.organization.pk, fresh.pk))
    return trouble


@transaction.atomic
def disconnect_channel(*, actor: Actor, channel: Channel, at: datetime) -> Channel:
    """Stop writing from this number; what people write to it still comes in. `check_channel` connects it again."""
    actor.require(Capability.CHANNELS_MANAGE)
    before = {"session_status": channel.session_status}
    channel.session_status = SessionStatus.DISCONNECTED
    channel.status_reason = "disconnected by an admin"
    channel.save(update_fields=["session_status", "status_reason", "updated_at"])
    after = {"session_status": channel.session_status}
    audit.record(
        actor=actor, action="messaging.channel_disconnected", target=channel, before=before, after=after, at=at
    )
    events.publish(ChannelChanged(actor.organization.pk, channel.pk))
    return channel


@transaction.atomic
def change_tokens(
    *,
    actor: Actor,
    channel: Channel,
    access_token: str = "",
    app_secret: str = "",
    verify_token: str = "",
    at: datetime,
) -> Channel:
    """Replace the secrets that are given; what is empty stays. Run check_channel afterwards."""
    actor.require(Capability.CHANNELS_MANAGE)
    given = {"access_token": access_token, "app_secret": app_secret, "verify_token": verify_token}
    changed = {field: value.strip() for field, value in given.items() if value.strip()}
    for field, value in changed.items():
        setattr(channel, field, value)
    channel.save(update_fields=[*changed, "updated_at"])
    after = dict.fromkeys(changed, audit.HIDDEN)
    audit.record(actor=actor, action="messaging.channel_secrets_changed", target=channel, after=after, at=at)
    return channel


@transaction.atomic
def heed_account_change(*, actor: Actor, channel: Channel, change: Change, at: datetime) -> None:
    """A webhook about the number or its account: quality, limits, restrictions."""
    actor.require(Capability.CHANNELS_MANAGE)
    value = change.value
    if change.field == "phone_number_quality_update":
        if _digits(value.get("display_phone_number")) in ("", _digits(channel.display_number)):
            _heed_quality(actor, channel, value, at)
    elif change.field == "business_capability_update":
        most = value.get("max_daily_conversations_per_business") or value.get("max_daily_conversation_per_phone")
        if isinstance(most, int):
            _save_limit(actor, channel, LIMITS["TIER_UNLIMITED"] if most < 0 else most, at)
    elif change.field == "account_update":
        event = str(value.get("event") or "")
        ban = value.get("ban_info")
        state = str(ban.get("waba_ban_state") or "") if isinstance(ban, dict) else ""
        if event in ENDING_EVENTS and state != "REINSTATE":
            reason = f"WhatsApp restricted this account ({(state or event).replace('_', ' ').lower()})"
            block_channel(actor=actor, channel=channel, reason=reason, at=at)
        else:
            enqueue("messaging.check_channel", organization_id=actor.organization.pk, channel_id=channel.pk)
    elif change.field == "account_alerts":
        enqueue("messaging.check_channel", organization_id=actor.organization.pk, channel_id=channel.pk)


def _heed_quality(actor: Actor, channel: Channel, value: Any, at: datetime) -> None:
    """The webhook tells that the quality moved, not always where to: the rest is asked for."""
    flagged = {"FLAGGED": Quality.RED, "UNFLAGGED": Quality.YELLOW}.get(str(value.get("event")))
    if flagged is not None and channel.quality != flagged:
        before = {"quality": channel.quality}
        channel.quality = flagged
        channel.save(update_fields=["quality", "updated_at"])
        after = {"quality": flagged.value}
        audit.record(actor=actor, action="messaging.channel_rated", target=channel, before=before, after=after, at=at)
        events.publish(ChannelChanged(actor.organization.pk, channel.pk))
    limit = LIMITS.get(str(value.get("current_limit")))
    if limit is not None:
        _save_limit(actor, channel, limit, at)
    enqueue("messaging.check_channel", organization_id=actor.organization.pk, channel_id=channel.pk)


def _save_limit(actor: Actor, channel: Channel, limit: int, at: datetime) -> None:
    if channel.messaging_limit == limit:
        return
    before = {"messaging_limit": channel.messaging_limit}
    channel.messaging_limit = limit
    channel.save(update_fields=["messaging_limit", "updated_at"])
    after = {"messaging_limit": limit}
    audit.record(
        actor=actor, action="messaging.channel_limit_changed", target=channel, before=before, after=after, at=at
    )


def _learn(channel: Channel, shown: dict[str, Any], at: datetime) -> None:
    """Take over what WhatsApp says of the number."""
    digits = _digits(shown.get("display_phone_number"))
    channel.display_number = f"+{digits}" if digits else channel.display_number
    quality = str(shown.get("quality_rating") or "")
    channel.quality = quality if quality in Quality.values else Quality.UNKNOWN
    limit = LIMITS.get(str(shown.get("whatsapp_business_manager_messaging_limit")))
    channel.messaging_limit = channel.messaging_limit if limit is None else limit
    throughput = shown.get("throughput")
    level = throughput.get("level") if isinstance(throughput, dict) else ""
    fastest = COEXISTENCE_PACE if channel.is_coexistence else HIGH_PACE if level == "HIGH" else DEFAULT_PACE
    # Lower is somebody's wish and stays; what WhatsApp no longer allows goes down.
    is_default = channel.messages_per_second in (COEXISTENCE_PACE, DEFAULT_PACE, HIGH_PACE)
    channel.messages_per_second = fastest if is_default else min(channel.messages_per_second, fastest)
    channel.session_status = SessionStatus.CONNECTED
    channel.status_reason = ""
    channel.checked_at = at


def _trouble(token: dict[str, Any], shown: dict[str, Any]) -> str:
    if token and token.get("is_valid") is False:
        return "The access token is no longer valid. Make a new one in Meta Business Suite and enter it here."
    missing = {"whatsapp_business_messaging", "whatsapp_business_management"} - set(token.get("scopes") or [])
    if token.get("scopes") is not None and missing:
        return f"The access token lacks the permission {', '.join(sorted(missing))}. Make a new one that has it."
    status = str(shown.get("status") or "CONNECTED")
    if status != "CONNECTED":
        words = status.replace("_", " ").lower()
        return f"WhatsApp says that this number is {words}. Look at it in WhatsApp Manager."
    return ""


def _digits(text: object) -> str:
    return "".join(filter(str.isdigit, str(text or "")))
