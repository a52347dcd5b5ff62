"""Who was shown whose numbers: how many, why, through which door, and whether that is unusual."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncDate

from core.actors import Actor
from core.models import Membership
from core.roles import Capability
from crm.models import Contact, ContactPoint, DisclosureAlert, ListDisclosure, OwnerDisclosure, Ownership
from crm.selectors.numbers import masked

BEFORE = timedelta(days=28)
# A day is unusual with more contacts than this, and than three times the member's own average day.
FEWEST_UNUSUAL = 10
TIMES_THE_USUAL = 3
PER_PAGE = 50
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """Days in the organisation's zone, both included; None leaves a filter out."""

    since: date
    until: date
    membership: int | None = None
    project: int | None = None
    door: str = ""


@dataclass(frozen=True, slots=True)
class DayCount:
    """Of one member on one day: contacts asked for, contacts opened, and numbers taken in lists."""

    day: date
    membership_id: int
    name: str
    asked: int
    opened: int
    listed: int
    is_unusual: bool

    @property
    def contacts(self) -> int:
        return self.asked + self.opened


@dataclass(frozen=True, slots=True)
class MemberCount:
    membership_id: int
    name: str
    contacts: int
    listed: int
    unusual_days: int


@dataclass(frozen=True, slots=True)
class Report:
    days: list[DayCount]
    members: list[MemberCount]
    projects: list[tuple[int, str, int]]
    per_day: list[tuple[date, int]]
    total: int
    listed: int
    alerts: list[DisclosureAlert]

    @property
    def most(self) -> int:
        return max((count for _day, count in self.per_day), default=0)


@dataclass(frozen=True, slots=True)
class Shown:
    """Somebody was shown numbers of a contact; `under` is the name of a contact that was merged into it, or ""."""

    who: str
    at: datetime
    door: str
    reason: str
    numbers: list[str]
    under: str


@dataclass(frozen=True, slots=True)
class Disclosures:
    rows: list[OwnerDisclosure]
    next: int | None


def disclosure_report(*, actor: Actor, wanted: Wanted) -> Report:
    """The figures of a period. Six queries, however many disclosures."""
    actor.require(Capability.AUDIT_READ)
    zone = ZoneInfo(actor.organization.time_zone)
    earlier = Wanted(wanted.since - BEFORE, wanted.until, wanted.membership, wanted.project, wanted.door)
    counts: dict[tuple[int, date], Counter[str]] = defaultdict(Counter)
    by_day = disclosures_of(actor, earlier).annotate(day=TruncDate("at", tzinfo=zone)).order_by()
    for member, day, opened, count in by_day.values_list("membership", "day", "by_opening").annotate(Count("pk")):
        counts[member, day]["opened" if opened else "asked"] += count
    lists = _lists_of(actor, wanted, zone).annotate(day=TruncDate("at", tzinfo=zone)).order_by()
    for member, day, many in lists.values_list("membership", "day").annotate(Sum("how_many")):
        counts[member, day]["listed"] += many
    members = Membership.objects.filter(pk__in={member for member, _day in counts})
    names = dict(members.values_list("pk", "user__name"))
    days = [
        DayCount(
            day=day,
            membership_id=member,
            name=names[member],
            asked=found["asked"],
            opened=found["opened"],
            listed=found["listed"],
            is_unusual=_is_unusual(counts, member, day),
        )
        for (member, day), found in counts.items()
        if day >= wanted.since
    ]
    days.sort(key=lambda each: (each.day, each.contacts, each.membership_id), reverse=True)
    per_day: Counter[date] = Counter()
    for each in days:
        per_day[each.day] += each.contacts
    alerts = DisclosureAlert.objects.visible_to(actor).filter(seen_at__isnull=True)
    return Report(
        days=days,
        members=_members(days),
        projects=_projects(actor, wanted),
        per_day=sorted(per_day.items()),
        total=sum(each.contacts for each in days),
        listed=sum(each.listed for each in days),
        alerts=list(alerts.select_related("membership__user").order_by("-pk")[:50]),
    )


def disclosure_rows(*, actor: Actor, wanted: Wanted, before: int | None = None, limit: int = PER_PAGE) -> Disclosures:
    """The disclosures themselves, newest first. One query."""
    actor.require(Capability.AUDIT_READ)
    rows = disclosures_of(actor, wanted)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    page = list(rows.select_related("membership__user", "contact").order_by("-pk")[: limit + 1])
    return Disclosures(page[:limit], page[limit - 1].pk if len(page) > limit else None)


def shown_of(actor: Actor, contact: Contact) -> list[Shown] | None:
    """For the page of a contact: who was shown its numbers, also under names that were merged into it, newest first.

    None for who may not see that, or when nobody was. Three queries, and one more for each merge of merges.
    """
    if not actor.can(Capability.AUDIT_READ):
        return None
    lineage = Contact.objects.lineage_of(contact.pk)
    rows = OwnerDisclosure.objects.visible_to(actor).filter(contact__in=lineage)
    found = list(rows.select_related("membership__user", "contact").order_by("-at", "-pk")[:SHOWN])
    if not found:
        return None
    points = ContactPoint.objects.for_organization(actor.organization)
    named = {pk for row in found for pk in row.points}
    numbers = {
        pk: masked(kind, value) for pk, kind, value in points.filter(pk__in=named).values_list("pk", "kind", "value")
    }
    return [
        Shown(
            who=row.membership.user.name,
            at=row.at,
            door=row.get_door_display(),
            reason=row.reason,
            numbers=[numbers[pk] for pk in row.points if pk in numbers],
            under="" if row.contact_id == contact.pk else row.contact.display_name,
        )
        for row in found
    ]


def disclosures_of(actor: Actor, wanted: Wanted) -> QuerySet[Any]:
    """The rows of a period that the filters leave."""
    begin, end = _between(wanted, ZoneInfo(actor.organization.time_zone))
    rows = OwnerDisclosure.objects.visible_to(actor).filter(at__gte=begin, at__lt=end)
    if wanted.membership is not None:
        rows = rows.filter(membership=wanted.membership)
    if wanted.door:
        rows = rows.filter(door=wanted.door)
    if wanted.project is not None:
        owners = Ownership.objects.visible_to(actor).filter(property__project=wanted.project)
        rows = rows.filter(contact__in=owners.values("contact"))
    return rows


def _lists_of(actor: Actor, wanted: Wanted, zone: ZoneInfo) -> QuerySet[Any]:
    begin, end = _between(wanted, zone)
    rows = ListDisclosure.objects.visible_to(actor).filter(at__gte=begin, at__lt=end)
    if wanted.membership is not None:
        rows = rows.filter(membership=wanted.membership)
    if wanted.door:
        rows = rows.filter(door=wanted.door)
    return rows.none() if wanted.project is not None else rows  # a list is of no one project


def _between(wanted: Wanted, zone: ZoneInfo) -> tuple[datetime, datetime]:
    after = wanted.until + timedelta(days=1)
    return (
        datetime(wanted.since.year, wanted.since.month, wanted.since.day, tzinfo=zone),
        datetime(after.year, after.month, after.day, tzinfo=zone),
    )


def _is_unusual(counts: dict[tuple[int, date], Counter[str]], member: int, day: date) -> bool:
    def of(when: date) -> int:
        found = counts.get((member, when))
        return found["asked"] + found["opened"] if found else 0

    usual = [of(day - timedelta(days=back)) for back in range(1, BEFORE.days + 1)]
    worked = [count for count in usual if count]
    average = sum(worked) / len(worked) if worked else 0
    return of(day) > max(FEWEST_UNUSUAL, TIMES_THE_USUAL * average)


def _members(days: Iterable[DayCount]) -> list[MemberCount]:
    found: dict[int, list[DayCount]] = defaultdict(list)
    for each in days:
        found[each.membership_id].append(each)
    rows = [
        MemberCount(
            membership_id=member,
            name=theirs[0].name,
            contacts=sum(each.contacts for each in theirs),
            listed=sum(each.listed for each in theirs),
            unusual_days=sum(each.is_unusual for each in theirs),
        )
        for member, theirs in found.items()
    ]
    return sorted(rows, key=lambda row: (-row.contacts - row.listed, row.name))


def _projects(actor: Actor, wanted: Wanted) -> list[tuple[int, str, int]]:
    """Of which projects the owners were that were shown; who owns in two counts in both."""
    shown = disclosures_of(actor, wanted).order_by().values("contact")
    owned = Ownership.objects.visible_to(actor).current().filter(contact__in=shown)
    named = owned.order_by().values_list("property__project", "property__project__name")
    counted = named.annotate(count=Count("contact", distinct=True)).order_by("-count", "property__project")
    return [(pk, name, count) for pk, name, count in counted[:50]]
