"""What the inbox and a thread show. Frozen answers with a promised number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery

from core.actors import Actor
from core.errors import Invalid, NotFound
from core.roles import Capability
from crm.models import ContactPoint
from messaging import window
from messaging.error_codes import explain
from messaging.models import Channel, Conversation, Message, MessageTemplate
from messaging.models.conversations import ConversationStatus, Direction, MessageStatus, MessageType

SHORT = 120
PATIENCE = timedelta(minutes=15)
CLOSING_SOON = timedelta(hours=2)
OPEN = (ConversationStatus.OPEN, ConversationStatus.PENDING)
LABELS: dict[str, str] = {
    MessageType.IMAGE: "Picture",
    MessageType.VIDEO: "Video",
    MessageType.AUDIO: "Voice or audio",
    MessageType.DOCUMENT: "Document",
    MessageType.STICKER: "Sticker",
    MessageType.LOCATION: "Location",
    MessageType.CONTACTS: "Contact card",
    MessageType.REACTION: "Reaction",
    MessageType.UNSUPPORTED: "A message that WhatsApp does not pass on",
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
class InboxRow:
    conversation_id: int
    contact_id: int
    contact_name: str
    channel_id: int
    channel_name: str
    assigned_to_id: int | None
    assigned_to_name: str
    status: str
    unread_count: int
    last_message_at: datetime | None
    window_expires_at: datetime | None
    last: Glimpse | None


@dataclass(frozen=True, slots=True)
class Inbox:
    """One page, newest talk first. `next` is the `before` of the following page, or "" at the end."""

    rows: list[InboxRow]
    next: str


@dataclass(frozen=True, slots=True)
class InboxCounts:
    all: int
    mine: int
    unassigned: int
    unread: int
    unanswered: int
    closing: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a message failed, in plain words, and one safe next step."""

    code: int | None
    meaning: str
    next_step: str
    details: str


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
class Thread:
    """A page of a conversation, oldest first. `before` fetches what came earlier, None when that is all."""

    messages: list[ThreadMessage]
    before: int | None
    is_window_open: bool
    window_remaining: timedelta


def inbox(
    *,
    actor: Actor,
    status: str | None = None,
    assigned: str | int | None = None,
    unread: bool = False,
    search: str = "",
    before: str = "",
    limit: int = 30,
    needs: str = "",
    at: datetime | None = None,
) -> Inbox:
    """The conversations this actor may see. Two queries, however many there are.

    `status`: "" or None for what is open, a status, or "all". `assigned`: "me", "none", a membership id, or None.
    `search` looks at names, numbers and inside messages. `before` is an earlier page's `next`; raises Invalid.
    `needs`: "unanswered", "closing" (see `needing`), or all.
    """
    actor.require(Capability.CONVERSATIONS_READ)
    rows = filtered(Conversation.objects.visible_to(actor), actor, status, assigned, unread, search)
    rows = needing(rows, needs, at or datetime.now(UTC))
    if before:
        at, last_id = _cursor(before)
        rows = rows.filter(Q(last_message_at__lt=at) | Q(last_message_at=at, pk__lt=last_id))
    newest = Message.objects.filter(
        organization=actor.organization, conversation=OuterRef("pk"), deleted_at__isnull=True
    ).order_by("-id")
    page = list(
        rows.filter(last_message_at__isnull=False)
        .select_related("contact", "channel", "assigned_to__user")
        .annotate(last_id=Subquery(newest.values("pk")[:1]))
        .order_by("-last_message_at", "-pk")[: limit + 1]
    )
    shown = page[:limit]
    last = _glimpses(actor, [row.last_id for row in shown])
    following = ""
    if len(page) > limit and shown[-1].last_message_at is not None:
        following = f"{int(shown[-1].last_message_at.timestamp() * 1_000_000)}-{shown[-1].pk}"
    return Inbox([_row(conversation, last) for conversation in shown], following)


def filtered(
    rows: QuerySet[Any],
    actor: Actor,
    status: str | None,
    assigned: str | int | None,
    unread: bool,
    search: str,
) -> QuerySet[Any]:
    """The filters of the inbox, for pages and API alike."""
    if not status:
        rows = rows.filter(status__in=OPEN)
    elif status != "all":
        rows = rows.filter(status=status)
    if assigned == "me":
        rows = rows.filter(assigned_to=actor.membership)
    elif assigned == "none":
        rows = rows.filter(assigned_to__isnull=True)
    elif assigned not in (None, ""):
        if not str(assigned).isdecimal():
            raise Invalid("Say me, none or the number of a member.", field="assigned")
        rows = rows.filter(assigned_to=int(assigned))
    if unread:
        rows = rows.filter(unread_count__gt=0)
    return searched(rows, actor, search) if search.strip() else rows


def needing(rows: QuerySet[Any], needs: str, at: datetime) -> QuerySet[Any]:
    """What asks for somebody now: unanswered for 15 minutes, or the window closes within two hours."""
    found: Any = rows
    if needs == "unanswered":
        found = found.unanswered(at - PATIENCE)
    elif needs == "closing":
        found = found.closing(at, at + CLOSING_SOON)
    return cast("QuerySet[Any]", found)


def searched(rows: QuerySet[Any], actor: Actor, search: str) -> QuerySet[Any]:
    """Conversations by the contact's name or number, or by what was said."""
    text = search.strip().replace("\x00", "")[:200]
    said = Message.objects.for_organization(actor.organization).live().filter(body__icontains=text)
    condition = Q(contact__display_name__icontains=text) | Q(pk__in=said.values("conversation"))
    digits = "".join(character for character in text if character.isdigit()).lstrip("0")
    if len(digits) >= 4:
        numbers = ContactPoint.objects.for_organization(actor.organization).live().filter(value__contains=digits)
        condition |= Q(contact__in=numbers.values("contact"))
    return rows.filter(condition)


def inbox_counts(*, actor: Actor, at: datetime | None = None) -> InboxCounts:
    """How many open conversations stand behind each view of the inbox. One query."""
    actor.require(Capability.CONVERSATIONS_READ)
    now = at or datetime.now(UTC)
    theirs = Q(last_inbound_at__lte=now - PATIENCE, last_inbound_at__gte=F("last_message_at"))
    closing = Q(window_expires_at__gt=now, window_expires_at__lte=now + CLOSING_SOON)
    counts = (
        Conversation.objects.visible_to(actor)
        .filter(status__in=OPEN, last_message_at__isnull=False)
        .aggregate(
            all=Count("pk"),
            mine=Count("pk", filter=Q(assigned_to=actor.membership)),
            unassigned=Count("pk", filter=Q(assigned_to__isnull=True)),
            unread=Count("pk", filter=Q(unread_count__gt=0)),
            unanswered=Count("pk", filter=theirs),
            closing=Count("pk", filter=closing),
        )
    )
    return InboxCounts(**counts)


def conversation(*, actor: Actor, conversation_id: int) -> Conversation:
    """One conversation with its contact, number and assignee. One query. Raises NotFound."""
    actor.require(Capability.CONVERSATIONS_READ)
    found: Conversation | None = (
        Conversation.objects.visible_to(actor)
        .select_related("contact", "channel", "assigned_to__user", "organization")
        .filter(pk=conversation_id)
        .first()
    )
    if found is None:
        raise NotFound("There is no such conversation here.")
    return found


def thread(
    *, actor: Actor, conversation: Conversation, before: int | None = None, limit: int = 50, at: datetime | None = None
) -> Thread:
    """A page of messages with what they quote and how people reacted. Two queries.

    The conversation comes from `conversation()`, which has asked whether this actor may see it.
    """
    actor.require(Capability.CONVERSATIONS_READ)
    rows = Message.objects.for_organization(actor.organization).live().filter(conversation=conversation)
    rows = rows.exclude(type=MessageType.REACTION, quoted__isnull=False)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    page = list(rows.select_related("author__user", "quoted", "template").order_by("-id")[: limit + 1])
    shown = sorted(page[:limit], key=lambda message: (message.at, message.pk))
    reactions = _reactions(actor, [message.pk for message in shown])
    now = at or datetime.now(UTC)
    return Thread(
        messages=[_bubble(message, reactions[message.pk]) for message in shown],
        before=page[limit - 1].pk if len(page) > limit else None,
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


def usable_templates(*, actor: Actor, channel: Channel) -> list[MessageTemplate]:
    """The approved templates that this number may send. One query."""
    actor.require(Capability.CONVERSATIONS_READ)
    return list(MessageTemplate.objects.usable_on(channel).order_by("name", "language"))


def _cursor(text: str) -> tuple[datetime, int]:
    micros, _, last_id = text.partition("-")
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(micros)), int(last_id)
    except (ValueError, OverflowError):
        raise Invalid("This page address is not complete; go back to the first page.", field="before") from None


def _row(conversation: Any, last: Mapping[int, Glimpse]) -> InboxRow:
    assignee = conversation.assigned_to
    return InboxRow(
        conversation_id=conversation.pk,
        contact_id=conversation.contact_id,
        contact_name=conversation.contact.display_name,
        channel_id=conversation.channel_id,
        channel_name=conversation.channel.name,
        assigned_to_id=conversation.assigned_to_id,
        assigned_to_name=assignee.user.name if assignee else "",
        status=conversation.status,
        unread_count=conversation.unread_count,
        last_message_at=conversation.last_message_at,
        window_expires_at=conversation.window_expires_at,
        last=last.get(conversation.last_id),
    )


def _glimpses(actor: Actor, ids: Iterable[int | None]) -> dict[int, Glimpse]:
    wanted = [message_id for message_id in ids if message_id is not None]
    rows = Message.objects.for_organization(actor.organization).filter(pk__in=wanted)
    return {row.pk: _glimpse(row) for row in rows}


def _glimpse(row: Message) -> Glimpse:
    text = "" if is_revoked(row) else body_of(row)
    return Glimpse(row.pk, row.direction, row.type, (text or label_of(row))[:SHORT], row.status, row.at)


def _reactions(actor: Actor, ids: list[int]) -> dict[int, list[ThreadReaction]]:
    """The last reaction of each side to each message; an empty one has been taken back."""
    rows = (
        Message.objects.for_organization(actor.organization)
        .live()
        .filter(quoted__in=ids, type=MessageType.REACTION)
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
        quoted=_glimpse(row.quoted) if row.quoted and row.quoted.deleted_at is None else None,
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
        )
    if row.status != MessageStatus.FAILED:
        return None
    found = explain(row.error_code)
    return Trouble(row.error_code, found.meaning, found.next_step, row.error_details or row.error_title)
