"""What became of the message before, and what a step makes of it. Pure."""

from __future__ import annotations

from enum import StrEnum

from campaigns.models import Act, SequenceStep
from messaging.models.conversations import MessageStatus


class Became(StrEnum):
    """Exactly one of these is true of a message that was sent; the value names the step's field."""

    REPLIED = "if_replied"
    FAILED = "if_failed"
    READ = "if_read"
    DELIVERED = "if_delivered"
    UNSEEN = "if_unseen"


STILL_ON_ITS_WAY = (MessageStatus.QUEUED, MessageStatus.SENDING)


def became(status: str, *, has_replied: bool) -> Became:
    """An answer says more than two blue ticks. What is in doubt counts as unseen."""
    if has_replied:
        return Became.REPLIED
    if status == MessageStatus.FAILED:
        return Became.FAILED
    if status in (MessageStatus.READ, MessageStatus.PLAYED):
        return Became.READ
    return Became.DELIVERED if status == MessageStatus.DELIVERED else Became.UNSEEN


def act_of(step: SequenceStep, before: Became | None) -> Act:
    """Send, skip or end. Before the first message (None) there is nothing to ask."""
    return Act.CONTINUE if before is None else Act(getattr(step, before.value))
