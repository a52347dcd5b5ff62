"""From a definition to a queryset. Counted and joined by the database, however many people there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns.models import Segment
from campaigns.segments.fields import FIELDS, NEGATIVE, SQUARE_FOOT, Field, Kind
from core.actors import Actor
from core.models import Organization
from core.money import to_minor
from crm.models import Contact, Ownership

LOOKUPS = {"is": "exact", "at_least": "gte", "at_most": "lte"}


def contacts_of(*, actor: Actor, segment: Segment, at: datetime) -> QuerySet[Contact]:
    """The people whom the segment finds at that moment, of those that the actor sees. No query until it is read."""
    found = matching(segment.definition, actor.organization, at)
    contacts: QuerySet[Contact] = Contact.objects.visible_to(actor).filter(found)
    return contacts


def matching(definition: Mapping[str, Any], organization: Organization, at: datetime) -> Q:
    """The condition over contacts that a checked definition is. `at` is where "the last 30 days" end."""
    return _group(definition, organization, at)


def units_meant(definition: Mapping[str, Any], organization: Organization, at: datetime) -> Q | None:
    """The condition over ownerships by which these people were found: of several units a message speaks of such a one.

    None when no unit was asked for. What was asked within a negated group says nothing of it.
    """
    asked = [row for row in definition["rows"] if "rows" not in row and FIELDS[row["field"]].is_of_unit]
    if asked and not definition.get("not"):
        join = and_ if definition["match"] == "all" else or_
        return reduce(join, [_condition(FIELDS[row["field"]], row, organization, at) for row in asked])
    groups = [] if definition.get("not") else [row for row in definition["rows"] if "rows" in row]
    return next((found for group in groups if (found := units_meant(group, organization, at)) is not None), None)


def _group(group: Mapping[str, Any], organization: Organization, at: datetime) -> Q:
    join = and_ if group["match"] == "all" else or_
    units: list[Q] = []
    people: list[Q] = []
    for row in group["rows"]:
        if "rows" in row:
            people.append(_group(row, organization, at))
        else:
            field = FIELDS[row["field"]]
            (units if field.is_of_unit else people).append(_condition(field, row, organization, at))
    if units:
        owned = Ownership.objects.current().filter(contact=OuterRef("pk"), property__deleted_at__isnull=True)
        people.append(Q(Exists(owned.filter(reduce(join, units)))))
    found = reduce(join, people)
    return ~found if group.get("not") else found


def _condition(field: Field, row: Mapping[str, Any], organization: Organization, at: datetime) -> Q:
    asked = field.asks(_asked(field.kind, row["is"], row.get("value"), organization, at))
    return ~asked if row["is"] in NEGATIVE else asked


def _asked(kind: Kind, operator: str, value: Any, organization: Organization, at: datetime) -> Any:
    if kind is Kind.NUMBER:
        return {LOOKUPS[operator]: value}
    if kind is Kind.MONEY:
        return {LOOKUPS[operator]: to_minor(value, organization.currency)}
    if kind is Kind.SIZE:
        return {LOOKUPS[operator]: int((Decimal(value) * SQUARE_FOOT * 100).to_integral_value())}
    if kind is Kind.TIME and value is not None:
        if operator.endswith("days"):
            return at - timedelta(days=value)
        return datetime.combine(date.fromisoformat(value), time(), ZoneInfo(organization.time_zone))
    return value


def rows_in(definition: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Every condition of it, those of its groups too."""
    return [each for row in definition["rows"] for each in (rows_in(row) if "rows" in row else [row])]
