"""Asking for a sync: now, dry, or by the clock. The row is the queue: one run of a sheet at a time (a constraint)."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from core import audit, jobs
from core.actors import Actor, system
from core.models import Organization
from core.roles import Capability
from sheets import mapping
from sheets.errors import SyncUnderWay
from sheets.models import ImportRun, RunStatus, Spreadsheet, Trigger
from sheets.sync.linking import linked
from sheets.tables import table_named

KIND = "google"


@transaction.atomic
def request_sync(
    *,
    actor: Actor,
    spreadsheet: Spreadsheet,
    at: datetime,
    trigger: str = Trigger.MANUAL,
    dry_run: bool = False,
    accept_missing: bool = False,
    if_idle: bool = False,
) -> ImportRun | None:
    """Queue one sync of a linked sheet; a worker does it. `dry_run` says what it would do, and does none of it.

    `accept_missing`: somebody looked, and the rows that are gone are meant to be gone. Raises SyncUnderWay (with
    `if_idle` the answer is None instead), MappingEmpty, MappingIncomplete, NotLinked, NotFound.
    """
    actor.require(Capability.SHEETS_IMPORT)
    sheet = linked(actor, spreadsheet)
    if trigger == Trigger.MANUAL:  # by the clock, what is wrong with the mapping is told by the run
        mapping.plan(sheet.mapping, sheet.header, table_named(sheet.table))
    run = ImportRun(
        organization=actor.organization,
        spreadsheet=sheet,
        trigger=trigger,
        kind=KIND,
        file_name=sheet.name,
        tab=sheet.tab,
        header_row=sheet.header_row,
        mapping=sheet.mapping,
        status=RunStatus.QUEUED,
        is_dry_run=dry_run,
        accepts_missing=accept_missing,
        requested_by=actor.membership,
    )
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError:
        if if_idle:
            return None
        raise SyncUnderWay("This sheet is being synced right now: wait until it has finished.") from None
    if trigger == Trigger.MANUAL:
        after = {"dry_run": dry_run, "accept_missing": accept_missing}
        audit.record(actor=actor, action="sheets.sync_requested", target=sheet, after=after, at=at)
    jobs.enqueue("sheets.sync", organization_id=actor.organization.pk, run_id=run.pk)
    return run


def request_due(*, organization: Organization, at: datetime) -> int:
    """Queue every sheet that is due, oldest first; two schedulers queue it once. Returns how many."""
    actor, count = system(organization), 0
    for sheet in Spreadsheet.objects.filter(organization=organization).due(at):
        run = request_sync(actor=actor, spreadsheet=sheet, at=at, trigger=Trigger.SCHEDULE, if_idle=True)
        count += run is not None
    return count
