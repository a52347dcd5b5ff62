"""One box over everything: units, owners, projects and agents, the best ones first, each only as far as one may see.

Two functions of the database find units and contacts (docs/adr/0013); what they answer is read again by its key
under the caller's own visibility, so a slip there would lose rows and never show one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import phonenumbers
from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import connection
from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When

from core.actors import Actor
from core.roles import Capability, Reach
from crm.models import Agent, Contact, Ownership, Project, ProjectAssignment, Property
from crm.names import normalize_name
from crm.selectors.numbers import Point, points_of, reads_numbers
from crm.selectors.units import UnitRow, unit_rows

KINDS = ("units", "owners", "projects", "agents")
FEWEST_LETTERS = 2
COUNTED_TO = 50
GUESSED = 5  # the tier of words that only look alike
ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class OwnerHit:
    contact_id: int
    name: str
    is_bad_contact: bool
    unit_count: int
    point: Point | None


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind. `count` stops at COUNTED_TO, `has_more` says that there is more than that."""

    kind: str
    hits: list[Any]
    count: int
    has_more: bool
    is_guess: bool


@dataclass(frozen=True, slots=True)
class Findings:
    asked: str
    groups: list[Group] = field(default_factory=list)

    @property
    def is_too_short(self) -> bool:
        return len(self.asked) < FEWEST_LETTERS


@dataclass(frozen=True, slots=True)
class _Reach:
    """Whose rows an own-only member sees, as the functions take it; None everywhere is the whole organisation."""

    members: list[int] | None = None
    projects: list[int] | None = None
    units: list[int] | None = None


def search(
    *, actor: Actor, text: str, kinds: Iterable[str] = KINDS, each: int = 6, at: datetime, most: int = COUNTED_TO
) -> Findings:
    """The best of every kind for what somebody typed. Ten queries at most, twelve where the reach is not everything.

    Units 3, owners 5 (with which numbers this member was shown), projects and agents 1 each, own assignments 1 or 2.
    """
    actor.require(Capability.CRM_READ)
    text = " ".join(text.replace("\x00", "").split())[:200]
    if len(text) < FEWEST_LETTERS:
        return Findings(text)
    wanted, reach = set(kinds), _reach(actor)
    groups = []
    if "units" in wanted:
        groups.append(_units(actor, text, reach, each, most))
    if "owners" in wanted:
        groups.append(_owners(actor, text, reach, each, most, at))
    if "projects" in wanted:
        groups.append(_projects(actor, text, each, most))
    if "agents" in wanted:
        groups.append(_agents(actor, text, each, most))
    return Findings(text, [group for group in groups if group.hits])


def _units(actor: Actor, text: str, reach: _Reach, each: int, most: int) -> Group:
    found = _ask(
        "SELECT id, tier FROM majlis_search_units(%s, %s, %s, %s)", [text, reach.projects, reach.units, most + 1]
    )
    rows = _in_order(Property.objects.visible_to(actor).select_related("project"), [pk for pk, _tier in found[:each]])
    hits: list[UnitRow] = unit_rows(rows)
    return _group("units", hits, found, most)


def _owners(actor: Actor, text: str, reach: _Reach, each: int, most: int, at: datetime) -> Group:
    found = _ask(
        "SELECT id, tier FROM majlis_search_contacts(%s, %s, %s, %s, %s, %s, %s)",
        [
            text, reads_numbers(actor), str(phonenumbers.country_code_for_region(actor.organization.country)), reach.members, reach.projects,
            reach.units, most + 1,
        ],
    )  # fmt: skip
    contacts = _in_order(Contact.objects.visible_to(actor), [pk for pk, _tier in found[:each]])
    ids = [contact.pk for contact in contacts]
    if not ids:
        return _group("owners", [], found, most)
    points = points_of(actor, ids, at)
    held = Ownership.objects.visible_to(actor).current().filter(contact__in=ids)
    counts = dict(held.order_by().values_list("contact").annotate(Count("pk")))
    hits = [
        OwnerHit(
            contact_id=contact.pk,
            name=contact.display_name,
            is_bad_contact=contact.is_bad_contact,
            unit_count=counts.get(contact.pk, 0),
            point=next(iter(points[contact.pk]), None),
        )
        for contact in contacts
    ]
    return _group("owners", hits, found, most)


def _projects(actor: Actor, text: str, each: int, most: int) -> Group:
    """Some hundreds at most: read whole, the number first."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    return _named(Project.objects.visible_to(actor), "projects", "name", text, each, most, number=number)


def _agents(actor: Actor, text: str, each: int, most: int) -> Group:
    agents = Agent.objects.visible_to(actor).select_related("membership__user")
    return _named(agents, "agents", "name", text, each, most)


def _named(
    rows: QuerySet[Any], kind: str, column: str, text: str, each: int, most: int, number: int | None = None
) -> Group:
    said = [Q(**{f"{column}__icontains": word}) for word in text.split()[:6]]
    every = said[0]
    for one in said[1:]:
        every &= one
    tiers = [
        When(**{f"{column}__iexact": text}, then=Value(1)),
        When(**{f"{column}__istartswith": text}, then=Value(3)),
    ]
    if number is not None:
        every |= Q(number=number)
        tiers.insert(0, When(number=number, then=Value(0)))
    rows = rows.annotate(likeness=TrigramWordSimilarity(normalize_name(text) or text, column)).filter(
        every | Q(likeness__gte=ALIKE)
    )
    ranked = rows.annotate(
        tier=Case(*tiers, When(every, then=Value(4)), default=Value(GUESSED), output_field=IntegerField())
    ).order_by("tier", F("likeness").desc(), column, "pk")
    found = list(ranked[: most + 1])
    # Words that only look alike are an answer where there is no better one.
    sure = [row for row in found if row.tier < GUESSED] or found
    return _group(kind, sure[:each], [(row.pk, row.tier) for row in sure], most)


def _reach(actor: Actor) -> _Reach:
    if actor.reach is Reach.ORGANIZATION:
        return _Reach()
    return _Reach(list(actor.membership_ids), *ProjectAssignment.objects.reach_of(actor))


def _ask(statement: str, values: list[Any]) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[int, int]] = cursor.fetchall()
    return found


def _in_order(rows: QuerySet[Any], ids: list[int]) -> list[Any]:
    """The rows of these keys, as they stand in the list; who may not see one does not get it."""
    if not ids:
        return []
    found = rows.in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def _group(kind: str, hits: list[Any], found: list[tuple[int, int]], most: int) -> Group:
    tiers = {tier for _pk, tier in found}
    return Group(kind, hits, min(len(found), most), len(found) > most, is_guess=tiers == {GUESSED})
