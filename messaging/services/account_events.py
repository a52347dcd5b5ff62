"""What Meta tells of numbers and accounts by itself: kept true at once, with a line of history that says what it means."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import override

from core import audit, events
from core.actors import Actor
from core.jobs import enqueue
from core.roles import Capability
from messaging.contents import Json, mapping
from messaging.events import ChannelChanged
from messaging.incoming import Change
from messaging.models import Channel
from messaging.models.channels import Quality
from messaging.models.notices import NoticeKind
from messaging.services.channel_state import block_channel, limit_to_answers
from messaging.services.channels import LIMITS, digits_of
from messaging.services.noticing import note
from messaging.verdicts import read

# These end what an account may do; a violation alone is a warning, and a planned end is announced.
ENDING = {"ACCOUNT_DELETED", "ACCOUNT_OFFBOARDED", "ACCOUNT_RESTRICTION", "DISABLE", "PARTNER_REMOVED"}
QUALITIES = {"FLAGGED": Quality.RED, "UNFLAGGED": Quality.YELLOW}
LIMIT_EVENTS = ("UPGRADE", "DOWNGRADE", "ONBOARDING")
UNLIMITED = LIMITS["TIER_UNLIMITED"]


@transaction.atomic
def heed_account_change(*, actor: Actor, numbers: Sequence[Channel], change: Change, at: datetime) -> None:
    """One change about these numbers of an account. Told again it changes nothing, and makes no second line."""
    actor.require(Capability.CHANNELS_MANAGE)
    fresh = list(
        Channel.objects.select_for_update(of=("self",))
        .select_related("organization")
        .filter(pk__in=[number.pk for number in numbers])
        .order_by("pk")
    )
    heed = {
        "phone_number_quality_update": _quality,
        "business_capability_update": _capability,
        "account_update": _account,
        "account_alerts": _alert,
    }.get(change.field)
    if heed is not None and fresh:
        heed(actor, fresh, change.value, _key(change), at)


def _quality(actor: Actor, numbers: list[Channel], value: Json, key: str, at: datetime) -> None:
    """Quality and limits: the webhook tells that they moved, not always where to; the rest is asked for."""
    told, event = digits_of(value.get("display_phone_number")), str(value.get("event") or "")
    limit = _limit(value.get("max_daily_conversations_per_business"), value.get("current_limit"))
    for channel in numbers:
        if told and told != digits_of(channel.display_number):
            continue
        if event in QUALITIES:
            if channel.quality != QUALITIES[event]:
                _save(actor, channel, {"quality": QUALITIES[event]}, "messaging.channel_rated", at)
            note(actor=actor, of=channel, kind=NoticeKind.QUALITY, code=event, key=key, at=at)
        elif event == "THROUGHPUT_UPGRADE":
            note(actor=actor, of=channel, kind=NoticeKind.THROUGHPUT, code=event, key=key, at=at)
        elif event in LIMIT_EVENTS and limit is not None:
            before = _limit(None, value.get("old_limit"))
            details = {"now": limit, **({"before": before} if before is not None else {})}
            note(actor=actor, of=channel, kind=NoticeKind.LIMIT, code=event, key=key, details=details, at=at)
        if limit is not None:
            _limit_of_portfolio(actor, channel, limit, at)
        enqueue("messaging.check_channel", organization_id=actor.organization.pk, channel_id=channel.pk)


def _capability(actor: Actor, numbers: list[Channel], value: Json, key: str, at: datetime) -> None:
    """The messaging limit: one for the whole portfolio, whichever account the webhook names."""
    most = value.get("max_daily_conversations_per_business", value.get("max_daily_conversation_per_phone"))
    limit = _limit(most, None)
    if limit is None:
        return
    before = numbers[0].messaging_limit
    if limit != before:
        code = "UPGRADE" if limit > before else "DOWNGRADE"
        details = {"now": limit, "before": before}
        note(
            actor=actor,
            of=numbers[0],
            kind=NoticeKind.LIMIT,
            code=code,
            key=key,
            details=details,
            at=at,
            is_of_account=True,
        )
    _limit_of_portfolio(actor, numbers[0], limit, at)


def _account(actor: Actor, numbers: list[Channel], value: Json, key: str, at: datetime) -> None:
    """Bans, violations, restrictions, and the good news."""
    ban, event = mapping(value.get("ban_info")), str(value.get("event") or "")
    code = str(ban.get("waba_ban_state") or event)
    details = _account_details(value, ban)
    told = digits_of(value.get("phone_number"))
    mine = [each for each in numbers if not told or told == digits_of(each.display_number)] or numbers
    for channel in mine[:1] if len(mine) == len(numbers) else mine:
        note(
            actor=actor,
            of=channel,
            kind=NoticeKind.ACCOUNT,
            code=code,
            key=key,
            details=details,
            at=at,
            is_of_account=len(mine) == len(numbers),
        )
    for channel in mine:
        if code in ENDING:
            with override("en"):
                said = read(NoticeKind.ACCOUNT, code, details)
            words = (code if code != "DISABLE" else event).replace("_", " ").lower()
            reason = f"WhatsApp restricted this account ({words}). {said.step}"
            stop = limit_to_answers if _may_answer(value, code) else block_channel
            if not stop(actor=actor, channel=channel, reason=reason, at=at, is_told=True):
                _save(actor, channel, {"status_reason": reason[:300]}, "messaging.channel_blocked", at)
        else:
            enqueue("messaging.check_channel", organization_id=actor.organization.pk, channel_id=channel.pk)


def _may_answer(value: Json, code: str) -> bool:
    """Whether what is restricted is beginning talk only."""
    kinds = {str(mapping(each).get("restriction_type")) for each in value.get("restriction_info") or []}
    return (
        code == "ACCOUNT_RESTRICTION"
        and "RESTRICTED_BIZ_INITIATED_MESSAGING" in kinds
        and "RESTRICTED_CUSTOMER_INITIATED_MESSAGING" not in kinds
    )


def _account_details(value: Json, ban: Json) -> dict[str, Any]:
    """What was broken or forbidden, and until when."""
    limits = [mapping(each) for each in value.get("restriction_info") or []]
    what = mapping(value.get("violation_info")).get("violation_type")
    what = what or next((str(each.get("restriction_type") or "") for each in limits), "")
    ends = [moment for each in limits if (moment := _moment(each.get("expiration"))) is not None]
    when = max(ends, default=None) or _moment(ban.get("waba_ban_date"))
    return {"what": str(what), **({"when": when.isoformat()} if when else {})}


def _alert(actor: Actor, numbers: list[Channel], value: Json, key: str, at: datetime) -> None:
    """Decisions on limits, the badge and the profile picture; of one number when it is named."""
    told = {**mapping(value.get("alert_info")), **{name: value[name] for name in value if name.startswith("alert_")}}
    entity = str(value.get("entity_id") or "")
    named = [channel for channel in numbers if entity and entity == channel.phone_number_id]
    details = {"what": str(told.get("alert_description") or "")[:500], "alert": str(told.get("alert_severity") or "")}
    code = str(told.get("alert_type") or "ALERT")
    note(
        actor=actor,
        of=(named or numbers)[0],
        kind=NoticeKind.ALERT,
        code=code,
        key=key,
        details=details,
        at=at,
        is_of_account=not named,
    )
    for channel in named or numbers:
        enqueue("messaging.check_channel", organization_id=actor.organization.pk, channel_id=channel.pk)


def _limit_of_portfolio(actor: Actor, channel: Channel, limit: int, at: datetime) -> None:
    for each in Channel.objects.of_portfolio(channel).select_for_update(of=("self",)).order_by("pk"):
        if each.messaging_limit != limit:
            _save(actor, each, {"messaging_limit": limit}, "messaging.channel_limit_changed", at)


def _save(actor: Actor, channel: Channel, changes: dict[str, Any], action: str, at: datetime) -> None:
    before = audit.snapshot(channel, list(changes))
    for name, value in changes.items():
        setattr(channel, name, value)
    channel.save(update_fields=[*changes, "updated_at"])
    audit.record(
        actor=actor,
        action=action,
        target=channel,
        before=before,
        after=audit.snapshot(channel, list(changes)),
        at=at,
    )
    events.publish(ChannelChanged(actor.organization.pk, channel.pk))


def _limit(number: Any, tier: Any) -> int | None:
    if isinstance(number, int) and not isinstance(number, bool):
        return UNLIMITED if number < 0 else number
    return LIMITS.get(str(tier))


def _moment(value: Any) -> datetime | None:
    """A time as Meta writes it: seconds, or a date."""
    try:
        return datetime.fromtimestamp(int(str(value)), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    for form in ("%B %d, %Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(str(value), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _key(change: Change) -> str:
    """What makes two changes the same event: the time of their entry and all they say."""
    return f"{change.field}|{change.time}|{json.dumps(change.value, sort_keys=True, default=str)}"
