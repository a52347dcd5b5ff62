"""How a sync ends: its outcome is kept once, the sheet's freshness moves by success only, and the trail is told."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import connection, transaction

from core import audit, events
from core.actors import Actor, system
from core.errors import DomainError
from sheets.events import SheetSynced
from sheets.models import GoogleAccount, ImportRun, RunStatus, Spreadsheet, SpreadsheetStatus

FIRST_BACK_OFF = timedelta(minutes=1)
LONGEST_BACK_OFF = timedelta(hours=6)


class LeaseLost(Exception):
    """Somebody else has this run now: nothing more is ours to do."""


def end(run: ImportRun, at: datetime, started: float, *, status: str) -> None:
    """The outcome, kept once; a run that went well moves the sheet's freshness."""
    took = round((time.monotonic() - started) * 1000)
    finished = at + timedelta(milliseconds=took)
    with transaction.atomic():
        mine = ImportRun.objects.filter(pk=run.pk, status=RunStatus.RUNNING, attempts=run.attempts)
        kept = mine.update(
            status=status, leased_until=None, finished_at=finished, duration_ms=took, updated_at=finished, error="",
            error_code="", stop_requested_at=None,
        )  # fmt: skip
        if not kept or run.is_dry_run:
            return
        sheet = Spreadsheet.objects.select_for_update(no_key=True).get(pk=run.spreadsheet_id)
        if status == RunStatus.DONE:
            sheet.status, sheet.last_success_at, sheet.failures = SpreadsheetStatus.SYNCED, finished, 0
            sheet.last_error = sheet.last_error_code = ""
        else:
            sheet.status = SpreadsheetStatus.SYNCED if sheet.last_success_at else SpreadsheetStatus.PENDING
        sheet.next_sync_at = finished + timedelta(seconds=sheet.interval)
        sheet.save()
        _announce(run, sheet, at)


def fail(run: ImportRun, error: BaseException, at: datetime, started: float | None) -> None:
    """Why it failed, in words. What was known as fresh stays as fresh as it was; the next try waits longer each time."""
    if isinstance(error, DomainError):
        message, code = error.message, error.code
    elif isinstance(error, LeaseLost):
        message, code = "The worker was lost each time it tried; nothing is half done.", "worker_lost"
    else:
        message, code = "Something broke on our side; nothing is half done.", "internal_error"
    if connection.needs_rollback:
        return
    took = round((time.monotonic() - started) * 1000) if started is not None else None
    with transaction.atomic():
        mine = ImportRun.objects.filter(pk=run.pk, status=RunStatus.RUNNING, attempts=run.attempts)
        kept = mine.update(
            status=RunStatus.FAILED, leased_until=None, error=message, error_code=code, finished_at=at, duration_ms=took,
            updated_at=at,
        )  # fmt: skip
        if not kept or run.is_dry_run:
            return
        sheet = Spreadsheet.objects.select_for_update(no_key=True).get(pk=run.spreadsheet_id)
        sheet.status, sheet.last_error, sheet.last_error_code = SpreadsheetStatus.FAILED, message, code
        sheet.failures = min(sheet.failures + 1, 30)
        wait = min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2 ** min(sheet.failures - 1, 12))
        sheet.next_sync_at = at + wait
        sheet.save()
        if code == "google_credentials_revoked":
            GoogleAccount.objects.filter(pk=sheet.account_id).update(last_error=message, updated_at=at)
        run.refresh_from_db()
        _announce(run, sheet, at)


def _announce(run: ImportRun, sheet: Spreadsheet, at: datetime) -> None:
    """Every run leaves a `sheet.sync` in the trail, with its counts, and tells whoever listens."""
    run.refresh_from_db()
    organization = sheet.organization
    actor = Actor(organization, run.requested_by) if run.requested_by else system(organization)
    told = {"run": run.pk, "status": run.status, "counts": run.counts, "error": run.error_code}
    audit.record(actor=actor, action="sheet.sync", target=sheet, after=told, at=at)
    events.publish(
        SheetSynced(organization_id=organization.pk, spreadsheet_id=sheet.pk, run_id=run.pk, status=run.status)
    )
