"""Connecting numbers, saying what is wrong with them, and keeping them true to what WhatsApp says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import override

from core import audit, events
from core.actors import Actor
from core.jobs import enqueue
from core.models import Membership
from core.roles import Capability
from messaging.checkup import Finding, examine, token_end
from messaging.cloud_api import ask
from messaging.errors import AppealPointless, NumberTaken, TextInvalid, WhatsAppRefused, WhatsAppUnavailable
from messaging.events import ChannelChanged
from messaging.gateway import Credentials
from messaging.incoming import clean
from messaging.models import Appeal, Channel
from messaging.models.channels import Quality, SessionStatus
from messaging.models.notices import AppealOutcome
from messaging.services.noticing import note

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
OF_APP = ("app_secret", "verify_token")
WATCHED = [
    "session_status",
    "status_reason",
    "quality",
    "messaging_limit",
    "number_status",
    "blocked_at",
    "answers_only_since",
]


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

    async def introduce(client: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        shown = await client.phone_number(credentials)
        await client.subscribe_app(credentials, given["waba_id"])
        account = await client.account(credentials, given["waba_id"])
        return await client.debug_token(credentials), shown, account

    token, shown, account = ask(introduce, timeout=30)
    channel = Channel(organization=actor.organization, owner=owner, **given)
    _learn(channel, shown, at)
    _learn_account(channel, token, account)
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
    """Ask WhatsApp how the number is, keep the answer, and say in words what keeps it from sending; "" when nothing.

    Everything that was found, and not only what stops it, is kept with the channel (`findings`). A blocked number that
    answers again is unblocked: asking for the check is the acting that it waited for. Webhooks that do not come to us
    are asked for again.
    """
    actor.require(Capability.CHANNELS_CHECK)
    credentials = Credentials(channel.phone_number_id, channel.access_token)

    async def look(client: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        token = await client.debug_token(credentials)
        if token.get("is_valid") is False:
            return token, {}, {}
        number, account = await client.phone_number(credentials), await client.account(credentials, channel.waba_id)
        if not account["subscribed_apps"]:
            await client.subscribe_app(credentials, channel.waba_id)
        return token, number, account

    shown: dict[str, Any] = {}
    refusal = ""
    findings: list[Finding] = []
    token: dict[str, Any] = {}
    account: dict[str, Any] = {}
    try:
        token, shown, account = ask(look, timeout=30)
        findings = examine(
            waba_id=channel.waba_id,
            phone_number_id=channel.phone_number_id,
            token=token,
            number=shown,
            account_numbers=account.get("phone_numbers") or [],
            subscriptions=account.get("subscribed_apps") or [],
            at=at,
        )
    except WhatsAppRefused as error:
        refusal = error.message
    except WhatsAppUnavailable as error:
        return error.message  # says nothing of the number: it stays as it was
    stopping = next((finding for finding in findings if finding.is_stopping), None)
    with override("en"):  # what is kept is in the language of the trail; pages show `findings` in the reader's
        trouble = refusal or (f"{stopping.meaning} {stopping.step}" if stopping else "")
    with transaction.atomic():
        fresh: Channel = Channel.objects.select_for_update(of=("self",)).get(pk=channel.pk)
        before = audit.snapshot(fresh, WATCHED)
        if shown:
            _learn(fresh, shown, at)
        _learn_account(fresh, token, account)
        fresh.session_status = SessionStatus.ERROR if trouble else SessionStatus.CONNECTED
        fresh.status_reason = trouble[:300]
        fresh.findings = [finding.as_json() for finding in findings]
        if not trouble:
            fresh.blocked_at = fresh.answers_only_since = None
        fresh.checked_at = at
        fresh.save()
        after = audit.snapshot(fresh, list(before))
        if after != before:
            audit.record(
                actor=actor, action="messaging.channel_checked", target=fresh, before=before, after=after, at=at
            )
            _tell(actor, fresh, before, at)
            events.publish(ChannelChanged(actor.organization.pk, fresh.pk))
        if not trouble:
            fresh.appeals.filter(outcome=AppealOutcome.WAITING).update(
                outcome=AppealOutcome.RESTORED, decided_at=at, updated_at=at
            )
    return trouble


def _tell(actor: Actor, channel: Channel, before: dict[str, Any], at: datetime) -> None:
    """What a check found changed belongs to the history as much as what a webhook told."""
    key = at.isoformat()
    if before["quality"] != channel.quality:
        details = {"now": str(channel.quality), "before": before["quality"]}
        note(actor=actor, of=channel, kind="quality", code=str(channel.quality), key=key, details=details, at=at)
    was_stopped = before["blocked_at"] or before["answers_only_since"]
    if was_stopped and channel.blocked_at is None and channel.answers_only_since is None:
        note(actor=actor, of=channel, kind="number", code="UNBLOCKED", key=key, at=at)
    if before["number_status"] and before["number_status"] != channel.number_status:
        note(actor=actor, of=channel, kind="number", code=channel.number_status, key=key, at=at)


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
    """Replace the secrets that are given; what is empty stays. Run check_channel afterwards.

    App secret and verify token belong to the Meta app: they change for every number of the same app.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    given = {"access_token": access_token, "app_secret": app_secret, "verify_token": verify_token}
    changed = {field: value.strip() for field, value in given.items() if value.strip()}
    for each in [channel, *_of_same_app(channel)]:
        fields = changed if each is channel else {name: changed[name] for name in OF_APP if name in changed}
        if not fields:
            continue
        for field, value in fields.items():
            setattr(each, field, value)
        each.save(update_fields=[*fields, "updated_at"])
        after = dict.fromkeys(fields, audit.HIDDEN)
        audit.record(actor=actor, action="messaging.channel_secrets_changed", target=each, after=after, at=at)
    if "access_token" in changed:
        note(actor=actor, of=channel, kind="token", code="RENEWED", key=at.isoformat(), at=at)
    return channel


@transaction.atomic
def appeal_block(*, actor: Actor, channel: Channel, reason: str, at: datetime) -> Appeal:
    """Somebody has asked WhatsApp to lift the block: the number counts as submitted until a check finds it well.

    Raises AppealPointless when the number is not blocked, or the question is open already.
    """
    actor.require(Capability.CHANNELS_CHECK)
    is_well = channel.blocked_at is None and channel.answers_only_since is None
    if actor.membership is None or (is_well and channel.session_status != SessionStatus.ERROR):
        raise AppealPointless("This number is not blocked; there is nothing to ask for.")
    try:
        with transaction.atomic():
            appeal = Appeal.objects.create(
                organization=actor.organization,
                channel=channel,
                asked_by=actor.membership,
                asked_at=at,
                note=clean(reason.strip())[:500],
            )
    except IntegrityError:
        raise AppealPointless("WhatsApp has been asked already; wait for the answer.") from None
    audit.record(actor=actor, action="messaging.block_appealed", target=channel, after={"note": appeal.note}, at=at)
    return appeal


@transaction.atomic
def close_appeal(*, actor: Actor, channel: Channel, at: datetime) -> None:
    """WhatsApp said no: the number is blocked for good. A check that finds it well says otherwise by itself."""
    actor.require(Capability.CHANNELS_CHECK)
    waiting = channel.appeals.filter(outcome=AppealOutcome.WAITING)
    if not waiting.update(outcome=AppealOutcome.REFUSED, decided_at=at, updated_at=at):
        raise AppealPointless("WhatsApp was not asked to lift this block.")
    audit.record(actor=actor, action="messaging.appeal_refused", target=channel, at=at)


def _of_same_app(channel: Channel) -> list[Channel]:
    """The other numbers whose webhooks the same Meta app signs: secret and verify token are the app's, not theirs."""
    if not channel.app_id:
        return []
    rows = Channel.objects.for_organization(channel.organization).live().filter(app_id=channel.app_id)
    return list(rows.exclude(pk=channel.pk).select_for_update(of=("self",)))


def _learn_account(channel: Channel, token: dict[str, Any], account: dict[str, Any]) -> None:
    """What the token and the account say: the app, when the token ends, and the portfolio that shares the limit."""
    if token:
        channel.app_id = str(token.get("app_id") or channel.app_id)
        channel.token_expires_at = token_end(token)
    owner = account.get("owner_business_info")
    if isinstance(owner, dict) and owner.get("id"):
        channel.portfolio_id = str(owner["id"])


def _learn(channel: Channel, shown: dict[str, Any], at: datetime) -> None:
    """Take over what WhatsApp says of the number."""
    digits = digits_of(shown.get("display_phone_number"))
    channel.display_number = f"+{digits}" if digits else channel.display_number
    quality = str(shown.get("quality_rating") or "")
    channel.quality = quality if quality in Quality.values else Quality.UNKNOWN
    limit = LIMITS.get(str(shown.get("whatsapp_business_manager_messaging_limit")))
    channel.messaging_limit = channel.messaging_limit if limit is None else limit
    channel.number_status = str(shown.get("status") or channel.number_status)[:30]
    channel.verified_name = str(shown.get("verified_name") or channel.verified_name)[:200]
    if isinstance(shown.get("is_on_biz_app"), bool):
        channel.is_coexistence = shown["is_on_biz_app"]
    throughput = shown.get("throughput")
    level = throughput.get("level") if isinstance(throughput, dict) else ""
    fastest = COEXISTENCE_PACE if channel.is_coexistence else HIGH_PACE if level == "HIGH" else DEFAULT_PACE
    # Lower is somebody's wish and stays; what WhatsApp no longer allows goes down.
    is_default = channel.messages_per_second in (COEXISTENCE_PACE, DEFAULT_PACE, HIGH_PACE)
    channel.messages_per_second = fastest if is_default else min(channel.messages_per_second, fastest)
    channel.session_status = SessionStatus.CONNECTED
    channel.status_reason = ""
    channel.checked_at = at


def digits_of(text: object) -> str:
    return "".join(filter(str.isdigit, str(text or "")))
