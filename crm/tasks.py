"""What Celery may call."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from core.models import Organization
from core.tenancy import organization_scope
from crm.models import Merge
from crm.services import bulk, duplicates, merging, validation

# How long something that had read a contact before its merge may take to write.
LATE = timedelta(hours=1)


@shared_task(name="crm.find_duplicates")
def find_duplicates(*, organization_id: int, search_id: int) -> None:
    """Work one search off; harmless when it is done, or when another worker is at it."""
    with organization_scope(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        duplicates.go_on(organization=organization, search_id=search_id, at=timezone.now())


@shared_task(name="crm.sweep_duplicates")
def sweep_duplicates() -> None:
    """Searches that are due or were lost, and rows that came late to what was merged."""
    now = timezone.now()
    for organization in Organization.objects.all():
        with organization_scope(organization.pk):
            duplicates.sweep(organization=organization, at=now)
            recent = Merge.objects.for_organization(organization).standing().filter(at__gt=now - LATE)
            for merge_id in recent.order_by("-pk").values_list("pk", flat=True):
                merging.settle_merge(merge_id=merge_id, at=now)


@shared_task(name="crm.validate_points")
def validate_points(*, organization_id: int, run_id: int) -> None:
    """Work one run off, batch by batch; harmless when it is done, or when another worker is at it."""
    with organization_scope(organization_id, source="validation"):
        organization = Organization.objects.get(pk=organization_id)
        validation.go_on(organization=organization, run_id=run_id, clock=timezone.now)


@shared_task(name="crm.sweep_validations")
def sweep_validations() -> None:
    """Runs that lost their worker, or whose nudge was lost."""
    for organization in Organization.objects.all():
        with organization_scope(organization.pk):
            validation.sweep(organization=organization, at=timezone.now())


@shared_task(name="crm.run_bulk_change")
def run_bulk_change(*, organization_id: int, change_id: int) -> None:
    """Work one change of many rows off, or its undoing; harmless when it is done."""
    with organization_scope(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        bulk.run_change(organization=organization, change_id=change_id, at=timezone.now())


@shared_task(name="crm.sweep_bulk_changes")
def sweep_bulk_changes() -> None:
    """Go on with what was lost."""
    for organization in Organization.objects.all():
        with organization_scope(organization.pk):
            bulk.sweep_changes(organization=organization, at=timezone.now())
