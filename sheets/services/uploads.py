"""A file on its way in: kept, read, mapped. Nothing is imported yet."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction

from core import audit
from core.actors import Actor
from core.roles import Capability
from sheets import files, headers, mapping
from sheets.errors import HeaderMissing, NoRows
from sheets.models import ImportRun, RunStatus, Spreadsheet, Trigger
from sheets.services.access import locked, source_of
from sheets.tables import table_named


def create_import(
    *,
    actor: Actor,
    file: File[bytes],
    name: str,
    at: datetime,
    table: str = "crm.units",
    trigger: str = Trigger.UPLOAD,
    tab: str = "",
    encoding: str = "",
    delimiter: str = "",
) -> ImportRun:
    """Keep the file privately, find its header, guess its mapping (or remember it). Nothing is imported yet.

    Raises FileTooLarge, FileEmpty, NotASpreadsheet, WorkbookSuspicious, EncodingWrong, TabUnknown, HeaderMissing,
    NoRows, TableUnknown; then nothing is kept.
    """
    actor.require(Capability.SHEETS_IMPORT)
    table_named(table)
    files.check_size(file.size)
    digest = _hash(file)
    stored = default_storage.save(f"imports/{actor.organization.pk}/{uuid.uuid4().hex}", file)
    try:
        run = ImportRun(
            organization=actor.organization,
            trigger=trigger,
            file=stored,
            file_name=Path(name).name[:200],
            file_hash=digest,
            file_size=file.size,
            tab=tab,
            encoding=encoding,
            delimiter=delimiter,
            requested_by=actor.membership,
        )
        with transaction.atomic():
            _read_header(run, table, header_row=0)
            run.save()
            after = {"file": run.file_name, "hash": digest, "size": file.size}
            audit.record(actor=actor, action="sheets.import_created", target=run, after=after, at=at)
    except BaseException:
        default_storage.delete(stored)
        raise
    return run


@transaction.atomic
def change_reading(
    *, actor: Actor, run: ImportRun, at: datetime, tab: str, encoding: str, delimiter: str, header_row: int
) -> ImportRun:
    """Read the same file differently: another tab, encoding, delimiter or header row (1 is the first; 0 finds it)."""
    actor.require(Capability.SHEETS_IMPORT)
    run = locked(actor, run)
    table = run.spreadsheet.table
    run.tab, run.encoding, run.delimiter = tab, encoding, delimiter
    _read_header(run, table, header_row=header_row)
    _reset(run)
    run.save()
    audit.record(
        actor=actor, action="sheets.import_read_again", target=run, after={"header_row": run.header_row}, at=at
    )
    return run


@transaction.atomic
def change_mapping(*, actor: Actor, run: ImportRun, document: dict[str, Any], at: datetime) -> ImportRun:
    """Say which column is what; remembered for every later file with the same header. What is not named stays.

    Raises MappingUnknown, FieldMappedTwice, MappingEmpty, MappingIncomplete; then nothing changes.
    """
    actor.require(Capability.SHEETS_IMPORT)
    run = locked(actor, run)
    table = table_named(run.spreadsheet.table)
    names = run.spreadsheet.header
    checked = mapping.checked(document, names, table, present=run.mapping)
    mapping.plan(checked, names, table)
    before = run.mapping
    run.mapping = checked
    _reset(run)
    run.save()
    run.spreadsheet.mapping = checked
    run.spreadsheet.save(update_fields=["mapping", "updated_at"])
    audit.record(
        actor=actor, action="sheets.mapping_changed", target=run, before={"mapping": before},
        after={"mapping": checked}, at=at,
    )  # fmt: skip
    return run


def _read_header(run: ImportRun, table_name: str, *, header_row: int) -> None:
    """Set everything about the file that its first rows say, and its mapping: the remembered one, else a guess."""
    table = table_named(table_name)
    source = source_of(run)
    start = list(islice(source.rows, headers.DEPTH + 1))
    rest = next(iter(source.rows), None) if len(start) > headers.DEPTH else None
    index = header_row - 1 if header_row else headers.find_header(start, table)
    if not 0 <= index < len(start) or not any(start[index]):
        raise HeaderMissing(f"Row {header_row} is empty or too far down to be the header.", header_row=header_row)
    if rest is None and not any(any(row) for row in start[index + 1 :]):
        raise NoRows("There is a header, but no row below it: there is nothing to import.")
    names = headers.names_of(start[index])
    run.kind, run.tabs, run.tab = source.kind, source.tabs, source.tab
    run.encoding, run.delimiter, run.header_row = source.encoding, source.delimiter, index + 1
    run.spreadsheet, _ = Spreadsheet.objects.get_or_create(
        organization=run.organization,
        table=table.name,
        provider="file",
        signature=headers.signature(names),
        defaults={"name": run.file_name, "header": names},
    )
    guessed = headers.guess(names, table)
    remembered = run.spreadsheet.mapping or {"columns": guessed, "options": table.guess_options(guessed)}
    run.mapping = mapping.checked(remembered, run.spreadsheet.header, table)


def _hash(file: File[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def _reset(run: ImportRun) -> None:
    """What a preview said is no longer true."""
    run.status, run.counts, run.samples = RunStatus.DRAFT, {}, {}
    run.error = run.error_code = ""
    run.errors.all().delete()
