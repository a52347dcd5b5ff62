"""What the inbox shows. Frozen answers with a promised number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from core.actors import Actor
from core.errors import Invalid, NotFound
from core.roles import Capability, Reach
from crm.models import ContactPoint
from crm.selectors import reads_numbers
from messaging.models import Channel, Conversation, Message, MessageTemplate
from messaging.models.conversations import ConversationStatus
from messaging.selectors.bubbles import Glimpse, glimpse_of
from messaging.selectors.hours import Hours, all_hours, late, overdue

PATIENCE = timedelta(minutes=15)
CLOSING_SOON = timedelta(hours=2)
# Trigrams need three letters; and nobody reads on after so many hits.
SHORTEST_WORDS, MOST_FOUND = 3, 1000
SAID = "SELECT conversation_id FROM majlis_search_messages(%s, %s::bigint[], %s::bigint[], %s)"
OPEN = (ConversationStatus.OPEN, ConversationStatus.PENDING)


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
    snoozed_until: datetime | None
    last: Glimpse | None
    found: Glimpse | None  # the newest message that has what was searched for
    sentiment: str  # of what they last wrote
    intent: str
    waiting: timedelta | None  # for an answer, in hours in which somebody is there


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
    snoozed: int


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
    channel: int | None = None,
    sentiment: str = "",
    intent: str = "",
    at: datetime | None = None,
) -> Inbox:
    """The conversations this actor may see. Three queries, however many there are.

    `status`: "" or None for what is open, a status, or "all". `assigned`: "me", "none", a membership id, or None.
    `search` looks at names, numbers and inside messages. `before` is an earlier page's `next`; raises Invalid.
    `needs`: "unanswered", "closing", "snoozed" (see `needing`), or all. `sentiment` and `intent`: of what they last wrote.
    """
    actor.require(Capability.CONVERSATIONS_READ)
    now, known = at or datetime.now(UTC), all_hours(actor=actor)
    rows = filtered(Conversation.objects.visible_to(actor), actor, status, assigned, unread, search)
    rows = needing(rows, needs, known, now)
    if not status and needs != "snoozed":
        rows = rows.awake(now)  # type: ignore[attr-defined]
    if channel is not None:
        rows = rows.filter(channel=channel)
    if sentiment:
        rows = rows.filter(last_sentiment=sentiment)
    if intent:
        rows = rows.filter(last_intent=intent)
    if before:
        last_at, last_id = _cursor(before)
        rows = rows.filter(Q(last_message_at__lt=last_at) | Q(last_message_at=last_at, pk__lt=last_id))
    said = Message.objects.filter(
        organization=actor.organization, conversation=OuterRef("pk"), deleted_at__isnull=True
    ).order_by("-at", "-id")
    words = _plain(search)
    found = said.filter(body__icontains=words).exclude(payload__has_key="revoked") if words else said.none()
    page = list(
        rows.filter(last_message_at__isnull=False)
        .select_related("contact", "channel", "assigned_to__user")
        .annotate(last_id=Subquery(said.values("pk")[:1]), found_id=Subquery(found.values("pk")[:1]))
        .order_by("-last_message_at", "-pk")[: limit + 1]
    )
    shown = page[:limit]
    glimpses = _glimpses(actor, [each for row in shown for each in (row.last_id, row.found_id)], words)
    following = ""
    if len(page) > limit and shown[-1].last_message_at is not None:
        following = f"{int(shown[-1].last_message_at.timestamp() * 1_000_000)}-{shown[-1].pk}"
    return Inbox([_row(conversation, glimpses, known, now) for conversation in shown], following)


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


def needing(rows: QuerySet[Any], needs: str, known: Mapping[int | None, Hours], at: datetime) -> QuerySet[Any]:
    """What asks for somebody: unanswered for 15 minutes of office hours, a window that closes within two hours, or what
    was put off until later."""
    found: Any = rows
    if needs == "unanswered":
        found = overdue(found, known, at, PATIENCE)
    elif needs == "closing":
        found = found.closing(at, at + CLOSING_SOON)
    elif needs == "snoozed":
        found = found.filter(snoozed_until__gt=at)
    return cast("QuerySet[Any]", found)


def searched(rows: QuerySet[Any], actor: Actor, search: str) -> QuerySet[Any]:
    """Conversations by the contact's name or number, or by what was said.

    The text of messages is looked up behind the wall (docs/adr/0013), in the newest thousand that have the words.
    """
    text = _plain(search)
    condition = Q(contact__display_name__icontains=text)
    if len(text) >= SHORTEST_WORDS:
        own = None if actor.reach is Reach.ORGANIZATION else actor.membership_ids
        numbers = list(Channel.objects.filter(owner__in=own).values_list("pk", flat=True)) if own else []
        condition |= Q(pk__in=RawSQL(SAID, (text, own, numbers, MOST_FOUND)))  # noqa: S611 - all of it is ours or bound
    digits = "".join(character for character in text if character.isdigit()).lstrip("0")
    if len(digits) >= 7:
        # Whoever reads masks must know the end of the number: by parts of it one could feel for the hidden digits.
        where = "value__contains" if reads_numbers(actor) else "value__endswith"
        points = ContactPoint.objects.for_organization(actor.organization).live().filter(**{where: digits})
        condition |= Q(contact__in=points.values("contact"))
    return rows.filter(condition)


def inbox_counts(*, actor: Actor, at: datetime | None = None) -> InboxCounts:
    """How many open conversations stand behind each view of the inbox. Two queries."""
    actor.require(Capability.CONVERSATIONS_READ)
    now, known = at or datetime.now(UTC), all_hours(actor=actor)
    theirs = late(known, now, PATIENCE)
    closing = Q(window_expires_at__gt=now, window_expires_at__lte=now + CLOSING_SOON)
    awake = Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now)
    counts = (
        Conversation.objects.visible_to(actor)
        .filter(status__in=OPEN, last_message_at__isnull=False)
        .aggregate(
            all=Count("pk", filter=awake),
            mine=Count("pk", filter=awake & Q(assigned_to=actor.membership)),
            unassigned=Count("pk", filter=awake & Q(assigned_to__isnull=True)),
            unread=Count("pk", filter=awake & Q(unread_count__gt=0)),
            unanswered=Count("pk", filter=awake & theirs),
            closing=Count("pk", filter=awake & closing),
            snoozed=Count("pk", filter=Q(snoozed_until__gt=now)),
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


def _plain(search: str) -> str:
    return search.strip().replace("\x00", "")[:200]


def _row(
    conversation: Any, glimpses: Mapping[int, Glimpse], known: Mapping[int | None, Hours], at: datetime
) -> InboxRow:
    assignee, since = conversation.assigned_to, conversation.waiting_since
    schedule = known.get(conversation.channel_id, known[None]).schedule
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
        snoozed_until=conversation.snoozed_until,
        last=glimpses.get(conversation.last_id),
        found=glimpses.get(conversation.found_id),
        sentiment=conversation.last_sentiment,
        intent=conversation.last_intent,
        waiting=None if since is None else schedule.worked(since, at),
    )


def _glimpses(actor: Actor, ids: Iterable[int | None], words: str) -> dict[int, Glimpse]:
    wanted = {message_id for message_id in ids if message_id is not None}
    rows = Message.objects.for_organization(actor.organization).filter(pk__in=wanted)
    return {row.pk: glimpse_of(row, around=words) for row in rows}
