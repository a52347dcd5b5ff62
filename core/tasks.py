"""What Celery may call."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core import exports, hooks
from core.accounts import letters, sessions, trail
from core.api.writing import forget_old
from core.health import SCHEDULER
from core.models import Heartbeat, Organization
from core.tenancy import organization_scope


@shared_task(name="core.beat")
def beat() -> None:
    """Note that the scheduler and a worker are both alive."""
    Heartbeat.objects.update_or_create(name=SCHEDULER, defaults={"at": timezone.now()})


@shared_task(name="core.write_export")
def write_export(*, organization_id: int, export_id: int) -> None:
    """Write one list into its file; harmless when it is already done."""
    with organization_scope(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        exports.write_export(organization=organization, export_id=export_id, at=timezone.now())


@shared_task(name="core.sweep_exports")
def sweep_exports() -> None:
    """Start again what was lost, and throw away files whose time is over."""
    for organization in Organization.objects.all():
        with organization_scope(organization.pk):
            exports.sweep(organization=organization, at=timezone.now())


@shared_task(name="core.sweep_idempotency_keys")
def sweep_idempotency_keys() -> None:
    """Throw away answers that nobody will ask for again."""
    for organization in Organization.objects.all():
        with organization_scope(organization.pk):
            forget_old(at=timezone.now())


@shared_task(name="core.deliver_hook", soft_time_limit=30)
def deliver_hook(*, organization_id: int, delivery_id: int) -> None:
    """Tell one endpoint of one event; harmless when it was told."""
    with organization_scope(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        hooks.deliver(organization=organization, delivery_id=delivery_id, at=timezone.now())


@shared_task(name="core.sweep_hooks")
def sweep_hooks() -> None:
    """Send what is due."""
    for organization in Organization.objects.all():
        with organization_scope(organization.pk):
            hooks.sweep(organization=organization, at=timezone.now())


@shared_task(name="core.send_letter", soft_time_limit=30)
def send_letter(*, letter_id: int) -> None:
    """Send one e-mail; harmless when it was sent."""
    letters.send(letter_id, timezone.now())


@shared_task(name="core.sweep_letters")
def sweep_letters() -> None:
    """Send what is due."""
    letters.sweep(timezone.now())


@shared_task(name="core.send_password_reset")
def send_password_reset(*, user_id: int) -> None:
    """The link to set a new password; 0 is nobody. Lost with the broker: one asks again."""
    letters.send_password_reset(user_id=user_id, at=timezone.now())


@shared_task(name="core.note_refused_sign_in")
def note_refused_sign_in(*, user_id: int, address: str, locks: int) -> None:
    """A wrong password, in the trail; 0 is nobody."""
    trail.sign_in_refused(user_id=user_id, address=address, locks=bool(locks), at=timezone.now())


@shared_task(name="core.sweep_sessions")
def sweep_sessions() -> None:
    """Throw away sessions whose time is over, and what was listed of sessions that are gone."""
    sessions.sweep()
