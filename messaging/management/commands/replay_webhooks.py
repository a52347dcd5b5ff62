"""Process stored webhooks again: `manage.py replay_webhooks --organization palm --from 2026-11-20 --to 2026-11-21`."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core.actors import system
from core.models import Organization
from core.tenancy import organization_scope
from messaging import services
from messaging.models import WebhookEvent

BATCH = 500


class Command(BaseCommand):
    help = "Process the stored webhooks of one organisation again; what was right stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", required=True, help="its slug")
        parser.add_argument("--from", dest="start", required=True, type=_moment, help="2026-11-20 or 2026-11-20T08:00")
        parser.add_argument("--to", dest="end", required=True, type=_moment, help="not included")

    def handle(self, *_: Any, organization: str, start: datetime, end: datetime, **__: Any) -> None:
        house = Organization.objects.filter(slug=organization).first()
        if house is None:
            raise CommandError(f"There is no organisation {organization!r}.")
        with organization_scope(house.pk):
            rows = WebhookEvent.objects.filter(organization=house, received_at__gte=start, received_at__lt=end)
            ids = list(rows.order_by("pk").values_list("pk", flat=True))
            count = sum(
                services.replay_webhooks(actor=system(house), events=ids[at : at + BATCH], at=timezone.now())
                for at in range(0, len(ids), BATCH)
            )
        self.stdout.write(f"{count} of {len(ids)} webhooks will be processed again.")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
