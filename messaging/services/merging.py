"""Two contacts turned out to be one: their talk, and who said stop, become one too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Max, Q
from django.utils.translation import gettext_noop

from core.actors import Actor
from crm.models import ContactPoint, Merge
from crm.services.merging import put, unfolded
from messaging import live, window
from messaging.models import Conversation, Message, MessageRead, OptOut, Participant
from messaging.models.conversations import Direction, MessageType
from messaging.services.consent import point_of
from messaging.services.conversations import OPEN, recount_unread


def follow_merge(*, merge: Merge) -> None:
    """Move conversations, participants and opt-outs to the survivor. Two talks through one number become one thread,
    in which messages stand in the order in which they came. Run again, it moves what came late."""
    touched = _late_messages(merge) | _conversations(merge)
    people = Participant.objects.filter(organization=merge.organization_id)
    both = people.filter(contact=merge.survivor_id).values("conversation")
    put(
        merge=merge,
        rows=people.filter(contact=merge.merged_id).exclude(conversation__in=both),
        contact_id=merge.survivor_id,
    )
    _opt_outs(merge)
    live.announce_many(organization_id=merge.organization_id, conversation_ids=sorted(touched))


def follow_unmerge(*, actor: Actor, merge: Merge) -> None:
    """Rows are back already. Whoever said stop since said it for both; threads that went on are counted anew."""
    rows = OptOut.objects.for_organization(actor.organization)
    for said in rows.live().filter(contact=merge.survivor_id, created_at__gt=merge.created_at):
        point = point_of(merge.merged_contact, said.point.value.removeprefix("+")) if said.point else None
        of_other = rows.live().filter(contact=merge.merged_id, scope=said.scope, point=point)
        if not of_other.exists():
            OptOut.objects.create(
                organization=actor.organization,
                contact_id=merge.merged_id,
                point=point,
                scope=said.scope,
                source=said.source,
                said=said.said,
                at=said.at,
            )
    steps = merge.steps.filter(model="messaging.conversation").values_list("ids", flat=True)
    touched = sorted({pk for ids in steps for pk in ids})
    for conversation in Conversation.objects.for_organization(actor.organization).live().filter(pk__in=touched):
        if conversation.messages.filter(created_at__gt=merge.created_at).exists():
            _count_anew(actor, conversation)
    live.announce_many(organization_id=actor.organization.pk, conversation_ids=touched)


def _conversations(merge: Merge) -> set[int]:
    rows = Conversation.objects.filter(organization=merge.organization_id)
    # Closed ones first: of two open ones through one number the first is kept, the other joins it.
    ours: dict[int, Conversation] = {}
    for each in rows.live().filter(contact=merge.survivor_id).order_by("-id"):
        known = ours.get(each.channel_id)
        if known is None or (each.status in OPEN and known.status not in OPEN):
            ours[each.channel_id] = each
    touched = set()
    for theirs in unfolded(merge, rows.live().filter(contact=merge.merged_id)).order_by("pk"):
        known = ours.get(theirs.channel_id)
        if known is None:
            continue
        # The one that is open goes on; the other's messages join it.
        kept, gone = (theirs, known) if theirs.status in OPEN and known.status not in OPEN else (known, theirs)
        _join(merge, kept=kept, gone=gone)
        ours[theirs.channel_id] = kept
        touched |= {kept.pk, gone.pk}
    moving = unfolded(merge, rows.filter(contact=merge.merged_id))
    touched |= set(put(merge=merge, rows=moving, noun=gettext_noop("conversations"), contact_id=merge.survivor_id))
    return touched


def _join(merge: Merge, *, kept: Conversation, gone: Conversation) -> None:
    rows = Conversation.objects.filter(organization=merge.organization_id)
    put(
        merge=merge,
        rows=rows.filter(pk=gone.pk),
        noun=gettext_noop("conversations joined"),
        deleted_at=merge.at,
        contact_id=merge.survivor_id,
    )
    messages = Message.objects.filter(organization=merge.organization_id, conversation=gone)
    put(merge=merge, rows=messages, noun=gettext_noop("messages"), conversation_id=kept.pk)
    _participants(merge, kept, gone)
    last = max([kept, gone], key=lambda each: each.last_inbound_at.timestamp() if each.last_inbound_at else 0.0)
    values: dict[str, Any] = {
        name: _later(getattr(kept, name), getattr(gone, name))
        for name in ("last_message_at", "last_inbound_at", "window_expires_at")
    }
    waiting = [each for each in (kept.waiting_since, gone.waiting_since) if each is not None]
    values |= {
        "address": last.address or kept.address,
        "waiting_since": min(waiting, default=None),
        "unread_count": kept.unread_count + gone.unread_count,
        "assigned_to_id": kept.assigned_to_id or gone.assigned_to_id,
        "topic": kept.topic or gone.topic,
    }
    put(merge=merge, rows=rows.filter(pk=kept.pk), is_apart=True, **values)


def _participants(merge: Merge, kept: Conversation, gone: Conversation) -> None:
    """Members of both talks are in the joined one once, with what they had read in either."""
    rows = Participant.objects.filter(organization=merge.organization_id)
    there = {each.membership_id: each for each in rows.filter(conversation=kept, membership__isnull=False)}
    for each in rows.filter(conversation=gone, membership__isnull=False).order_by("pk"):
        known = there.get(each.membership_id)
        if known is None:
            put(merge=merge, rows=rows.filter(pk=each.pk), conversation_id=kept.pk)
            continue
        reads = MessageRead.objects.filter(organization=merge.organization_id, participant=each)
        put(merge=merge, rows=reads, participant_id=known.pk)
        earlier = (
            None if None in (known.last_read_at, each.last_read_at) else min(known.last_read_at, each.last_read_at)
        )
        put(merge=merge, rows=rows.filter(pk=known.pk), last_read_at=earlier)


def _late_messages(merge: Merge) -> set[int]:
    """Messages that somebody was writing into a talk while it was joined."""
    joined = merge.steps.filter(model="messaging.conversation", after__has_key="deleted_at")
    touched = set()
    for gone in {pk for ids in joined.values_list("ids", flat=True) for pk in ids}:
        step = merge.steps.filter(model="messaging.message", before__conversation_id=gone).first()
        kept = step.after["conversation_id"] if step else _kept_for(merge, gone)
        late = Message.objects.filter(organization=merge.organization_id, conversation=gone)
        if kept and put(merge=merge, rows=late, noun=gettext_noop("messages"), conversation_id=kept):
            touched.add(kept)
    return touched


def _kept_for(merge: Merge, gone: int) -> int | None:
    """A joined talk that was empty then names no other: it is the survivor's, through the same number."""
    channel = Conversation.objects.filter(pk=gone).values("channel")
    rows = Conversation.objects.filter(organization=merge.organization_id).live()
    found: int | None = (
        rows.filter(contact=merge.survivor_id, channel__in=channel).order_by("-id").values_list("pk", flat=True).first()
    )
    return found


def _opt_outs(merge: Merge) -> None:
    rows = OptOut.objects.filter(organization=merge.organization_id)
    points = _points_now(merge)
    said = {(each.point_id, each.scope) for each in rows.filter(contact=merge.survivor_id, deleted_at__isnull=True)}
    hidden = Q(contact__isnull=True, point__in=points)
    for each in unfolded(merge, rows.filter(Q(contact=merge.merged_id) | hidden)).order_by("pk"):
        one = rows.filter(pk=each.pk)
        point = points.get(each.point_id, each.point_id)
        if each.contact_id is None:
            put(merge=merge, rows=one, noun=gettext_noop("opt-outs"), point_id=point)
        elif each.deleted_at is None and (point, each.scope) in said:
            put(merge=merge, rows=one, noun=gettext_noop("opt-outs that both have"), deleted_at=merge.at)
        else:
            put(merge=merge, rows=one, noun=gettext_noop("opt-outs"), contact_id=merge.survivor_id, point_id=point)


def _points_now(merge: Merge) -> dict[int, int]:
    """From the numbers that the merge hid to the survivor's copies of them."""
    steps = merge.steps.filter(model="crm.contactpoint", after__has_key="deleted_at").values_list("ids", flat=True)
    ids = [pk for some in steps for pk in some]
    rows = ContactPoint.objects.filter(organization=merge.organization_id)
    copies = rows.live().filter(contact=merge.survivor_id).values_list("kind", "value", "pk")
    now = {(kind, value): pk for kind, value, pk in copies}
    gone = rows.filter(pk__in=ids).values_list("pk", "kind", "value")
    return {pk: now[kind, value] for pk, kind, value in gone if (kind, value) in now}


def _count_anew(actor: Actor, conversation: Conversation) -> None:
    messages = conversation.messages.live()
    inbound = messages.filter(direction=Direction.INBOUND).exclude(type=MessageType.SYSTEM)
    last, heard = messages.aggregate(at=Max("at"))["at"], inbound.aggregate(at=Max("at"))["at"]
    Conversation.objects.filter(pk=conversation.pk).update(
        last_message_at=last or conversation.last_message_at,
        last_inbound_at=heard,
        window_expires_at=window.closes_at(heard) if heard else None,
    )
    recount_unread(actor=actor, conversation=conversation)


def _later(first: datetime | None, second: datetime | None) -> datetime | None:
    return max(first, second) if first and second else first or second
