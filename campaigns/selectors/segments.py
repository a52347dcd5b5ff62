"""A segment as it is seen: how many it finds now, in a sentence, and a few of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet

from campaigns.models import Segment
from campaigns.segments import ids_named, matching, sentence
from campaigns.segments.checking import rows_for
from core.actors import Actor
from core.models import Membership
from core.roles import Capability
from core.statistics import many_rows_expected
from crm.models import Contact, ContactPoint
from crm.selectors import masked

SAMPLED = 10


@dataclass(frozen=True, slots=True)
class Found:
    """One of the people: the name, and a number with its middle hidden ("" when none is known)."""

    contact_id: int
    name: str
    number: str


@dataclass(frozen=True, slots=True)
class SegmentView:
    sentence: str
    count: int
    sample: list[Found]


def segment_view(*, actor: Actor, definition: Mapping[str, Any], at: datetime) -> SegmentView:
    """Of a checked definition. Three queries, and one for each kind of row that it names (projects, agents, campaigns)."""
    actor.require(Capability.CAMPAIGNS_READ)
    found: QuerySet[Contact] = Contact.objects.visible_to(actor).filter(matching(definition, actor.organization, at))
    points = Prefetch("points", ContactPoint.objects.whatsapp_able().order_by("-is_primary", "pk"), to_attr="numbers")
    sample = found.order_by("pk").prefetch_related(points)[:SAMPLED]
    with many_rows_expected():
        count, first = found.count(), list(sample)
    shown = [
        Found(one.pk, one.display_name, masked(one.numbers[0].kind, one.numbers[0].value) if one.numbers else "")
        for one in first
    ]
    return SegmentView(sentence_of(actor=actor, definition=definition), count, shown)


def sentence_of(*, actor: Actor, definition: Mapping[str, Any]) -> str:
    """At most one query for each kind of row that it names."""
    names = {field: _names(rows_for(field, actor), ids) for field, ids in ids_named(definition).items()}
    return sentence(definition, names, actor.organization.currency)


def segments_in_words(*, actor: Actor, segments: list[Segment]) -> dict[int, str]:
    """The sentences of a page of segments: three queries at most, however many there are."""
    wanted: dict[str, set[int]] = {}
    for segment in segments:
        for field, ids in ids_named(segment.definition).items():
            wanted.setdefault(field, set()).update(ids)
    names = {field: _names(rows_for(field, actor), ids) for field, ids in wanted.items()}
    currency = actor.organization.currency
    return {segment.pk: sentence(segment.definition, names, currency) for segment in segments}


def _names(rows: QuerySet[Any], ids: set[int]) -> dict[int, str]:
    column = "user__name" if rows.model is Membership else "name"
    return dict(rows.filter(pk__in=ids).values_list("pk", column))
