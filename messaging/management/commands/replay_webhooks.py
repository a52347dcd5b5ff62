"""Process stored webhooks again: `manage.py replay_webhooks --organization palm --from 2026-11-20 --to 2026-11-21`.

Or some of them: `--event 812 --event 815`; or what failed for good: `--from ... --to ... --state failed`.
"""

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
from messaging.models.intake import EventState


class Command(BaseCommand):
    help = "Process the stored webhooks of one organisation again; what was right stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", required=True, help="its slug")
        parser.add_argument("--from", dest="start", type=_moment, help="2026-11-20 or 2026-11-20T08:00")
        parser.add_argument("--to", dest="end", type=_moment, help="not included")
        parser.add_argument("--state", choices=EventState.values, help="only those that are in this state")
        parser.add_argument("--event", dest="events", type=int, action="append", help="one event; may be repeated")

    def handle(self, *_: Any, organization: str, events: list[int] | None, **given: Any) -> None:
        start, end, state = given["start"], given["end"], given["state"]
        if bool(events) == bool(start and end):
            raise CommandError("Say which: --event, or both --from and --to.")
        house = Organization.objects.filter(slug=organization).first()
        if house is None:
            raise CommandError(f"There is no organisation {organization!r}.")
        with organization_scope(house.pk):
            rows = WebhookEvent.objects.filter(organization=house)
            rows = rows.filter(pk__in=events) if events else rows.filter(received_at__gte=start, received_at__lt=end)
            rows = rows.filter(state=state) if state else rows
            ids = list(rows.order_by("pk").values_list("pk", flat=True))
            count = services.replay_webhooks(actor=system(house), events=ids, at=timezone.now())
        self.stdout.write(f"{count} of {len(ids)} webhooks will be processed again.")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
