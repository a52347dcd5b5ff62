"""What a builder of segments offers: the fields with their words, operators and choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from campaigns.segments import FIELDS, OPERATORS, Kind
from campaigns.segments.checking import rows_for
from campaigns.segments.fields import WITHOUT_VALUE
from campaigns.segments.wording import LABELS
from core.actors import Actor
from core.models import Membership
from core.roles import Capability
from crm.models import Contact, Property

MOST_OFFERED = 300
NAMES: dict[str, str] = {
    "unit.project": gettext_noop("Unit: project"),
    "unit.status": gettext_noop("Unit: status"),
    "unit.purpose": gettext_noop("Unit: purpose"),
    "unit.cluster": gettext_noop("Unit: cluster"),
    "unit.building": gettext_noop("Unit: building"),
    "unit.layout": gettext_noop("Unit: layout"),
    "unit.bedrooms": gettext_noop("Unit: bedrooms"),
    "unit.price": gettext_noop("Unit: asking price"),
    "unit.size": gettext_noop("Unit: size in square feet"),
    "person.owns": gettext_noop("Person: owns a unit"),
    "person.language": gettext_noop("Person: language"),
    "person.nationality": gettext_noop("Person: nationality"),
    "person.tag": gettext_noop("Person: tag"),
    "person.agent": gettext_noop("Person: assigned agent"),
    "person.bad": gettext_noop("Person: bad contact"),
    "person.first_seen": gettext_noop("Person: known to us"),
    "talk.wrote": gettext_noop("Talk: wrote to us"),
    "talk.written_to": gettext_noop("Talk: heard from us"),
    "consent.opted_out": gettext_noop("Consent: said stop"),
    "consent.do_not_contact": gettext_noop("Consent: do not contact"),
    "campaign.sent": gettext_noop("Campaign: got"),
    "campaign.replied": gettext_noop("Campaign: answered"),
    "campaign.silent": gettext_noop("Campaign: got without answering"),
    "campaign.read_silent": gettext_noop("Campaign: read without answering"),
}
WORDS: dict[str, str] = {
    "in": gettext_noop("is one of"),
    "not_in": gettext_noop("is none of"),
    "is": gettext_noop("is"),
    "at_least": gettext_noop("is at least"),
    "at_most": gettext_noop("is at most"),
    "since": gettext_noop("since"),
    "not_since": gettext_noop("not since"),
    "within_days": gettext_noop("in the last days"),
    "not_within_days": gettext_noop("not in the last days"),
    "ever": gettext_noop("ever"),
    "never": gettext_noop("never"),
    "yes": gettext_noop("yes"),
    "no": gettext_noop("no"),
    "any": gettext_noop("any of them"),
    "none": gettext_noop("none of them"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    value: str | int
    label: str


@dataclass(frozen=True, slots=True)
class Operator:
    name: str
    label: str
    has_value: bool


@dataclass(frozen=True, slots=True)
class FieldOffer:
    """`choices` are all there are where `kind` is choice, rows or campaigns; of words they are suggestions."""

    name: str
    label: str
    kind: str
    operators: list[Operator]
    choices: list[Choice]


def segment_fields(*, actor: Actor) -> list[FieldOffer]:
    """Nine queries: projects, agents and campaigns, and the words that units and people have."""
    actor.require(Capability.CAMPAIGNS_READ)
    campaigns = _rows("campaign.sent", actor)
    return [
        FieldOffer(
            name,
            _(NAMES[name]),
            field.kind.value,
            [Operator(each, _(WORDS[each]), each not in WITHOUT_VALUE) for each in OPERATORS[field.kind]],
            campaigns if field.kind is Kind.CAMPAIGNS else _choices(name, field.kind, actor),
        )
        for name, field in FIELDS.items()
    ]


def _choices(name: str, kind: Kind, actor: Actor) -> list[Choice]:
    if kind is Kind.CHOICE:
        return [Choice(value, _(str(label))) for value, label in LABELS[name].choices]
    if kind is Kind.ROWS:
        return _rows(name, actor)
    if name in ("unit.cluster", "unit.building", "unit.layout"):
        return _said(Property.objects.visible_to(actor), name.removeprefix("unit."))
    if name == "person.language":
        known = dict(settings.LANGUAGES)
        found = _said(Contact.objects.visible_to(actor), "language")
        return [Choice(one.value, str(known.get(str(one.value), one.label))) for one in found]
    if name == "person.nationality":
        return _said(Contact.objects.visible_to(actor), "nationality")
    return []


def _rows(name: str, actor: Actor) -> list[Choice]:
    rows = rows_for(name, actor)
    column = "user__name" if rows.model is Membership else "name"
    return [Choice(pk, label) for pk, label in rows.order_by(column).values_list("pk", column)[:MOST_OFFERED]]


def _said(rows: Any, column: str) -> list[Choice]:
    texts = rows.exclude(**{column: ""}).order_by(column).values_list(column, flat=True).distinct()[:MOST_OFFERED]
    return [Choice(text, text) for text in texts]
