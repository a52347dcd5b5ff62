"""Runs of validation: started, gone on with, stopped, found again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Max, Q, QuerySet

from core import audit
from core.actors import Actor
from core.errors import NotFound
from core.jobs import enqueue
from core.models import Organization
from core.roles import Capability
from crm.errors import ValidationRunning, ValueInvalid
from crm.models import ContactPoint, Ownership, Project, ValidationFinding, ValidationRun
from crm.models.contacts import PointKind, PointStatus
from crm.models.validation import Finding, RunStatus
from crm.services.writing import person
from crm.validation import Judgement, judge

AT_A_TIME = 250
LEASE = timedelta(minutes=5)
LOST = timedelta(minutes=1)
MOST_CHOSEN = 10_000
KINDS = {
    "all": [PointKind.PHONE, PointKind.WHATSAPP, PointKind.EMAIL],
    "numbers": [PointKind.PHONE, PointKind.WHATSAPP],
    "emails": [PointKind.EMAIL],
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which points: `older_than` days since the last look, 0 for all, None for those never looked at."""

    kinds: str = "all"
    older_than: int | None = None
    project: int | None = None
    points: Sequence[int] = field(default_factory=tuple)


def points_to_validate(*, actor: Actor, chosen: Chosen, at: datetime) -> QuerySet[Any]:
    """The points a run would look at. What a person verified, and whoever asked not to be reached, is not among them.

    Raises ValueInvalid, NotFound.
    """
    actor.require(Capability.STOCK_WRITE)
    if chosen.kinds not in KINDS:
        raise ValueInvalid(f"Choose one of: {', '.join(KINDS)}.", field="kinds")
    if len(chosen.points) > MOST_CHOSEN:
        raise ValueInvalid(f"At most {MOST_CHOSEN:,} points by name.", field="points")
    if chosen.older_than is not None and not 0 <= chosen.older_than <= 36_500:
        raise ValueInvalid("Days are 0 or more.", field="older_than")
    if chosen.project and not Project.objects.visible_to(actor).live().filter(pk=chosen.project).exists():
        raise NotFound("There is no such project here.")
    return _points(actor.organization, chosen, at)


@transaction.atomic
def start_validation(*, actor: Actor, chosen: Chosen, at: datetime) -> ValidationRun:
    """Look at these points by a worker. Raises ValidationRunning (one at a time), ValueInvalid (none), NotFound."""
    points = points_to_validate(actor=actor, chosen=chosen, at=at)
    last = points.aggregate(last=Max("pk"))["last"]
    if last is None:
        raise ValueInvalid("There is nothing to look at by these filters.", field="older_than")
    run = ValidationRun(
        organization=actor.organization,
        requested_by=person(actor),
        wanted={
            "kinds": chosen.kinds,
            "older_than": chosen.older_than,
            "project": chosen.project,
            "points": sorted(set(chosen.points)),
        },
        last=last,
        total=points.count(),
        started_at=at,
    )
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError as error:
        if getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") != "crm_validationrun_one_at_a_time":
            raise
        raise ValidationRunning("A validation is under way; stop it or wait for its end.") from None
    after = {name: value for name, value in run.wanted.items() if name != "points"} | {"total": run.total}
    audit.record(actor=actor, action="crm.validation_started", target=run, after=after, at=at)
    enqueue("crm.validate_points", organization_id=actor.organization.pk, run_id=run.pk)
    return run


@transaction.atomic
def stop_validation(*, actor: Actor, run: ValidationRun, at: datetime) -> ValidationRun:
    """It ends after the batch that is under way; what was found stays. Raises NotFound."""
    actor.require(Capability.STOCK_WRITE)
    member = person(actor)
    rows = ValidationRun.objects.visible_to(actor).select_for_update(of=("self",), no_key=True)
    found: ValidationRun | None = rows.filter(pk=run.pk).first()
    if found is None:
        raise NotFound("There is no such run here.")
    if not found.is_open:
        return found
    found.status, found.finished_at, found.stopped_by, found.leased_until = RunStatus.STOPPED, at, member, None
    found.save(update_fields=["status", "finished_at", "stopped_by", "leased_until", "updated_at"])
    audit.record(actor=actor, action="crm.validation_stopped", target=found, after={"checked": found.checked}, at=at)
    return found


def go_on(*, organization: Organization, run_id: int, clock: Callable[[], datetime]) -> None:
    """Work a run off from where it stands, batch by batch. Does nothing when another worker is at it."""
    now = clock()
    mine = _open(organization).filter(pk=run_id)
    free = mine.filter(Q(leased_until__isnull=True) | Q(leased_until__lt=now))
    if not free.update(status=RunStatus.RUNNING, leased_until=now + LEASE, updated_at=now):
        return
    while check_next(organization=organization, run_id=run_id, at=clock()):
        pass


def check_next(*, organization: Organization, run_id: int, at: datetime) -> bool:
    """Look at the next few hundred points, and keep what was found; False when nothing is left to do.

    DNS is asked outside of any transaction. Everything is written in one: a worker that dies has done a batch or not.
    """
    run: ValidationRun | None = _open(organization).filter(pk=run_id).first()
    if run is None:
        return False
    rows = _points(organization, Chosen(**run.wanted), run.started_at)
    points = list(rows.filter(pk__gt=run.cursor, pk__lte=run.last).order_by("pk")[:AT_A_TIME])
    judged = judge(points, organization.country)
    with transaction.atomic():
        held: ValidationRun | None = _open(organization).select_for_update(no_key=True).filter(pk=run_id).first()
        if held is None or held.cursor != run.cursor:  # stopped meanwhile, or another worker was quicker
            return False
        if not points:
            held.status, held.finished_at, held.leased_until = RunStatus.DONE, at, None
            held.save(update_fields=["status", "finished_at", "leased_until", "updated_at"])
            return False
        held.changed += _write(held, points, judged, at)
        held.counts = dict(Counter(held.counts) + Counter(str(each.finding) for each in judged.values()))
        held.checked += len(points)
        held.cursor, held.leased_until = points[-1].pk, at + LEASE
        held.save(update_fields=["changed", "counts", "checked", "cursor", "leased_until", "updated_at"])
    return True


def sweep(*, organization: Organization, at: datetime) -> None:
    """Go on with runs that lost their worker, or whose nudge was lost."""
    lost = Q(leased_until__lt=at) | Q(leased_until__isnull=True, started_at__lt=at - LOST)
    for run_id in _open(organization).filter(lost).values_list("pk", flat=True):
        enqueue("crm.validate_points", organization_id=organization.pk, run_id=run_id)


def _open(organization: Organization) -> QuerySet[Any]:
    return ValidationRun.objects.for_organization(organization).filter(status__in=[RunStatus.QUEUED, RunStatus.RUNNING])


def _points(organization: Organization, chosen: Chosen, at: datetime) -> QuerySet[Any]:
    points = ContactPoint.objects.for_organization(organization).live()
    points = points.filter(kind__in=KINDS[chosen.kinds], verified_by__isnull=True, contact__deleted_at__isnull=True)
    points = points.exclude(status=PointStatus.DO_NOT_CONTACT)
    if chosen.points:
        points = points.filter(pk__in=chosen.points)
    if chosen.project:
        owners = Ownership.objects.for_organization(organization).current().filter(property__project=chosen.project)
        points = points.filter(contact__in=owners.values("contact"))
    if chosen.older_than is None:
        return points.filter(validated_at__isnull=True) if not chosen.points else points
    return points.filter(Q(validated_at__isnull=True) | Q(validated_at__lte=at - timedelta(days=chosen.older_than)))


def _write(run: ValidationRun, points: list[ContactPoint], judged: Mapping[int, Judgement], at: datetime) -> int:
    """Keep what was found, and set the points; returns how many have another status now."""
    after = _statuses(run, points, judged)
    said = [point for point in points if judged[point.pk].status is not None]
    with connection.cursor() as cursor:
        cursor.execute(
            WRITE,
            {
                "organization": run.organization_id,
                "at": at,
                "ids": [point.pk for point in said],
                "before": [point.status for point in said],
                "after": [after[point.pk] for point in said],
                "countries": [judged[point.pk].country for point in said],
                "lines": [judged[point.pk].line_type for point in said],
            },
        )
        written = {pk for (pk,) in cursor.fetchall()}
    findings = [
        ValidationFinding(
            organization_id=run.organization_id,
            run=run,
            point=point,
            finding=judged[point.pk].finding,
            before=point.status,
            after=after[point.pk] if point.pk in written else point.status,
        )
        for point in points
        if judged[point.pk].finding != Finding.FINE or (point.pk in written and after[point.pk] != point.status)
    ]
    ValidationFinding.objects.bulk_create(findings, batch_size=1_000)
    return sum(each.is_change for each in findings)


def _statuses(run: ValidationRun, points: list[ContactPoint], judged: Mapping[int, Judgement]) -> dict[int, str]:
    """What each point becomes. What somebody else than a run found invalid does not become valid for its looks."""
    by_runs = ValidationFinding.objects.for_organization(run.organization).filter(
        point__in=[point.pk for point in points if point.status == PointStatus.INVALID], after=PointStatus.INVALID
    )
    ours = set(by_runs.values_list("point", flat=True))
    after: dict[int, str] = {}
    for point in points:
        status = judged[point.pk].status or point.status
        is_anothers = point.status == PointStatus.INVALID and point.pk not in ours
        after[point.pk] = point.status if is_anothers else str(status)
    return after


# Whoever changed a point since it was read knows better. What stays as it was keeps its `updated_at`: taking an import
# back asks by it whether somebody used the row.
WRITE = """
    UPDATE crm_contactpoint p
       SET validated_at = %(at)s, status = f.after,
           country = COALESCE(NULLIF(f.country, ''), p.country), line_type = COALESCE(NULLIF(f.line, ''), p.line_type),
           updated_at = CASE WHEN p.status <> f.after THEN %(at)s ELSE p.updated_at END
      FROM unnest(%(ids)s::bigint[], %(before)s::text[], %(after)s::text[], %(countries)s::text[], %(lines)s::text[])
           AS f(id, before, after, country, line)
     WHERE p.organization_id = %(organization)s AND p.id = f.id AND p.status = f.before AND p.verified_by_id IS NULL
       AND p.deleted_at IS NULL
    RETURNING p.id
"""
