"""What Celery may call."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.models import Organization
from core.tenancy import organization_scope
from ledger import services


@shared_task(name="ledger.check_due")
def check_due() -> None:
    """Check the books of every house once a day; harmless in between."""
    for organization in Organization.objects.all():
        with organization_scope(organization.pk):
            services.check_if_due(organization=organization, at=timezone.now())
