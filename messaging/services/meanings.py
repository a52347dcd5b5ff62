"""What people's messages mean: worked out after they are kept, never in their way, and shown as a mark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, Q
from redis.exceptions import RedisError

from core.actors import Actor
from core.roles import Capability
from messaging import live
from messaging.models import Conversation, Message
from messaging.models.conversations import Direction
from messaging.understanding import Meaning, OfflineUnderstanding, UnderstandingDown, understanding

log = structlog.get_logger(__name__)

AT_ONCE = 50
MOST = 2_000
# A hosted model that failed is left in peace for so long; the offline one says what there is to say.
REST = timedelta(minutes=1)
RESTING = "messaging:understanding:rests"


def understand_waiting(*, actor: Actor, at: datetime) -> dict[str, int]:
    """Work through what nobody has understood yet, newest first. Counts by who understood it.

    No lock is held while a model is asked. Two workers at once may read a message twice; the first answer is kept.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    counts: Counter[str] = Counter()
    for batch in _waiting(actor):
        read = [(message, *_read(message.body)) for message in batch]
        for message, meaning, by in read:
            _keep(actor, message, meaning, by, at)
            counts[by] += 1
        live.announce_many(
            organization_id=actor.organization.pk,
            conversation_ids=sorted({message.conversation_id for message, _, _ in read}),
        )
    return dict(counts)


def _waiting(actor: Actor) -> Iterator[list[Message]]:
    rows = (
        Message.objects.for_organization(actor.organization)
        .filter(direction=Direction.INBOUND, understood_at__isnull=True)
        .exclude(body="")
        .order_by("-id")
    )
    below: int | None = None
    for _ in range(MOST // AT_ONCE):
        batch = list((rows if below is None else rows.filter(pk__lt=below))[:AT_ONCE])
        if not batch:
            return
        below = batch[-1].pk
        yield batch


def _read(text: str) -> tuple[Meaning, str]:
    chosen = understanding()
    if chosen.name != OfflineUnderstanding.name and not _rests():
        try:
            return chosen.read(text), chosen.name
        except UnderstandingDown as error:
            log.warning("understanding_down", reason=str(error))
            _rest()
    return OfflineUnderstanding().read(text), OfflineUnderstanding.name


@transaction.atomic
def _keep(actor: Actor, message: Message, meaning: Meaning, by: str, at: datetime) -> None:
    kept = Message.objects.filter(organization=actor.organization, pk=message.pk, understood_at__isnull=True).update(
        language=meaning.language,
        sentiment=meaning.sentiment,
        intent=meaning.intent,
        understood_at=at,
        understood_by=by,
    )
    if kept and not message.assistant_turns.exists():  # what members ask of the assistant is no customer's mood
        # The newest are read first, and two of one second are told apart by their keys.
        later = Message.objects.filter(
            Q(at__gt=message.at) | Q(at=message.at, pk__gt=message.pk),
            organization=actor.organization,
            conversation_id=message.conversation_id,
            direction=Direction.INBOUND,
        )
        talk = Conversation.objects.filter(~Exists(later), organization=actor.organization, pk=message.conversation_id)
        talk.update(last_sentiment=meaning.sentiment, last_intent=meaning.intent)


def _rests() -> bool:
    try:
        return bool(cache.get(RESTING))
    except (RedisError, OSError):
        return False


def _rest() -> None:
    try:
        cache.set(RESTING, 1, REST.seconds)
    except (RedisError, OSError):
        return
