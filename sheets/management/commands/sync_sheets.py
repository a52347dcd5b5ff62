"""`manage.py sync_sheets --organization SLUG [--sheet ID | --due] [--dry-run] [--accept-missing] [--json]`."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core.actors import system
from core.errors import DomainError
from core.models import Organization
from core.tenancy import organization_scope
from sheets.models import ImportRun, RunStatus, Spreadsheet
from sheets.sync import performing, requests

FIGURES = ["read", "new", "changed", "unchanged", "written", "conflicts", "archived", "errors", "warnings"]


class Command(BaseCommand):
    help = "Sync linked Google sheets of an organisation, here and now; --dry-run says what a sync would do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", required=True, help="its slug")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--sheet", type=int, help="its number; otherwise every linked sheet that is not paused")
        which.add_argument("--due", action="store_true", help="only sheets whose time has come")
        parser.add_argument("--dry-run", action="store_true")
        parser.add_argument(
            "--accept-missing", action="store_true", help="rows that are gone are meant to be gone, however many"
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organisation {options['organization']!r}.")
        with organization_scope(organization.pk):
            outcomes = [self._sync(organization, sheet, options) for sheet in self._sheets(organization, options)]
        if options["json"]:
            self.stdout.write(json.dumps(outcomes, indent=2, ensure_ascii=False))
        elif not outcomes:
            self.stdout.write("No linked sheet is to be synced.")
        failed = [outcome["name"] for outcome in outcomes if outcome["error"]]
        if failed:
            raise CommandError(f"Not synced: {', '.join(failed)}.")

    def _sheets(self, organization: Organization, options: dict[str, Any]) -> list[Spreadsheet]:
        sheets = Spreadsheet.objects.filter(organization=organization).linked()
        if options["sheet"] is not None:
            found = list(sheets.filter(pk=options["sheet"]))
            if not found:
                raise CommandError(f"There is no linked sheet {options['sheet']}.")
            return found
        if options["due"]:
            return list(sheets.due(timezone.now()))
        return list(sheets.filter(is_paused=False).order_by("pk"))

    def _sync(self, organization: Organization, sheet: Spreadsheet, options: dict[str, Any]) -> dict[str, Any]:
        """One sheet; what goes wrong with it does not keep the others from being synced."""
        told: dict[str, Any] = {"sheet": sheet.pk, "name": sheet.name, "error": ""}
        try:
            run = requests.request_sync(
                actor=system(organization), spreadsheet=sheet, at=timezone.now(), dry_run=options["dry_run"],
                accept_missing=options["accept_missing"],
            )  # fmt: skip
            if run is not None:  # never without if_idle
                told |= self._told(self._done(organization, run))
        except DomainError as error:
            told |= {"error": error.message, "code": error.code}
        if not options["json"]:
            self._say(told, is_dry_run=options["dry_run"])
        return told

    def _done(self, organization: Organization, run: ImportRun) -> ImportRun:
        """Here and now; or, when a worker was quicker to take it, when that one has done it."""
        performing.perform(organization=organization, run_id=run.pk, at=timezone.now())
        run.refresh_from_db()
        while run.status == RunStatus.RUNNING:
            time.sleep(0.5)
            run.refresh_from_db()
        return run

    def _told(self, run: ImportRun) -> dict[str, Any]:
        told = {"run": run.pk, "status": run.status, "counts": run.counts, "duration_ms": run.duration_ms}
        if run.status in {RunStatus.DONE, RunStatus.PREVIEWED}:
            return told
        waits = "Another import of this organisation is running; a worker takes this sync up after it."
        return told | {"error": run.error or waits, "code": run.error_code or run.status}

    def _say(self, told: dict[str, Any], *, is_dry_run: bool) -> None:
        self.stdout.write(
            f"{told['sheet']}  {told['name']}" + ("  (dry run: nothing was changed)" if is_dry_run else "")
        )
        if told["error"]:
            self.stdout.write(f"    {told['error']} ({told['code']})")
            return
        counts = told["counts"]
        self.stdout.write("    " + ", ".join(f"{counts[name]:,} {name}" for name in FIGURES if name in counts))
