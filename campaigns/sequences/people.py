"""What is known of many people at once: their facts for the texts, their zones, and who may not be written to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from campaigns.audience.people import CONTACT_FIELDS, UNIT_FIELDS, house_of
from campaigns.quiet import zone_of
from campaigns.variables import Facts
from core.models import Organization
from crm.models import Agent, Contact, Ownership, Property
from crm.models.agents import AgentStatus


def facts_of(
    *, organization: Organization, people: Iterable[tuple[int, int | None]], author_id: int
) -> dict[tuple[int, int | None], Facts]:
    """Facts by (contact, unit). Three queries, however many people."""
    pairs = set(people)
    contacts = {
        row["pk"]: row
        for row in Contact.objects.for_organization(organization)
        .filter(pk__in={contact for contact, _ in pairs})
        .values("pk", *CONTACT_FIELDS)
    }
    units = {
        row["pk"]: row
        for row in Property.objects.for_organization(organization)
        .filter(pk__in={unit for _, unit in pairs if unit})
        .values("pk", *UNIT_FIELDS)
    }
    agents = _agents(organization)
    house = house_of(organization)
    nobody: Mapping[str, str] = {}
    return {
        (contact, unit): Facts(
            contact=contacts[contact],
            unit=units.get(unit, {}) if unit else {},
            agent=agents.get(contacts[contact]["assigned_to"]) or agents.get(author_id, nobody),
            organization=house,
        )
        for contact, unit in pairs
        if contact in contacts
    }


def units_of(organization: Organization, contact_ids: Sequence[int]) -> dict[int, int]:
    """The unit that a text speaks of when nobody chose one: the primary one, else the first we knew. One query."""
    owned = Ownership.objects.for_organization(organization).current().filter(property__deleted_at__isnull=True)
    rows = owned.filter(contact__in=contact_ids).order_by("contact_id", "-is_primary", "property_id")
    return dict(rows.distinct("contact_id").values_list("contact_id", "property_id"))


def owned_pairs(organization: Organization, pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Of these (contact, unit), those where it is theirs now. One query."""
    wanted = set(pairs)
    rows = Ownership.objects.for_organization(organization).current()
    rows = rows.filter(contact__in={contact for contact, _ in wanted}, property__in={unit for _, unit in wanted})
    return wanted & set(rows.values_list("contact_id", "property_id"))


def zone_for(organization: Organization, address: str) -> str:
    """Where somebody with this number lives, as far as it tells; else where the house is."""
    return zone_of(address) or str(organization.time_zone)


def _agents(organization: Organization) -> dict[int | None, Mapping[str, Any]]:
    active = Agent.objects.for_organization(organization).live().filter(status=AgentStatus.ACTIVE)
    return {
        membership: {"name": name, "whatsapp_number": number}
        for membership, name, number in active.values_list("membership", "name", "whatsapp_number")
    }
