"""What can be asked of a person: each field, and the question that it becomes. Only the ORM writes SQL here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns.models import CampaignMessage, Status
from crm.models import ContactPoint, Ownership
from crm.models.contacts import PointStatus
from messaging.models import Conversation, Message, OptOut
from messaging.models.conversations import Direction, MessageStatus, MessageType

SQUARE_FOOT = Decimal("0.09290304")


class Kind(StrEnum):
    """How a field is asked, and so which operators it has and what its value looks like."""

    CHOICE = "choice"
    WORDS = "words"
    ROWS = "rows"
    NUMBER = "number"
    MONEY = "money"
    SIZE = "size"
    TIME = "time"
    YES = "yes"
    CAMPAIGNS = "campaigns"


_MEASURED = ("is", "at_least", "at_most")
_LISTED = ("in", "not_in")
OPERATORS: dict[Kind, tuple[str, ...]] = {
    Kind.CHOICE: _LISTED,
    Kind.WORDS: _LISTED,
    Kind.ROWS: _LISTED,
    Kind.NUMBER: _MEASURED,
    Kind.MONEY: _MEASURED,
    Kind.SIZE: ("at_least", "at_most"),
    # Of somebody who never did it, "not since" and "not within" are true too: that is what people mean by it.
    Kind.TIME: ("since", "not_since", "within_days", "not_within_days", "ever", "never"),
    Kind.YES: ("yes", "no"),
    Kind.CAMPAIGNS: (*_LISTED, "any", "none"),
}
NEGATIVE = frozenset({"not_in", "not_since", "not_within_days", "never", "no", "none"})
WITHOUT_VALUE = frozenset({"ever", "never", "yes", "no", "any", "none"})

WENT_OUT = (Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ)

# What is asked for: the value, or the moment since when, or nothing ("ever", "any").
Asked = Any


@dataclass(frozen=True, slots=True)
class Field:
    """`asks` makes a Q over contacts; of units over ownerships. Negation and measures are done around it."""

    kind: Kind
    asks: Callable[[Asked], Q]

    is_of_unit: bool = False


def _unit(kind: Kind, column: str) -> Field:
    lookup = f"property__{column}__in" if OPERATORS[kind] == _LISTED else f"property__{column}"
    return Field(kind, lambda value: Q(**{lookup: value}), is_of_unit=True)


def _measured(kind: Kind, column: str) -> Field:
    return Field(kind, lambda by: Q(**{f"property__{column}__{name}": value for name, value in by.items()}), True)


def _there_is(rows: QuerySet[Any]) -> Q:
    return Q(Exists(rows))


def _nationality(values: Sequence[str]) -> Q:
    found = Q()
    for value in values:
        found |= Q(nationality__iexact=value)
    return found


def _owns(_: Asked) -> Q:
    return _there_is(Ownership.objects.current().filter(contact=OuterRef("pk"), property__deleted_at__isnull=True))


def _first_seen(since: datetime | None) -> Q:
    return Q(created_at__gte=since) if since else Q(created_at__isnull=False)


def _wrote(since: datetime | None) -> Q:
    talk = Conversation.objects.live().filter(contact=OuterRef("pk"), last_inbound_at__isnull=False)
    return _there_is(talk.filter(last_inbound_at__gte=since) if since else talk)


def _written_to(since: datetime | None) -> Q:
    ours = Message.objects.live().filter(conversation__contact=OuterRef("pk"), direction=Direction.OUTBOUND)
    ours = ours.exclude(type=MessageType.NOTE).exclude(status=MessageStatus.FAILED)
    return _there_is(ours.filter(at__gte=since) if since else ours)


def _opted_out(_: Asked) -> Q:
    """By themselves, or by a number that they share with somebody who did: as before every sending."""
    said = OptOut.objects.live()
    shared = ContactPoint.objects.live().filter(contact=OuterRef("pk"), value__in=said.values("point__value"))
    return _there_is(said.filter(contact=OuterRef("pk"))) | _there_is(shared)


def _do_not_contact(_: Asked) -> Q:
    return _there_is(ContactPoint.objects.live().filter(contact=OuterRef("pk"), status=PointStatus.DO_NOT_CONTACT))


def _campaign(**how: Any) -> Callable[[Asked], Q]:
    """Rows of earlier campaigns: of those named, or (None) of any."""

    def asks(ids: Sequence[int] | None) -> Q:
        rows = CampaignMessage.objects.filter(contact=OuterRef("pk"), status__in=WENT_OUT)
        return _there_is((rows if ids is None else rows.filter(campaign__in=ids)).filter(**how))

    return asks


FIELDS: dict[str, Field] = {
    "unit.project": _unit(Kind.ROWS, "project"),
    "unit.status": _unit(Kind.CHOICE, "status"),
    "unit.purpose": _unit(Kind.CHOICE, "purpose"),
    "unit.cluster": _unit(Kind.WORDS, "cluster"),
    "unit.building": _unit(Kind.WORDS, "building"),
    "unit.layout": _unit(Kind.WORDS, "layout"),
    "unit.bedrooms": _measured(Kind.NUMBER, "bedrooms"),
    "unit.price": _measured(Kind.MONEY, "asking_price_minor"),
    "unit.size": _measured(Kind.SIZE, "size_key"),
    "person.owns": Field(Kind.YES, _owns),
    "person.language": Field(Kind.WORDS, lambda values: Q(language__in=values)),
    "person.nationality": Field(Kind.WORDS, _nationality),
    "person.tag": Field(Kind.WORDS, lambda values: Q(tags__overlap=values)),
    "person.agent": Field(Kind.ROWS, lambda ids: Q(assigned_to__in=ids)),
    "person.bad": Field(Kind.YES, lambda _: Q(is_bad_contact=True)),
    "person.first_seen": Field(Kind.TIME, _first_seen),
    "talk.wrote": Field(Kind.TIME, _wrote),
    "talk.written_to": Field(Kind.TIME, _written_to),
    "consent.opted_out": Field(Kind.YES, _opted_out),
    "consent.do_not_contact": Field(Kind.YES, _do_not_contact),
    "campaign.sent": Field(Kind.CAMPAIGNS, _campaign()),
    "campaign.replied": Field(Kind.CAMPAIGNS, _campaign(responded_at__isnull=False)),
    "campaign.silent": Field(Kind.CAMPAIGNS, _campaign(responded_at__isnull=True)),
    "campaign.read_silent": Field(Kind.CAMPAIGNS, _campaign(responded_at__isnull=True, status=Status.READ)),
}
