"""An import from the upload to the commit. Every change of a run goes through here."""

from __future__ import annotations

import hashlib
import time
import uuid
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import F, Q

from core import audit, jobs
from core.actors import Actor, system
from core.errors import DomainError, NotFound
from core.models import Organization
from core.roles import Capability
from core.tenancy import acting_through
from sheets import files, headers, mapping, progress
from sheets.errors import FileGone, HeaderMissing, ImportNotOpen, ImportRunning, NoRows
from sheets.models import ImportRun, RowError, RunStatus, Spreadsheet, SpreadsheetStatus, Trigger
from sheets.staging import Job, Result, Staging
from sheets.tables import Issue, table_named

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 4
# Below this a preview is answered at once; above, by a worker.
PREVIEWED_AT_ONCE = 4 * 1024 * 1024
_LOCK_CLASS = 0x5348  # "SH": imports of one organisation come one after the other


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
    run = _locked(actor, run)
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
    run = _locked(actor, run)
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


def request_preview(*, actor: Actor, run: ImportRun, at: datetime) -> ImportRun:
    """What a commit would do. Answered at once for files up to PREVIEWED_AT_ONCE, else by a worker.

    Raises MappingEmpty, MappingIncomplete, ImportNotOpen, ImportRunning.
    """
    actor.require(Capability.SHEETS_IMPORT)
    _plan(run)
    claimed = _open(actor, run).update(
        status=RunStatus.PREVIEWING, leased_until=at + LEASE, attempts=0, error="", error_code="", updated_at=at
    )
    if not claimed:
        raise _not_open(actor, run)
    run.refresh_from_db()
    if run.file_size <= PREVIEWED_AT_ONCE:
        return preview(actor=actor, run=run, at=at)
    jobs.enqueue("sheets.preview_import", organization_id=actor.organization.pk, run_id=run.pk)
    return run


def preview(*, actor: Actor, run: ImportRun, at: datetime) -> ImportRun:
    """Do the whole import in a transaction that is rolled back, and keep its figures and its wrong rows."""
    try:
        with transaction.atomic():
            result = _import(actor.organization, run, at)
            transaction.set_rollback(True)
    except BaseException as error:
        _failed(run, error, at, status=RunStatus.DRAFT)
        raise
    with transaction.atomic():
        _keep_issues(run, result, at)
        run.counts, run.samples, run.status, run.leased_until = result.counts, result.samples, RunStatus.PREVIEWED, None
        run.save(update_fields=["counts", "samples", "status", "leased_until", "updated_at"])
    return run


@transaction.atomic
def request_commit(*, actor: Actor, run: ImportRun, at: datetime) -> ImportRun:
    """Hand the import to a worker. Raises MappingEmpty, MappingIncomplete, ImportNotOpen."""
    actor.require(Capability.SHEETS_IMPORT)
    _plan(run)
    queued = _open(actor, run).update(
        status=RunStatus.QUEUED, attempts=0, error="", error_code="", requested_by=actor.membership, updated_at=at
    )
    if not queued:
        raise _not_open(actor, run)
    run.refresh_from_db()
    audit.record(actor=actor, action="sheets.import_requested", target=run, at=at)
    jobs.enqueue("sheets.commit_import", organization_id=actor.organization.pk, run_id=run.pk)
    return run


def commit(*, organization: Organization, run_id: int, at: datetime) -> ImportRun | None:
    """Import a queued run, in one transaction. None when somebody else has it, or it is done: twice is harmless."""
    claimed = ImportRun.objects.filter(organization=organization, pk=run_id, status=RunStatus.QUEUED).update(
        status=RunStatus.RUNNING, leased_until=at + LEASE, started_at=at, attempts=F("attempts") + 1, updated_at=at
    )
    if not claimed:
        return None
    run: ImportRun = ImportRun.objects.select_related("spreadsheet", "requested_by__user").get(pk=run_id)
    actor = Actor(organization, run.requested_by) if run.requested_by else system(organization)
    started = time.monotonic()
    try:
        with transaction.atomic():
            result = _import(organization, run, at)
            _keep_issues(run, result, at)
            run.counts, run.samples, run.status, run.leased_until = result.counts, result.samples, RunStatus.DONE, None
            run.duration_ms = round((time.monotonic() - started) * 1000)
            run.finished_at = at + timedelta(milliseconds=run.duration_ms)
            run.save()
            sheet = run.spreadsheet
            sheet.status, sheet.last_success_at, sheet.last_error = SpreadsheetStatus.SYNCED, run.finished_at, ""
            sheet.mapping = run.mapping
            sheet.save(update_fields=["status", "last_success_at", "last_error", "mapping", "updated_at"])
            audit.record(actor=actor, action="sheets.import_committed", target=run, after=run.counts, at=at)
    except ImportRunning:
        # Another import of this house is on its way: ours waits for the sweeper.
        ImportRun.objects.filter(pk=run.pk).update(status=RunStatus.QUEUED, leased_until=None)
        return None
    except BaseException as error:
        _failed(run, error, at, status=RunStatus.FAILED)
        if not isinstance(error, DomainError):
            raise
    return run


def sweep(*, organization: Organization, at: datetime) -> int:
    """Find imports whose nudge or whose worker was lost; returns how many were started again.

    A killed worker leaves nothing behind but the claim: its transaction is gone, and so is its lock.
    """
    runs = ImportRun.objects.filter(organization=organization)
    waiting = runs.filter(status=RunStatus.QUEUED, updated_at__lt=at - LEASE / 2)
    lost = runs.filter(status__in=[RunStatus.RUNNING, RunStatus.PREVIEWING], leased_until__lt=at)
    again = list(waiting.values_list("pk", flat=True))
    if lost.exists():
        with transaction.atomic():
            if _try_lock(organization):
                tired = Q(attempts__gte=MOST_ATTEMPTS)
                lost.filter(status=RunStatus.PREVIEWING).update(status=RunStatus.DRAFT, leased_until=None)
                lost.filter(tired).update(
                    status=RunStatus.FAILED, leased_until=None, error_code="worker_lost",
                    error="The worker was lost each time it tried. Nothing was imported; ask for support.",
                )  # fmt: skip
                found = list(lost.values_list("pk", flat=True))
                lost.update(status=RunStatus.QUEUED, leased_until=None)
                again += found
    for run_id in again:
        jobs.enqueue("sheets.commit_import", organization_id=organization.pk, run_id=run_id)
    return len(again)


def _import(organization: Organization, run: ImportRun, at: datetime) -> Result:
    """The import itself. Raises ImportRunning when another one of this organisation has not finished."""
    if not _try_lock(organization):
        raise ImportRunning("Another import of this organisation is running: try again when it has finished.")
    table = table_named(run.spreadsheet.table)
    source = _source(run)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off; SET LOCAL work_mem = '64MB'; SET LOCAL temp_buffers = '64MB'")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '10min'")
    staging = Staging(
        Job(
            organization_id=organization.pk,
            region=organization.country,
            currency=organization.currency,
            spreadsheet_id=run.spreadsheet_id,
            run_id=run.pk,
            table=table,
            plan=mapping.plan(run.mapping, run.spreadsheet.header, table),
            header_row=run.header_row,
            source=f"sheet:{run.spreadsheet_id}",
            at=at,
        )
    )
    with acting_through(f"sheet:{run.spreadsheet_id}/run:{run.pk}", membership_id=run.requested_by_id):
        staging.take(source.rows, lambda row: progress.report(run.pk, row, source.height))
        return staging.finish()


def _try_lock(organization: Organization) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, organization.pk])
        return bool(cursor.fetchone()[0])


def _read_header(run: ImportRun, table_name: str, *, header_row: int) -> None:
    """Set everything about the file that its first rows say, and its mapping: the remembered one, else a guess."""
    table = table_named(table_name)
    source = _source(run)
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


def _source(run: ImportRun) -> files.Source:
    path = Path(run.file.path)
    if not path.exists():
        raise FileGone("The file of this import is no longer kept: upload it again.")
    return files.open_source(path, tab=run.tab, encoding=run.encoding, delimiter=run.delimiter)


def _plan(run: ImportRun) -> mapping.Plan:
    return mapping.plan(run.mapping, run.spreadsheet.header, table_named(run.spreadsheet.table))


def _hash(file: File[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def _open(actor: Actor, run: ImportRun) -> Any:
    return ImportRun.objects.visible_to(actor).open().filter(pk=run.pk)


def _locked(actor: Actor, run: ImportRun) -> ImportRun:
    found = _open(actor, run).select_for_update(of=("self",)).select_related("spreadsheet", "organization").first()
    if found is None:
        raise _not_open(actor, run)
    return found  # type: ignore[no-any-return]


def _not_open(actor: Actor, run: ImportRun) -> DomainError:
    now = ImportRun.objects.visible_to(actor).filter(pk=run.pk).first()
    if now is None:
        return NotFound("There is no such import here.")
    return ImportNotOpen(
        f"This import is {now.get_status_display().lower()}: upload the file again to import it once more.",
        status=now.status,
    )


def _reset(run: ImportRun) -> None:
    """What a preview said is no longer true."""
    run.status, run.counts, run.samples = RunStatus.DRAFT, {}, {}
    run.error = run.error_code = ""
    run.errors.all().delete()


def _failed(run: ImportRun, error: BaseException, at: datetime, *, status: str) -> None:
    known = isinstance(error, DomainError)
    message = error.message if isinstance(error, DomainError) else "Something broke on our side; nothing was imported."
    code = error.code if isinstance(error, DomainError) else "internal_error"
    if connection.needs_rollback:
        return
    ImportRun.objects.filter(pk=run.pk).update(
        status=status, leased_until=None, error=message, error_code=code, finished_at=at, updated_at=at
    )
    if status == RunStatus.FAILED:
        Spreadsheet.objects.filter(pk=run.spreadsheet_id).update(status=SpreadsheetStatus.FAILED, last_error=message)
    if known:
        run.refresh_from_db()


def _keep_issues(run: ImportRun, result: Result, at: datetime) -> None:
    """Every wrong cell and row of this run, instead of those of an earlier preview of it."""
    run.errors.all().delete()
    headers_of = {step.name: step.header for step in _plan(run).steps}
    kept = [_as_row_error(run, issue, headers_of, at) for issue in result.issues]
    RowError.objects.bulk_create(kept, batch_size=5000)


def _as_row_error(run: ImportRun, issue: Issue, headers_of: dict[str, str], at: datetime) -> RowError:
    return RowError(
        organization_id=run.organization_id,
        run=run,
        row=issue.row,
        column=headers_of.get(issue.field, ""),
        value=issue.value.replace("\0", "")[:2000],
        severity=issue.severity,
        code=issue.code,
        message=issue.message,
    )
