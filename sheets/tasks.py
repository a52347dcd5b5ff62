"""What Celery may call."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.actors import Actor, system
from core.models import Organization
from core.tenancy import organization_scope
from sheets import services
from sheets.models import ImportRun, RunStatus
from sheets.sync import performing, requests


@shared_task(name="sheets.commit_import")
def commit_import(*, organization_id: int, run_id: int) -> None:
    """Import one queued file; harmless when it is already done."""
    with organization_scope(organization_id):
        services.commit(organization=Organization.objects.get(pk=organization_id), run_id=run_id, at=timezone.now())


@shared_task(name="sheets.preview_import")
def preview_import(*, organization_id: int, run_id: int) -> None:
    """Preview one large file."""
    with organization_scope(organization_id):
        run = ImportRun.objects.select_related("spreadsheet", "organization", "requested_by__user").get(pk=run_id)
        if run.status != RunStatus.PREVIEWING:
            return
        actor = Actor(run.organization, run.requested_by) if run.requested_by else system(run.organization)
        services.preview(actor=actor, run=run, at=timezone.now())


@shared_task(name="sheets.revert_import")
def revert_import(*, organization_id: int, run_id: int) -> None:
    """Take one import back; harmless when it is already done."""
    with organization_scope(organization_id):
        services.revert(organization=Organization.objects.get(pk=organization_id), run_id=run_id, at=timezone.now())


@shared_task(name="sheets.sweep_imports")
def sweep_imports() -> None:
    """Start again what was lost."""
    for organization in Organization.objects.all():
        with organization_scope(organization.pk):
            services.sweep(organization=organization, at=timezone.now())
            services.sweep_reversals(organization=organization, at=timezone.now())


@shared_task(name="sheets.sync")
def sync(*, organization_id: int, run_id: int) -> None:
    """Do one queued sync of a linked sheet; harmless when it is already done."""
    with organization_scope(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        performing.perform(organization=organization, run_id=run_id, at=timezone.now())


@shared_task(name="sheets.sync_due")
def sync_due() -> None:
    """Queue the sheets that are due, and start again what was lost."""
    for organization in Organization.objects.all():
        with organization_scope(organization.pk):
            now = timezone.now()
            requests.request_due(organization=organization, at=now)
            performing.sweep(organization=organization, at=now)
