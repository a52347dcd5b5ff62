"""`manage.py verify_ledger --organization SLUG | --all`: prove that nothing in the books was changed."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.models import Organization
from core.tenancy import organization_scope
from ledger import verification


class Command(BaseCommand):
    help = "Recompute sums, sequences, running balances and the hash chain; exit with 1 when something was altered."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--organization", metavar="SLUG")
        which.add_argument("--all", action="store_true")
        parser.add_argument("--workers", type=int, default=2, help="connections that share the work (default 2)")
        parser.add_argument("--heads", type=Path, help="JSON of an earlier run; every head in it must still be there")
        parser.add_argument("--write-heads", type=Path, help="write the present heads; keep them on another machine")

    def handle(self, *_: Any, **options: Any) -> None:
        organizations = Organization.objects.order_by("slug")
        if options["organization"]:
            organizations = organizations.filter(slug=options["organization"])
            if not organizations:
                raise CommandError(f"There is no organisation with the slug {options['organization']}.")
        earlier = json.loads(options["heads"].read_text()) if options["heads"] else {}
        present, altered = {}, []
        for organization in organizations:
            with organization_scope(organization.pk):
                verdict = verification.verify(organization, workers=max(options["workers"], 1))
                findings = [*verdict.findings]
                if organization.slug in earlier:
                    findings += verification.compare_heads(organization, earlier[organization.slug])
                present[organization.slug] = verification.heads(organization)
            size = f"{verdict.accounts} accounts, {verdict.transfers} transfers, {verdict.entries} entries"
            self.stdout.write(f"{organization.slug}: {size}: {'ALTERED' if findings else 'as written'}")
            for finding in findings:
                self.stdout.write(f"  {finding.kind}: {finding.where}")
            if findings:
                altered.append(organization.slug)
        if options["write_heads"]:
            options["write_heads"].write_text(json.dumps(present, indent=1, sort_keys=True) + "\n")
        if altered:
            raise CommandError(f"The ledger of {', '.join(altered)} is not as it was written.", returncode=1)
