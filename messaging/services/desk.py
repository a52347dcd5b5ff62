"""What an office keeps at hand: canned replies, and its hours."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from core import audit
from core.actors import Actor
from core.errors import Invalid, NotFound
from core.models.organization import validate_time_zone
from core.roles import Capability
from messaging import hours, payloads
from messaging.errors import HoursInvalid, ShortcutTaken, TextInvalid
from messaging.models import CannedReply, Channel, OfficeHours

LONGEST_SHORTCUT = 30


@transaction.atomic
def save_canned_reply(
    *, actor: Actor, shortcut: str, body: str, is_shared: bool, at: datetime, reply: CannedReply | None = None
) -> CannedReply:
    """Keep a reply under a shortcut, or change one. Shared ones are for supervisors and above to change.

    Raises ShortcutTaken, TextInvalid, CapabilityMissing.
    """
    actor.require(Capability.CONVERSATIONS_REPLY)
    if is_shared or (reply is not None and reply.owner_id is None):
        actor.require(Capability.CONVERSATIONS_ASSIGN)
    elif actor.membership is None:
        raise Invalid("A reply of one's own needs somebody whose it is.", field="is_shared")
    if reply is not None:
        reply = _visible(actor, reply)
    shortcut, body = shortcut.strip().removeprefix("/").lower(), body.replace("\x00", "").strip()
    if not 1 <= len(shortcut) <= LONGEST_SHORTCUT or any(each.isspace() or each == "/" for each in shortcut):
        raise TextInvalid("A shortcut is one word of up to 30 letters, without a slash.", field="shortcut")
    if not 1 <= len(body) <= payloads.LONGEST_TEXT:
        raise TextInvalid(f"Write between 1 and {payloads.LONGEST_TEXT} characters.", field="body")
    kept = reply or CannedReply(organization=actor.organization)
    before = {"shortcut": kept.shortcut, "body": kept.body} if kept.pk else {}
    kept.owner, kept.shortcut, kept.body = None if is_shared else actor.membership, shortcut, body
    try:
        with transaction.atomic():
            kept.save()
    except IntegrityError:
        raise ShortcutTaken(
            f"There is already a reply under /{shortcut}; choose another word.", field="shortcut"
        ) from None
    audit.record(
        actor=actor,
        action="messaging.canned_reply_saved",
        target=kept,
        before=before,
        after={"shortcut": shortcut, "body": body, "is_shared": is_shared},
        at=at,
    )
    return kept


@transaction.atomic
def delete_canned_reply(*, actor: Actor, reply: CannedReply, at: datetime) -> None:
    """Nobody is offered this reply any more. What was sent with it stays as it was said."""
    actor.require(Capability.CONVERSATIONS_REPLY)
    reply = _visible(actor, reply)
    if reply.owner_id is None:
        actor.require(Capability.CONVERSATIONS_ASSIGN)
    before = {"shortcut": reply.shortcut, "body": reply.body}
    audit.record(actor=actor, action="messaging.canned_reply_deleted", target=reply, before=before, at=at)
    reply.delete()


@transaction.atomic
def save_office_hours(
    *,
    actor: Actor,
    channel: Channel | None,
    week: list[Any],
    time_zone: str,
    says_away: bool,
    away_text: str,
    away_text_arabic: str,
    at: datetime,
) -> OfficeHours:
    """Say when somebody is there, for one number or (None) for all without hours of their own. Raises HoursInvalid."""
    actor.require(Capability.CONVERSATIONS_ASSIGN)
    actor.require(Capability.STOCK_WRITE)  # managers: it speaks for the whole house
    if channel is not None and not Channel.objects.visible_to(actor).filter(pk=channel.pk).exists():
        raise NotFound("There is no such number here.")
    try:
        hours.read_week(week)
        if time_zone:
            validate_time_zone(time_zone)
    except ValueError as error:
        raise HoursInvalid(str(error), field="week") from None
    except ValidationError as error:
        raise HoursInvalid(" ".join(error.messages), field="time_zone") from None
    texts = [text.replace("\x00", "").strip() for text in (away_text, away_text_arabic)]
    if says_away and not texts[0]:
        raise HoursInvalid("Write what is said while nobody is there.", field="away_text")
    if max(map(len, texts)) > payloads.LONGEST_TEXT:
        raise HoursInvalid(f"The text may have {payloads.LONGEST_TEXT} characters.", field="away_text")
    values = {
        "week": week,
        "time_zone": time_zone,
        "says_away": says_away,
        "away_text": texts[0],
        "away_text_arabic": texts[1],
    }
    kept, _ = OfficeHours.objects.update_or_create(organization=actor.organization, channel=channel, defaults=values)
    audit.record(actor=actor, action="messaging.office_hours_saved", target=kept, after=values, at=at)
    return kept


def _visible(actor: Actor, reply: CannedReply) -> CannedReply:
    found: CannedReply | None = (
        CannedReply.objects.visible_to(actor).select_for_update(of=("self",)).filter(pk=reply.pk).first()
    )
    if found is None:
        raise NotFound("There is no such reply here.")
    return found
