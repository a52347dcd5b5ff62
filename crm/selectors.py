"""What pages show of stock and people. Frozen answers with a promised number of queries.

A supervisor's answers take one query more: who reports to him.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from core.actors import Actor
from core.errors import NotFound
from core.models import TenantModel
from core.roles import Capability, Reach
from crm.models import (
    Agent,
    Contact,
    ContactPoint,
    Deal,
    OwnerDisclosure,
    Ownership,
    Project,
    ProjectAssignment,
    Property,
)
from crm.models.agents import AgentStatus, AssignmentStatus
from crm.models.contacts import PointKind
from crm.models.deals import DealStage
from crm.models.stock import PropertyStatus

DISCLOSED_FOR = timedelta(days=1)
OPEN_STAGES = (DealStage.OFFER, DealStage.ACCEPTED, DealStage.CONTRACT)
MASK = "•••"


@dataclass(frozen=True, slots=True)
class UnitRow:
    unit_id: int
    label: str
    project_id: int
    project_name: str
    p_number: str
    municipality_number: str
    building: str
    cluster: str
    layout: str
    bedrooms: int | None
    area_sqm: Decimal | None
    status: str
    status_label: str
    asking_price_minor: int | None
    currency: str
    price_note: str
    owner_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnitList:
    """One page, newest unit first. `next` is the `before` of the following page, None at the end."""

    rows: list[UnitRow]
    next: int | None


@dataclass(frozen=True, slots=True)
class Point:
    """One way to reach a contact as this actor may read it: whole, or with its middle hidden."""

    point_id: int
    kind: str
    kind_label: str
    shown: str
    is_masked: bool
    line_type: str
    status: str
    status_label: str
    is_primary: bool


@dataclass(frozen=True, slots=True)
class UnitOwner:
    ownership: Ownership
    contact: Contact
    points: list[Point]


@dataclass(frozen=True, slots=True)
class UnitPage:
    """Current owners have the primary one first; the history has the latest first."""

    unit: Property
    owners: list[UnitOwner]
    history: list[Ownership]
    assignments: list[ProjectAssignment]
    deals: list[Deal]


@dataclass(frozen=True, slots=True)
class ContactRow:
    contact_id: int
    name: str
    kind: str
    is_bad_contact: bool
    unit_count: int
    point: Point | None


@dataclass(frozen=True, slots=True)
class ContactList:
    rows: list[ContactRow]
    next: int | None


@dataclass(frozen=True, slots=True)
class ContactPage:
    """`may_disclose`: some number is hidden, and `crm.services.disclose_owner_number` would show it."""

    contact: Contact
    points: list[Point]
    owns: list[Ownership]
    owned: list[Ownership]
    deals: list[Deal]
    may_disclose: bool


@dataclass(frozen=True, slots=True)
class ProjectRow:
    project: Project
    unit_count: int
    available_count: int
    owner_count: int
    agent_count: int


@dataclass(frozen=True, slots=True)
class AgentLoad:
    agent: Agent
    assignment_count: int
    open_deal_count: int
    contact_count: int


def unit_list(
    *,
    actor: Actor,
    search: str = "",
    project: int | None = None,
    status: str = "",
    before: int | None = None,
    limit: int = 50,
) -> UnitList:
    """The units this actor may see, with the names of their owners. Two queries, however many there are."""
    actor.require(Capability.CRM_READ)
    units = Property.objects.visible_to(actor).search(search)
    if project is not None:
        units = units.filter(project=project)
    if status:
        units = units.filter(status=status)
    if before is not None:
        units = units.filter(pk__lt=before)
    page: list[Property] = list(units.select_related("project").order_by("-pk")[: limit + 1])
    shown = page[:limit]
    owners = _owner_names(shown)
    return UnitList([_unit_row(unit, owners[unit.pk]) for unit in shown], shown[-1].pk if len(page) > limit else None)


def unit_page(*, actor: Actor, unit_id: int, at: datetime) -> UnitPage:
    """One unit with everything around it. Five queries, and one more where numbers are masked. Raises NotFound."""
    actor.require(Capability.CRM_READ)
    unit: Property | None = (
        Property.objects.visible_to(actor).select_related("project", "property_type").filter(pk=unit_id).first()
    )
    if unit is None:
        raise NotFound("There is no such unit here.")
    ownerships: list[Ownership] = list(
        unit.ownerships.live().select_related("contact").order_by("-is_primary", "-since", "pk")
    )
    current = [ownership for ownership in ownerships if ownership.until is None]
    points = _points(actor, [ownership.contact_id for ownership in current], at)
    past = [ownership for ownership in ownerships if ownership.until is not None]
    on_unit = Q(property=unit) | Q(property__isnull=True, project=unit.project_id)
    assignments = ProjectAssignment.objects.visible_to(actor).filter(on_unit).select_related("agent", "successor")
    deals = Deal.objects.visible_to(actor).filter(property=unit).select_related("agent", "buyer", "seller")
    return UnitPage(
        unit=unit,
        owners=[UnitOwner(each, each.contact, points[each.contact_id]) for each in current],
        history=sorted(past, key=lambda ownership: (ownership.until, ownership.pk), reverse=True),
        assignments=list(assignments.order_by("-pk")[:50]),
        deals=list(deals.order_by("-pk")[:50]),
    )


def contact_list(
    *,
    actor: Actor,
    search: str = "",
    owners_only: bool = False,
    before: int | None = None,
    limit: int = 50,
    at: datetime,
) -> ContactList:
    """The contacts this actor may see, with what they own and their first number. Three queries (four if masked)."""
    actor.require(Capability.CRM_READ)
    contacts = Contact.objects.visible_to(actor).search(search)
    if owners_only:
        contacts = contacts.owners()
    if before is not None:
        contacts = contacts.filter(pk__lt=before)
    page: list[Contact] = list(contacts.order_by("-pk")[: limit + 1])
    shown = page[:limit]
    ids = [contact.pk for contact in shown]
    points = _points(actor, ids, at)
    held = Ownership.objects.visible_to(actor).current().filter(contact__in=ids)
    counts = dict(held.order_by().values_list("contact").annotate(Count("pk")))
    rows = [
        ContactRow(
            contact_id=contact.pk,
            name=contact.display_name,
            kind=contact.kind,
            is_bad_contact=contact.is_bad_contact,
            unit_count=counts.get(contact.pk, 0),
            point=next(iter(points[contact.pk]), None),
        )
        for contact in shown
    ]
    return ContactList(rows, shown[-1].pk if len(page) > limit else None)


def contact_page(*, actor: Actor, contact_id: int, at: datetime) -> ContactPage:
    """One contact: how to reach it, what it owns and owned. Four queries (five if masked). Raises NotFound.

    Of what it owns only the units are listed that this actor may see. Conversations are messaging's to show.
    """
    actor.require(Capability.CRM_READ)
    contact: Contact | None = (
        Contact.objects.visible_to(actor).select_related("assigned_to__user").filter(pk=contact_id).first()
    )
    if contact is None:
        raise NotFound("There is no such contact here.")
    points = _points(actor, [contact.pk], at)[contact.pk]
    ownerships: list[Ownership] = list(
        Ownership.objects.visible_to(actor)
        .filter(contact=contact, property__deleted_at__isnull=True)
        .select_related("property__project")
        .order_by("-until", "-pk")
    )
    deals = Deal.objects.visible_to(actor).filter(Q(seller=contact) | Q(buyer=contact))
    return ContactPage(
        contact=contact,
        points=points,
        owns=[ownership for ownership in ownerships if ownership.until is None],
        owned=[ownership for ownership in ownerships if ownership.until is not None],
        deals=list(deals.select_related("property", "agent").order_by("-pk")[:50]),
        may_disclose=any(point.is_masked for point in points),
    )


def project_list(*, actor: Actor, search: str = "", status: str = "") -> list[ProjectRow]:
    """Projects by their number, each counting only what this actor may see. Four queries.

    An organisation has some tens of projects: 500 are shown at most, and the search finds the rest.
    """
    actor.require(Capability.CRM_READ)
    found = Project.objects.visible_to(actor).search(search)
    if status:
        found = found.filter(status=status)
    projects: list[Project] = list(found.order_by("number")[:500])
    ids = [project.pk for project in projects]
    units = Property.objects.visible_to(actor).filter(project__in=ids)
    available = Count("pk", filter=Q(status=PropertyStatus.AVAILABLE))
    counts = {
        project: (every, free)
        for project, every, free in units.order_by().values_list("project").annotate(Count("pk"), free=available)
    }
    owners = _counted(
        Ownership.objects.visible_to(actor).current().filter(property__project__in=ids), "property__project", "contact"
    )
    agents = _counted(ProjectAssignment.objects.visible_to(actor).active().filter(project__in=ids), "project", "agent")
    return [
        ProjectRow(project, *counts.get(project.pk, (0, 0)), owners.get(project.pk, 0), agents.get(project.pk, 0))
        for project in projects
    ]


def agent_loads(*, actor: Actor, at_work_only: bool = True) -> list[AgentLoad]:
    """Agents by name, with what is on their hands now. One query."""
    actor.require(Capability.CRM_READ)
    agents = Agent.objects.visible_to(actor)
    if at_work_only:
        agents = agents.filter(status=AgentStatus.ACTIVE)
    work = ProjectAssignment.objects.live().filter(agent=OuterRef("pk"), status=AssignmentStatus.ACTIVE)
    deals = Deal.objects.live().filter(agent=OuterRef("pk"), stage__in=OPEN_STAGES)
    contacts = Contact.objects.live().filter(assigned_to=OuterRef("membership"))
    annotated = agents.select_related("membership__reports_to__user").annotate(
        assignment_count=_how_many(work, "agent"),
        open_deal_count=_how_many(deals, "agent"),
        contact_count=_how_many(contacts, "assigned_to"),
    )
    return [
        AgentLoad(agent, agent.assignment_count, agent.open_deal_count, agent.contact_count)
        for agent in annotated.order_by("name", "pk")[:500]
    ]


def reads_numbers(actor: Actor) -> bool:
    """Whether this actor reads numbers and addresses whole, in every list, page and API answer.

    Those who answer for the whole organisation do. Agents and supervisors read them with the middle hidden, and ask
    for a contact's numbers one by one (crm.services.disclose_owner_number), which is counted and kept.
    """
    return actor.reach is Reach.ORGANIZATION


def masked(kind: str, value: str) -> str:
    """A number or an address that can be told from another, and not be used: +97150•••67, t•••@example.com."""
    if kind == PointKind.EMAIL:
        name, _, host = value.partition("@")
        return f"{name[:1]}{MASK}@{host}"
    return f"{value[:6]}{MASK}{value[-2:]}"


def _points(actor: Actor, contacts: Iterable[int], at: datetime) -> dict[int, list[Point]]:
    """Ways to reach each contact, primary ones first. One query; a second where numbers are masked."""
    points: dict[int, list[Point]] = defaultdict(list)
    ids = list(contacts)
    whole = reads_numbers(actor)
    told = set() if whole else _disclosed(actor, ids, at)
    found = ContactPoint.objects.for_organization(actor.organization).live().filter(contact__in=ids)
    for point in found.order_by("-is_primary", "pk"):
        hidden = not whole and point.pk not in told
        points[point.contact_id].append(
            Point(
                point_id=point.pk,
                kind=point.kind,
                kind_label=point.get_kind_display(),
                shown=masked(point.kind, point.value) if hidden else point.value,
                is_masked=hidden,
                line_type=point.line_type,
                status=point.status,
                status_label=point.get_status_display(),
                is_primary=point.is_primary,
            )
        )
    return points


def _disclosed(actor: Actor, contacts: list[int], at: datetime) -> set[int]:
    """The points that this member was given during the last day: they need not be asked for twice."""
    given = OwnerDisclosure.objects.for_organization(actor.organization).filter(
        membership=actor.membership, contact__in=contacts, at__gt=at - DISCLOSED_FOR
    )
    return {point for points in given.values_list("points", flat=True) for point in points}


def _owner_names(units: list[Property]) -> dict[int, tuple[str, ...]]:
    names: dict[int, tuple[str, ...]] = defaultdict(tuple)
    current = Ownership.objects.current().filter(property__in=units).order_by("-is_primary", "pk")
    for unit, name in current.values_list("property", "contact__display_name"):
        names[unit] += (name,)
    return names


def _unit_row(unit: Property, owner_names: tuple[str, ...]) -> UnitRow:
    return UnitRow(
        unit_id=unit.pk,
        label=unit.label,
        project_id=unit.project_id,
        project_name=unit.project.name,
        p_number=unit.p_number,
        municipality_number=unit.municipality_number,
        building=unit.building,
        cluster=unit.cluster,
        layout=unit.layout,
        bedrooms=unit.bedrooms,
        area_sqm=unit.area_sqm,
        status=unit.status,
        status_label=unit.get_status_display(),
        asking_price_minor=unit.asking_price_minor,
        currency=unit.currency,
        price_note=unit.price_note,
        owner_names=owner_names,
    )


def _counted(rows: QuerySet[TenantModel], by: str, what: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(by).annotate(Count(what, distinct=True)))


def _how_many(rows: QuerySet[TenantModel], by: str) -> Coalesce:
    counted = rows.order_by().values(by).annotate(how_many=Count("pk")).values("how_many")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
