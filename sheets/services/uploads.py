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
from sheets.cells import is_nothing, text_of
from sheets.errors import HeaderMissing, NoRows
from sheets.models import ImportRun, RunStatus, Spreadsheet, Trigger
from sheets.services.access import locked, source_of
from sheets.tables import Table, table_named

LOOKED_AT = 200  # rows, for the header, the guesses and the samples
SAMPLES, LONGEST_SAMPLE = 4, 80


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
            _read_header(run, table, header_row=None)
            run.save()
            after = {"file": run.file_name, "hash": digest, "size": file.size}
            audit.record(actor=actor, action="sheets.import_created", target=run, after=after, at=at)
    except BaseException:
        default_storage.delete(stored)
        raise
    return run


@transaction.atomic
def change_reading(
    *,
    actor: Actor,
    run: ImportRun,
    at: datetime,
    tab: str,
    encoding: str,
    delimiter: str,
    header_row: int | None,
) -> ImportRun:
    """Read the same file differently: another tab, encoding, delimiter or header row (1 is the first, 0 is none, None
    finds it)."""
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


def _read_header(run: ImportRun, table_name: str, *, header_row: int | None) -> None:
    """Set everything about the file that its first rows say, and its mapping: the remembered one, else a guess."""
    table, region = table_named(table_name), run.organization.country
    source = source_of(run)
    start = list(islice(source.rows, LOOKED_AT))
    index, names = _header(start, table, region, header_row)
    below = start[index + 1 :]
    if not any(any(row) for row in below) and not any(any(row) for row in source.rows):
        raise NoRows("There is a header, but no row below it: there is nothing to import.")
    run.kind, run.tabs, run.tab = source.kind, source.tabs, source.tab
    run.encoding, run.delimiter, run.header_row = source.encoding, source.delimiter, index + 1
    called = "" if index >= 0 else f"{headers.fold(Path(run.file_name).stem)}|{run.tab}"
    run.spreadsheet, _ = Spreadsheet.objects.get_or_create(
        organization=run.organization,
        table=table.name,
        provider="file",
        signature=headers.signature(names, called),
        defaults={"name": run.file_name, "header": names},
    )
    guessed, _ = headers.guess_by_content(headers.guess(names, table), below, table, region)
    remembered = run.spreadsheet.mapping or {"columns": guessed, "options": table.guess_options(guessed)}
    if not _is_of_the_same_name(run):
        # Lists of many projects have one header: what is the same for every row of one is not so for another.
        remembered = {**remembered, "constants": {}}
    run.mapping = mapping.checked(remembered, run.spreadsheet.header, table)
    run.samples = {"columns": _samples(names, below)}


def _header(start: list[Any], table: Table, region: str, header_row: int | None) -> tuple[int, list[str]]:
    """Index of the header, -1 where there is none, and the names of the columns. Raises HeaderMissing."""
    if header_row is None:
        try:
            index = headers.find_header(start[: headers.DEPTH + 1], table)
        except HeaderMissing:
            names = headers.places_of(start)
            if not headers.guess_by_content(dict.fromkeys(names, ""), start, table, region)[1]:
                raise
            return -1, names
        return index, headers.names_of(start[index])
    if header_row == 0:
        return -1, headers.places_of(start)
    if header_row > len(start) or not any(start[header_row - 1]):
        raise HeaderMissing(f"Row {header_row} is empty or too far down to be the header.", header_row=header_row)
    return header_row - 1, headers.names_of(start[header_row - 1])


def _is_of_the_same_name(run: ImportRun) -> bool:
    last = ImportRun.objects.filter(spreadsheet=run.spreadsheet).exclude(pk=run.pk).order_by("-pk").first()
    return last is None or (last.file_name, last.tab) == (run.file_name, run.tab)


def _samples(names: list[str], rows: list[Any]) -> list[list[str]]:
    """A few different values of each column, for whoever maps them."""
    columns: list[list[str]] = []
    for index in range(len(names)):
        texts = (text_of(row[index]) for row in rows if index < len(row))
        shown = dict.fromkeys(text[:LONGEST_SAMPLE].replace("\0", "") for text in texts if not is_nothing(text))
        columns.append(list(shown)[:SAMPLES])
    return columns


def _hash(file: File[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def _reset(run: ImportRun) -> None:
    """What a preview said is no longer true."""
    run.status, run.counts = RunStatus.DRAFT, {}
    run.samples = {"columns": run.samples.get("columns", [])}
    run.error = run.error_code = ""
    run.errors.all().delete()
