"""What became of one stored webhook: read from the body and the rows as they are now, so it is never out of date."""

from __future__ import annotations

from dataclasses import dataclass

from messaging import incoming
from messaging.errors import WebhookMalformed
from messaging.models import Message, ParkedStatus, WebhookEvent

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """The messages that it brought or moved, oldest first, and in words what else there is to say."""

    messages: list[Message]
    notes: list[str]


def outcome_of(event: WebhookEvent) -> Outcome:
    """Two queries, besides the body of the event when that was deferred; at most 200 messages."""
    try:
        changes = incoming.parse(bytes(event.body))
    except WebhookMalformed as error:
        return Outcome([], [error.message])
    told = {str(raw.get("id") or "") for change in changes for raw in incoming.messages(change.value)}
    moved = {
        status.provider_id
        for change in changes
        for status in incoming.read_statuses(change.value, received_at=event.received_at)
    }
    ids = (told | moved) - {""}
    found = Message.objects.filter(organization=event.organization_id, provider_id__in=ids).order_by("pk")
    messages = list(found[:MOST_SHOWN])
    known = {message.provider_id for message in messages}
    parked = set(
        ParkedStatus.objects.filter(organization=event.organization_id, provider_id__in=moved - known).values_list(
            "provider_id", flat=True
        )
    )
    fields = sorted({change.field for change in changes} - {"messages"})
    notes = [f"It tells of {field}." for field in fields]
    if len(messages) == MOST_SHOWN:
        return Outcome(messages, [*notes, f"The first {MOST_SHOWN} of {len(ids)} messages are shown."])
    if parked:
        notes.append(f"Not saved yet, so that their statuses wait: {len(parked)}.")
    if missing := len(ids - known - parked):
        notes.append(f"Messages that are not here: {missing}.")
    return Outcome(messages, notes or ([] if messages else ["It says nothing of a message."]))
