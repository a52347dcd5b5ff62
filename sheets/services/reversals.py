"""Taking an import back: looked at first, then done by a worker in one transaction, once."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import F

from core import audit, jobs
from core.actors import Actor, system
from core.errors import DomainError, NotFound
from core.models import Deletion, Organization
from core.roles import Capability
from core.tenancy import acting_through
from sheets.errors import ImportNotRevertible, ImportRunning
from sheets.models import ImportReversal, ImportRun, Provider, ReversalKept, ReversalStatus, RunStatus, Spreadsheet
from sheets.reverting import Plan, Reverting
from sheets.services.access import try_lock
from sheets.tables import table_named

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 4
MOST_SHOWN = 200


def preview_reversal(*, actor: Actor, run: ImportRun) -> tuple[Plan, list[ReversalKept]]:
    """What a reversal would do: the counts, and the first MOST_SHOWN rows that would stay, with the reason.

    Raises ImportNotRevertible, NotFound.
    """
    actor.require(Capability.SHEETS_IMPORT)
    run = _imported(actor, run)
    with transaction.atomic():
        reverting = Reverting(run, table_named(run.spreadsheet.table))
        plan = reverting.plan(lock=False)
        kept = reverting.kept(MOST_SHOWN)
        reverting.close()
    return plan, kept


@transaction.atomic
def request_reversal(*, actor: Actor, run: ImportRun, at: datetime) -> ImportReversal:
    """Hand the reversal to a worker. One that failed may be asked for again. Raises ImportNotRevertible, NotFound."""
    actor.require(Capability.SHEETS_IMPORT)
    run = _imported(actor, run)
    again = ImportReversal.objects.filter(run=run, status=ReversalStatus.FAILED).update(
        status=ReversalStatus.QUEUED, attempts=0, error="", error_code="", requested_by=actor.membership, updated_at=at
    )
    if again:
        reversal: ImportReversal = ImportReversal.objects.get(run=run)
    else:
        try:
            with transaction.atomic():
                reversal = ImportReversal.objects.create(
                    organization=actor.organization, run=run, requested_by=actor.membership
                )
        except IntegrityError:
            raise ImportNotRevertible("This import is being taken back already.", status=run.status) from None
    audit.record(actor=actor, action="sheets.reversal_requested", target=run, at=at)
    jobs.enqueue("sheets.revert_import", organization_id=actor.organization.pk, run_id=run.pk)
    return reversal


def revert(*, organization: Organization, run_id: int, at: datetime) -> ImportReversal | None:
    """Take a queued import back, in one transaction. None when somebody else does, or it is done: twice is harmless."""
    claimed = ImportReversal.objects.filter(
        organization=organization, run_id=run_id, status=ReversalStatus.QUEUED
    ).update(status=ReversalStatus.RUNNING, leased_until=at + LEASE, attempts=F("attempts") + 1, updated_at=at)
    if not claimed:
        return None
    reversal: ImportReversal = ImportReversal.objects.select_related("run__spreadsheet", "requested_by__user").get(
        run_id=run_id
    )
    actor = Actor(organization, reversal.requested_by) if reversal.requested_by else system(organization)
    try:
        through = f"reversal:{reversal.run.spreadsheet_id}/run:{run_id}"
        with transaction.atomic(), acting_through(through, membership_id=reversal.requested_by_id):
            _carry_out(actor, reversal, at)
    except ImportRunning:
        # Another import of this house is on its way: ours waits for the sweeper.
        ImportReversal.objects.filter(pk=reversal.pk).update(status=ReversalStatus.QUEUED, leased_until=None)
        return None
    except BaseException as error:
        known = isinstance(error, DomainError)
        message = error.message if isinstance(error, DomainError) else "Something broke on our side."
        if not connection.needs_rollback:
            ImportReversal.objects.filter(pk=reversal.pk).update(
                status=ReversalStatus.FAILED, leased_until=None, error=f"{message} Nothing was taken back.",
                error_code=error.code if isinstance(error, DomainError) else "internal_error", updated_at=at,
            )  # fmt: skip
        if not known:
            raise
        reversal.refresh_from_db()
    return reversal


def sweep_reversals(*, organization: Organization, at: datetime) -> int:
    """Find reversals whose nudge or whose worker was lost; returns how many were started again."""
    rows = ImportReversal.objects.filter(organization=organization)
    lost = rows.filter(status=ReversalStatus.RUNNING, leased_until__lt=at)
    if lost.exists():
        with transaction.atomic():
            if try_lock(organization):
                lost.filter(attempts__gte=MOST_ATTEMPTS).update(
                    status=ReversalStatus.FAILED, leased_until=None, error_code="worker_lost",
                    error="The worker was lost each time it tried. Nothing was taken back; ask for support.",
                )  # fmt: skip
                lost.update(status=ReversalStatus.QUEUED, leased_until=None, updated_at=at - LEASE)
    waiting = rows.filter(status=ReversalStatus.QUEUED, updated_at__lt=at - LEASE / 2)
    again = list(waiting.values_list("run_id", flat=True))
    for run_id in again:
        jobs.enqueue("sheets.revert_import", organization_id=organization.pk, run_id=run_id)
    return len(again)


def _carry_out(actor: Actor, reversal: ImportReversal, at: datetime) -> None:
    """Raises ImportRunning when an import of this organisation has not finished, and ImportNotRevertible."""
    organization, run = actor.organization, reversal.run
    if not try_lock(organization):
        raise ImportRunning("Another import of this organisation is running: try again when it has finished.")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off; SET LOCAL work_mem = '64MB'")
    if not ImportRun.objects.filter(pk=run.pk, status=RunStatus.DONE).update(status=RunStatus.REVERTED, updated_at=at):
        raise ImportNotRevertible("This import is not there to be taken back.")
    reverting = Reverting(run, table_named(run.spreadsheet.table))
    plan = reverting.plan(lock=True)
    deletion = Deletion.objects.create(
        organization=organization,
        user=actor.user,
        target_type=run._meta.label_lower,
        target_id=run.pk,
        label=f"Import of {run.file_name}"[:200],
        hidden_count=reverting.hidden(),
        at=at,
    )
    taken = reverting.carry_out(deletion_id=deletion.pk, at=at)
    kept = reverting.kept()
    for row in kept:
        row.reversal = reversal
    ReversalKept.objects.bulk_create(kept, batch_size=5000)
    reverting.close()
    reversal.counts = plan.counts | {"kept": plan.kept | taken}
    reversal.status, reversal.deletion, reversal.stamp = ReversalStatus.DONE, deletion, at
    reversal.leased_until, reversal.finished_at = None, at
    reversal.save()
    # Else the next sync would bring in again what was just taken back.
    Spreadsheet.objects.filter(pk=run.spreadsheet_id, provider=Provider.GOOGLE).update(
        is_paused=True, digest=b"", updated_at=at
    )
    audit.record(actor=actor, action="sheets.import_reverted", target=run, after=reversal.counts, at=at)


def _imported(actor: Actor, run: ImportRun) -> ImportRun:
    found: ImportRun | None = (
        ImportRun.objects.visible_to(actor).select_related("spreadsheet", "organization").filter(pk=run.pk).first()
    )
    if found is None:
        raise NotFound("There is no such import here.")
    if found.status == RunStatus.REVERTED:
        raise ImportNotRevertible(f"This {found.noun} was taken back already.", status=found.status)
    if found.status != RunStatus.DONE:
        raise ImportNotRevertible(
            f"This {found.noun} is {found.status_label.lower()}: only what it brought in can be taken back.",
            status=found.status,
        )
    return found
