"""One sync from its claim to its outcome. Killed at any point, the next one ends in the same state.

Three parts, and no transaction open while Google is asked: read the sheet; merge in one transaction; write into the
sheet, and keep what stands there now as agreed. What was written but not kept is found to agree by the next sync.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import orjson
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from core import audit, events, jobs
from core.actors import Actor, system
from core.errors import DomainError
from core.models import Organization
from core.tenancy import acting_through
from sheets import mapping, progress
from sheets.errors import ImportRunning, ImportStopped, RowsGone
from sheets.events import SheetSynced
from sheets.google import GoogleSheets
from sheets.models import (
    CellChange,
    Conflict,
    GoogleAccount,
    ImportRun,
    RowLink,
    RunStatus,
    Spreadsheet,
    SpreadsheetStatus,
)
from sheets.services.access import try_lock
from sheets.staging import Job
from sheets.sync.merging import Clash, Decided, LinkedStaging, Merged
from sheets.sync.reading import Reader, Sheet
from sheets.sync.requests import KIND
from sheets.sync.writing import Outcome, Writer
from sheets.tables import WARNING, Issue, Run, table_named

LEASE = timedelta(minutes=5)
MOST_ATTEMPTS = 4
KEPT_CHANGES = 20_000
# So many rows may disappear at once without anybody being asked.
FEW = 20
SHARE = 0.2
FIRST_BACK_OFF = timedelta(minutes=1)
LONGEST_BACK_OFF = timedelta(hours=6)


class LeaseLost(Exception):
    """Somebody else has this run now: nothing more is ours to do."""


def perform(*, organization: Organization, run_id: int, at: datetime) -> ImportRun | None:
    """Do one queued sync. None when somebody else has it, or it is done: twice is harmless."""
    runs = ImportRun.objects.filter(organization=organization, pk=run_id, kind=KIND)
    claimed = runs.filter(status=RunStatus.QUEUED).update(
        status=RunStatus.RUNNING, leased_until=at + LEASE, started_at=at, attempts=F("attempts") + 1, updated_at=at
    )
    if not claimed:
        return None
    run: ImportRun = runs.select_related("spreadsheet__account", "requested_by__user").get()
    if not run.is_dry_run:
        Spreadsheet.objects.filter(pk=run.spreadsheet_id).update(status=SpreadsheetStatus.SYNCING, updated_at=at)
    started = time.monotonic()
    try:
        _Sync(organization, run, at).perform()
    except LeaseLost:
        return None
    except ImportRunning:
        # An import of this house is on its way: ours waits for the sweeper.
        runs.update(status=RunStatus.QUEUED, leased_until=None, updated_at=at)
        return None
    except ImportStopped:
        _end(run, at, started, status=RunStatus.CANCELLED)
    except BaseException as error:
        _fail(run, error, at, started)
        if not isinstance(error, DomainError):
            raise
    else:
        _end(run, at, started, status=RunStatus.PREVIEWED if run.is_dry_run else RunStatus.DONE)
    run.refresh_from_db()
    return run


def sweep(*, organization: Organization, at: datetime) -> int:
    """Find syncs whose nudge or whose worker was lost; returns how many were started again."""
    runs = ImportRun.objects.filter(organization=organization, kind=KIND)
    lost = runs.filter(status=RunStatus.RUNNING, leased_until__lt=at)
    for run in lost.filter(attempts__gte=MOST_ATTEMPTS):
        _fail(run, LeaseLost(), at, None)
    lost.update(status=RunStatus.QUEUED, leased_until=None, updated_at=at - LEASE)
    waiting = Q(status=RunStatus.QUEUED, updated_at__lt=at - timedelta(seconds=30))
    again = list(runs.filter(waiting).order_by("pk").values_list("pk", flat=True))
    for run_id in again:
        jobs.enqueue("sheets.sync", organization_id=organization.pk, run_id=run_id)
    return len(again)


class _Sync:
    def __init__(self, organization: Organization, run: ImportRun, at: datetime) -> None:
        self.organization = organization
        self.run = run
        self.sheet: Spreadsheet = run.spreadsheet
        self.at = at
        self.table = table_named(self.sheet.table)
        self.google = GoogleSheets(self.sheet.account.key)

    def perform(self) -> None:
        sheet, run = self.sheet, self.run
        mapping.plan(sheet.mapping, sheet.header, self.table)
        reader = Reader(self.google, sheet, alive=self.stay)
        found = reader.read(dry_run=run.is_dry_run, unless=b"" if run.is_dry_run else bytes(sheet.digest))
        if found.is_unchanged:
            if self._rests():
                return
            found = reader.read(dry_run=False)
        with transaction.atomic(), acting_through(self.source, membership_id=run.requested_by_id):
            merged = self._merge(found)
            if run.is_dry_run:
                transaction.set_rollback(True)
            else:
                self._keep(found, merged)
        if run.is_dry_run:
            with transaction.atomic():
                self._tell(merged)
            return
        if merged.writes:
            outcome = self._write(found, merged)
            with transaction.atomic():
                self._confirm(outcome, merged)

    @property
    def source(self) -> str:
        return f"sheet:{self.sheet.pk}/run:{self.run.pk}"

    def stay(self) -> None:
        """Renew the lease. Raises LeaseLost when another worker has the run, ImportStopped when somebody stopped it."""
        now = timezone.now()
        mine = ImportRun.objects.filter(pk=self.run.pk, status=RunStatus.RUNNING, attempts=self.run.attempts)
        if not mine.update(leased_until=now + LEASE, updated_at=now):
            raise LeaseLost
        if mine.filter(stop_requested_at__isnull=False).exists():
            raise ImportStopped("Somebody stopped this sync.")

    def _rests(self) -> bool:
        """Whether nothing is to be done: the sheet is as it was, so is everything here, and nobody decided anything."""
        sheet, run = self.sheet, self.run
        assert self.table.linked is not None  # noqa: S101 - only such tables can be linked
        with transaction.atomic(), acting_through(self.source, membership_id=run.requested_by_id):
            importer = self.table.linked(
                Run(
                    self.organization.pk, self.organization.country, self.organization.currency,
                    sheet.mapping.get("options", {}), self.source, lambda issue: None,
                )
            )  # fmt: skip
            importer.relink(sheet.pk)
            if importer.touched(sheet.pk) or self._in_conflict():
                return False
            # What was wrong with its rows is so still, and stands with the run that looked at them.
            last = sheet.runs.filter(kind=KIND, status=RunStatus.DONE, is_dry_run=False).order_by("-pk").first()
            before = last.counts if last else {}
            run.counts = dict.fromkeys(("new", "changed", "conflicts", "gone", "written"), 0)
            run.counts |= {name: before.get(name, 0) for name in ("read", "errors", "warnings", "skipped")}
            run.counts["unchanged"] = sheet.links.filter(gone_at__isnull=True).count()
            if last:
                run.counts["same_as"] = before.get("same_as", last.pk)
            run.save(update_fields=["counts", "updated_at"])
        return True

    def _merge(self, found: Sheet) -> Merged:
        if not try_lock(self.organization):
            raise ImportRunning("An import of this organisation is running: the sync follows it.")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL jit = off; SET LOCAL work_mem = '64MB'; SET LOCAL temp_buffers = '64MB'")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '10min'")
        plan = mapping.plan(self.sheet.mapping, self.sheet.header, self.table)
        plan = mapping.placed(plan, found.positions)
        job = Job(
            organization_id=self.organization.pk,
            region=self.organization.country,
            currency=self.organization.currency,
            spreadsheet_id=self.sheet.pk,
            run_id=self.run.pk,
            table=self.table,
            plan=plan,
            header_row=self.sheet.header_row,
            source=f"sheet:{self.sheet.pk}",
            at=self.at,
        )
        staging = LinkedStaging(job, directions=self.sheet.directions, in_conflict=self._in_conflict(), keys=found.keys)
        staging.take_lines(found.lines(), lambda row: progress.report(self.run.pk, row, found.height))
        linked = len(staging.prints)
        most = None if self.run.accepts_missing else max(FEW, int(linked * SHARE))
        merged = staging.merge(most_missing=most)
        if most is not None and merged.gone > most and not self.run.is_dry_run:
            raise RowsGone(
                f"{merged.gone} of {merged.linked} rows are not in the sheet any more, and nothing was changed. If they are "
                "meant to be gone, sync once more and accept it; else bring them back with the sheet's version history.",
                gone=merged.gone,
                linked=merged.linked,
            )
        return merged

    def _in_conflict(self) -> dict[tuple[str, str], Decided]:
        waiting = Conflict.objects.filter(spreadsheet=self.sheet, settled_at__isnull=True)
        rows = waiting.values_list("link__row_key", "field", "resolution", "ours", "theirs")
        return {(key, field): Decided(resolution, ours, theirs) for key, field, resolution, ours, theirs in rows}

    def _keep(self, found: Sheet, merged: Merged) -> None:
        """Everything that the merge decided, in its transaction."""
        self._tell(merged)
        self._settle(merged.settled)
        self._clash(merged.clashes)
        sheet = self.sheet
        sheet.tab = found.tab.title[:200]
        sheet.digest = b"" if merged.writes or merged.clashes else found.digest
        new = [name for name in found.header if name not in sheet.header]
        if new:
            sheet.header = [*sheet.header, *new]
            sheet.mapping = mapping.checked({}, sheet.header, self.table, present=sheet.mapping)
        sheet.save(update_fields=["tab", "header", "mapping", "digest", "updated_at"])

    def _tell(self, merged: Merged) -> None:
        """The readable difference, and what is wrong with the rows: of a dry run as well."""
        run = self.run
        run.errors.all().delete()
        run.cells.all().delete()
        merged.result.issues.keep(organization_id=run.organization_id, run_id=run.pk, at=self.at)
        CellChange.objects.bulk_create(
            [
                CellChange(
                    organization=self.organization, run=run, row=row, row_key=key, side=side, field=name, column=column,
                    before=before, after=after,
                )
                for row, key, side, name, column, before, after in merged.changes[:KEPT_CHANGES]
            ],
            batch_size=2000,
        )  # fmt: skip
        run.counts, run.samples = merged.result.counts, merged.result.samples
        run.save(update_fields=["counts", "samples", "updated_at"])

    def _settle(self, cells: list[tuple[str, str]]) -> None:
        for key, name in cells:
            Conflict.objects.filter(
                spreadsheet=self.sheet, link__row_key=key, field=name, settled_at__isnull=True
            ).update(settled_at=self.at, updated_at=self.at)

    def _clash(self, clashes: list[Clash]) -> None:
        """One open conflict a cell: known ones follow what both sides say now, and a decision of before is asked anew."""
        keys = [clash.row_key for clash in clashes]
        links = dict(RowLink.objects.filter(spreadsheet=self.sheet, row_key__in=keys).values_list("row_key", "pk"))
        open_ = Conflict.objects.filter(spreadsheet=self.sheet, settled_at__isnull=True, link__in=links.values())
        known = {(conflict.link_id, conflict.field): conflict for conflict in open_}
        for clash in clashes:
            link = links[clash.row_key]
            conflict = known.get((link, clash.step.name)) or Conflict(
                organization=self.organization, spreadsheet=self.sheet, link_id=link, run=self.run,
                field=clash.step.name, column=clash.step.header, base=clash.base,
            )  # fmt: skip
            if (conflict.ours, conflict.theirs) != (clash.ours, clash.theirs):
                conflict.ours, conflict.theirs = clash.ours, clash.theirs
                conflict.resolution, conflict.resolved_by, conflict.resolved_at = "", None, None
            conflict.row = clash.row
            conflict.save()

    def _write(self, found: Sheet, merged: Merged) -> Outcome:
        numeric = frozenset(field.name for field in self.table.fields if field.numeric)
        writer = Writer(
            self.google, self.sheet.document_id, found, self.sheet.header_row + 1, numeric=numeric, alive=self.stay
        )
        return writer.write(merged.writes)

    def _confirm(self, outcome: Outcome, merged: Merged) -> None:
        """What stands in the sheet now is what both agree on."""
        agreed: dict[str, dict[str, str]] = {}
        for write in outcome.done:
            agreed.setdefault(write.row_key, {})[write.step.name] = write.text
        waiting = {clash.row_key for clash in merged.clashes}
        waiting |= {write.row_key for write in [*outcome.others, *outcome.formulas]}
        with connection.cursor() as cursor:
            for key, cells in agreed.items():
                cursor.execute(
                    _CONFIRM, [_json(cells), _json(cells), key not in waiting, self.organization.pk, self.sheet.pk, key]
                )
        self._settle([(write.row_key, write.step.name) for write in outcome.done])
        for write in outcome.formulas:
            message = f"The cell is a formula and was left alone; Majlis has {write.text!r}."
            merged.result.issues.add(
                Issue(write.row, WARNING, "cell_is_formula", message, write.step.name, write.theirs)
            )
        for write in outcome.others:
            message = "The cell was changed while we were writing: the next sync looks at it again."
            merged.result.issues.add(Issue(write.row, WARNING, "cell_moved", message, write.step.name, write.theirs))
        run = self.run
        if outcome.formulas or outcome.others:
            run.errors.all().delete()
            merged.result.issues.keep(organization_id=run.organization_id, run_id=run.pk, at=self.at)
        run.counts |= {"written": len(outcome.done), "warnings": merged.result.issues.severities[WARNING]}
        run.save(update_fields=["counts", "updated_at"])


def _end(run: ImportRun, at: datetime, started: float, *, status: str) -> None:
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


def _fail(run: ImportRun, error: BaseException, at: datetime, started: float | None) -> None:
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


def _json(cells: dict[str, str]) -> str:
    return orjson.dumps(cells).decode()


_CONFIRM = """
    UPDATE sheets_rowlink SET base = base || %s::jsonb, app = app || %s::jsonb,
           agreed_at = CASE WHEN %s THEN now() ELSE agreed_at END
     WHERE organization_id = %s AND spreadsheet_id = %s AND row_key = %s
"""
