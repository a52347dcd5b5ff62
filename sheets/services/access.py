"""Which imports an actor may still change, their files, and the lock under which they come one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import connection

from core.actors import Actor
from core.errors import DomainError, NotFound
from core.models import Organization
from sheets import files, mapping
from sheets.errors import FileGone, ImportNotOpen
from sheets.models import ImportRun
from sheets.tables import table_named

_LOCK_CLASS = 0x5348  # "SH"


def open_runs(actor: Actor, run: ImportRun) -> Any:
    """A sync has no file to read once more: the sheet is synced again instead."""
    return ImportRun.objects.visible_to(actor).open().exclude(kind="google").filter(pk=run.pk)


def locked(actor: Actor, run: ImportRun) -> ImportRun:
    found = open_runs(actor, run).select_for_update(of=("self",)).select_related("spreadsheet", "organization").first()
    if found is None:
        raise not_open(actor, run)
    return found  # type: ignore[no-any-return]


def not_open(actor: Actor, run: ImportRun) -> DomainError:
    now = ImportRun.objects.visible_to(actor).filter(pk=run.pk).first()
    if now is None:
        return NotFound("There is no such import here.")
    if now.kind == "google":
        return ImportNotOpen("This is a sync of a linked sheet: sync the sheet again.", status=now.status)
    return ImportNotOpen(
        f"This import is {now.get_status_display().lower()}: upload the file again to import it once more.",
        status=now.status,
    )


def source_of(run: ImportRun) -> files.Source:
    path = Path(run.file.path)
    if not path.exists():
        raise FileGone("The file of this import is no longer kept: upload it again.")
    return files.open_source(path, tab=run.tab, encoding=run.encoding, delimiter=run.delimiter)


def plan_of(run: ImportRun) -> mapping.Plan:
    return mapping.plan(run.mapping, run.spreadsheet.header, table_named(run.spreadsheet.table))


def try_lock(organization: Organization) -> bool:
    """Held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, organization.pk])
        return bool(cursor.fetchone()[0])
