"""`manage.py import_sheet FILE --organization SLUG [--table NAME] [--project N] [--mapping FILE] [--dry-run] [--json]`."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core.actors import system
from core.errors import DomainError
from core.models import Organization
from core.tenancy import organization_scope
from sheets import services
from sheets.models import ImportRun, RunStatus, Trigger
from sheets.tables import table_named


class Command(BaseCommand):
    help = "Import a spreadsheet into an organisation; --dry-run says what it would do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--organization", required=True, help="its slug")
        parser.add_argument("--table", default="crm.units")
        parser.add_argument("--tab", default="")
        parser.add_argument(
            "--project", help="the number of the project into which every row goes: no column names one"
        )
        parser.add_argument(
            "--mapping", type=Path, help='JSON: {"columns": {"header": "field"}, "constants": {...}, "options": {...}}'
        )
        parser.add_argument("--dry-run", action="store_true")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organisation {options['organization']!r}.")
        if not options["file"].is_file():
            raise CommandError(f"There is no file {options['file']}.")
        with organization_scope(organization.pk):
            try:
                run = self._import(organization, options)
            except DomainError as error:
                raise CommandError(f"{error.message} ({error.code})") from error
            self._tell(run, as_json=options["json"])
            if run.status == RunStatus.FAILED:
                raise CommandError(f"{run.error} ({run.error_code})")

    def _import(self, organization: Organization, options: dict[str, Any]) -> ImportRun:
        actor, now = system(organization), timezone.now()
        with options["file"].open("rb") as opened:
            run = services.create_import(
                actor=actor, file=File(opened), name=options["file"].name, at=now, table=options["table"],
                trigger=Trigger.COMMAND, tab=options["tab"],
            )  # fmt: skip
        document = self._mapping(organization, run, options)
        if document:
            run = services.change_mapping(actor=actor, run=run, document=document, at=now)
        if options["dry_run"]:
            services.request_preview(actor=actor, run=run, at=now)
            run.refresh_from_db()
            return run
        services.request_commit(actor=actor, run=run, at=now)
        services.commit(organization=organization, run_id=run.pk, at=timezone.now())
        run.refresh_from_db()
        return run

    def _mapping(self, organization: Organization, run: ImportRun, options: dict[str, Any]) -> dict[str, Any]:
        document: dict[str, Any] = {}
        if options["mapping"]:
            try:
                document = json.loads(options["mapping"].read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise CommandError(f"{options['mapping']} is not a mapping in JSON: {error}") from error
        if options["project"]:
            project = next((each for each in table_named(options["table"]).constants if each.of_number), None)
            if project is None or project.of_number is None:
                raise CommandError(f"Rows of {options['table']} belong to no project.")
            name = project.of_number(organization.pk, options["project"])
            # The number counts before a column that says something else.
            columns = run.mapping["columns"] | document.get("columns", {})
            document["columns"] = {header: "" if field == project.field else field for header, field in columns.items()}
            document["constants"] = {**document.get("constants", {}), project.field: name}
        return document

    def _tell(self, run: ImportRun, *, as_json: bool) -> None:
        if as_json:
            result = {"id": run.pk, "status": run.status, "counts": run.counts, "duration_ms": run.duration_ms}
            self.stdout.write(json.dumps(result))
            return
        self.stdout.write(f"{run.file_name}: {run.get_status_display().lower()}")
        for name, count in run.counts.items():
            self.stdout.write(f"{count:>9,}  {name.replace('_', ' ')}")
        for error in run.errors.filter(severity="error").order_by("id")[:20]:
            self.stdout.write(f"  row {error.row} {error.column}: {error.message}")
