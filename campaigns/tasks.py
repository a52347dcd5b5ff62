"""What Celery may call: thin, and harmless twice."""

from __future__ import annotations

import asyncio

from celery import shared_task
from django.utils import timezone

from campaigns.engine import run_slice, sweep_organization
from campaigns.engine.engine import Verdict
from core.jobs import enqueue
from core.models import Organization
from core.models.organization import OrganizationStatus
from core.tenancy import organization_scope

try:
    from uvloop import new_event_loop
except ImportError:  # no wheel for Windows
    from asyncio import new_event_loop  # type: ignore[assignment]


@shared_task(name="campaigns.run")
def run(*, organization_id: int, campaign_id: int) -> str:
    """Send one slice of a running campaign, and start the next one."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        verdict = runner.run(run_slice(organization_id, campaign_id))
    if verdict is Verdict.MORE:
        enqueue("campaigns.run", organization_id=organization_id, campaign_id=campaign_id)
    return verdict.value


@shared_task(name="campaigns.sweep")
def sweep() -> None:
    """Find campaigns whose time has come, and what dead workers left behind."""
    for organization in Organization.objects.filter(status=OrganizationStatus.ACTIVE):
        with organization_scope(organization.pk):
            sweep_organization(organization, timezone.now())
