"""Whom a campaign is for: from the target and its filter to one row per person, each with an address or a reason.

Pre-flight and start run this same code, so what was shown is what is frozen (unless the stock changed in between).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from campaigns.errors import AudienceInvalid
from campaigns.models import Campaign, CampaignMessage, SkipReason, Target
from campaigns.variables import Facts, values_of
from core.actors import Actor
from core.arrays import any_text
from crm.models import Agent, Contact, ContactPoint, Ownership, Property
from crm.models.agents import AgentStatus
from crm.models.contacts import PointStatus
from crm.models.stock import PropertyStatus
from messaging.models import Channel
from messaging.refusals import Address, Refusal, standings_of

AT_A_TIME = 5_000
MOST_CHOSEN = 50_000

TEXT_LISTS = {"property_statuses", "clusters", "layouts", "languages", "tags"}
ID_LISTS = {"property_ids", "contact_ids"}
FILTERS: dict[str, frozenset[str]] = {
    Target.ALL_OWNERS: frozenset({"property_statuses", "clusters", "layouts", "languages"}),
    Target.SPECIFIC_PROPERTY: frozenset({"property_ids", "languages"}),
    Target.LIST: frozenset({"contact_ids", "tags", "languages"}),
}

CONTACT_FIELDS = ("display_name", "first_name", "last_name", "assigned_to")
UNIT_FIELDS = (
    "unit_number", "building", "cluster", "layout", "floor", "bedrooms", "area_sqm", "asking_price_minor", "currency",
    "p_number", "registration", "project__name", "project__developer", "project__area",
)  # fmt: skip


@dataclass(slots=True)
class Recipient:
    """One person of the audience: to be written to, or skipped with a reason."""

    contact_id: int
    property_id: int | None
    recipient: str = ""
    skip_reason: str = SkipReason.NONE
    variables: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Person:
    contact_id: int
    contact: Mapping[str, Any]
    property_id: int | None
    unit: Mapping[str, Any]


def checked_filter(*, actor: Actor, target: str, given: object, project_id: int | None) -> dict[str, list[Any]]:
    """The filter in its one form. Raises AudienceInvalid for what the target does not know or the actor may not see."""
    if not isinstance(given, Mapping):
        raise AudienceInvalid("The audience filter must be an object of lists.")
    allowed = FILTERS[target]
    checked: dict[str, list[Any]] = {}
    for name, values in given.items():
        if name not in allowed:
            said = f"The target {Target(target).label!r} has no filter {name!r}; it has {', '.join(sorted(allowed))}."
            raise AudienceInvalid(said, filter=str(name))
        kind = int if name in ID_LISTS else str
        fits = isinstance(values, list) and all(isinstance(v, kind) and not isinstance(v, bool) for v in values)
        if not fits or len(values) > MOST_CHOSEN:
            words = "whole numbers" if name in ID_LISTS else "texts"
            raise AudienceInvalid(f"{name} must be a list of at most {MOST_CHOSEN:,} {words}.", filter=name)
        if values:
            checked[name] = sorted(set(values))
    for name, model in (("property_ids", Property), ("contact_ids", Contact)):
        if name in checked:
            checked[name] = _as_they_are_now(model, checked[name])
    _require_meaning(actor, target, checked, project_id)
    return checked


def _require_meaning(actor: Actor, target: str, checked: Mapping[str, list[Any]], project_id: int | None) -> None:
    unknown = set(checked.get("property_statuses", [])) - set(PropertyStatus.values)
    if unknown:
        said = (
            f"{', '.join(sorted(unknown))}: no such status of a unit; choose from {', '.join(PropertyStatus.values)}."
        )
        raise AudienceInvalid(said, filter="property_statuses")
    if target == Target.SPECIFIC_PROPERTY and "property_ids" not in checked:
        raise AudienceInvalid("Choose at least one unit.", filter="property_ids")
    if target == Target.LIST and not {"contact_ids", "tags"} & set(checked):
        raise AudienceInvalid("Choose contacts, or a tag that they carry.", filter="contact_ids")
    for name, model in (("property_ids", Property), ("contact_ids", Contact)):
        wanted = checked.get(name, [])
        strangers = sorted(set(wanted) - set(_visible_ids(model.objects.visible_to(actor), wanted))) if wanted else []
        if strangers:
            raise AudienceInvalid(f"{name}: {strangers[0]} is not among those you may choose.", filter=name)
    if (
        actor.membership is not None
        and actor.reach != "organization"
        and target == Target.ALL_OWNERS
        and not project_id
    ):
        raise AudienceInvalid(
            "Choose one of your projects: only managers write to the owners of all.", filter="project"
        )


def _as_they_are_now(model: type[Contact | Property], ids: Sequence[int]) -> list[int]:
    """Whoever was merged into another since is that other."""
    return sorted({end for some in _in_parts(ids) for end in model.objects.survivors_of(some).values()})


def _visible_ids(queryset: QuerySet[Any], wanted: Sequence[int]) -> Iterator[int]:
    for some in _in_parts(wanted):
        yield from queryset.filter(pk__in=some).values_list("pk", flat=True)


def recipients_of(*, campaign: Campaign, channel: Channel, at: datetime) -> list[Recipient]:
    """Everybody the campaign is meant for, by contact id: who can be written to, and who is skipped and why.

    About a dozen queries for each 5,000 people. `campaign` may be one that is not saved yet.
    """
    found: list[Recipient] = []
    with _many_rows_expected():
        people = _people(campaign)
        agents = _agents(campaign)
        house = {"name": campaign.organization.name, "phone": campaign.organization.phone}
        for some in _in_parts(people):
            found += _examined(campaign, channel, some, agents, house, at)
    _leave_out_duplicates(found)
    return found


@contextmanager
def _many_rows_expected() -> Iterator[None]:
    """Right after an import there are no statistics, PostgreSQL takes an organisation for one row, and loops: 44 s for
    10,000 people instead of four. An audience is always joined by hash."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield
        cursor.execute("SET LOCAL enable_nestloop = on")


def _examined(
    campaign: Campaign,
    channel: Channel,
    people: Sequence[_Person],
    agents: Mapping[int | None, Mapping[str, str]],
    house: Mapping[str, str],
    at: datetime,
) -> Iterator[Recipient]:
    organization = campaign.organization
    ids = [person.contact_id for person in people]
    category = campaign.template.category
    standings = standings_of(organization=organization, contact_ids=ids, category=category)
    refused = {key: found.value for key, found in standings.items() if isinstance(found, Refusal)}
    addresses = {key: found for key, found in standings.items() if isinstance(found, Address)}
    in_review = _in_review([key for key, reason in refused.items() if reason == SkipReason.INVALID_NUMBER])
    recent = _written_to_lately(campaign, [address.value for address in addresses.values()], at)
    for person in people:
        facts = Facts(
            contact=person.contact,
            unit=person.unit,
            agent=agents.get(person.contact["assigned_to"]) or agents.get(None, {}),
            organization=house,
        )
        values, missing = values_of(campaign.variables, facts)
        row = Recipient(person.contact_id, person.property_id, variables=values, missing=missing)
        address = addresses.get(person.contact_id)
        if person.contact_id in in_review:
            row.skip_reason = SkipReason.REVIEW
        elif person.contact_id in refused:
            row.skip_reason = refused[person.contact_id]
        elif address is None:
            row.skip_reason = SkipReason.NO_NUMBER
        elif address.value in recent:
            row.skip_reason = SkipReason.RECENT
        elif missing:
            row.skip_reason = SkipReason.VARIABLE
        else:
            row.recipient = address.value
        yield row


def _leave_out_duplicates(rows: list[Recipient]) -> None:
    """A number shared by several recipients is written to once: for the contact we have known longest."""
    rows.sort(key=lambda row: row.contact_id)
    taken: set[str] = set()
    for row in rows:
        if row.recipient in taken:
            row.skip_reason, row.recipient = SkipReason.DUPLICATE, ""
        elif row.recipient:
            taken.add(row.recipient)


def _people(campaign: Campaign) -> list[_Person]:
    owned = _ownerships(campaign)
    if campaign.target == Target.LIST:
        return _listed(campaign, owned)
    rows = owned.values_list(
        "contact_id",
        "property_id",
        *(f"contact__{n}" for n in CONTACT_FIELDS),
        *(f"property__{n}" for n in UNIT_FIELDS),
    )
    split = 2 + len(CONTACT_FIELDS)
    return [
        _Person(
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
        chosen["property_ids"] = _as_they_are_now(Property, chosen["property_ids"])
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


def _listed(campaign: Campaign, owned: QuerySet[Ownership]) -> list[_Person]:
    chosen: Mapping[str, list[Any]] = campaign.audience
    contacts = Contact.objects.for_organization(campaign.organization).live()
    if "languages" in chosen:
        contacts = contacts.filter(language__in=chosen["languages"])
    listed = _as_they_are_now(Contact, chosen.get("contact_ids", []))
    wanted = Q(pk__in=listed) | Q(tags__overlap=chosen.get("tags", []))
    people = {row["pk"]: row for row in contacts.filter(wanted).values("pk", *CONTACT_FIELDS)}
    units: dict[int, tuple[int, dict[str, Any]]] = {}
    for some in _in_parts(sorted(people)):
        rows = owned.filter(contact__in=some).values_list(
            "contact_id", "property_id", *(f"property__{name}" for name in UNIT_FIELDS)
        )
        units |= {row[0]: (row[1], dict(zip(UNIT_FIELDS, row[2:], strict=True))) for row in rows}
    return [_Person(pk, people[pk], *units.get(pk, (None, {}))) for pk in sorted(people)]


def _agents(campaign: Campaign) -> dict[int | None, dict[str, str]]:
    """Agents by their membership; under None the author's own profile, for contacts that nobody holds."""
    active = Agent.objects.for_organization(campaign.organization).live().filter(status=AgentStatus.ACTIVE)
    found: dict[int | None, dict[str, str]] = {
        membership: {"name": name, "whatsapp_number": number}
        for membership, name, number in active.values_list("membership", "name", "whatsapp_number")
    }
    if campaign.created_by_id in found:
        found[None] = found[campaign.created_by_id]
    return found


def _in_review(contact_ids: Sequence[int]) -> set[int]:
    """Of those without a usable number, the ones where somebody has yet to look at it."""
    waiting = ContactPoint.objects.live().filter(contact__in=contact_ids, status=PointStatus.REVIEW)
    return set(waiting.values_list("contact", flat=True)) if contact_ids else set()


def _written_to_lately(campaign: Campaign, addresses: Sequence[str], at: datetime) -> set[str]:
    since = at - timedelta(hours=campaign.skip_messaged_within_hours)
    rows = CampaignMessage.objects.for_organization(campaign.organization).exclude(campaign=campaign.pk)
    return set(
        rows.filter(recipient__in=any_text(addresses), accepted_at__gt=since).values_list("recipient", flat=True)
    )


def summed(rows: Sequence[Recipient]) -> tuple[Counter[str], Counter[str]]:
    """How many by skip reason ("" for those to be written to), and how many lack each variable."""
    reasons = Counter(str(row.skip_reason) for row in rows)
    missing = Counter(key for row in rows if row.skip_reason == SkipReason.VARIABLE for key in row.missing)
    return reasons, missing


def _in_parts(items: Sequence[Any]) -> Iterator[Any]:
    for start in range(0, len(items), AT_A_TIME):
        yield items[start : start + AT_A_TIME]
