"""What Celery may call: thin, and harmless twice."""

from __future__ import annotations

import asyncio
import time

from celery import shared_task
from django.utils import timezone

from campaigns.engine import run_slice, sweep_organization
from campaigns.engine.verdict import Verdict
from campaigns.sequences import run_due
from campaigns.sequences.running import AT_ONCE
from core.jobs import enqueue
from core.models import Organization
from core.models.organization import OrganizationStatus
from core.tenancy import organization_scope

try:
    from uvloop import new_event_loop
except ImportError:  # no wheel for Windows
    from asyncio import new_event_loop  # type: ignore[assignment]

LONGEST_TURN = 20.0  # seconds


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


@shared_task(name="campaigns.run_sequences")
def run_sequences() -> None:
    """Look for due people in every house; where there are many, a task of its own goes on with them."""
    for organization in Organization.objects.filter(status=OrganizationStatus.ACTIVE):
        with organization_scope(organization.pk):
            if run_due(organization=organization, at=timezone.now()).taken == AT_ONCE:
                enqueue("campaigns.run_sequences_of", organization_id=organization.pk)


@shared_task(name="campaigns.run_sequences_of")
def run_sequences_of(*, organization_id: int) -> None:
    """Batch after batch until nobody is due; after a while another takes over, so that no house keeps a worker."""
    end = time.monotonic() + LONGEST_TURN
    with organization_scope(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        while run_due(organization=organization, at=timezone.now()).taken == AT_ONCE:
            if time.monotonic() > end:
                enqueue("campaigns.run_sequences_of", organization_id=organization_id)
                return
