"""Who is meant: the people of each target, each with the one unit that the message speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, When

from campaigns.audience.filters import as_they_are_now, in_parts
from campaigns.models import Campaign, Target
from campaigns.segments import contacts_of, units_meant
from core.actors import Actor
from core.arrays import any_id
from core.models import Organization
from crm.models import Agent, Contact, Ownership, Property
from crm.models.agents import AgentStatus
from messaging.models import Conversation

CONTACT_FIELDS = ("display_name", "first_name", "last_name", "language", "nationality", "assigned_to")
UNIT_FIELDS = (
    "unit_number", "building", "cluster", "layout", "floor", "bedrooms", "area_sqm", "asking_price_minor", "currency",
    "p_number", "registration", "status", "view", "project__name", "project__developer", "project__area",
    "project__city",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    contact_id: int
    contact: Mapping[str, Any]
    property_id: int | None
    unit: Mapping[str, Any]


def people_of(campaign: Campaign, at: datetime, only: int | None = None) -> list[Person]:
    """Everybody the target means, or `only` one contact where it means that one. A few queries for each 5,000."""
    owned = _ownerships(campaign)
    if campaign.target in (Target.ALL_OWNERS, Target.SPECIFIC_PROPERTY):
        return _owners(owned if only is None else owned.filter(contact=only))
    chosen = _contacts(campaign, at)
    if campaign.segment is not None:
        owned = _as_asked_first(owned, units_meant(campaign.segment.definition, campaign.organization, at))
    return _with_units(chosen if only is None else chosen.filter(pk=only), owned)


def _owners(owned: QuerySet[Ownership]) -> list[Person]:
    rows = owned.values_list(
        "contact_id",
        "property_id",
        *(f"contact__{n}" for n in CONTACT_FIELDS),
        *(f"property__{n}" for n in UNIT_FIELDS),
    )
    split = 2 + len(CONTACT_FIELDS)
    return [
        Person(
            row[0],
            dict(zip(CONTACT_FIELDS, row[2:split], strict=True)),
            row[1],
            dict(zip(UNIT_FIELDS, row[split:], strict=True)),
        )
        for row in rows
    ]


def _ownerships(campaign: Campaign) -> QuerySet[Ownership]:
    """One current ownership of each owner: the primary one, else the first unit we knew."""
    chosen: dict[str, list[Any]] = dict(campaign.audience)
    if "property_ids" in chosen:
        chosen["property_ids"] = as_they_are_now(Property, chosen["property_ids"])
    owned = Ownership.objects.for_organization(campaign.organization).current()
    owned = owned.filter(contact__deleted_at__isnull=True, property__deleted_at__isnull=True)
    if campaign.project_id is not None:
        owned = owned.filter(property__project=campaign.project_id)
    columns = {
        "property_statuses": "property__status__in",
        "clusters": "property__cluster__in",
        "layouts": "property__layout__in",
        "property_ids": "property__in",
        "languages": "contact__language__in",
    }
    owned = owned.filter(**{columns[name]: values for name, values in chosen.items() if name in columns})
    return owned.order_by("contact_id", "-is_primary", "property_id").distinct("contact_id")


def _as_asked_first(owned: QuerySet[Ownership], meant: Q | None) -> QuerySet[Ownership]:
    """Of several units the one by which a segment found its owner: the message is about that one."""
    if meant is None:
        return owned
    owned = owned.annotate(is_meant=Case(When(meant, then=1), default=0, output_field=IntegerField()))
    return owned.order_by("contact_id", "-is_meant", "-is_primary", "property_id").distinct("contact_id")


def _contacts(campaign: Campaign, at: datetime) -> QuerySet[Contact]:
    """Of targets that mean people rather than their units. Of segments and leads: those whom the author sees."""
    chosen: Mapping[str, Any] = campaign.audience
    author = Actor(campaign.organization, campaign.created_by)
    if campaign.segment is not None:
        return contacts_of(actor=author, segment=campaign.segment, at=at)
    if campaign.target == Target.RECENT_LEADS:
        contacts = _leads(Contact.objects.visible_to(author), at - timedelta(days=chosen["days"]))
    else:
        listed = as_they_are_now(Contact, chosen.get("contact_ids", []))
        wanted = Q(pk__in=any_id(listed)) | Q(tags__overlap=chosen.get("tags", []))
        contacts = Contact.objects.for_organization(campaign.organization).live().filter(wanted)
    return contacts.filter(language__in=chosen["languages"]) if "languages" in chosen else contacts


def _leads(contacts: QuerySet[Contact], since: datetime) -> QuerySet[Contact]:
    """Whoever wrote to us lately, and whom we met lately and who owns nothing: owners come with sheets, not by asking."""
    wrote = Conversation.objects.live().filter(contact=OuterRef("pk"), last_inbound_at__gte=since)
    owns = Ownership.objects.current().filter(contact=OuterRef("pk"))
    return contacts.filter(Exists(wrote) | (Q(created_at__gte=since) & ~Exists(owns)))


def _with_units(contacts: QuerySet[Contact], owned: QuerySet[Ownership]) -> list[Person]:
    people = {row["pk"]: row for row in contacts.values("pk", *CONTACT_FIELDS)}
    units: dict[int, tuple[int, dict[str, Any]]] = {}
    for some in in_parts(sorted(people)):
        rows = owned.filter(contact__in=any_id(some)).values_list(
            "contact_id", "property_id", *(f"property__{name}" for name in UNIT_FIELDS)
        )
        units |= {row[0]: (row[1], dict(zip(UNIT_FIELDS, row[2:], strict=True))) for row in rows}
    return [Person(pk, people[pk], *units.get(pk, (None, {}))) for pk in sorted(people)]


def house_of(organization: Organization) -> dict[str, str]:
    """What variables may say of the organisation itself."""
    return {name: str(getattr(organization, name)) for name in ("name", "phone", "email", "address", "city")}


def agents_of(campaign: Campaign) -> dict[int | None, dict[str, str]]:
    """Agents by their membership; under None the author's own profile, for contacts that nobody holds."""
    active = Agent.objects.for_organization(campaign.organization).live().filter(status=AgentStatus.ACTIVE)
    found: dict[int | None, dict[str, str]] = {
        membership: {"name": name, "whatsapp_number": number}
        for membership, name, number in active.values_list("membership", "name", "whatsapp_number")
    }
    if campaign.created_by_id in found:
        found[None] = found[campaign.created_by_id]
    return found
