"""What Celery may call."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.health import SCHEDULER
from core.models import Heartbeat


@shared_task(name="core.beat")
def beat() -> None:
    """Note that the scheduler and a worker are both alive."""
    Heartbeat.objects.update_or_create(name=SCHEDULER, defaults={"at": timezone.now()})
