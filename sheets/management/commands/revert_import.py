"""`manage.py revert_import ID --organization SLUG [--dry-run]`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core.actors import system
from core.errors import DomainError
from core.models import Organization
from core.tenancy import organization_scope
from sheets import services
from sheets.models import ImportReversal, ImportRun, ReversalKept, ReversalStatus
from sheets.services.reversals import MOST_SHOWN


class Command(BaseCommand):
    help = (
        "Take one import back: what it made is hidden, what it changed is set back; --dry-run says what that would do."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", type=int, help="of the import")
        parser.add_argument("--organization", required=True, help="its slug")
        parser.add_argument("--dry-run", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organisation {options['organization']!r}.")
        with organization_scope(organization.pk):
            run = ImportRun.objects.filter(organization=organization, pk=options["id"]).first()
            if run is None:
                raise CommandError(f"There is no import {options['id']} of {organization.slug}.")
            try:
                self._revert(organization, run, dry=options["dry_run"])
            except DomainError as error:
                raise CommandError(f"{error.message} ({error.code})") from error

    def _revert(self, organization: Organization, run: ImportRun, *, dry: bool) -> None:
        actor, now = system(organization), timezone.now()
        if dry:
            plan, kept = services.preview_reversal(actor=actor, run=run)
            return self._tell(plan.counts, kept)
        services.request_reversal(actor=actor, run=run, at=now)
        services.revert(organization=organization, run_id=run.pk, at=now)
        reversal = ImportReversal.objects.get(run=run)
        if reversal.status == ReversalStatus.FAILED:
            raise CommandError(f"{reversal.error} ({reversal.error_code})")
        if reversal.status != ReversalStatus.DONE:
            self.stdout.write("An import is running: the reversal waits for a worker.")
            return None
        return self._tell(reversal.counts, list(reversal.kept.order_by("id")[:MOST_SHOWN]))

    def _tell(self, counts: dict[str, dict[str, int]], kept: list[ReversalKept]) -> None:
        for done, name in (("removed", "taken away"), ("restored", "set back")):
            for kind, count in counts[done].items():
                self.stdout.write(f"{count:>9,}  {apps.get_model(kind)._meta.verbose_name} {name}")
        for reason, count in counts["kept"].items():
            self.stdout.write(f"{count:>9,}  left: {reason}")
        for row in kept:
            now = f" {row.field} is now {row.value!r}{f', by {row.by}' if row.by else ''}." if row.field else ""
            self.stdout.write(f"  {apps.get_model(row.target_type)._meta.verbose_name} {row.label}: {row.message}{now}")
