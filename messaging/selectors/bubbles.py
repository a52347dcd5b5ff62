"""What a thread shows: one bubble for each message, in words that people understand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import BooleanField, F, Func, Subquery, Value

from core.actors import Actor
from core.errors import NotFound
from core.roles import Capability
from messaging import window
from messaging.error_codes import EXPLANATIONS, Treatment, explain
from messaging.models import Conversation, Message, Participant
from messaging.models.conversations import Direction, MessageStatus, MessageType

SHORT, BEFORE = 120, 30
LABELS: dict[str, str] = {
    MessageType.IMAGE: "Picture",
    MessageType.VIDEO: "Video",
    MessageType.AUDIO: "Voice or audio",
    MessageType.DOCUMENT: "Document",
    MessageType.STICKER: "Sticker",
    MessageType.LOCATION: "Location",
    MessageType.CONTACTS: "Contact card",
    MessageType.REACTION: "Reaction",
    MessageType.CALL: "Call",
    MessageType.NOTE: "Note",
    MessageType.UNSUPPORTED: "A message that WhatsApp does not pass on",
}
# The one safe step after a failure; where none is named here, sending it again.
ACTIONS = {
    Treatment.WINDOW_CLOSED: "template",
    Treatment.PAUSE_CAMPAIGN: "template",
    Treatment.SUSPECT_NUMBER: "contact",
    Treatment.OPT_OUT: "",
    Treatment.NOT_TODAY: "",
}


@dataclass(frozen=True, slots=True)
class Glimpse:
    """One message in one line."""

    message_id: int
    direction: str
    type: str
    text: str
    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a message failed, in plain words, and one safe next step."""

    code: int | None
    meaning: str
    next_step: str
    details: str
    action: str = ""  # the one thing to press: again, template, contact, settle, or nothing


@dataclass(frozen=True, slots=True)
class ThreadReaction:
    emoji: str
    direction: str


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """One bubble. `label` says what it is when there is no text; media is shown by messaging.media.address_of."""

    id: int
    direction: str
    type: str
    label: str
    body: str
    status: str
    at: datetime
    author_name: str
    quoted: Glimpse | None
    is_quoting_unknown: bool
    reactions: list[ThreadReaction]
    is_edited: bool
    is_revoked: bool
    payload: Mapping[str, Any]
    media_type: str
    media_name: str
    media_is_ready: bool
    media_error: str
    template_name: str
    trouble: Trouble | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Reader:
    """One of ours who has read the conversation, and until when."""

    membership_id: int
    name: str
    last_read_at: datetime


@dataclass(frozen=True, slots=True)
class Thread:
    """A page of a conversation, oldest first. `before` fetches what came earlier, None when that is all.

    `unread_from` is the first message that this actor has not read, `readers` who of ours has read, the latest first.
    `seen_by` are the others who have read the person's last word.
    """

    messages: list[ThreadMessage]
    before: int | None
    unread_from: int | None
    readers: list[Reader]
    seen_by: list[str]
    is_window_open: bool
    window_remaining: timedelta


def thread(
    *, actor: Actor, conversation: Conversation, before: int | None = None, limit: int = 50, at: datetime | None = None
) -> Thread:
    """A page of messages with what they quote, how people reacted, and who has read. Three queries.

    The conversation comes from `conversation()`, which has asked whether this actor may see it.
    """
    actor.require(Capability.CONVERSATIONS_READ)
    rows = Message.objects.for_organization(actor.organization).live().filter(conversation=conversation)
    rows = rows.exclude(type=MessageType.REACTION, quoted__isnull=False)
    if before is not None:
        rows = rows.filter(_Before(F("at"), F("pk"), Subquery(_moment_of(actor, before)), Value(before)))
    page = list(rows.select_related("author__user", "quoted", "template").order_by("-at", "-id")[: limit + 1])
    shown = page[:limit][::-1]
    reactions = _reactions(actor, [message.pk for message in shown])
    readers = _readers(actor, conversation)
    mine = next((each.last_read_at for each in readers if each.membership_id == _pk(actor)), None)
    heard = [message for message in shown if message.direction == Direction.INBOUND]
    new = [message.pk for message in heard if mine is None or message.created_at > mine]
    now = at or datetime.now(UTC)
    return Thread(
        messages=[_bubble(message, reactions[message.pk]) for message in shown],
        before=page[limit - 1].pk if len(page) > limit else None,
        # A conversation that one reads for the first time is not all news.
        unread_from=new[0] if new and (mine is not None or len(new) <= conversation.unread_count) else None,
        readers=readers,
        seen_by=[
            each.name
            for each in readers
            if heard and each.membership_id != _pk(actor) and each.last_read_at >= heard[-1].created_at
        ],
        is_window_open=window.is_open(conversation.window_expires_at, now),
        window_remaining=window.remaining(conversation.window_expires_at, now),
    )


def message(*, actor: Actor, message_id: int) -> Message:
    """One message of a conversation that this actor may see. One query. Raises NotFound."""
    actor.require(Capability.CONVERSATIONS_READ)
    found: Message | None = (
        Message.objects.for_organization(actor.organization)
        .live()
        .filter(conversation__in=Conversation.objects.visible_to(actor), pk=message_id)
        .first()
    )
    if found is None:
        raise NotFound("There is no such message here.")
    return found


def glimpse_of(row: Message, *, around: str = "") -> Glimpse:
    """A message in one line; with `around`, the piece of it that has those words."""
    text = " ".join(("" if is_revoked(row) else body_of(row)).split()) or label_of(row)
    place = text.casefold().find(around.casefold()) if around else -1
    start = max(place - BEFORE, 0) if place > SHORT - BEFORE else 0
    piece = f"…{text[start : start + SHORT]}" if start else text[:SHORT]
    return Glimpse(row.pk, row.direction, row.type, piece, row.status, row.at)


def _pk(actor: Actor) -> int | None:
    return actor.membership.pk if actor.membership else None


def _readers(actor: Actor, conversation: Conversation) -> list[Reader]:
    rows = Participant.objects.for_organization(actor.organization).filter(
        conversation=conversation, membership__isnull=False, last_read_at__isnull=False
    )
    found = rows.select_related("membership__user").order_by("-last_read_at")
    return [Reader(row.membership_id, row.membership.user.name, row.last_read_at) for row in found]


class _Before(Func):
    """(at, id) < (time, key): one comparison, so that the index begins there."""

    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, **_extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        parts, values = [], []
        for expression in self.source_expressions:
            sql, given = compiler.compile(expression)
            parts.append(sql)
            values += given
        return "({}, {}) < ({}, {})".format(*parts), values


def _moment_of(actor: Actor, message_id: int) -> Any:
    return Message.objects.for_organization(actor.organization).filter(pk=message_id).values("at")


def _reactions(actor: Actor, ids: list[int]) -> dict[int, list[ThreadReaction]]:
    """The last reaction of each side to each message; an empty one has been taken back."""
    rows = (
        Message.objects.for_organization(actor.organization)
        .live()
        .filter(quoted__in=ids, type=MessageType.REACTION)
        .exclude(status=MessageStatus.FAILED)
        .order_by("id")
        .values_list("quoted", "direction", "body")
    )
    latest = {(quoted, direction): emoji for quoted, direction, emoji in rows}
    found: dict[int, list[ThreadReaction]] = defaultdict(list)
    for (quoted, direction), emoji in latest.items():
        if emoji:
            found[quoted].append(ThreadReaction(emoji, direction))
    return found


def _bubble(row: Message, reactions: list[ThreadReaction]) -> ThreadMessage:
    revoked = is_revoked(row)
    return ThreadMessage(
        id=row.pk,
        direction=row.direction,
        type=row.type,
        label=label_of(row),
        body="" if revoked else body_of(row),
        status=row.status,
        at=row.at,
        author_name=row.author.user.name if row.author else "",
        quoted=glimpse_of(row.quoted) if row.quoted and row.quoted.deleted_at is None else None,
        is_quoting_unknown=bool(row.quoted_provider_id) and row.quoted is None,
        reactions=reactions,
        is_edited="edited" in row.payload,
        is_revoked=revoked,
        payload={} if revoked else row.payload,
        media_type=row.media_type,
        media_name=row.media_name,
        media_is_ready=bool(row.media_file) and not revoked,
        media_error=str(row.payload.get("media_error", "")),
        template_name=row.template.name if row.template else "",
        trouble=trouble_of(row),
        sent_at=row.sent_at,
        delivered_at=row.delivered_at,
        read_at=row.read_at,
    )


def body_of(row: Message) -> str:
    """The text as it reads now: after an edit, the new words."""
    edited = row.payload.get("edited")
    return str(edited.get("body", "")) if isinstance(edited, dict) else row.body


def is_revoked(row: Message) -> bool:
    """Whether its writer deleted it for everybody."""
    return "revoked" in row.payload


def label_of(row: Message) -> str:
    """What it is, when there is no text to show."""
    if is_revoked(row):
        return "This message was deleted"
    return str(row.payload.get("label") or LABELS.get(row.type, ""))


def trouble_of(row: Message) -> Trouble | None:
    """What went wrong with a message of ours, in plain words; None when nothing did."""
    if row.direction != Direction.OUTBOUND:
        return None
    if row.status == MessageStatus.UNKNOWN:
        return Trouble(
            None,
            "We do not know whether this message arrived.",
            "Wait a few minutes; if nothing comes, ask the person before you send it again.",
            "",
            "settle",
        )
    if row.status != MessageStatus.FAILED:
        return None
    found = explain(row.error_code)
    # What WhatsApp will refuse again, for a reason that we know, is not offered again.
    is_hopeless = found.treatment is Treatment.FINAL and row.error_code in EXPLANATIONS
    action = "" if is_hopeless or row.type == MessageType.REACTION else ACTIONS.get(found.treatment, "again")
    return Trouble(row.error_code, found.meaning, found.next_step, row.error_details or row.error_title, action)
