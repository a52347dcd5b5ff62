"""An import at work: previewed, committed, stopped, found again. Every change of a run goes through services."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q

from core import audit, jobs
from core.actors import Actor, system
from core.errors import DomainError, NotFound
from core.models import Organization, TenantQuerySet
from core.roles import Capability
from core.tenancy import acting_through
from sheets import mapping, progress
from sheets.errors import ImportNotRunning, ImportRunning, ImportStopped
from sheets.models import ImportRun, RunStatus, Spreadsheet, SpreadsheetStatus
from sheets.services.access import not_open, open_runs, plan_of, source_of, try_lock
from sheets.staging import Job, Result, Staging
from sheets.tables import table_named

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 4
# Below this a preview is answered at once; above, by a worker.
PREVIEWED_AT_ONCE = 4 * 1024 * 1024


def request_preview(*, actor: Actor, run: ImportRun, at: datetime) -> ImportRun:
    """What a commit would do. Answered at once for files up to PREVIEWED_AT_ONCE, else by a worker.

    Raises MappingEmpty, MappingIncomplete, ImportNotOpen, ImportRunning.
    """
    actor.require(Capability.SHEETS_IMPORT)
    plan_of(run)
    claimed = open_runs(actor, run).update(
        status=RunStatus.PREVIEWING,
        leased_until=at + LEASE,
        attempts=0,
        stop_requested_at=None,
        error="",
        error_code="",
        updated_at=at,
    )
    if not claimed:
        raise not_open(actor, run)
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
    except ImportStopped:
        _stopped(run, RunStatus.DRAFT, at)
        return run
    except BaseException as error:
        _failed(run, error, at, status=RunStatus.DRAFT)
        raise
    with transaction.atomic():
        _keep_issues(run, result, at)
        run.counts, run.status, run.leased_until = result.counts, RunStatus.PREVIEWED, None
        run.samples = run.samples | result.samples
        run.save(update_fields=["counts", "samples", "status", "leased_until", "updated_at"])
    return run


@transaction.atomic
def request_commit(*, actor: Actor, run: ImportRun, at: datetime) -> ImportRun:
    """Hand the import to a worker. Raises MappingEmpty, MappingIncomplete, ImportNotOpen."""
    actor.require(Capability.SHEETS_IMPORT)
    plan_of(run)
    queued = open_runs(actor, run).update(
        status=RunStatus.QUEUED,
        attempts=0,
        stop_requested_at=None,
        error="",
        error_code="",
        requested_by=actor.membership,
        updated_at=at,
    )
    if not queued:
        raise not_open(actor, run)
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
            # Held from here to the commit: who wants to stop it now is too late, and is told so.
            _stop_if_asked(run, ImportRun.objects.select_for_update(no_key=True))
            run.counts, run.status, run.leased_until = result.counts, RunStatus.DONE, None
            run.samples = run.samples | result.samples
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
    except ImportStopped:
        _stopped(run, RunStatus.CANCELLED, at)
    except BaseException as error:
        _failed(run, error, at, status=RunStatus.FAILED)
        if not isinstance(error, DomainError):
            raise
    return run


@transaction.atomic
def cancel_import(*, actor: Actor, run: ImportRun, at: datetime) -> ImportRun:
    """Stop a queued import at once, a running import or preview at the next rows it reads. Nothing of it stays.

    Raises ImportNotRunning when there is nothing to stop (any more), NotFound.
    """
    actor.require(Capability.SHEETS_IMPORT)
    found = ImportRun.objects.visible_to(actor).filter(pk=run.pk)
    stopped = found.filter(status=RunStatus.QUEUED).update(
        status=RunStatus.CANCELLED, stop_requested_at=at, leased_until=None, finished_at=at, updated_at=at
    ) or found.filter(status__in=[RunStatus.RUNNING, RunStatus.PREVIEWING]).update(stop_requested_at=at, updated_at=at)
    if not stopped:
        now = found.first()
        if now is None:
            raise NotFound("There is no such import here.")
        raise ImportNotRunning(
            f"This {now.noun} is {now.status_label.lower()}: there is nothing to stop.", status=now.status
        )
    audit.record(actor=actor, action="sheets.import_cancelled", target=run, at=at)
    run.refresh_from_db()
    return run


def sweep(*, organization: Organization, at: datetime) -> int:
    """Find imports whose nudge or whose worker was lost; returns how many were started again.

    A killed worker leaves nothing behind but the claim: its transaction is gone, and so is its lock.
    """
    runs = ImportRun.objects.filter(organization=organization).exclude(kind="google")  # sheets/sync finds its own
    waiting = runs.filter(status=RunStatus.QUEUED, updated_at__lt=at - LEASE / 2)
    lost = runs.filter(status__in=[RunStatus.RUNNING, RunStatus.PREVIEWING], leased_until__lt=at)
    again = list(waiting.values_list("pk", flat=True))
    if lost.exists():
        with transaction.atomic():
            if try_lock(organization):
                unwanted = Q(stop_requested_at__isnull=False)
                lost.filter(unwanted, status=RunStatus.RUNNING).update(status=RunStatus.CANCELLED, leased_until=None)
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
    if not try_lock(organization):
        raise ImportRunning("Another import of this organisation is running: try again when it has finished.")
    table = table_named(run.spreadsheet.table)
    source = source_of(run)
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

    def at_row(row: int) -> None:
        progress.report(run.pk, row, source.height)
        _stop_if_asked(run, ImportRun.objects.all())

    at_row(0)
    with acting_through(f"sheet:{run.spreadsheet_id}/run:{run.pk}", membership_id=run.requested_by_id):
        staging.take(source.rows, at_row)
        return staging.finish()


def _stop_if_asked(run: ImportRun, runs: TenantQuerySet) -> None:
    """Raises ImportStopped. What another transaction has said by now is seen: nothing is read from a snapshot."""
    if runs.filter(pk=run.pk).values_list("stop_requested_at", flat=True).get():
        raise ImportStopped("Somebody stopped this import: nothing of it was kept.")


def _stopped(run: ImportRun, status: str, at: datetime) -> None:
    ImportRun.objects.filter(pk=run.pk).update(
        status=status, leased_until=None, stop_requested_at=None, finished_at=at, updated_at=at
    )
    run.refresh_from_db()


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
    result.issues.keep(organization_id=run.organization_id, run_id=run.pk, at=at)
