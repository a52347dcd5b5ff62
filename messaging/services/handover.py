"""Conversations that follow their agent's work to a colleague: whose they are, who takes part, and a note that says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from core.models import Membership
from messaging import live
from messaging.models import Conversation, Message, Participant
from messaging.models.conversations import ConversationStatus, Direction, MessageStatus, MessageType

AT_A_TIME = 1_000


def talk_of(organization_id: int, membership_id: int) -> QuerySet[Any]:
    """What this member answers for, closed talk too: whoever writes again would else be heard by nobody."""
    mine = Conversation.objects.live().filter(organization=organization_id, assigned_to=membership_id)
    return mine.exclude(status=ConversationStatus.ARCHIVED)


def hand_over(*, talk: QuerySet[Any], before: Membership, after: Membership, at: datetime) -> None:
    """Five statements for every thousand conversations: whose they are, who takes part, and a note in the open ones."""
    rows = list(talk.select_related(None).order_by("pk").values_list("pk", "organization_id", "channel_id", "status"))
    note = f"Handed over from {before.user.name} to {after.user.name}."
    for start in range(0, len(rows), AT_A_TIME):
        some = rows[start : start + AT_A_TIME]
        ids = [row[0] for row in some]
        Conversation.objects.filter(pk__in=ids).update(assigned_to=after, updated_at=at)
        _change_participants(ids, rows[0][1], before, after, at)
        Message.objects.bulk_create(
            Message(
                organization_id=house,
                conversation_id=pk,
                channel_id=channel,
                direction=Direction.OUTBOUND,
                type=MessageType.SYSTEM,
                status=MessageStatus.RECEIVED,
                body=note,
                at=at,
            )
            for pk, house, channel, status in some
            if status in (ConversationStatus.OPEN, ConversationStatus.PENDING)
        )
        live.announce_many(organization_id=rows[0][1], conversation_ids=ids)


def _change_participants(ids: Sequence[int], house: int, before: Membership, after: Membership, at: datetime) -> None:
    there = Participant.objects.filter(organization=house, conversation__in=ids)
    there.filter(membership=before, left_at__isnull=True).update(left_at=at)
    there.filter(membership=after, left_at__isnull=False).update(left_at=None)
    Participant.objects.bulk_create(
        (
            Participant(organization_id=house, conversation_id=pk, membership=after, contact=None, joined_at=at)
            for pk in ids
        ),
        ignore_conflicts=True,
    )
